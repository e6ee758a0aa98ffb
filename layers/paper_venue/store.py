"""The venue's own disk: one SQLite file, shared by processes through short transactions.

WAL with ``synchronous=NORMAL``: what was acknowledged has been written to the operating system, so
it survives ``kill -9`` of any process. Power loss may take the last transactions; a paper venue
may lose those, our journal (which is fsynced) may not.
"""

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from desired_state.errors import Waiting
from desired_state.reasons import Reason

FORMAT: Final = 1
SCHEMA: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE rules (symbol TEXT PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE balances (currency TEXT PRIMARY KEY, free TEXT NOT NULL, locked TEXT NOT NULL)",
    "CREATE TABLE markets (symbol TEXT PRIMARY KEY, as_of INTEGER NOT NULL,"
    " interval INTEGER NOT NULL, last_price TEXT NOT NULL, bids TEXT NOT NULL, asks TEXT NOT NULL)",
    "CREATE TABLE orders (number INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL UNIQUE,"
    " symbol TEXT NOT NULL, side TEXT NOT NULL, time_in_force TEXT NOT NULL, price TEXT NOT NULL,"
    " quantity TEXT NOT NULL, filled TEXT NOT NULL, status TEXT NOT NULL,"
    " effective_at INTEGER NOT NULL, cancel_at INTEGER, queue_ahead TEXT NOT NULL,"
    " updated_at INTEGER NOT NULL, reason TEXT NOT NULL)",
    "CREATE INDEX live ON orders (number)"
    " WHERE status IN ('submitted', 'open', 'partially_filled')",
    "CREATE TABLE fills (fill_id TEXT PRIMARY KEY, client_order_id TEXT NOT NULL,"
    " symbol TEXT NOT NULL, side TEXT NOT NULL, price TEXT NOT NULL, quantity TEXT NOT NULL,"
    " fee TEXT NOT NULL, fee_currency TEXT NOT NULL, maker INTEGER NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX fill_times ON fills (symbol, at)",
)
# What a damaged, missing, locked or foreign file raises when it is read or parsed.
FAULTS: Final = (sqlite3.Error, OSError, ValueError, ArithmeticError, LookupError)


class Store:
    """Transactions on one venue file. Every fault leaves as ``Waiting(VENUE_UNREACHABLE)``."""

    def __init__(self, path: Path, busy: timedelta) -> None:
        """``busy`` bounds the wait for another process's transaction."""
        self.path = path
        self._busy = busy
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection, None, None]:
        """A transaction that holds the venue's write lock from its first statement."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection, None, None]:
        """A consistent view that waits for no writer."""
        with self._transaction("BEGIN DEFERRED") as connection:
            yield connection

    def create(self, fill: Callable[[sqlite3.Connection], None]) -> None:
        """Make the file, whole or not at all; an existing file is a fault."""
        with _as_waiting(self.path):
            if self.path.exists():
                raise FileExistsError(f"{self.path.name} exists and is left as it is")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_name(self.path.name + ".new")
            draft.unlink(missing_ok=True)
            connection = sqlite3.connect(draft, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("BEGIN IMMEDIATE")
                for statement in SCHEMA:
                    connection.execute(statement)
                fill(connection)
                connection.execute("COMMIT")
            finally:
                connection.close()
            draft.rename(self.path)

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._identity = None

    @contextmanager
    def _transaction(self, begin: str) -> Generator[sqlite3.Connection, None, None]:
        with self._lock, _as_waiting(self.path):
            connection = self._open()
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection:
        """The connection to the file that stands at the path *now*: a deleted one is missed."""
        found = self.path.stat()
        identity = (found.st_dev, found.st_ino)
        if self._connection is not None and identity == self._identity:
            return self._connection
        self.close()
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA synchronous=NORMAL")
            row = connection.execute("SELECT value FROM meta WHERE key='format'").fetchone()
            if row is None or row[0] != str(FORMAT):
                raise ValueError(f"expected venue format {FORMAT}, found {row}")
        except FAULTS:
            connection.close()
            raise
        self._connection, self._identity = connection, identity
        return connection


@contextmanager
def _as_waiting(path: Path) -> Generator[None, None, None]:
    try:
        yield
    except FAULTS as fault:
        raise Waiting(
            Reason.VENUE_UNREACHABLE,
            f"paper venue {path.name}",
            f"the store could not be used: {type(fault).__name__}: {fault}",
            retry_after=timedelta(seconds=1),
        ) from fault
