"""When which line may go again, shared by all lines of this process to one venue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from desired_state.errors import Finding, finding
from desired_state.reasons import Reason
from layers.binance.heard import Heard
from layers.binance.restraint import Errand, demanded

SUBJECT = "binance"


@dataclass(slots=True)
class Restraint:
    """BIN-13. A demand is never shortened by a later one; nobody sleeps here."""

    _until: dict[Errand, float] = field(default_factory=dict)  # seconds that only rise
    _lock: Lock = field(default_factory=Lock)

    def hear(self, heard: Heard, now: float) -> None:
        """Take in what an answer demands."""
        demand = demanded(heard)
        if demand is None:
            return
        until = now + demand.wait.total_seconds()
        with self._lock:
            for errand in demand.errands:
                self._until[errand] = max(until, self._until.get(errand, until))

    def left(self, errand: Errand, now: float) -> timedelta | None:
        """How long this errand still waits; none where nothing holds it back."""
        left = self._until.get(errand, now) - now
        return timedelta(seconds=left) if left > 0 else None


@dataclass(frozen=True, slots=True)
class Held:
    """One line's view of it."""

    restraint: Restraint
    errand: Errand
    monotonic: Callable[[], float]

    def hear(self, heard: Heard) -> None:
        """Take in what an answer to this line demands."""
        self.restraint.hear(heard, self.monotonic())

    @property
    def left(self) -> timedelta | None:
        """How long this line still keeps still."""
        return self.restraint.left(self.errand, self.monotonic())

    def refuses(self) -> Finding | None:
        """None while the line may go."""
        left = self.left
        if left is None:
            return None
        text = f"the venue asked to be left alone for {left.total_seconds():.1f} s more"
        return finding(Reason.VENUE_RATE_LIMIT, SUBJECT, text)
