"""What the embedded paper venue says of itself, in the words of the desk."""

from datetime import datetime

from layers.market import Book
from layers.orders import Balance, Fill, SymbolRules, VenueOrder
from layers.paper_venue.venue import PaperVenue


class PaperQueries:
    """``VenueQueries`` on a ``PaperVenue``; each call may raise ``Waiting(VENUE_UNREACHABLE)``."""

    def __init__(self, venue: PaperVenue) -> None:
        """The venue may be shared with other adapters and processes."""
        self._venue = venue

    def order(self, symbol: str, client_order_id: str) -> VenueOrder | None:
        """The order with this client id in any state, or none."""
        return self._venue.order(symbol, client_order_id)

    def orders(self, symbol: str, since: datetime) -> tuple[VenueOrder, ...]:
        """Orders in any state, made at or after ``since``."""
        return self._venue.orders(symbol, since)

    def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        """Executions at or after ``since``, oldest first."""
        return self._venue.fills(symbol, since)

    def balances(self) -> tuple[Balance, ...]:
        """All balances of the account."""
        return self._venue.balances()

    def book(self, symbol: str) -> Book | None:
        """The present book, or none before the first bar."""
        return self._venue.book(symbol)

    def rules(self, symbol: str) -> SymbolRules:
        """Filters and fees. Raises ``Stalled(FEED_INVALID)`` for an unlisted symbol."""
        return self._venue.rules(symbol)
