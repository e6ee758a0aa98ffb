"""A desk in small: a paper venue in a folder, a journal on disk, a token, a sealed permit."""

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from desired_state.canonical import digest
from desired_state.errors import Finding, Stalled, finding
from desired_state.reasons import Reason
from desired_state.values import instant_text
from layers.adapters.paper_cancels import PaperCancels
from layers.adapters.paper_entry import PaperEntry
from layers.adapters.paper_queries import PaperQueries
from layers.l6_execution.books import Books
from layers.l6_execution.client_ids import client_order_id
from layers.l6_execution.door import Door
from layers.l6_execution.execution import Execution
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.terms import Propagation
from layers.market import Bar, Provenance
from layers.orders import Intent, OrderRequest, Permit, Purpose, Side, TimeInForce, VenueAnswer
from layers.paper_venue.spot_rules import BTC_USDT
from layers.paper_venue.terms import MarketModel
from layers.paper_venue.venue import PaperVenue
from layers.permits import PermitFields, request_digest, seal
from layers.ports import JournalEntry
from tests.fakes.standing import Standing

START = datetime(2020, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = b"k" * 32
SYMBOL = "BTC/USDT"
FUNDS = {"USDT": Decimal(10_000), "BTC": Decimal(1)}

Wrap = Callable[[Any], Any]


def bar(
    index: int,
    opened: str = "100",
    high: str = "110",
    low: str = "90",
    close: str = "105",
    volume: str = "1000",
) -> Bar:
    prices = (Decimal(text) for text in (opened, high, low, close))
    return Bar(SYMBOL, START + index * HOUR, HOUR, *prices, Decimal(volume))


def make_venue(
    folder: Path | str, funds: dict[str, Decimal] | None = None, **model: object
) -> PaperVenue:
    values = {"seed": 7, "provenance": Provenance.SYNTHETIC, **model}
    return PaperVenue.create(
        Path(folder) / "venue.db",
        clock=START,
        model=MarketModel(**values),
        rules=(BTC_USDT,),
        balances=FUNDS if funds is None else funds,
    )


def request(
    name: object,
    side: Side = Side.BUY,
    price: str = "95",
    quantity: str = "1",
    tif: TimeInForce = TimeInForce.GTC,
) -> OrderRequest:
    return OrderRequest(
        venue="paper",
        account="main",
        symbol=SYMBOL,
        side=side,
        time_in_force=tif,
        quantity=quantity,
        price=price,
        client_order_id=client_order_id(intent_id(name), 0),
    )


def intent_id(name: object) -> str:
    return "I-" + digest(str(name))[7:23]


def intent(name: object, at: datetime = START, **terms: str) -> Intent:
    return Intent(
        intent_id=intent_id(name),
        plan="plan",
        hypothesis="h",
        purpose=Purpose.ENTRY,
        request=request(name, **terms),
        created_at=at,
        expires_at=at + HOUR,
    )


class FileJournal:
    """One JSON line an entry, fsynced; refuses once ``full`` is set, like a full disk."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.full = False

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        if self.full:
            raise Stalled(Reason.JOURNAL, "journal", "no space left")
        sequence = sum(1 for _ in self.entries()) + 1
        line = json.dumps({"n": sequence, "kind": kind, "body": body, "at": instant_text(at)})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        return sequence

    def entries(self) -> Iterator[JournalEntry]:
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            found = json.loads(line)
            at = datetime.fromisoformat(found["at"])
            yield JournalEntry(found["n"], found["kind"], found["body"], at)


class FileToken:
    """The watcher's token as the door sees it: eight bytes or nothing leaves."""

    TEXT = b"armed!!\n"

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.write_bytes(self.TEXT)

    def check(self) -> Finding | None:
        try:
            found = self.path.read_bytes()
        except OSError as fault:
            return finding(Reason.KILL_LATCHED, "token", f"{type(fault).__name__}")
        return None if found == self.TEXT else finding(Reason.KILL_LATCHED, "token", "short")


class FaultAt:
    """Wraps a port; ``fault`` runs before or after the ``nth`` call of ``method``."""

    def __init__(
        self,
        inner: Any,  # noqa: ANN401
        method: str,
        nth: int,
        fault: Callable[[], object],
        *,
        after: bool = False,
    ) -> None:
        self._inner, self._method, self._nth = inner, method, nth
        self._fault, self._after, self._calls = fault, after, 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        call = getattr(self._inner, name)
        if name != self._method:
            return call

        def faulty(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            self._calls += 1
            hit = self._calls == self._nth
            if hit and not self._after:
                self._fault()
            result = call(*args, **kwargs)
            if hit and self._after:
                self._fault()
            return result

        return faulty


class Desk:
    """Everything wired over one folder; making it again over the same folder is a restart."""

    def __init__(
        self,
        folder: Path | str,
        *,
        entry: Wrap | None = None,
        journal: Wrap | None = None,
        cancels: Wrap | None = None,
        travels: bool = False,
        epoch: int = 1,
    ) -> None:
        folder = Path(folder)
        self.venue = PaperVenue(folder / "venue.db")
        self.disk = FileJournal(folder / "journal.jsonl")
        self.token = FileToken(folder / "token")
        self.wall = datetime(2026, 1, 1, tzinfo=UTC)
        self.queries = PaperQueries(self.venue)
        self.cancels = (cancels or (lambda inner: inner))(PaperCancels(self.venue, travels=travels))
        wrap_journal = journal or (lambda inner: inner)
        wrap_entry = entry or (lambda inner: inner)
        self.standing = Standing(digest("verdict"))
        self.ledger = Ledger(wrap_journal(self.disk), Books.rebuilt(self.disk.entries()))
        self.door = Door(
            entry=wrap_entry(PaperEntry(self.venue)),
            armed=self.token,
            seal_key=KEY,
            epoch=epoch,
            ledger=self.ledger,
            wall_clock=lambda: self.wall,
            verdicts=self.standing,
        )
        self.execution = Execution(
            self.door, self.cancels, self.queries, self.ledger, Propagation(timedelta(seconds=1))
        )
        self._nonces = itertools.count(1)
        self.epoch = epoch

    @property
    def books(self) -> Books:
        return self.ledger.books

    def permit(self, order: OrderRequest, **changes: object) -> Permit:
        fields = {
            "request": request_digest(order),
            "verdict": digest("verdict"),
            "epoch": self.epoch,
            "nonce": next(self._nonces),
            "expires_at": self.wall + timedelta(seconds=5),
            **changes,
        }
        return seal(PermitFields(**fields), KEY)

    def send(self, decided: Intent) -> VenueAnswer:
        return self.execution.send(decided, self.permit(decided.request))

    def settle(self, at: datetime = START) -> None:
        """Look up until nothing is unknown, the wall clock moving on between the look-ups."""
        while self.execution.resolve(at, self.wall):
            self.wall += timedelta(seconds=1)
