"""What a session starts from: the approved configuration, its venue, its feed's beginning."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

from desired_state.canonical import digest, digest_bytes
from desired_state.configuration import configuration_digest
from desired_state.document import load
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.state_files import is_configuration
from desired_state.values import Mode
from layers.adapters.csv_bars import CsvBars
from layers.configuration import CriticScope, OutlookScope, PlanScope, VenueMap
from layers.feed import Series, Window
from layers.l6_execution.execution import Execution
from layers.l6_execution.terms import Propagation
from layers.market import Bar, Provenance
from layers.paper_venue.spot_rules import BTC_USDT
from layers.paper_venue.terms import MarketModel
from layers.paper_venue.venue import PaperVenue
from reconciler.adapters.clock import pause, wall_clock
from reconciler.gate import Verdict
from reconciler.host import Host
from reconciler.session_record import SessionSetup
from reconciler.thinking import Scopes
from reconciler.wiring.desk import PAPER, Desk, paper_store

PROPAGATION: Final = Propagation(
    timedelta(milliseconds=50)
)  # the embedded venue shows what it took at once
LOOKUPS: Final = 10
M = TypeVar("M", bound=Frozen)


@dataclass(frozen=True)
class Request:
    """What to run; times are market time, none means from where the venue stands or to the end."""

    symbol: str = "BTC/USDT"
    mode: Mode = Mode.PAPER
    start: datetime | None = None
    end: datetime | None = None
    seed: int = 7
    interval: timedelta = timedelta(hours=1)
    feed: Path | None = None

    @property
    def series(self) -> Series:
        """Which bars are meant."""
        return Series(self.symbol, self.interval)


def approved_files(desk: Desk, verdict: Verdict) -> dict[str, bytes]:
    """The approved configuration, loaded by digest from the base revision (trust.md, 4)."""
    approval = desk.cycle.approval
    if approval is None:
        raise Stalled(Reason.NOT_APPROVED, "configuration")
    tree = desk.state.tree(approval.proposal.base)
    files = {p: desk.state.blob(e.oid) for p, e in tree.items() if is_configuration(p)}
    if configuration_digest(files) != verdict.configuration:
        raise Stalled(Reason.CONFIGURATION_LOST, approval.proposal.base)
    return files


def scopes_of(files: dict[str, bytes]) -> Scopes:
    """The approved scopes of the layers that think."""
    return Scopes(
        outlook=_read(OutlookScope, files, "scopes/L2.yaml"),
        plan=_read(PlanScope, files, "scopes/L3.yaml"),
        critic=_read(CriticScope, files, "scopes/L4.yaml"),
    )


def open_venue(
    host: Host, request: Request, files: dict[str, bytes], feed: CsvBars
) -> tuple[PaperVenue, datetime]:
    """The paper venue, made where there is none yet, and where the session starts on it."""
    path = paper_store(host)
    if not path.exists():
        row = _read(VenueMap, files, "venues.yaml").venues[PAPER]
        path.parent.mkdir(parents=True, exist_ok=True)
        PaperVenue.create(
            path,
            clock=request.start or _first_bar(request, feed),
            model=MarketModel(seed=request.seed, provenance=Provenance.RECORDED),
            rules=(BTC_USDT,),
            balances={name: Decimal(held) for name, held in row.opening_balances.items()},
        ).close()
    venue = PaperVenue(path)
    return venue, max(venue.clock(), request.start or venue.clock())


def setup_of(request: Request, verdict: Verdict, feed: CsvBars, start: datetime) -> SessionSetup:
    """What was asked for, by digest where it is long."""
    return SessionSetup(
        symbol=request.symbol,
        mode=request.mode,
        interval=request.interval,
        seed=request.seed,
        start=start,
        end=request.end or datetime.max.replace(microsecond=0, tzinfo=start.tzinfo),
        feed=digest_bytes(feed.path.read_bytes()),
        configuration=verdict.configuration or "",
        limits=digest(verdict.permitted.limits),
    )


def settle(execution: Execution, at: datetime) -> None:
    """Start-up and recovery are one path: what is not known is looked up before anything."""
    execution.open_account(at)
    for _ in range(LOOKUPS):
        if not execution.resolve(at, wall_clock()):
            return
        pause(PROPAGATION.total.total_seconds() * 2)
    raise Stalled(Reason.ORDER_UNKNOWN, "start", "orders of an earlier run are not resolved")


def _first_bar(request: Request, feed: CsvBars) -> datetime:
    item = next(iter(feed.bars(request.series, Window(None, request.end))), None)
    if not isinstance(item, Bar):
        raise Stalled(Reason.FEED_INVALID, feed.path.name, "expected a bar, found none")
    return item.opened


def _read(model: type[M], files: dict[str, bytes], path: str) -> M:
    if path not in files:
        raise Stalled(Reason.CONFIGURATION_LOST, path, "expected it in the approved configuration")
    return load(model, files[path], path)
