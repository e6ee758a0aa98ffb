"""Binance's public data on a line of ccxt: bars, aggregated trades, the touch."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.binance_restraint import Restraint
from layers.adapters.ccxt_line import Clock, Line, Skew, Terms
from layers.adapters.venue_credentials import Credentials
from layers.binance.heard import unanswered
from layers.binance.protocol import AGGREGATES, BOOK_TICKER, KLINES, UNLISTED, Endpoint, market_id
from layers.binance.rows import instant, millis, number, rows, truth, unreadable, whole
from layers.market import Bar, Level
from layers.market_data.ticks import Quote, Trade
from layers.orders import Side

# Intervals of one length (rest-api.md, klines); weeks and months begin off the grid.
INTERVALS: Final = {
    timedelta(seconds=1): "1s",
    timedelta(minutes=1): "1m",
    timedelta(minutes=3): "3m",
    timedelta(minutes=5): "5m",
    timedelta(minutes=15): "15m",
    timedelta(minutes=30): "30m",
    timedelta(hours=1): "1h",
    timedelta(hours=2): "2h",
    timedelta(hours=4): "4h",
    timedelta(hours=6): "6h",
    timedelta(hours=8): "8h",
    timedelta(hours=12): "12h",
    timedelta(days=1): "1d",
}
_BROKEN: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


# A line wants a key; none is sent, for what is asked here is open to everybody.
NOBODY: Final = Credentials("no-key-is-needed", "no-secret-is-needed")


def open_market(
    terms: Terms, clock: Clock, restraint: Restraint | None = None
) -> "tuple[BinanceMarket, Line]":
    """The market and its line, which the caller measures and closes.

    ``restraint`` is another line's at the same venue, where this process has one.

    Raises:
        Stalled: ``VENUE_UNPROVEN`` or ``TOOL_MISSING``.
    """
    line = Line(terms, NOBODY, clock, Skew(), restraint or Restraint())
    return BinanceMarket(line), line


class BinanceMarket:
    """``PublicMarket`` on one line; nothing that it asks is signed."""

    def __init__(self, line: Line) -> None:
        """The line may be shared with other adapters of the same venue."""
        self._line = line

    def bars(
        self, symbol: str, interval: timedelta, start: datetime, limit: int
    ) -> tuple[Bar, ...]:
        """Bars from ``start``, the running one included."""
        name = INTERVALS.get(interval)
        if name is None:
            text = f"expected one of {', '.join(INTERVALS.values())}, found {interval}"
            raise Stalled(Reason.USAGE, "interval", text)
        asked = {"interval": name, "startTime": millis(start), "limit": limit}
        try:
            return tuple(
                _bar(row, symbol, interval) for row in self._asked(KLINES, symbol, "klines", asked)
            )
        except _BROKEN:
            pass
        raise unreadable("klines")

    def trades(self, symbol: str, first: int | None, limit: int) -> tuple[Trade, ...]:
        """Aggregated trades: executions of one taker at one price and instant are one."""
        asked = {"limit": limit} if first is None else {"fromId": first, "limit": limit}
        try:
            return tuple(
                _trade(row, symbol) for row in self._asked(AGGREGATES, symbol, "trades", asked)
            )
        except _BROKEN:
            pass
        raise unreadable("trades")

    def trade_at(self, symbol: str, start: datetime) -> int | None:
        """Number of the first aggregate at or after ``start``."""
        asked = {"startTime": millis(start), "limit": 1}
        found = self._asked(AGGREGATES, symbol, "trades", asked)
        try:
            return whole(found[0]["a"]) if found else None
        except _BROKEN:
            pass
        raise unreadable("trades")

    def quote(self, symbol: str) -> Quote | None:
        """The touch; Binance does not date it, so it is no older than the question."""
        sent = self._line.clock.wall()
        heard = self._heard(BOOK_TICKER, symbol, "bookTicker", {})
        try:
            bid = Level(number(heard["bidPrice"]), number(heard["bidQty"]))
            ask = Level(number(heard["askPrice"]), number(heard["askQty"]))
        except _BROKEN:
            pass
        else:
            empty = not (bid.price and bid.size and ask.price and ask.size)
            return None if empty else Quote(symbol, sent, bid, ask)
        raise unreadable("bookTicker")

    def _asked(
        self, endpoint: Endpoint, symbol: str, what: str, asked: Mapping[str, object]
    ) -> list[Any]:
        return rows(self._heard(endpoint, symbol, what, asked), what)

    def _heard(
        self, endpoint: Endpoint, symbol: str, what: str, asked: Mapping[str, object]
    ) -> Any:  # noqa: ANN401
        heard = self._line.ask(endpoint, {"symbol": market_id(symbol), **asked})
        if heard.says(UNLISTED):
            raise Stalled(Reason.USAGE, symbol, "expected a symbol that the venue lists")
        if not heard.good:
            raise unanswered(heard, what)
        return heard.data


def _bar(row: Any, symbol: str, interval: timedelta) -> Bar:  # noqa: ANN401
    opened, first, high, low, close, volume = row[:6]
    return Bar(
        symbol=symbol,
        opened=instant(opened),
        interval=interval,
        open=number(first),
        high=number(high),
        low=number(low),
        close=number(close),
        volume=number(volume),
    )


def _trade(row: Any, symbol: str) -> Trade:  # noqa: ANN401
    return Trade(
        symbol=symbol,
        at=instant(row["T"]),
        number=whole(row["a"]),
        price=number(row["p"]),
        quantity=number(row["q"]),
        aggressor=Side.SELL if truth(row["m"]) else Side.BUY,
    )
