"""What the embedded paper venue says of itself: nothing to withdraw, no clock and no rate limit."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from desired_state.errors import Stalled, Waiting
from layers.ports import Standing, VenueQueries
from layers.risk_snapshot import VenueClass

SAME: Final = timedelta(0)  # its time is the feed's
WHOLE: Final = Decimal(1)


class PaperProbe:
    """``VenueProbe`` on a ``PaperVenue``. A store that cannot be read is not known at all."""

    def __init__(
        self,
        queries: VenueQueries,
        account: str,
        symbols: Iterable[str],
        wall_clock: Callable[[], datetime],
    ) -> None:
        """``symbols`` are those of interest; the venue lists them or does not trade them."""
        self._queries, self._account = queries, account
        self._symbols, self._wall_clock = tuple(symbols), wall_clock

    def standing(self) -> Standing:
        """The store's own word on its symbols; key, clock and rate limit do not exist here."""
        at = self._wall_clock()
        try:
            trading = {symbol: self._lists(symbol) for symbol in self._symbols}
        except Waiting:
            return Standing(at, None, None, None, None, None, None, {})
        return Standing(
            at=at,
            venue_class=VenueClass.PAPER,
            account=self._account,
            can_withdraw=False,
            address_bound=True,
            clock_offset=SAME,
            headroom=WHOLE,
            trading=trading,
        )

    def _lists(self, symbol: str) -> bool:
        try:
            self._queries.rules(symbol)
        except Stalled:
            return False
        return True
