"""A governed session in virtual time, on the local exchange, over the real ccxt class.

Everything is what ``governor session run`` runs: signed state and its gate, the session with its
layers, L5, permits and the one door, journal and token on disk, Binance's counter. Stand-ins are
git (the admission is made once, from real signatures, and judged anew as the real cycle does), the
watcher's process (its token is kept here) and the push of the evidence.
"""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from desired_state.admission import Admission
from desired_state.configuration import configuration_digest
from desired_state.errors import GovernanceError
from desired_state.memory import Memory
from desired_state.reasons import Reason
from desired_state.state_files import is_configuration
from desired_state.values import Mode
from evidence_repo.adapters.file_journal import FileJournal
from evidence_repo.chain import Leaf
from evidence_repo.journal import read
from evidence_repo.ledger import Ledger
from layers.adapters.binance_market import open_market
from layers.adapters.ccxt_line import Clock
from layers.binance.rows import MILLISECOND
from layers.l6_execution.books import Books
from layers.local_exchange.clock import VirtualClock
from layers.local_exchange.faults import FaultPlan
from layers.local_exchange.order import Order
from layers.local_exchange.terms import DESK, DOLLARS, CrowdTerms, ExchangeTerms, SymbolTerms
from layers.market import EPOCH, Bar
from reconciler.adapters.armed_token import TokenReader, TokenWriter
from reconciler.adapters.clock import HostClock
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.counter import Counter
from reconciler.facts import Facts, Writer
from reconciler.gate import Verdict, judge
from reconciler.heartbeats import Ears
from reconciler.host import Host, parse_host
from reconciler.opened_venue import OpenedVenue
from reconciler.permits import PermitOffice
from reconciler.ports import Report
from reconciler.session_ending import Ending
from reconciler.session_request import Request
from reconciler.wiring import counter_binance
from reconciler.wiring.counter_binance import Lines
from reconciler.wiring.counters import Place
from reconciler.wiring.desk import Desk, Running
from reconciler.wiring.host_parts import HEARTBEAT, latch, token_path
from reconciler.wiring.session import SessionRun
from reconciler.wiring.session_evidence import Outcome
from tests.fakes.binance_desk import ACCOUNT, SYMBOL, rehearsed, terms
from tests.fakes.exchange import ROOMY, Served, served
from tests.fakes.rehearsal_desk import BINANCE
from tests.fakes.trust_desk import START, TrustDesk, root_data, root_with

TEMPLATES = Path(__file__).parents[2] / "desired_state" / "templates"
VENUE = "binance"
BUILD = "sha256:" + "a" * 64
THE_FOUR = ("rita", "sam", "otto", "sybil")
SECOND = timedelta(seconds=1)
STARTS = 5
AT_THE_START = (
    Reason.VENUE_UNREACHABLE,
    Reason.VENUE_UNPROVEN,
    Reason.ACCOUNT_UNAPPROVED,  # which was not told either
)
BEAT_MS = 250
PATIENT = timedelta(milliseconds=500)  # in real time: so long a hang takes
HOLD_MS = 700
BEFORE = 40  # bars that the market has made when the session begins
MODE_TEXT = f"""mode: testnet
trading: active
symbols:
  BTC/USDT: {{venue: binance, access: trade}}
layers: [L0, L1, L2, L3, L4, L5, L6]
budgets: {{models_per_day: "50"}}
build: "{BUILD}"
accounts: {{binance: "{ACCOUNT}"}}
"""
VENUES_TEXT = "venues:" + BINANCE.format(kind="sandbox")
HOST_TEXT = """state: {{url: ./state.git}}
evidence: {{url: ./evidence.git}}
trust_root: "{pin}"
venues:
  binance:
    credentials: ./credentials.yaml
    rehearsal: "{url}"
"""
# a day's bounds, for sessions that trade as much in a minute as the template's desk in a week
LIMITS = {
    "max_daily_turnover": '"100000"',
    "max_losing_streak": "1000",
    "max_orders_per_day": "1000",
    "max_messages_per_second": "100",
    "max_messages_per_minute": "1000",
    "max_cancels_per_order": "100",
    "max_repeated_executions": "1000",
    "max_venue_errors": '"50"',
    "max_venue_timeouts": "50",
}
# bars of a second are a second late, which is a whole bar; a short memory needs a short history
OUTLOOK = {
    "valid_bars: 2 ": "valid_bars: 8 ",
    "max_age_bars: 1,": "max_age_bars: 5,",
    "drawdown_bars: 168": "drawdown_bars: 24",
}


