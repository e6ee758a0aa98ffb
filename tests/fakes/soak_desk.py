"""L6 alone over ccxt's Binance and the local exchange: simple seeded intents, virtual time."""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

from desired_state.canonical import digest
from desired_state.errors import Finding, Waiting
from desired_state.values import StopClass, instant_text, parse_instant
from layers.adapters.binance_venue import BinanceVenue
from layers.binance.rows import MILLISECOND
from layers.binance.wipe import WipeSigns
from layers.l6_execution.books import Books
from layers.l6_execution.client_ids import client_order_id
from layers.l6_execution.door import Door
from layers.l6_execution.execution import Execution
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.reconciliation import ReconciliationReport
from layers.l6_execution.stops import stop_for
from layers.l6_execution.terms import Propagation
from layers.local_exchange.faults import RECOVERABLE, Fault, FaultKind, FaultPlan
from layers.local_exchange.rest import Asks
from layers.local_exchange.terms import DESK
from layers.market import EPOCH
from layers.orders import (
    Intent,
    OrderRequest,
    Permit,
    Purpose,
    Side,
    TimeInForce,
    VenueAnswer,
)
from layers.permits import PermitFields, request_digest, seal
from layers.ports import JournalEntry
from tests.fakes.binance_desk import PLACE, SYMBOL, rehearsed
from tests.fakes.exchange import Served, carried_bars, served
from tests.fakes.standing import Standing

KEY = b"k" * 32
WISHES = 45  # intents and cancels of a session
FILLS = 20  # at least
TICK = timedelta(milliseconds=500)
LATE = Propagation(timedelta(seconds=1), timedelta(seconds=5))  # recvWindow, as orders are signed
SHARE = Decimal("0.02")  # of all requests fails
AIMED = {
    FaultKind.DUPLICATE: (Asks.PLACE,),
    FaultKind.LOST_CANCEL: (Asks.CANCEL,),
    FaultKind.STALE_BOOK: (Asks.BOOK,),
    FaultKind.CROSSED_BOOK: (Asks.BOOK,),
}


def faults(seed: int, hold_ms: int = 300) -> FaultPlan:
    """Every fault that leaves the truth recoverable; together they strike 2 % of all requests."""
    anywhere = sorted(RECOVERABLE - set(AIMED))
    rules = [Fault(kind=kind, on=on, chance=SHARE) for kind, on in AIMED.items()]
    each = (SHARE / len(anywhere)).quantize(Decimal("0.00001"))
    rules += [Fault(kind=kind, chance=each, hold_ms=hold_ms) for kind in anywhere]
    return FaultPlan(seed=seed, faults=tuple(rules))


@dataclass
class LinesInMemory:
    """A journal as text lines; what is read comes from the text."""

    lines: list[str] = field(default_factory=list)

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        self.lines.append(json.dumps([kind, body, instant_text(at)]))
        return len(self.lines)

    def entries(self) -> Iterator[JournalEntry]:
        for number, line in enumerate(self.lines, 1):
            kind, body, at = json.loads(line)
            yield JournalEntry(number, kind, body, parse_instant(at))


class Armed:
    def check(self) -> Finding | None:
        return None


