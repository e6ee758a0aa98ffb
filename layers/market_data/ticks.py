"""Quotes and single trades in order, with their gaps: the fine grain of a market.

A source delivers rows; here they become values, strictly checked. A wrong row stops the feed
(``FEED_INVALID`` with file and line), trades that are missing arrive as a ``TradeGap``.
"""

import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, TypeAlias

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.feed import Row, Window
from layers.market import Book, Level, Provenance
from layers.orders import Side

QUOTE_COLUMNS: Final = ("time", "ask_size", "ask", "bid_size", "bid")
TRADE_COLUMNS: Final = ("time", "trade_id", "price", "quantity", "buyer_maker")
# DATA-4: recorders that went through floats leave 0.00031099999999999997 and 2e-6
FINEST: Final = Decimal("0.000000000001")
_NUMBER: Final = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,30})?(e-[0-9]{1,2})?\Z", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z", re.ASCII)
_ID: Final = re.compile(r"[0-9]{1,18}\Z", re.ASCII)
_WORDS: Final = {"True": True, "true": True, "False": False, "false": False}
TICKS: Final = timedelta(0)  # the interval of a book that comes quote by quote


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask with the sizes resting there."""

    symbol: str
    at: datetime
    bid: Level
    ask: Level

    @property
    def mid(self) -> Decimal:
        """Half way between bid and ask."""
        return (self.bid.price + self.ask.price) / 2

    def book(self, provenance: Provenance) -> Book:
        """The same as a book of one level a side."""
        return Book(
            symbol=self.symbol,
            bids=(self.bid,),
            asks=(self.ask,),
            event_at=self.at,
            received_at=self.at,
            provenance=provenance,
            interval=TICKS,
        )


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution between strangers; ``aggressor`` is the side that took."""

    symbol: str
    at: datetime
    number: int
    price: Decimal
    quantity: Decimal
    aggressor: Side


@dataclass(frozen=True, slots=True)
class TradeGap:
    """Trades that the source does not have: the first missing number, and the next present one."""

    symbol: str
    at: datetime
    first: int
    until: int


TradeItem: TypeAlias = Trade | TradeGap
Tick: TypeAlias = Quote | Trade | TradeGap


def quotes_in_order(rows: Iterable[Row], symbol: str, window: Window) -> Iterator[Quote]:
    """Quotes inside ``window``; of several of one instant the last stands (DATA-3).

    Raises:
        Stalled: ``FEED_INVALID`` for a bad number or time, a price or size of zero, a bid at or
            above the ask, and for rows that are unordered.
    """
    held: Quote | None = None
    for row in rows:
        quote = _quote(row, symbol)
        if held is not None and quote.at < held.at:
            raise _invalid(row.place, f"expected a quote at or after {held.at}, found {quote.at}")
        if _after(quote.at, window):
            break
        if held is not None and quote.at != held.at and _inside(held.at, window):
            yield held
        held = quote
    if held is not None and _inside(held.at, window):
        yield held


def trades_in_order(rows: Iterable[Row], symbol: str, window: Window) -> Iterator[TradeItem]:
    """Trades inside ``window``, their numbers ascending by one, or with a ``TradeGap`` between.

    Raises:
        Stalled: ``FEED_INVALID`` for a bad number or time, a price or size of zero, and for rows
            that are doubled or unordered.
    """
    last: Trade | None = None
    for row in rows:
        trade = _trade(row, symbol)
        if last is not None:
            _check_step(row.place, last, trade)
        if _after(trade.at, window):
            return
        if _inside(trade.at, window):
            if last is not None and trade.number > last.number + 1:
                yield TradeGap(symbol, trade.at, last.number + 1, trade.number)
            yield trade
        last = trade


def merged(quotes: Iterable[Quote], trades: Iterable[TradeItem]) -> Iterator[Tick]:
    """Both streams by time; at one instant trades come first, since the quote knows of them."""
    return heapq.merge(trades, quotes, key=_priority)


def _priority(tick: Tick) -> tuple[datetime, bool]:
    return tick.at, isinstance(tick, Quote)


def _check_step(place: str, last: Trade, trade: Trade) -> None:
    if trade.number <= last.number:
        raise _invalid(place, f"expected a trade after {last.number}, found {trade.number}")
    if trade.at < last.at:
        raise _invalid(place, f"expected a trade at or after {last.at}, found {trade.at}")


def _quote(row: Row, symbol: str) -> Quote:
    quote = Quote(
        symbol=symbol,
        at=_instant(row),
        bid=Level(_number(row, "bid"), _number(row, "bid_size")),
        ask=Level(_number(row, "ask"), _number(row, "ask_size")),
    )
    if quote.bid.price >= quote.ask.price:
        text = f"expected the bid below the ask, found {quote.bid.price} and {quote.ask.price}"
        raise _invalid(row.place, text)
    return quote


def _trade(row: Row, symbol: str) -> Trade:
    number, maker = row.fields["trade_id"], row.fields["buyer_maker"]
    if not _ID.match(number):
        raise _invalid(row.place, f"expected trade_id as a count, found {number[:40]!r}")
    if maker not in _WORDS:
        raise _invalid(row.place, f"expected buyer_maker as True or False, found {maker[:40]!r}")
    return Trade(
        symbol=symbol,
        at=_instant(row),
        number=int(number),
        price=_number(row, "price"),
        quantity=_number(row, "quantity"),
        aggressor=Side.SELL if _WORDS[maker] else Side.BUY,
    )


def _number(row: Row, name: str) -> Decimal:
    text = row.fields[name]
    if not _NUMBER.match(text):
        raise _invalid(row.place, f"expected {name} as a plain decimal, found {text[:40]!r}")
    value = Decimal(text).quantize(FINEST, ROUND_HALF_EVEN).normalize()
    if value <= 0:
        raise _invalid(row.place, f"expected {name} above zero, found {text[:40]!r}")
    return value


def _instant(row: Row) -> datetime:
    text = row.fields["time"]
    if not _TIME.match(text):
        example = "2021-01-08T00:00:00.278Z"
        raise _invalid(row.place, f"expected time as {example}, found {text[:40]!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(row.place, f"time {text} does not exist: {error}") from error


def _inside(at: datetime, window: Window) -> bool:
    return not _after(at, window) and (window.start is None or at >= window.start)


def _after(at: datetime, window: Window) -> bool:
    return window.end is not None and at >= window.end


def _invalid(place: str, message: str) -> Stalled:
    return Stalled(Reason.FEED_INVALID, place, message)