@dataclass(frozen=True)
class Mandate:
    """A testnet mandate that four people signed, as the host admitted it."""

    admission: Admission
    files: dict[str, bytes]
    pin: str


def configuration() -> dict[str, bytes]:
    """The templates' configuration, for one venue and bars of a second."""
    paths = (path for path in TEMPLATES.rglob("*.yaml"))
    found = {path.relative_to(TEMPLATES).as_posix(): path.read_bytes() for path in paths}
    found = {name: data for name, data in found.items() if is_configuration(name)}
    outlook = found["scopes/L2.yaml"].decode()
    for old, new in OUTLOOK.items():
        assert old in outlook
        outlook = outlook.replace(old, new)
    return {**found, "scopes/L2.yaml": outlook.encode(), "venues.yaml": VENUES_TEXT.encode()}


def limits_text() -> bytes:
    lines = []
    for line in (TEMPLATES / "limits.yaml").read_text().splitlines():
        name = line.partition(":")[0]
        lines.append(f"{name}: {LIMITS[name]}" if name in LIMITS else line)
    return "\n".join([*lines, ""]).encode()


def mandate(folder: Path) -> Mandate:
    """Founded, proposed, signed by the four, fetched and admitted."""
    gates = {name: {**rule, "touch": False} for name, rule in root_data()["gates"].items()}
    made = TrustDesk(folder, root=root_with({"rehearses": "local_exchange", "gates": gates}))
    try:
        made.build, made.rehearsed = BUILD, ("binance",)
        files = configuration()
        made.push({**files, "mode.yaml": MODE_TEXT.encode(), "limits.yaml": limits_text()})
        made.cycle()
        made.approve(1, *THE_FOUR, gate="testnet")
        verdict = made.cycle()
        assert verdict.permitted.mode is Mode.TESTNET, verdict.findings
        assert made.admission is not None
        assert configuration_digest(made.files) == verdict.configuration
        return Mandate(made.admission, files, made.trust.pin)
    finally:
        made.close()


def swinging(seed: int, count: int = 400) -> tuple[Bar, ...]:
    """Bars that swing by a quarter of a per cent, so that a ladder is met on both sides."""
    drawn = random.Random(seed)  # noqa: S311  (a seeded sequence is the point)
    phase, last, bars = drawn.uniform(0, 6), Decimal(10_000), []
    for number in range(count):
        swing = 0.0025 * math.sin(number / 1.3 + phase) + drawn.uniform(-0.0003, 0.0003)
        close = Decimal(f"{10_000 * (1 + swing):.2f}")
        high, low = max(last, close) * Decimal("1.0002"), min(last, close) * Decimal("0.9998")
        prices = (last, round(high, 2), round(low, 2), close)
        bars.append(Bar(SYMBOL, START + number * SECOND, SECOND, *prices, Decimal(500)))
        last = close
    return tuple(bars)


# --- stand-ins ---------------------------------------------------------------------------------
@dataclass
class AdmittedOnce:
    """``Cycle`` without git: the gate judges what was admitted, beside this host's stops."""

    mandate: Mandate
    desk: "VirtualDesk"
    ears: Ears = field(default_factory=lambda: Ears("local"))
    keyless: bool = False
    evidence_behind_since: None = None
    writer: Writer | None = Writer.SOLE
    clock_unsure: str = ""
    build = BUILD
    _last: tuple[object, Verdict] | None = None

    @property
    def approval(self) -> Any:  # noqa: ANN401
        return self.mandate.admission.approval

    @property
    def memory(self) -> Memory:
        stops = latch(self.desk.host).stops()
        return self.mandate.admission.memory.model_copy(update={"stops": stops})

    @property
    def ports(self) -> "AdmittedOnce":
        return self

    def run(self, now: datetime) -> Report:
        """Judged anew where something changed, or what was said before is about to end."""
        accounts = dict(self.desk.desk.running.accounts)
        seen = (accounts, sorted(latch(self.desk.host).stops()))
        if self._last is None or self._last[0] != seen or self._ends(now):
            self._last = seen, self._judged(accounts, now)
        verdict = self._last[1]
        return Report(verdict, (), (), (), None, 0, verdict)

    def _judged(self, accounts: dict[str, str], now: datetime) -> Verdict:
        facts = Facts(
            answered_at=now,
            writer=self.writer,
            build=BUILD,
            accounts=accounts,
            rehearsed=self.desk.host.rehearsed,
        )
        return judge(replace(self.mandate.admission, memory=self.memory), facts, now)

    def _ends(self, now: datetime) -> bool:
        ends = self._last[1].valid_until if self._last else None
        return ends is not None and now + 10 * SECOND >= ends


