"""A session's way to send, whole, at a local exchange: what the order measurements time.

The intent goes through ``Session``'s own steps: scene, L5 with every control, the decision on disk,
the permit, the one door, ccxt's Binance class, and the answer on disk. The journal is the evidence
journal with its fsync, token and flag are read for each order. L5 is told that the venue is the
paper one, so that no people's approval has to be staged; controls and findings are the same.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic, perf_counter_ns
from typing import Any

from desired_state.errors import Finding
from evidence_repo.adapters.file_journal import FileJournal
from layers.adapters.binance_venue import BinanceVenue, open_venue
from layers.adapters.ccxt_line import Clock, Terms
from layers.adapters.venue_credentials import Credentials
from layers.binance.listing import Fees
from layers.binance.wire import Place
from layers.configuration import PegRow
from layers.l6_execution.books import Books
from layers.l6_execution.client_ids import client_order_id
from layers.l6_execution.door import Door
from layers.l6_execution.events import Seen
from layers.l6_execution.execution import Execution
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.schedule import Schedule
from layers.l6_execution.terms import Propagation, Rhythm
from layers.local_exchange.shapes import account_number
from layers.local_exchange.terms import DESK
from layers.market import Provenance
from layers.orders import Intent, OrderRequest, Purpose, Side, TimeInForce, VenueAnswer
from layers.ports import Leave, OrderEntry, Standing
from layers.risk_snapshot import VenueClass
from reconciler.adapters.armed_token import TokenReader, TokenWriter
from reconciler.adapters.clock import boot_clock_ns, since_boot
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.conduct import ConductRecord
from reconciler.gate import Verdict
from reconciler.marks import Mark
from reconciler.noted_journal import NotedJournal
from reconciler.peg_watch import PegWatch
from reconciler.permits import PermitOffice
from reconciler.sending import Sending
from reconciler.session import Session
from reconciler.session_desk import Desk as SessionDesk
from reconciler.venue_watch import VenueWatch
from reconciler.wiring.session_halt import Flag
from tests.bench.exchange_process import KEY, MovedClock, exchange
from tests.bench.risk_gate import AT, MANY, STANDING, SYMBOL, WIDE, scene_of
from tests.fakes.paper_desk import intent_id

# as WIDE, and nothing of 30,000 orders without an execution is too many
BENCH_LIMITS = WIDE.model_copy(update={"max_orders_per_fill": MANY, "max_cancels_per_order": MANY})
FEES = Fees(maker=Decimal("0.001"), taker=Decimal("0.001"))
ACCOUNT = str(account_number(DESK))
HELD = PegRow(currency="USD", rate=Decimal(1), watched="assumed")
LONG = timedelta(days=1)
INTENT_TTL = timedelta(minutes=1)  # the template's
# a minute at fifty orders a second holds more orders than a day of any desk: compared as often
RHYTHM = Rhythm(full=timedelta(minutes=1))
SIZES = 100  # so many quantities at each price: no two orders are equal (E5)


@dataclass(slots=True)
class Stopwatch:
    """Instants of one order, by name; the first of each name counts."""

    seen: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        self.seen = {"start": perf_counter_ns()}

    def see(self, name: str) -> None:
        self.seen.setdefault(name, perf_counter_ns())

    def between(self, first: str, then: str) -> float:
        """Microseconds."""
        return (self.seen[then] - self.seen[first]) / 1_000


@dataclass(frozen=True)
class TimedJournal(NotedJournal):
    """Sees when an entry is to be written, and when it is on disk."""

    watch: Stopwatch = field(default_factory=Stopwatch)

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        self.watch.see(f"{kind} due")
        sequence = super().append(kind, body, at)
        self.watch.see(f"{kind} on disk")
        return sequence


@dataclass(frozen=True, slots=True)
class _TimedLeave:
    leave: Leave
    watch: Stopwatch

    def refuses(self, wire: OrderRequest) -> Finding | None:
        self.watch.see("asked")
        refusal = self.leave.refuses(wire)
        self.watch.see("wire")
        return refusal


@dataclass(frozen=True, slots=True)
class _TimedEntry:
    entry: OrderEntry
    watch: Stopwatch

    def submit(self, request: OrderRequest, leave: Leave) -> VenueAnswer:
        return self.entry.submit(request, _TimedLeave(leave, self.watch))


@dataclass(frozen=True, slots=True)
class _PaperLike:
    """``VenueProbe`` that costs nothing and says what L5 asks for."""

    clock: Callable[[], datetime]

    def standing(self) -> Standing:
        return replace(STANDING, at=self.clock(), account=ACCOUNT)


@dataclass(slots=True)
class OrderDesk:
    """``order`` sends the next one; the books say what became of it."""

    session: Session
    execution: Execution
    watch: Stopwatch
    clock: MovedClock
    verdict: Verdict
    mark: Mark
    url: str
    close_price: Decimal
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def order(self) -> str:
        """One order from its intent to its answer on disk; its client id."""
        wanted = self._intent(next(self._numbers))
        self.watch.start()
        scene = self.session._scene(self.clock(), self.verdict, self.mark)  # noqa: SLF001
        self.watch.see("scene")
        self.session._order(scene, wanted)  # noqa: SLF001  (what is measured is what a session does)
        self.watch.see("end")
        name = wanted.request.client_order_id
        if name not in self.execution.books.working or name in self.execution.books.unproven:
            found = self.execution.books.orders.get(name)
            raise RuntimeError(f"expected an open order, found {found}, {self.session.outcomes}")
        return name

    def cancel(self, name: str) -> None:
        self.execution.cancel(SYMBOL, name, self.clock())

    def cancel_all(self) -> None:
        """Every order, in one sweep; what is open after it is an error of the measurement."""
        report = self.execution.cancel_all(self.clock())
        if report.still_open or report.unreachable:
            raise RuntimeError(f"expected nothing open, found {report}")

    def upkeep(self) -> None:
        """What a session does between its orders: take in what the venue shows, compare if due."""
        at = self.clock()
        if self.session.upkeep(at, self.execution.poll(at)):
            raise RuntimeError(f"stopped: {self.session.outcomes}")

    def take_in(self, name: str) -> None:
        """One order's end as the venue shows it; of this one alone."""
        shown = self.execution.queries.order(SYMBOL, name)
        if shown is None:
            raise RuntimeError("the exchange does not know it any more")
        self.execution.ledger.record(Seen(order=shown), self.clock())

    def _intent(self, number: int) -> Intent:
        own, at = intent_id(number), self.clock()
        approved = self.session.thinking.approved
        if approved is None:
            raise RuntimeError("expected an approved plan")
        return Intent(
            intent_id=own,
            plan=approved.pack,
            hypothesis=approved.plan.hypotheses[0].id,
            purpose=Purpose.ENTRY,
            request=OrderRequest(
                venue="paper",
                account=ACCOUNT,
                symbol=SYMBOL,
                side=Side.BUY,
                time_in_force=TimeInForce.GTC,
                quantity=str(Decimal("0.002") + number % SIZES * Decimal("0.00001")),
                price=str(self.close_price - 10 - number // SIZES * Decimal("0.01")),
                client_order_id=client_order_id(own, 0),
            ),
            created_at=at,
            expires_at=at + INTENT_TTL,
        )


@contextmanager
def order_desk(folder: Path) -> Iterator[OrderDesk]:
    """Everything wired over one folder; the account is open and was compared."""
    folder.mkdir(parents=True)
    clock = MovedClock(AT, boot_clock_ns())
    terms = Terms(
        place=Place(venue="paper", account=ACCOUNT, symbols=(SYMBOL,)),
        venue_class=VenueClass.TESTNET,
        timeout=timedelta(seconds=30),
        provenance=Provenance.SYNTHETIC,
        throttled=False,
    )
    with (
        exchange(folder, clock) as url,
        closing(
            open_venue(
                replace(terms, rehearsal_at=url),
                Credentials(KEY.name, KEY.secret),
                Clock(wall=clock, monotonic=monotonic),
                lambda: (SYMBOL,),
                FEES,
            )
        ) as venue,
        FileJournal(folder / "journal") as files,
    ):
        yield _wired(folder, clock, venue, files, url)


def _wired(
    folder: Path, clock: MovedClock, venue: BinanceVenue, files: FileJournal, url: str
) -> OrderDesk:
    scene, _, market = scene_of(0)
    permitted = scene.verdict.permitted.model_copy(update={"limits": BENCH_LIMITS})
    verdict = scene.verdict.model_copy(update={"permitted": permitted})
    watch = Stopwatch()
    shared = SharedJournal(files, lambda: None, clock)
    journal = TimedJournal(shared, ConductRecord(), watch)
    TokenWriter(folder / "token", boot_clock_ns).arm()
    flag = Flag(TokenReader(folder / "token", LONG, boot_clock_ns))
    office = PermitOffice(key=b"k" * 32, epoch=1, wall_clock=clock)
    office.take(verdict)
    ledger = Ledger(journal, Books())
    door = Door(_TimedEntry(venue.entry, watch), flag, office.key, 1, ledger, clock, office)
    late = Propagation(timedelta(seconds=1))
    schedule = Schedule(RHYTHM)
    execution = Execution(door, venue.cancels, venue.queries, ledger, late, schedule=schedule)
    if venue.probe.standing().account != ACCOUNT:
        raise RuntimeError("the exchange knows another account")
    execution.start(clock(), clock())
    session = Session(
        desk=SessionDesk(
            execution=execution,
            hand=Sending(office, execution),
            queries=venue.queries,
            journal=journal,
            advance=lambda _bar: True,
            now=lambda _bar: clock(),
            verdict=lambda: verdict,
            verdict_digest=office.digest_of,
            token=lambda: (flag.check(), clock()),
            halt=_never,
            wall_clock=clock,
            venue=VenueWatch(_PaperLike(clock), clock, since_boot),
            peg=PegWatch("USDT", HELD, lambda _pair: None, clock, since_boot),
        ),
        wired=replace(scene.wired, account=ACCOUNT),
        thinking=scene.thinking,
        market=market,
        marks=scene.marks,
        mode=permitted.mode,
        conduct=journal.conduct,
    )
    mark = scene.mark
    if mark is None or not execution.is_ready:
        raise RuntimeError("the desk is not ready")
    return OrderDesk(session, execution, watch, clock, verdict, mark, url, Decimal(mark.price))


def _never(kind: object, text: str) -> str | None:
    raise RuntimeError(f"halted: {kind}: {text}")
