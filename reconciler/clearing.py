"""Open orders at one venue: what it shows, and cancelling that counts only once it is proven."""

from collections.abc import Container
from datetime import timedelta

from desired_state.errors import GovernanceError, Waiting
from desired_state.reasons import Reason
from layers.orders import CancelReport
from layers.ports import Cancels
from reconciler.plan import VenueView


def view_of(name: str, venue: Cancels) -> VenueView:
    """What one venue shows now."""
    try:
        orders = tuple(sorted(order.client_order_id for order in venue.open_orders()))
    except GovernanceError:
        return VenueView(venue=name, open_orders=None)  # cannot tell is not none
    return VenueView(venue=name, open_orders=orders)


def clear(name: str, venue: Cancels, only: Container[str] | None = None) -> None:
    """Nothing is open there any more, or none of ``only`` by client id.

    Raises:
        Waiting: ``VENUE_NOT_CLEAN`` where that is not proven.
    """
    if only is None:
        _proven(name, venue.cancel_all())
        return
    for order in venue.open_orders():
        if order.client_order_id in only:
            _proven(name, venue.cancel(order.symbol, order.client_order_id))


def _proven(name: str, report: CancelReport) -> None:
    if report.unreachable or report.still_open:
        raise Waiting(Reason.VENUE_NOT_CLEAN, name, retry_after=timedelta(seconds=1))
