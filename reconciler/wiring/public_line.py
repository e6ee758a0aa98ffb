"""The line for what a venue tells everybody; imported only where one is opened."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Final

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.adapters.binance_market import open_market
from layers.adapters.ccxt_line import Clock, Terms
from layers.binance.wire import Place
from layers.market_data.source import PublicMarket
from layers.risk_snapshot import VenueClass
from reconciler.adapters.clock import boot_clock_ns, wall_clock

TIMEOUT: Final = timedelta(seconds=10)


@contextmanager
def public_line(
    names: tuple[str, str], venue_class: VenueClass, address: str | None
) -> Iterator[tuple[PublicMarket, timedelta]]:
    """The market of these names (venue, symbol), and how far its clock is ahead of ours.

    Raises:
        Stalled: ``VENUE_UNPROVEN`` or ``TOOL_MISSING``.
        Waiting: ``VENUE_UNREACHABLE`` where it does not tell its time.
    """
    venue, symbol = names
    place = Place(venue=venue, account="public", symbols=(symbol,))
    clock = Clock(wall=wall_clock, monotonic=lambda: boot_clock_ns() / 1e9)
    market, line = open_market(Terms(place, venue_class, TIMEOUT, rehearsal_at=address), clock)
    with closing(line):
        offset = line.measure()
        if offset is None:
            again = timedelta(seconds=1)
            text = "it does not tell its time"
            raise Waiting(Reason.VENUE_UNREACHABLE, venue, text, retry_after=again)
        yield market, offset
