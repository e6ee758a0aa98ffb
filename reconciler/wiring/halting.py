"""``governor halt``: stops this host with whatever still works (trust.md, section 7)."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from desired_state.errors import GovernanceError
from desired_state.memory import Stop
from desired_state.values import StopClass, instant_text
from layers.ports import Cancels
from reconciler.acknowledgement import CLEAN_SWEEPS, SWEEP_INTERVAL
from reconciler.adapters.clock import pause, wall_clock
from reconciler.host import Host
from reconciler.plan import UNKNOWN
from reconciler.wiring.host_parts import local_stop, token_reader, venues
from reconciler.wiring.watching import watcher_pid
from reconciler.wiring.ways_out import untold

PATIENCE: Final = timedelta(seconds=20)


@dataclass(frozen=True)
class Halted:
    """What the halt did, for people and machines."""

    stop: Stop
    cancelled: tuple[str, ...]
    clean: bool
    lines: tuple[str, ...]

    @property
    def data(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "stop": self.stop.id,
            "at": instant_text(self.stop.seen_at),
            "cancelled": list(self.cancelled),
            "clean": self.clean,
        }


def halt_host(host: Host, reason: str) -> Halted:
    """Token and flag, the watcher's signal, and our own cancels; then sweep until clean."""
    cancelled: list[str] = []
    exits = dict(venues(host)())
    unknown = exits.pop(UNKNOWN, None) is not None  # STOP-12: there may be venues beside these

    def cancel() -> None:
        for venue in exits.values():
            cancelled.extend(venue.cancel_all().confirmed)

    stop = local_stop(host).engage(StopClass.PERSON, reason, who(), cancel)
    told = _signal(host.var)
    shut = partial(_shut, host)
    clean = _sweep(exits, cancelled, shut) and not unknown
    lines = (
        f"► stop {stop.id} is in force: no order can leave"
        if shut()
        else f"✗ stop {stop.id}: the armed token cannot be taken away; end the session's process",
        f"► {len(cancelled)} open orders cancelled",
        "► watcher told" if told else "! no watcher is running on this host",
        "✔ verified clean by two sweeps" if clean else "✗ open orders could not be proven gone",
        *([f"✗ {untold()}"] if unknown else []),
        "Commit state: engaged to main or stop so that every host and auditor sees it.",
    )
    return Halted(stop, tuple(cancelled), clean, lines)


def who() -> str:
    """The person at this terminal, as the host knows them."""
    return os.environ.get("USER") or f"uid {os.getuid()}"


def _signal(var: Path) -> bool:
    pid = watcher_pid(var)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGUSR1)
    except OSError:
        return False
    return True


def _shut(host: Host) -> bool:
    """Whether the door would refuse now: the token is gone, spoilt or too old."""
    return token_reader(host).check() is not None


def _sweep(exits: dict[str, Cancels], cancelled: list[str], shut: Callable[[], bool]) -> bool:
    """Two clean sweeps in a row behind a shut door, a second apart, or none in our patience."""
    end, clean = wall_clock() + PATIENCE, 0
    while clean < CLEAN_SWEEPS and wall_clock() < end:
        try:
            left = [o for venue in exits.values() for o in venue.open_orders()]
        except GovernanceError:
            left = None
        clean = clean + 1 if left == [] and shut() else 0
        if left:
            for venue in exits.values():
                cancelled.extend(venue.cancel_all().confirmed)
        if clean < CLEAN_SWEEPS:
            pause(SWEEP_INTERVAL.total_seconds())
    return clean >= CLEAN_SWEEPS
