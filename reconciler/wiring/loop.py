"""``governor run``: the loop over cycles, and the watcher that it starts (design.md, 4)."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from desired_state.values import StopClass, instant_text
from reconciler.adapters.changes import looks
from reconciler.adapters.clock import wall_clock
from reconciler.host import CONFIG_NAME, Host
from reconciler.ports import Report
from reconciler.verdicts import substance
from reconciler.wiring.bookkeeping import serve_word
from reconciler.wiring.desk import Desk, open_desk, ship
from reconciler.wiring.host_parts import latch, local_stop, watched_paths
from reconciler.wiring.hosting import clear, serve, slot_of
from reconciler.wiring.watching import token_exists, watcher_pid

RESYNC: Final = timedelta(minutes=10)  # the verdict is told again though nothing changed
FIRST_RETRY: Final = timedelta(seconds=1)
LAST_RETRY: Final = timedelta(seconds=10)
START: Final = 5.0  # seconds in which a watcher has its first look
GRACE: Final = 5.0


def run_loop(
    host: Host,
    stop: threading.Event,
    tell: Callable[[Report], None],
    clock_checked_by: str = "",
) -> None:
    """Until ``stop`` is set or the watcher dies; then everything essential ends with it."""
    slot = slot_of(host)
    with open_desk(host) as desk, slot.hosting(), watching(host) as watcher:
        if clock_checked_by:
            desk.clock_checked(clock_checked_by)
        desk.cycle.watched_since = wall_clock()
        clear(desk)
        loop = _Loop(desk, tell)

        def ends() -> bool:  # vocabulary.md: a supervisor ends when an essential task ends
            return stop.is_set() or watcher() is not None

        for _ in looks([*watched_paths(host), slot.folder], host.file.state.poll, stop):
            if ends():
                return
            report = desk.reconcile()
            loop.seen(report)
            loop.ship(report.verdict.now)
            serve_word(desk)
            serve(desk, ends, loop.seen)
            wait = loop.backoff.after(failed=report.actual is None)
            if ends() or (wait and stop.wait(wait)):
                return


class _Loop:
    """What a run remembers from one cycle to the next, its sessions' cycles among them."""

    def __init__(self, desk: Desk, tell: Callable[[Report], None]) -> None:
        self._desk, self._tell = desk, tell
        self._silent = False
        self._told: tuple[str, datetime] | None = None
        self._shipping, self._next_ship = Backoff(), wall_clock()
        self.backoff = Backoff()

    def seen(self, report: Report) -> None:
        """A cycle is over: a silent watcher is a stop, and what changed is told."""
        now, said = report.verdict.now, substance(report.verdict)
        self._silent = self._silent or _raise_silence(self._desk, now)
        if self._told is None or self._told[0] != said or now - self._told[1] >= RESYNC:
            self._tell(report)
            self._told = (said, now)

    def ship(self, now: datetime) -> None:
        """Evidence that cannot be pushed never delays a cycle."""
        if now >= self._next_ship:
            problem = ship(self._desk)
            wait = self._shipping.after(failed=problem is not None)
            self._next_ship = now + timedelta(seconds=wait)


def _raise_silence(desk: Desk, now: datetime) -> bool:
    """BEAT-5: a watcher that was heard in this run and is silent for too long is a stop."""
    beat_at, bound = desk.cycle.ears.beat_at, desk.cycle.halted_after
    if beat_at is None or now - beat_at < bound:
        return False
    text = f"the watcher is silent since {instant_text(beat_at)}"
    local_stop(desk.host).engage(StopClass.TECHNICAL, text, "reconciler", lambda: None)
    return True


class Backoff:
    """Waits that double with each failure, with jitter, and are gone with the first success."""

    def __init__(self) -> None:
        """Nothing has failed yet."""
        self._wait = timedelta()
        self._random = random.Random()  # noqa: S311  (jitter, nothing secret)

    def after(self, *, failed: bool) -> float:
        """Seconds to wait before the next cycle."""
        if not failed:
            self._wait = timedelta()
            return 0.0
        self._wait = min(LAST_RETRY, max(FIRST_RETRY, self._wait * 2))
        return self._wait.total_seconds() * self._random.uniform(0.5, 1.0)


@contextmanager
def watching(host: Host) -> Iterator[Callable[[], int | None]]:
    """A watcher process beside the block, unless this host has one; yields its exit code."""
    if watcher_pid(host.var) is not None:
        yield lambda: None if watcher_pid(host.var) is not None else 1
        return
    command = [sys.executable, "-m", "reconciler", "--config", str(host.folder / CONFIG_NAME)]
    child = subprocess.Popen([*command[:3], "watch", *command[3:]])  # noqa: S603  (ourselves)
    try:
        _wait_for_token(host, child)
        yield child.poll
    finally:
        child.terminate()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_for_token(host: Host, child: "subprocess.Popen[bytes]") -> None:
    """Until its first look is over: armed, or closed for a reason it has written down."""
    end = wall_clock() + timedelta(seconds=START)
    pause = threading.Event()
    while wall_clock() < end and child.poll() is None:
        if token_exists(host) or latch(host).in_force():
            return
        pause.wait(0.02)
