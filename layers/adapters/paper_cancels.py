"""Cancels at the embedded paper venue: from any process, at once, safe to repeat."""

from desired_state.errors import Waiting
from layers.orders import CancelReport, VenueOrder
from layers.paper_venue.venue import PaperVenue


class PaperCancels:
    """``Cancels`` on a ``PaperVenue``."""

    def __init__(self, venue: PaperVenue, *, travels: bool = False) -> None:
        """``travels`` gives single cancels their virtual latency; a stop's never have any."""
        self._venue = venue
        self._travels = travels

    def cancel(self, symbol: str, client_order_id: str) -> CancelReport:
        """Ask for one order; ``still_open`` while the cancel is on its way."""
        try:
            gone = self._venue.cancel(symbol, client_order_id, travels=self._travels)
        except Waiting:
            return CancelReport(confirmed=(), still_open=(client_order_id,), unreachable=True)
        if gone:
            return CancelReport(confirmed=(client_order_id,), still_open=())
        return CancelReport(confirmed=(), still_open=(client_order_id,))

    def cancel_all(self) -> CancelReport:
        """End every open order now, whatever the virtual clock does (P-7)."""
        try:
            ended = self._venue.cancel_all()
        except Waiting:
            return CancelReport(confirmed=(), still_open=(), unreachable=True)
        return CancelReport(confirmed=ended, still_open=())

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """Every open order. Raises ``Waiting(VENUE_UNREACHABLE)`` if the store cannot tell."""
        return self._venue.open_orders()
