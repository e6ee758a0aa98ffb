"""Recorded quotes and single trades as the market: what others bid, asked and took.

X-26: each tick happens at its own instant, in the recording's order, through the same engine as
everybody's orders. X-27 and X-28 say what a quote and a trade do to the book.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN
from typing import Final, TypeAlias

from layers.local_exchange.crowd import Recording, advance, print_trade, quote, withdraw
from layers.local_exchange.exchange import Exchange
from layers.local_exchange.path import on_grid
from layers.local_exchange.terms import SymbolTerms
from layers.market_data.ticks import Quote, Trade
from layers.orders import Side

_MILLISECOND: Final = timedelta(milliseconds=1)
_SECOND_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class TickRecording:
    """Quotes and trades re-dated: the first happens at ``start_ms``, the others as long after it.

    X-15: when they end, the market stands still; nobody knows how to walk a trade back.
    """

    symbol: str
    ticks: tuple[Quote | Trade, ...]
    start_ms: int

    @property
    def name(self) -> str:
        """What a store remembers of it: a digest of its ticks."""
        found = hashlib.sha256(f"{self.symbol} ticks".encode())
        for tick in self.ticks:
            found.update(repr(tick).encode())
        return found.hexdigest()

    @property
    def interval_ms(self) -> int:
        """X-23: it is dated anew by whole seconds, so that its candles stay what they were."""
        return _SECOND_MS

    def at_ms(self, number: int) -> int:
        """When the tick of that number happens."""
        return self.start_ms + (self.ticks[number].at - self.ticks[0].at) // _MILLISECOND


AnyRecording: TypeAlias = Recording | TickRecording


def follow(exchange: Exchange, recording: AnyRecording | None, now_ms: int) -> bool:
    """Bring the market to ``now_ms``, by bars or ticks; whether anything happened."""
    if not isinstance(recording, TickRecording):
        return advance(exchange, recording, now_ms)
    terms = exchange.markets[recording.symbol]
    first = exchange.steps_taken
    while exchange.steps_taken < len(recording.ticks):
        at_ms = recording.at_ms(exchange.steps_taken)
        if at_ms > now_ms:
            break
        exchange.now_ms = max(exchange.now_ms, at_ms)
        tick = recording.ticks[exchange.steps_taken]
        if isinstance(tick, Quote):
            _show(exchange, terms, tick)
        else:
            _trade(exchange, terms, tick)
        exchange.steps_taken += 1
    exchange.now_ms = max(exchange.now_ms, now_ms)
    return exchange.steps_taken > first


def _show(exchange: Exchange, terms: SymbolTerms, seen: Quote) -> None:
    """X-27: nobody else is better than this; what was there behind it stays where customers are."""
    bid = on_grid(seen.bid.price, terms.tick, ROUND_FLOOR)
    ask = on_grid(seen.ask.price, terms.tick, ROUND_CEILING)
    withdraw(exchange, terms.symbol, bid, ask)
    for side, price, size in ((Side.BUY, bid, seen.bid.size), (Side.SELL, ask, seen.ask.size)):
        offered = on_grid(size, terms.step, ROUND_DOWN)
        quote(exchange, terms.symbol, side, {price: offered} if offered > 0 else {})


def _trade(exchange: Exchange, terms: SymbolTerms, seen: Trade) -> None:
    """X-28: the recorded aggressor takes what rests; what was not on show is made by others."""
    price = on_grid(seen.price, terms.tick, ROUND_HALF_EVEN)
    if seen.aggressor is Side.SELL:  # a bid was taken at this price, so nobody else offers at it
        withdraw(exchange, terms.symbol, price, price + terms.tick)
    else:
        withdraw(exchange, terms.symbol, price - terms.tick, price)
    volume = on_grid(seen.quantity, terms.step, ROUND_DOWN)
    print_trade(exchange, terms.symbol, seen.aggressor, price, volume)
