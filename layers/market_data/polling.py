"""Bars, quotes and trades asked of a venue again and again, as its clock goes on. Pure.

Clock and sleep come as arguments. What is yielded passed the same checks as a file's rows, and a
bar is yielded only when it is closed (DATA-5).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from layers.feed import FeedItem, Gap, Series, Window, follow, sound
from layers.market import EPOCH, Bar
from layers.market_data.source import PublicMarket, Sleep, persistently
from layers.market_data.ticks import Quote, TradeGap, TradeItem

PAGE: Final = 500  # rows of one request
LONGEST_NAP: Final = timedelta(seconds=5)  # so that whoever is to end, ends soon


@dataclass(frozen=True, slots=True)
class Polling:
    """Feeds over a venue's public data. ``clock`` is the venue's time as well as it is known."""

    market: PublicMarket
    clock: Callable[[], datetime]
    sleep: Sleep
    settle: timedelta = timedelta(seconds=2)  # a bar is asked for so long after its close
    every: timedelta = timedelta(seconds=1)  # between two questions for quotes or trades

    def bars(self, series: Series, window: Window) -> Iterator[FeedItem]:
        """Closed bars and gaps, each as soon as it is known, to the window's end or our own.

        Without a start it begins with the bar that is running now. Raises ``Waiting`` when the
        venue stays silent, ``Stalled(FEED_INVALID)`` for bars that contradict each other.
        """
        wanted = _on_grid(window.start or self.clock(), series.interval, up=bool(window.start))
        last: datetime | None = None
        while window.end is None or wanted < window.end:
            if not self._pass(wanted + series.interval + self.settle):
                return
            for bar in self._closed(series, wanted):
                if window.end is not None and bar.opened >= window.end:
                    return
                place = f"{series.symbol} {bar.opened:%Y-%m-%dT%H:%M:%SZ}"
                gap = _before(place, series, last, wanted, bar.opened)
                if gap is not None:
                    yield gap
                yield sound(place, bar)
                last, wanted = bar.opened, bar.closed
            if wanted + series.interval + self.settle <= self.clock() and not self.sleep(
                self.every
            ):
                return

    def quotes(self, symbol: str, window: Window) -> Iterator[Quote]:
        """The touch at every question, where it can be had, to the window's end or our own."""
        last: datetime | None = None
        while window.end is None or self.clock() < window.end:
            quote = persistently(lambda: self.market.quote(symbol), self.sleep)
            fresh = quote is not None and (last is None or quote.at > last)
            if quote is not None and fresh and quote.bid.price < quote.ask.price:
                last = quote.at
                yield quote
            if not self.sleep(self.every):
                return

    def trades(self, symbol: str, window: Window) -> Iterator[TradeItem]:
        """Every trade after the first question, with gaps, to the window's end or our own."""
        seen = persistently(lambda: self.market.trades(symbol, None, 1), self.sleep)
        following = seen[-1].number + 1 if seen else 0
        known = bool(seen)
        while window.end is None or self.clock() < window.end:
            first = following
            page = persistently(lambda n=first: self.market.trades(symbol, n, PAGE), self.sleep)  # type: ignore[misc]
            for trade in (one for one in page if one.number >= following):
                if known and trade.number > following:
                    yield TradeGap(symbol, trade.at, following, trade.number)
                following, known = trade.number + 1, True
                yield trade
            if len(page) < PAGE and not self.sleep(self.every):
                return

    def _closed(self, series: Series, wanted: datetime) -> Iterator[Bar]:
        """Bars of one answer that closed before the question left, however the venue dates them."""
        asked = self.clock() - self.settle
        page = persistently(
            lambda: self.market.bars(series.symbol, series.interval, wanted, PAGE), self.sleep
        )
        return (bar for bar in page if wanted <= bar.opened and bar.closed <= asked)

    def _pass(self, until: datetime) -> bool:
        """Wait for this instant of the venue's clock; false if it is time to end."""
        while (left := until - self.clock()) > timedelta(0):
            if not self.sleep(min(left, LONGEST_NAP)):
                return False
        return True


def _before(
    place: str, series: Series, last: datetime | None, wanted: datetime, opened: datetime
) -> Gap | None:
    """What is missing before this bar; before the first one, since the feed began."""
    if last is not None:
        return follow(place, series, last, opened)
    missing = (opened - wanted) // series.interval
    return Gap(series.symbol, wanted, opened, missing) if missing else None


def _on_grid(at: datetime, interval: timedelta, *, up: bool) -> datetime:
    whole, rest = divmod(at - EPOCH, interval)
    return EPOCH + (whole + (1 if up and rest else 0)) * interval
