"""The local exchange's own disk: one SQLite file that outlives its server.

WAL with ``synchronous=NORMAL``: what was acknowledged has been handed to the operating system
before the answer leaves, so it survives ``kill -9``; power loss may take the last transactions.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.local_exchange.exchange import Exchange, new_exchange
from layers.local_exchange.rows import (
    FILL,
    ORDER,
    ORDERS,
    PURSE,
    TRADE,
    counters,
    crowd_of,
    rebuilt,
    rest_again,
)
from layers.local_exchange.tape import KEPT_TRADES
from layers.local_exchange.terms import ExchangeTerms

_RETRY: Final = timedelta(seconds=5)
_PATIENCE_S: Final = 1.0
_FORMAT: Final = "2"
_SCHEMA: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    "CREATE TABLE purses (account TEXT, asset TEXT, body TEXT NOT NULL,"
    " PRIMARY KEY (account, asset))",
    "CREATE TABLE crowds (symbol TEXT PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE orders (symbol TEXT, number INTEGER, sequence INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (symbol, number))",
    "CREATE TABLE fills (place INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE trades (symbol TEXT, number INTEGER, body TEXT NOT NULL,"
    " PRIMARY KEY (symbol, number))",
)
_FAULTS: Final = (sqlite3.Error, OSError, ValueError, LookupError)


class ExchangeStore:
    """One file. Every fault leaves as ``Waiting(VENUE_UNREACHABLE)``."""

    def __init__(self, path: Path) -> None:
        """The file is made where it is not there yet; one process at a time has it."""
        self._path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
            try:
                # two servers on one file would each answer from a memory of their own
                self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=NORMAL")
            except sqlite3.Error:
                self._connection.close()
                raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def open(self, terms: ExchangeTerms, start_ms: int, recording: str) -> Exchange:
        """The exchange in the file, or a new one that starts at ``start_ms``.

        ``recording`` names the market that it replays; it and the terms stay as they were when
        the file was made.
        """
        with self._writing() as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name='meta'").fetchone():
                for statement in _SCHEMA:
                    db.execute(statement)
                exchange = new_exchange(terms, start_ms)
                self._found(db, exchange, recording)
                return exchange
            meta = dict(db.execute("SELECT key, value FROM meta"))
            if meta.get("format") != _FORMAT:
                raise ValueError(f"expected exchange format {_FORMAT}, found {meta.get('format')}")
            if (meta["recording"], meta["terms"]) != (recording, terms.model_dump_json()):
                raise ValueError("it was made with other prices, pace, seed or terms")
            return _load(db, terms)

    def start_ms(self) -> int:
        """The instant from which the recording is dated."""
        with self._told():
            row = self._connection.execute("SELECT value FROM meta WHERE key='start'").fetchone()
            return int(row[0])

    def date(self, start_ms: int) -> None:
        """Date the recording from another instant."""
        with self._writing() as db:
            db.execute("UPDATE meta SET value=? WHERE key='start'", (str(start_ms),))

    def save(self, exchange: Exchange) -> None:
        """Keep what changed, all of it or nothing."""
        with self._writing() as db:
            _write(db, exchange)
        exchange.changed_orders.clear()
        exchange.changed_crowds.clear()
        exchange.fresh_fills.clear()
        exchange.purses.changed.clear()
        for tape in exchange.tapes.values():
            tape.fresh.clear()

    def replace(self, exchange: Exchange) -> None:
        """Keep ``exchange`` and nothing of what was before: the venue has been wiped."""
        with self._writing() as db:
            for table in ("counters", "purses", "crowds", "orders", "fills", "trades"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608  (names of our own tables)
            exchange.purses.changed.update(exchange.purses.of)
            _write(db, exchange)

    def _found(self, db: sqlite3.Connection, exchange: Exchange, recording: str) -> None:
        rows = [
            ("format", _FORMAT),
            ("terms", exchange.terms.model_dump_json()),
            ("start", str(exchange.now_ms)),
            ("recording", recording),
        ]
        db.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        _write(db, exchange)

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection, None, None]:
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _told(self) -> Generator[None, None, None]:
        try:
            yield
        except _FAULTS as error:
            text = f"the exchange's store cannot be used: {error}"
            raise Waiting(
                Reason.VENUE_UNREACHABLE, self._path.name, text, retry_after=_RETRY
            ) from error


def _write(db: sqlite3.Connection, exchange: Exchange) -> None:
    db.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", counters(exchange).items())
    purses = exchange.purses
    db.executemany(
        "INSERT OR REPLACE INTO purses VALUES (?, ?, ?)",
        [(*key, PURSE.dump_json(purses.of[key]).decode()) for key in sorted(purses.changed)],
    )
    db.executemany(
        "INSERT OR REPLACE INTO crowds VALUES (?, ?)",
        [(symbol, crowd_of(exchange, symbol)) for symbol in sorted(exchange.changed_crowds)],
    )
    db.executemany(
        "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)",
        [
            (*place, order.sequence, ORDER.dump_json(order).decode())
            for place, order in exchange.changed_orders.items()
        ],
    )
    db.executemany(
        "INSERT INTO fills (body) VALUES (?)",
        [(FILL.dump_json(fill).decode(),) for fill in exchange.fresh_fills],
    )
    db.executemany(
        "INSERT INTO trades VALUES (?, ?, ?)",
        [
            (symbol, trade.number, TRADE.dump_json(trade).decode())
            for symbol, tape in exchange.tapes.items()
            for trade in tape.fresh
        ],
    )


def _load(db: sqlite3.Connection, terms: ExchangeTerms) -> Exchange:
    oldest_first = "SELECT body FROM orders ORDER BY sequence"
    exchange = rebuilt(
        terms,
        dict(db.execute("SELECT name, value FROM counters")),
        [ORDER.validate_json(b) for (b,) in db.execute(oldest_first)],
        [FILL.validate_json(b) for (b,) in db.execute("SELECT body FROM fills ORDER BY place")],
    )
    for account, asset, body in db.execute("SELECT account, asset, body FROM purses"):
        exchange.purses.of[account, asset] = PURSE.validate_json(body)
    crowd = [o for (b,) in db.execute("SELECT body FROM crowds") for o in ORDERS.validate_json(b)]
    rest_again(exchange, crowd)
    last = "SELECT body FROM trades WHERE symbol=? ORDER BY number DESC LIMIT ?"
    for symbol, tape in exchange.tapes.items():
        kept = [TRADE.validate_json(b) for (b,) in db.execute(last, (symbol, KEPT_TRADES))]
        for trade in reversed(kept):
            tape.recall(trade)
    return exchange
