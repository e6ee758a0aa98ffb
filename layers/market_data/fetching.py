"""Stored bars and trades, asked for page by page and checked against what is kept. Pure.

DATA-7: a row is kept once and whole; what follows is asked for together with the last kept row,
and a venue that tells that row otherwise than before is not believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import amount_text, instant_text
from layers.feed import COLUMNS, Gap, Series, follow, sound
from layers.market import Bar
from layers.market_data.source import PublicMarket, Sleep, persistently
from layers.market_data.ticks import Quote, Trade, TradeGap
from layers.orders import Side

BAR_COLUMNS: Final = COLUMNS[:-1]  # a venue's count of trades is not kept
PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Rows that follow what is kept, and what is missing among them."""

    rows: tuple[str, ...]
    gaps: tuple[Gap | TradeGap, ...]
    reached: datetime  # everything before it has been asked for


def bar_pages(
    market: PublicMarket, series: Series, span: tuple[datetime, datetime], last: Bar | None
) -> Iterator[Page]:
    """Bars that opened from ``span[0]`` and closed by ``span[1]``; after ``last`` if one is kept.

    Raises:
        Stalled: ``FEED_INVALID``.
        Waiting: where the venue does not answer; the same call later goes on.
    """
    start, end = span
    kept = last
    wanted = kept.opened if kept else start
    while wanted + series.interval <= end:
        answer = market.bars(series.symbol, series.interval, wanted, PAGE)
        closed = [bar for bar in answer if wanted <= bar.opened and bar.closed <= end]
        if kept is not None:
            closed = _after_same(closed, kept)
        rows, gaps = [], []
        for bar in closed:
            place = f"{series.symbol} {instant_text(bar.opened)}"
            gap = follow(place, series, kept.opened, bar.opened) if kept else None
            gaps += [gap] if gap else []
            kept = sound(place, bar)
            rows.append(bar_row(bar))
        done = len(answer) < PAGE or not rows or answer[-1].closed > end
        yield Page(tuple(rows), tuple(gaps), end if done or kept is None else kept.closed)
        if done or kept is None:
            return
        wanted = kept.opened


def trade_pages(
    market: PublicMarket, symbol: str, span: tuple[int, datetime], last: Trade | None
) -> Iterator[Page]:
    """Trades from number ``span[0]`` and before ``span[1]``; after ``last`` if one is kept.

    Raises:
        Stalled: ``FEED_INVALID``.
        Waiting: where the venue does not answer; the same call later goes on.
    """
    first, end = span
    kept = last
    while True:
        answer = market.trades(symbol, kept.number if kept else first, PAGE)
        found = [trade for trade in answer if trade.at < end]
        if kept is not None:
            if not found or found[0] != kept:
                raise _rewritten(f"{symbol} trade {kept.number}")
            found = found[1:]
        rows, gaps = [], []
        for trade in found:
            if kept is not None:
                gaps += _trade_gap(kept, trade)
            kept = trade
            rows.append(trade_row(trade))
        done = len(answer) < PAGE or answer[-1].at >= end
        yield Page(tuple(rows), tuple(gaps), end if done or kept is None else kept.at)
        if done:
            return


def bar_row(bar: Bar) -> str:
    """The line of a file, in the columns ``BAR_COLUMNS``."""
    numbers = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return ",".join((f"{bar.opened:%Y-%m-%dT%H:%M:%SZ}", *map(amount_text, numbers)))


def trade_row(trade: Trade) -> str:
    """The line of a file, in the columns ``TRADE_COLUMNS``."""
    maker = str(trade.aggressor is Side.SELL)
    price, quantity = amount_text(trade.price), amount_text(trade.quantity)
    return ",".join((instant_text(trade.at), str(trade.number), price, quantity, maker))


@dataclass(frozen=True, slots=True)
class Persistent:
    """A market whose every question is repeated while it is not answered (DATA-6)."""

    market: PublicMarket
    sleep: Sleep

    def bars(
        self, symbol: str, interval: timedelta, start: datetime, limit: int
    ) -> tuple[Bar, ...]:
        """As the market, with patience."""
        return persistently(lambda: self.market.bars(symbol, interval, start, limit), self.sleep)

    def trades(self, symbol: str, first: int | None, limit: int) -> tuple[Trade, ...]:
        """As the market, with patience."""
        return persistently(lambda: self.market.trades(symbol, first, limit), self.sleep)

    def trade_at(self, symbol: str, start: datetime) -> int | None:
        """As the market, with patience."""
        return persistently(lambda: self.market.trade_at(symbol, start), self.sleep)

    def quote(self, symbol: str) -> Quote | None:
        """As the market, with patience."""
        return persistently(lambda: self.market.quote(symbol), self.sleep)


def _after_same(closed: list[Bar], kept: Bar) -> list[Bar]:
    if not closed or closed[0] != kept:
        raise _rewritten(f"{kept.symbol} {instant_text(kept.opened)}")
    return closed[1:]


def _trade_gap(last: Trade, trade: Trade) -> list[Gap | TradeGap]:
    if trade.number <= last.number or trade.at < last.at:
        text = f"expected a trade after {last.number}, found {trade.number}"
        raise Stalled(Reason.FEED_INVALID, trade.symbol, text)
    if trade.number == last.number + 1:
        return []
    return [TradeGap(trade.symbol, trade.at, last.number + 1, trade.number)]


def _rewritten(subject: str) -> Stalled:
    text = "expected the row as it is kept, found another or none; the venue tells it otherwise now"
    return Stalled(Reason.FEED_INVALID, subject, text)