@dataclass
class SoakDesk:
    """One account; ``restart`` is what a crash leaves: the journal alone."""

    exchange: Served
    venue: BinanceVenue
    seed: int
    journal: LinesInMemory = field(default_factory=LinesInMemory)
    epoch: int = 0
    findings: list[Finding] = field(default_factory=list)
    sent: dict[str, VenueAnswer] = field(default_factory=dict)
    drawn: random.Random = field(init=False)
    execution: Execution = field(init=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _nonces: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.drawn = random.Random(self.seed)  # noqa: S311  (a seeded sequence is the point)
        self.restart()

    @property
    def now(self) -> datetime:
        return EPOCH + self.exchange.clock.now_ms * MILLISECOND

    @property
    def books(self) -> Books:
        return self.execution.books

    @property
    def stop(self) -> tuple[StopClass, Finding] | None:
        return stop_for(self.findings)

    def restart(self) -> None:
        if self.epoch:
            self.venue.close()
            self.venue = rehearsed(self.exchange)
        self.epoch += 1
        ledger = Ledger.rebuilt(self.journal)
        door = Door(
            self.venue.entry,
            Armed(),
            KEY,
            self.epoch,
            ledger,
            lambda: self.now,
            Standing(digest("v")),
        )
        self.execution = Execution(
            door, self.venue.cancels, self.venue.queries, ledger, LATE, self._signs
        )
        self.begin()

    @property
    def _signs(self) -> WipeSigns:
        return WipeSigns(self.venue.probe.standing)

    def begin(self) -> None:
        for _ in range(50):
            try:
                self.findings += self.execution.start(self.now, self.now)
            except Waiting:
                self.exchange.advance(TICK)
                continue
            break
        self.until(lambda: self.execution.is_ready)

    def until(self, done: Callable[[], bool], ticks: int = 240) -> None:
        for _ in range(ticks):
            if done() or self.stop:
                return
            self.tick()

    def until_distrusted(self, ticks: int = 240) -> None:
        """Until a stop of class integrity. An order that is being looked up may come before it:
        money that nothing explains keeps it from being proven absent, and G3 calls a person."""
        for _ in range(ticks):
            if self.stop and self.stop[0] is StopClass.INTEGRITY:
                return
            self.tick()

    def take_in(self) -> None:
        """A poll that was answered; the venue may have demanded a wait (BIN-13)."""
        for _ in range(50):
            try:
                self.execution.poll(self.now)
            except Waiting:
                self.exchange.advance(TICK)
                continue
            return

    def tick(self) -> None:
        self.exchange.advance(TICK)
        self.findings += self.execution.tick(self.now, self.now)

    # --- what it trades ------------------------------------------------------------------------
    def trade(self, wishes: int, fills: int = 0) -> None:
        """Seeded intents, cancels and one restart; ends early at a stop, late for want of fills."""
        crash_at = self.drawn.randrange(wishes)
        for number in range(10 * wishes):
            if number >= wishes and len(self.books.fills) >= fills:
                return
            self.act()
            for _ in range(self.drawn.randrange(2, 8)):
                self.tick()
            if number == crash_at:
                self.restart()
            if self.stop:
                return

    def act(self) -> None:
        try:
            book = self.venue.queries.book(SYMBOL)
        except Waiting:
            return
        if book is None or not book.bids or not book.asks:
            return
        resting = [n for n in self.books.working if n not in self.books.unproven]
        if resting and self.drawn.random() < 0.25:
            self.execution.cancel(SYMBOL, self.drawn.choice(resting), self.now)
            return
        side = self.drawn.choice(list(Side))
        taking = self.drawn.random() < 0.7
        touch = book.asks[0].price if (side is Side.BUY) == taking else book.bids[0].price
        slack = Decimal("1.002") if side is Side.BUY else Decimal("0.998")
        price = (touch * (slack if taking else 1)).quantize(Decimal("0.01"), ROUND_FLOOR)
        tif = self.drawn.choice([TimeInForce.IOC, TimeInForce.GTC]) if taking else TimeInForce.GTC
        self.send(side, price, Decimal(self.drawn.randrange(10, 60)) / 10_000, tif)

    def send(
        self,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        tif: TimeInForce,
        symbol: str = SYMBOL,
    ) -> None:
        name = "I-" + digest([self.seed, next(self._numbers)])[7:23]
        wire = OrderRequest(
            venue=PLACE.venue,
            account=PLACE.account,
            symbol=symbol,
            side=side,
            time_in_force=tif,
            quantity=f"{quantity:f}",
            price=f"{price:f}",
            client_order_id=client_order_id(name, 0),
        )
        intent = Intent(
            intent_id=name,
            plan="soak",
            hypothesis="h",
            purpose=Purpose.ENTRY,
            request=wire,
            created_at=self.now,
            expires_at=self.now + timedelta(minutes=1),
        )
        self.sent[wire.client_order_id] = self.execution.send(intent, self.permit(wire))

    def permit(self, wire: OrderRequest) -> Permit:
        fields = PermitFields(
            request_digest(wire),
            digest("v"),
            self.epoch,
            next(self._nonces),
            self.now + timedelta(seconds=5),
        )
        return seal(fields, KEY)

    # --- how it ends ---------------------------------------------------------------------------
    def finish(self) -> ReconciliationReport:
        self.until(lambda: not self.books.unproven)
        for _ in range(60):
            report = self.execution.finish(self.now, self.now)
            if self.stop or (report.ok and report.is_final and not self.books.working):
                break
            self.tick()
        return report

    # --- the truth, which no port told -----------------------------------------------------------
    def truth(self) -> dict[str, Decimal]:
        state = self.exchange.state
        purses = {c: state.purses.purse(DESK, c) for c in ("BTC", "USDT")}
        return {c: purse.free + purse.locked for c, purse in purses.items()}

    def ours(self) -> dict[str, Decimal]:
        books = self.books
        return {
            c: total + books.money.flows.get(c, Decimal(0))
            for c, total in books.money.opening.items()
        }

    def our_fills(self) -> set[tuple[str, Decimal, Decimal, Decimal]]:
        fills = self.books.fills.values()
        return {(f.fill_id, f.price, f.quantity, f.fee) for f in fills}

    def true_fills(self) -> set[tuple[str, Decimal, Decimal, Decimal]]:
        fills = self.exchange.state.fills
        return {
            (f"{SYMBOL}:{f.trade}", f.price, f.quantity, f.fee) for f in fills if f.account == DESK
        }

    def placed(self) -> list[str]:
        orders = self.exchange.state.orders.values()
        return [order.client_id for order in orders if order.account == DESK]

    @property
    def failed_share(self) -> Decimal:
        """Of all requests that the exchange heard, by its own count."""
        faults = self.exchange.exchange.faults
        return Decimal(len(faults.strikes)) / max(faults._counts)  # noqa: SLF001


@contextmanager
def soak_desk(folder: Path, seed: int, plan: FaultPlan | None) -> Iterator[SoakDesk]:
    """A desk on an exchange of its own; bars of an hour are walked in two minutes."""
    bars = carried_bars(200)[seed % 100 :]
    interval = timedelta(minutes=2)
    with served(folder, bars=bars, interval=interval, plan=plan, turns=True) as exchange:
        exchange.advance(timedelta(minutes=1))
        desk = SoakDesk(exchange, rehearsed(exchange), seed)
        try:
            yield desk
        finally:
            desk.venue.close()
