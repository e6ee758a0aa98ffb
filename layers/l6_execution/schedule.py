"""What of the comparison of books and venue is due (spec: venues, "Continuous"). Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from layers.l6_execution.terms import Rhythm


class Scope(StrEnum):
    """How much is compared, narrowest first."""

    OPEN_ORDERS = "open orders"
    HOLDINGS = "holdings"  # open orders, recent executions, balances
    FULL = "full"  # every order and execution of the journal, and balances


@dataclass(slots=True)
class Schedule:
    """When what was last compared, wall clock; a wider comparison counts for the narrower ones."""

    rhythm: Rhythm = field(default_factory=Rhythm)
    _done: dict[Scope, datetime] = field(default_factory=dict)
    _reconnected: bool = False

    def due(self, wall: datetime, *, live: bool) -> Scope | None:
        """The widest comparison whose time has come; ``live``: an order may stand at the venue."""
        if self._reconnected or self._is_over(Scope.FULL, wall):
            return Scope.FULL
        if self._is_over(Scope.HOLDINGS, wall):
            return Scope.HOLDINGS
        if live and self._is_over(Scope.OPEN_ORDERS, wall):
            return Scope.OPEN_ORDERS
        return None

    def done(self, scope: Scope, wall: datetime) -> None:
        """It was compared, and everything could be read."""
        order = list(Scope)
        for narrower in order[: order.index(scope) + 1]:
            self._done[narrower] = wall
        if scope is Scope.FULL:
            self._reconnected = False

    def reconnected(self) -> None:
        """The venue answers again after it did not: everything is due at once."""
        self._reconnected = True

    def _is_over(self, scope: Scope, wall: datetime) -> bool:
        every = {
            Scope.OPEN_ORDERS: self.rhythm.open_orders,
            Scope.HOLDINGS: self.rhythm.holdings,
            Scope.FULL: self.rhythm.full,
        }[scope]
        last = self._done.get(scope)
        return last is None or wall - last >= every
