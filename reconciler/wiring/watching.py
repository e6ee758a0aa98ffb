"""Runs the stop lane on this host: one process, one loop, until it is told to end."""

import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.trust_root import Use
from desired_state.values import StopClass
from reconciler.adapters.changes import looks
from reconciler.adapters.clock import boot_clock_ns, wall_clock
from reconciler.adapters.heartbeat_files import write_heartbeat
from reconciler.adapters.watcher_key import WatcherKey
from reconciler.facts import BEAT_PERIOD
from reconciler.heartbeats import MAX_STOPS, Heartbeat, sealed
from reconciler.host import Host
from reconciler.plan import UNKNOWN
from reconciler.watcher import Watcher
from reconciler.wiring.host_parts import (
    heartbeat_path,
    latch,
    local_stop,
    token_path,
    watched_paths,
    watcher,
)
from reconciler.wiring.ways_out import untold

BEAT: Final = timedelta(milliseconds=250)  # venues.md: detection poll; a quarter of the bound
PID: Final = "watcher.pid"
JUST_NOW: Final = timedelta(seconds=5)


def run_watcher(host: Host, stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Until ``stop`` is set; a clean end takes the token away.

    Raises:
        Stalled: ``ANOTHER_WRITER`` where this host has a watcher already.
    """
    with _only_one(host.var):
        lane = watcher(host)
        halting = threading.Event()
        with suppress(ValueError):  # only a main thread takes signals
            signal.signal(signal.SIGUSR1, lambda _signal, _frame: halting.set())
        poll = min(BEAT, host.file.state.poll)
        beat = _heart(host, lane, tell)
        told = _Told(host, tell)
        try:
            for _ in looks(watched_paths(host), poll, stop):
                if halting.is_set():
                    halting.clear()
                    _take_signal(host, lane)
                is_open = lane.step()
                beat()
                told.now(is_open=is_open, is_known=UNKNOWN not in lane.venues())
                if stop.is_set():
                    break
        finally:
            lane.token.disarm()


@dataclass
class _Told:
    """What the watcher said last, for only what changes is told."""

    host: Host
    tell: Callable[[str], None]
    is_open: bool | None = None
    is_known: bool = True

    def now(self, *, is_open: bool, is_known: bool) -> None:
        """Of the gate, and of venues that this host does not know of (STOP-12)."""
        if is_open is not self.is_open:
            self.tell("► gate open" if is_open else f"► gate closed{_why(self.host)}")
        if self.is_known and not is_known:
            self.tell(f"! {untold()}")
        self.is_open, self.is_known = is_open, is_known


def _heart(host: Host, lane: Watcher, tell: Callable[[str], None]) -> Callable[[], None]:
    """BEAT-6: a watcher without a key stops as ever; it is only silent."""
    try:
        return beats(host, lane)
    except Stalled as error:
        tell(f"! no heartbeat: {error.subject}: {error.message}")
        return lambda: None


def beats(host: Host, lane: Watcher) -> Callable[[], None]:
    """A signed heartbeat of this watcher, at most one a period (trust.md, section 7).

    Raises:
        Stalled: ``SIGNING_FAILED`` where the watcher's key cannot be used.
    """
    key = WatcherKey(host.path(host.file.keys.watcher), Use.HEARTBEAT.namespace)
    path, main = heartbeat_path(host), f"refs/heads/{host.file.state.branch}"
    number, last = int(wall_clock().timestamp() * 1000), 0  # BEAT-2: rises over restarts as well

    def beat() -> None:
        nonlocal number, last
        since_boot = boot_clock_ns()
        if last and since_boot - last < BEAT_PERIOD / timedelta(microseconds=1) * 1000:
            return
        number, last = number + 1, since_boot
        stops = lane.stops[-MAX_STOPS:]
        said = Heartbeat(
            host=host.file.host,
            number=number,
            at=wall_clock(),
            head=lane.tips.get(main),
            stops=stops,
        )
        write_heartbeat(path, sealed(said, key.sign))

    return beat


def _take_signal(host: Host, lane: Watcher) -> None:
    """A signal is a stop of its own only where the disk did not take that of its sender."""
    since = wall_clock() - JUST_NOW
    found = latch(host).in_force().values()
    if not any(stop.commit is None and stop.seen_at >= since for stop in found):
        stop = local_stop(host).engage(
            StopClass.PERSON, "signal", "a person on this host", lambda: None
        )
        lane.hold(stop)


def _why(host: Host) -> str:
    stops = ", ".join(sorted(latch(host).in_force()))
    return f": {stops}" if stops else ""


@contextmanager
def _only_one(var: Path) -> Iterator[None]:
    var.mkdir(parents=True, exist_ok=True)
    with (var / "watcher.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Stalled(Reason.ANOTHER_WRITER, "watcher", "one is running here") from error
        pid = var / PID
        pid.write_text(f"{os.getpid()}\n")
        try:
            yield
        finally:
            pid.unlink(missing_ok=True)


def watcher_pid(var: Path) -> int | None:
    """Process id of the watcher of this host, where one is running."""
    try:
        pid = int((var / PID).read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def token_exists(host: Host) -> bool:
    """Whether an armed token lies there now."""
    return token_path(host).exists()
