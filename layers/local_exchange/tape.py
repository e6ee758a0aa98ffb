"""What happened in one market: trades, and candles of every interval of the protocol."""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile
from typing import Final

from layers.local_exchange.order import Trade
from layers.local_exchange.terms import NOTHING

_S: Final = 1000
_M: Final = 60 * _S
_H: Final = 60 * _M
_D: Final = 24 * _H
INTERVALS_MS: Final = {
    "1s": _S,
    "1m": _M,
    "3m": 3 * _M,
    "5m": 5 * _M,
    "15m": 15 * _M,
    "30m": 30 * _M,
    "1h": _H,
    "2h": 2 * _H,
    "4h": 4 * _H,
    "6h": 6 * _H,
    "8h": 8 * _H,
    "12h": 12 * _H,
    "1d": _D,
    "3d": 3 * _D,
}
KEPT_TRADES: Final = 20_000
KEPT_CANDLES: Final = 2000


@dataclass(slots=True)
class Candle:
    """One kline; ``taken_*`` is what buyers took."""

    opened_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = NOTHING
    quote: Decimal = NOTHING
    count: int = 0
    taken: Decimal = NOTHING
    taken_quote: Decimal = NOTHING


class Tape:
    """The last trades and candles of one symbol; older ones are let go."""

    __slots__ = ("candles", "fresh", "trades")

    def __init__(self) -> None:
        self.trades: deque[Trade] = deque(maxlen=KEPT_TRADES)
        self.candles: dict[str, deque[Candle]] = {
            name: deque(maxlen=KEPT_CANDLES) for name in INTERVALS_MS
        }
        self.fresh: list[Trade] = []  # not yet kept

    def print(self, trade: Trade) -> None:
        """Add a trade that has just happened."""
        self.recall(trade)
        self.fresh.append(trade)

    def recall(self, trade: Trade) -> None:
        """Add a trade that is kept already."""
        self.trades.append(trade)
        notional = trade.price * trade.quantity
        for name, width in INTERVALS_MS.items():
            row = self.candles[name]
            opened = trade.at_ms - trade.at_ms % width
            if not row or row[-1].opened_ms != opened:
                price = trade.price
                row.append(Candle(opened, price, price, price, price))
            _grow(row[-1], trade, notional)

    @property
    def last(self) -> Decimal | None:
        """The price of the last trade."""
        return self.trades[-1].price if self.trades else None

    def average(self, now_ms: int, minutes: int = 5) -> Decimal | None:
        """Mean price by volume over the last minutes; the last price where nothing was traded."""
        rows = _since(self.candles["1m"], now_ms - minutes * _M)
        volume = sum((c.volume for c in rows), NOTHING)
        return sum((c.quote for c in rows), NOTHING) / volume if volume else self.last

    def day(self, now_ms: int) -> list[Candle]:
        """The candles of the last 24 hours, by the quarter hour."""
        return _since(self.candles["15m"], now_ms - _D)[::-1]


def _since(candles: deque[Candle], after_ms: int) -> list[Candle]:
    """Newest first."""
    return list(takewhile(lambda candle: candle.opened_ms > after_ms, reversed(candles)))


def _grow(candle: Candle, trade: Trade, notional: Decimal) -> None:
    candle.high = max(candle.high, trade.price)
    candle.low = min(candle.low, trade.price)
    candle.close = trade.price
    candle.volume += trade.quantity
    candle.quote += notional
    candle.count += 1
    if not trade.buyer_is_maker:
        candle.taken += trade.quantity
        candle.taken_quote += notional
