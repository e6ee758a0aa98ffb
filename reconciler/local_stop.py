"""Raising a stop on this host: flag and token first, cancels at once, the disk beside them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from desired_state.errors import Stalled
from desired_state.memory import Stop
from desired_state.values import StopClass


class LocalRecords(Protocol):
    """Stops of this host."""

    def next_local(self, host: str) -> str:
        """Id of the next stop raised here."""
        ...

    def mark(self, stop: Stop) -> None:
        """In place at once, without waiting for the disk."""
        ...

    def put_stop(self, stop: Stop) -> None:
        """On disk when this returns."""
        ...


@dataclass(frozen=True)
class LocalStop:
    """How this host stops itself. Nothing here waits for git, a network or a valid state."""

    records: LocalRecords
    disarm: Callable[[], None]
    clock: Callable[[], datetime]
    host: str

    def engage(self, kind: StopClass, reason: str, by: str, cancel: Callable[[], object]) -> Stop:
        """The stop, in force when this returns, even where no disk takes it."""
        stop = Stop(
            id=self.records.next_local(self.host),
            kind=kind,
            reason=reason[:1000],
            by=by[:200],
            commit=None,
            seen_at=self.clock(),
        )
        self.records.mark(stop)
        self.disarm()
        cancel()
        try:
            self.records.put_stop(stop)
        except Stalled:
            return stop  # the watcher holds it in memory, and the token is gone
        return stop
