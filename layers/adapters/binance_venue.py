"""Binance spot as the ports see it: a line for each, so that no question holds up a cancel."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from layers.adapters.binance_cancels import BinanceCancels
from layers.adapters.binance_entry import BinanceEntry
from layers.adapters.binance_probe import BinanceProbe
from layers.adapters.binance_queries import BinanceQueries
from layers.adapters.binance_restraint import Restraint
from layers.adapters.ccxt_line import Clock, Line, Skew, Terms
from layers.adapters.venue_credentials import Credentials
from layers.binance.listing import Fees
from layers.binance.restraint import Errand


@dataclass(frozen=True, slots=True)
class BinanceVenue:
    """All ports of one account at Binance spot. Close it."""

    entry: BinanceEntry
    cancels: BinanceCancels
    queries: BinanceQueries
    probe: BinanceProbe
    lines: tuple[Line, ...]

    def time(self) -> datetime:
        """The venue's time as well as it is known: our clock and the offset last measured."""
        return self.lines[0].time()

    @property
    def restraint(self) -> Restraint:
        """What holds its lines back, for other lines of this process."""
        return self.lines[0].restraint

    def close(self) -> None:
        """Close every connection."""
        for line in self.lines:
            line.close()


def open_venue(
    terms: Terms,
    credentials: Credentials,
    clock: Clock,
    traded: Callable[[], Iterable[str]],
    fees: Fees | None = None,
    restraint: Restraint | None = None,
) -> BinanceVenue:
    """Open and prove all lines; ``traded`` names every symbol ever traded on the account.

    ``restraint`` is another line's at the same venue, where this process has one.

    Raises:
        Stalled: ``VENUE_UNPROVEN`` or ``TOOL_MISSING``.
    """
    skew, restraint = Skew(), restraint or Restraint()
    placing, asking, cancelling = (
        Line(_for(errand, terms), credentials, clock, skew, restraint) for errand in Errand
    )
    return BinanceVenue(
        entry=BinanceEntry(placing),
        cancels=BinanceCancels(cancelling, traded),
        queries=BinanceQueries(asking, fees),
        probe=BinanceProbe(asking),
        lines=(placing, asking, cancelling),
    )


def open_cancels(
    terms: Terms,
    credentials: Credentials,
    clock: Clock,
    traded: Callable[[], Iterable[str]],
) -> tuple[BinanceCancels, Line]:
    """The way out alone, for a process that only stops; the caller closes the line.

    Raises:
        Stalled: ``VENUE_UNPROVEN`` or ``TOOL_MISSING``.
    """
    line = Line(_for(Errand.CANCEL, terms), credentials, clock, Skew())
    return BinanceCancels(line, traded), line


def _for(errand: Errand, terms: Terms) -> Terms:
    """Nothing of ours may hold a cancel back; ccxt's limiter would, by hundreds of ms."""
    throttled = terms.throttled and errand is not Errand.CANCEL
    return replace(terms, errand=errand, throttled=throttled)