class Unshipped(Ledger):
    """Packs are kept and journaled; nothing is pushed."""

    def __init__(self, journal: FileJournal) -> None:
        self._journal = journal

    def ship(self) -> Any:  # noqa: ANN401
        return None

    def require_sole(self) -> None:
        return None


class FilesOfTheMandate:
    """``StateRepository`` as far as the approved configuration is read from it."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def tree(self, _commit: str) -> dict[str, Any]:
        return {path: _Entry(path) for path in self._files}

    def blob(self, oid: str) -> bytes:
        return self._files[oid]


@dataclass(frozen=True)
class _Entry:
    oid: str


@dataclass(frozen=True)
class ExchangeTime:
    """``HostTime``: nothing is unsure about it."""

    clock: HostClock
    unsure: str = ""

    def read(self, _floor: object = None) -> "ExchangeTime":
        return self

    @property
    def now(self) -> datetime:
        return self.clock.wall()


@dataclass
class VirtualRun(SessionRun):
    """Its counter's lines lead to the exchange at hand, and wait for no rate limit."""

    exchange: Served | None = None
    counter: Counter | None = None

    @property
    def fills(self) -> int:
        """So far."""
        return len(self.counter.orders.books.fills) if self.counter else 0

    def _counter(self, place: Place) -> Counter:
        self.counter = counter_binance.open_counter(place, self._lines)
        return self.counter

    def _lines(self, _place: Place, _record: OpenedVenue) -> Lines:
        assert self.exchange is not None
        boot = self.desk.clock.boot_ns
        clock = Clock(wall=self.desk.clock.wall, monotonic=lambda: boot() / 1e9)
        account = rehearsed(self.exchange, clock=clock, timeout=PATIENT)
        market, line = open_market(terms(self.exchange.url, timeout=PATIENT), clock)

        def close() -> None:
            account.close()
            line.close()

        return Lines(account, market, close)


Between: TypeAlias = Callable[[VirtualRun], Ending | None]


