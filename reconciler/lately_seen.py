"""A way out that remembers for a moment what it saw, so that looking costs no rate limit. Pure.

The cycle looks twice a second; at a venue with a rate limit each look is a request. Whatever
cancels goes through at once, and is followed by a fresh look.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from layers.orders import CancelReport, VenueOrder
from layers.ports import Cancels


@dataclass
class LatelySeen:
    """``Cancels``; ``steady`` never jumps. What could not be told is asked for again."""

    cancels: Cancels
    steady: Callable[[], timedelta]
    keep: timedelta
    _seen: tuple[timedelta, tuple[VenueOrder, ...]] | None = None

    def cancel(self, symbol: str, client_order_id: str) -> CancelReport:
        """Through, at once."""
        self._seen = None
        return self.cancels.cancel(symbol, client_order_id)

    def cancel_all(self) -> CancelReport:
        """Through, at once."""
        self._seen = None
        return self.cancels.cancel_all()

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """As seen less than ``keep`` ago, else asked now. Raises ``Waiting`` if it cannot tell."""
        now = self.steady()
        if self._seen is None or now - self._seen[0] >= self.keep:
            self._seen = None
            self._seen = (now, self.cancels.open_orders())
        return self._seen[1]


@dataclass(frozen=True)
class NoWayOut:
    """``Cancels`` of a venue that cannot be reached from here: it is never taken for clean."""

    why: Callable[[], Exception]

    def cancel(self, symbol: str, client_order_id: str) -> CancelReport:
        """Not even asked for."""
        del symbol
        return CancelReport(confirmed=(), still_open=(client_order_id,), unreachable=True)

    def cancel_all(self) -> CancelReport:
        """Not even asked for."""
        return CancelReport(confirmed=(), still_open=(), unreachable=True)

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """Raises why nobody can tell."""
        raise self.why()
