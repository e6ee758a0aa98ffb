"""From ``state: engaged`` pushed with plain git to a gate closed, orders cancelled, venue clean.

A real ``governor watch`` in a process of its own and 100 open orders on the paper venue. The clock
starts at the last look, one every 0.2 ms, that still saw the old commit in the state repository's
ref, and the gate is closed at the first look that finds no token: both errors are against us.
Times of cancels and of the verification are the watcher's own, in its acknowledgement; that the
venue is empty then is asked of the venue. The bench plays the reconciler and releases each stop.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import sleep

from desired_state.memory import Release
from desired_state.stops import stop_id
from layers.market import Provenance
from layers.paper_venue.spot_rules import BTC_USDT
from layers.paper_venue.terms import MarketModel
from layers.paper_venue.venue import PaperVenue
from reconciler.acknowledgement import Acknowledgement
from reconciler.adapters.clock import wall_clock
from reconciler.wiring.founding import REPOSITORY
from reconciler.wiring.host_parts import latch, paper_store, token_path
from tests.bench.desks import ENVIRONMENT, GOVERNOR, Desk, founded
from tests.bench.measurement import Measured, Plan
from tests.fakes.paper_desk import START, request

ORDERS = 100
LOOK_S = 0.0002
PATIENCE = timedelta(seconds=30)
MILLISECOND = timedelta(milliseconds=1)
SWITCH = 'state: {}\nreason: "bench"\nby: bench\n'


@dataclass(frozen=True, slots=True)
class Stop:
    """What one push did, and when."""

    pushed: datetime  # git was started
    updated: datetime  # the ref still had its old value
    returned: datetime  # git had ended
    closed: datetime  # no token
    acknowledgement: Acknowledgement

    def since_update(self, at: datetime | None) -> float:
        if at is None:
            raise RuntimeError("the watcher did not say when")
        return (at - self.updated) / MILLISECOND


def rows(plan: Plan) -> Iterator[Measured]:
    """Everything about stops."""
    desk = founded(plan.folder / "stop")
    venue = _venue(desk)
    with watching(desk):
        stops = [_stop(desk, venue, number) for number in range(plan.runs)]
    acks = [stop.acknowledgement for stop in stops]
    if any(ack.cancelled != ORDERS for ack in acks):
        raise RuntimeError(f"expected {ORDERS} cancels a stop")
    closed = [stop.since_update(stop.closed) for stop in stops]
    yield _row("stop: no order can leave", closed, "from the ref's update")
    sent = [s.since_update(s.acknowledgement.cancels_confirmed) for s in stops]
    yield _row("stop: 100 cancels acknowledged", sent, "from the ref's update")
    clean = [s.since_update(s.acknowledgement.verified_clean) for s in stops]
    yield _row("stop: venue verified clean", clean, "two sweeps 1 s apart")
    whole = [(stop.closed - stop.pushed) / MILLISECOND for stop in stops]
    yield from _growth("gate", closed)
    yield from _growth("cancels", sent)
    yield _row("stop: no order can leave, git push included", whole, "from git's start")
    after = [(stop.closed - stop.returned) / MILLISECOND for stop in stops]
    yield _row("stop: no order can leave, after git push", after, "below 0: before git returned")


@contextmanager
def watching(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """``governor watch`` as a process, from its first token on."""
    with (desk.folder / "watch.log").open("wb") as log:
        child = subprocess.Popen(
            [*GOVERNOR, "watch", "--config", str(desk.config)],
            stdout=log,
            stderr=log,
            env=ENVIRONMENT,
        )
        try:
            _until(token_path(desk.host).exists, 0.001)
            yield child
        finally:
            child.terminate()
            child.wait(timeout=10)


def _stop(desk: Desk, venue: PaperVenue, number: int) -> Stop:
    for order in range(ORDERS):
        venue.submit(request(f"{number}-{order}", quantity="0.1"))
    commit = desk.commit(kill_switch__yaml=SWITCH.format("engaged"))
    pushed, updated, returned, closed = _push(desk, commit)
    records, stop = latch(desk.host), stop_id(REPOSITORY, commit)
    _until(lambda: _clean(records.acknowledgements().get(stop)), 0.02)
    if venue.open_orders():
        raise RuntimeError("verified clean, and the venue shows open orders")
    found = Stop(pushed, updated, returned, closed, records.acknowledgements()[stop])
    desk.commit(kill_switch__yaml=SWITCH.format("armed"))
    desk.push()
    records.put_release(Release(stop=stop, sequence=1, people=("bench",), at=wall_clock()))
    _until(token_path(desk.host).exists, 0.01)
    return found


def _push(desk: Desk, commit: str) -> tuple[datetime, datetime, datetime, datetime]:
    token, ref = token_path(desk.host), desk.folder / "state.git" / "refs" / "heads" / "main"
    pushed = updated = wall_clock()
    returned = closed = None
    push = subprocess.Popen(
        ["git", "push", "-q", "origin", "HEAD:main"], cwd=desk.folder / "state", env=ENVIRONMENT
    )
    there = False
    while returned is None or closed is None:
        now = wall_clock()
        if now - pushed > PATIENCE:
            raise RuntimeError("the gate stays open")
        there = there or _read(ref) == commit
        if not there:
            updated = now
        if closed is None and not token.exists():
            closed = wall_clock()
        if returned is None and push.poll() is not None:
            returned = now
        sleep(LOOK_S)
    return pushed, updated, returned, closed


def _growth(what: str, times: list[float]) -> Iterator[Measured]:
    """Whether the hundredth stop of a watcher is as quick as its first ones."""
    tenth = len(times) // 10
    if tenth > 1:
        first, last = (Measured("", "ms", tuple(v)).p50 for v in (times[:tenth], times[-tenth:]))
        name = f"stop: {what}, the last tenth by the first"
        yield Measured(name, "ratio", (last / first,), note="one watcher for all; medians")


def _read(ref: Path) -> str:
    try:
        return ref.read_text().strip()
    except OSError:
        return ""


def _clean(found: Acknowledgement | None) -> bool:
    return found is not None and found.verified_clean is not None


def _until(true: Callable[[], bool], pause_s: float) -> None:
    end = time.monotonic() + PATIENCE.total_seconds()
    while not true():
        if time.monotonic() > end:
            raise RuntimeError("waited in vain")
        sleep(pause_s)


def _venue(desk: Desk) -> PaperVenue:
    path = paper_store(desk.host)
    path.parent.mkdir(parents=True, exist_ok=True)
    return PaperVenue.create(
        path,
        clock=START,
        model=MarketModel(seed=7, provenance=Provenance.SYNTHETIC),
        rules=(BTC_USDT,),
        balances={"USDT": Decimal(100_000)},
    )


def _row(name: str, values: list[float], note: str) -> Measured:
    return Measured(name, "ms", tuple(values), note=note)