# --- the desk ----------------------------------------------------------------------------------
@dataclass
class VirtualDesk:
    """One host, one account. ``each`` is called as time goes on, to do something in between."""

    folder: Path
    exchange: Served
    mandate: Mandate
    seed: int
    each: Callable[[], object] = lambda: None
    _beat_ms: int = 0

    @cached_property
    def host(self) -> Host:
        text = HOST_TEXT.format(pin=self.mandate.pin, url=self.exchange.url)
        return parse_host(text.encode(), self.folder / "governor.yaml")

    @cached_property
    def clock(self) -> HostClock:
        ticks = self.exchange.clock
        return HostClock(
            wall=lambda: EPOCH + ticks.now_ms * MILLISECOND,
            boot_ns=lambda: ticks.now_ms * 1_000_000,
            pause=self.wait,
        )

    @cached_property
    def watcher(self) -> TokenWriter:
        return TokenWriter(token_path(self.host), self.clock.boot_ns)

    @cached_property
    def desk(self) -> Desk:
        self.host.var.mkdir(parents=True, exist_ok=True)
        journal = FileJournal(self.host.var / "journal")
        return Desk(
            host=self.host,
            cycle=AdmittedOnce(self.mandate, self),
            journal=journal,
            ledger=Unshipped(journal),
            permits=PermitOffice(b"k" * 32, 1, self.clock.wall),
            token=TokenReader(token_path(self.host), HEARTBEAT, self.clock.boot_ns),
            latch=latch(self.host),
            state=FilesOfTheMandate(self.mandate.files),
            running=Running(),
            epoch=1,
            time=ExchangeTime(self.clock),
            clock=self.clock,
        )

    def beat(self) -> None:
        """The watcher's: the token is fresh while no stop is in force."""
        now_ms = self.exchange.clock.now_ms
        if now_ms - self._beat_ms >= BEAT_MS and not latch(self.host).in_force():
            self._beat_ms = now_ms
            self.watcher.arm()

    def wait(self, seconds: float) -> None:
        whole = max(1, math.ceil(seconds * 1000))  # the exchange's clock knows no less
        self.exchange.advance(whole * MILLISECOND)
        self.beat()
        self.each()

    def session(self, bars: int, between: Between = lambda _run: None) -> Outcome:
        """So many bars, or until ``between`` says that somebody ends it."""
        self.beat()
        end = self.clock.wall() + bars * SECOND
        request = Request(mode=Mode.TESTNET, interval=SECOND, end=end, seed=self.seed)
        run = VirtualRun(self.desk, request, exchange=self.exchange)
        run.between = lambda: between(run)
        return run.run()

    def session_at_last(self, bars: int, between: Between = lambda _run: None) -> Outcome:
        """As people do who start it again where the venue did not answer at the start."""
        for _ in range(STARTS - 1):
            try:
                return self.session(bars, between)
            except GovernanceError as fault:
                if fault.code not in AT_THE_START or self.leaves("mark"):
                    raise  # it had begun
        return self.session(bars, between)

    def close(self) -> None:
        self.desk.journal.close()

    # --- what is on disk ---------------------------------------------------------------------
    def leaves(self, *kinds: str) -> list[Leaf]:
        return [leaf for leaf in read(self.desk.journal, 0) if leaf.kind in kinds]

    @property
    def books(self) -> Books:
        """As anybody reads them from the journal, who knows nothing of the run."""
        return Books.rebuilt(
            SharedJournal(self.desk.journal, str, str, VENUE).entries(), whole=True
        )

    # --- the truth, which no port told -------------------------------------------------------
    @property
    def orders(self) -> list[Order]:
        return [o for o in self.exchange.state.orders.values() if o.account == DESK]

    @property
    def failed_share(self) -> Decimal:
        """Of all requests that the exchange heard, by its own count."""
        faults = self.exchange.exchange.faults
        return Decimal(len(faults.strikes)) / max(faults._counts)  # noqa: SLF001

    def true_balances(self) -> dict[str, tuple[Decimal, Decimal]]:
        purses = {c: self.exchange.state.purses.purse(DESK, c) for c in ("BTC", "USDT")}
        return {c: (purse.free, purse.locked) for c, purse in purses.items()}

    def true_fills(self) -> set[tuple[str, str, Decimal, Decimal, Decimal]]:
        state = self.exchange.state
        names = {order.number: order.client_id for order in self.orders}
        own = [f for f in state.fills if f.account == DESK]
        return {(names[f.order], f"{SYMBOL}:{f.trade}", f.price, f.quantity, f.fee) for f in own}


@contextmanager
def virtual_desk(
    folder: Path, mandate: Mandate, seed: int, plan: FaultPlan | None = None
) -> Iterator[VirtualDesk]:
    """A desk on an exchange of its own, whose market has made some bars already."""
    start = START + timedelta(minutes=5)
    clock = VirtualClock((start - EPOCH) // MILLISECOND)
    crowd = CrowdTerms(steps_per_leg=2, levels=5)
    listed = (SymbolTerms(), DOLLARS)
    made = ExchangeTerms(rates=ROOMY, crowd=crowd, seed=seed, key_checks=False, symbols=listed)
    bars = swinging(seed)
    given = {"terms": made, "bars": bars, "interval": SECOND, "plan": plan, "clock": clock}
    with served(folder, **given, turns=True) as exchange:
        exchange.advance(BEFORE * SECOND)
        made_desk = VirtualDesk(folder, exchange, mandate, seed)
        try:
            yield made_desk
        finally:
            made_desk.close()
