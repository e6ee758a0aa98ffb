"""Recorded books and single trades drive the matching engine, one at a time (P-10 to P-12).

A symbol's market comes either from bars or from recorded quotes, never from both.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.market import Book, Level
from layers.market_data.ticks import TICKS, Trade
from layers.orders import Side
from layers.paper_venue.matching import Exchange
from layers.paper_venue.queueing import (
    Print,
    by_priority,
    met_by,
    queue_after_quote,
    share_of,
)
from layers.paper_venue.taking import beyond
from layers.paper_venue.terms import NOTHING, Market, Order, Status


def see_book(exchange: Exchange, book: Book) -> bool:
    """The book as the venue showed it; false if this or a newer one has been seen.

    Orders that arrived since the last one met that one. A crossed book shows nothing to take.

    Raises:
        Stalled: ``FEED_INVALID`` where the symbol's market comes from bars.
    """
    market = _market(exchange, book.symbol)
    if market is not None and book.event_at <= market.as_of:
        return False
    if market is None:
        market = Market(book.event_at, TICKS, NOTHING, [], [])
        exchange.markets[book.symbol] = market
    else:
        _arrivals(exchange, market, book.symbol, book.event_at)
    crossed = bool(book.bids and book.asks) and book.bids[0].price >= book.asks[0].price
    market.bids = [] if crossed else list(book.bids)
    market.asks = [] if crossed else list(book.asks)
    market.as_of = book.event_at
    exchange.clock = max(exchange.clock, book.event_at)
    _requeue(exchange, market, book.symbol)
    _quoted_through(exchange, market, book.symbol)
    return True


def see_trade(exchange: Exchange, trade: Trade) -> bool:
    """A trade between strangers; false if it has been seen, or if no book has been seen yet.

    Raises:
        Stalled: ``FEED_INVALID`` where the symbol's market comes from bars.
    """
    market = _market(exchange, trade.symbol)
    if market is None or trade.at < market.as_of:
        return False
    if market.last_trade is not None and trade.number <= market.last_trade:
        return False
    _arrivals(exchange, market, trade.symbol, trade.at)
    market.last_trade, market.last_price = trade.number, trade.price
    exchange.clock = max(exchange.clock, trade.at)
    rules = exchange.rules[trade.symbol]
    budget = share_of(trade.quantity, rules, exchange.model)
    printed = Print(trade.price, trade.quantity, trade.aggressor)
    for order in by_priority(_resting(exchange, trade.symbol)):
        ahead, evidence = met_by(order, printed)
        if ahead != order.queue_ahead:
            order = exchange.keep(replace(order, queue_ahead=ahead))  # noqa: PLW2901
        fillable = min(order.remaining, budget, share_of(evidence, rules, exchange.model))
        if fillable > 0:
            budget -= fillable
            exchange.fill(order, order.price, fillable, trade.at, maker=True)
    return True


def _market(exchange: Exchange, symbol: str) -> Market | None:
    market = exchange.markets.get(symbol)
    if market is not None and not market.recorded:
        text = "expected bars as before, found quotes or trades; a market has one source"
        raise Stalled(Reason.FEED_INVALID, symbol, text)
    return market


def _arrivals(exchange: Exchange, market: Market, symbol: str, until: datetime) -> None:
    fresh = market.as_of + timedelta(milliseconds=exchange.model.stale_after_ms)
    exchange.arrivals(symbol, market.as_of, until, fresh)


def _resting(exchange: Exchange, symbol: str) -> list[Order]:
    return [order for order in exchange.live(symbol) if order.status is not Status.SUBMITTED]


def _requeue(exchange: Exchange, market: Market, symbol: str) -> None:
    for order in _resting(exchange, symbol):
        own_side = market.bids if order.side is Side.BUY else market.asks
        ahead = queue_after_quote(order, own_side, exchange.model)
        if ahead != order.queue_ahead:
            exchange.keep(replace(order, queue_ahead=ahead))


def _quoted_through(exchange: Exchange, market: Market, symbol: str) -> None:
    """The other side is offered beyond our price: it would have met us first (P-10)."""
    rules = exchange.rules[symbol]
    for order in by_priority(_resting(exchange, symbol)):
        levels = market.asks if order.side is Side.BUY else market.bids
        if not levels or not beyond(order, levels[0].price):
            continue
        evidence = sum((x.size for x in levels if beyond(order, x.price)), NOTHING)
        fillable = min(order.remaining, share_of(evidence, rules, exchange.model))
        if fillable > 0:
            _consume(levels, fillable)
            exchange.fill(order, order.price, fillable, market.as_of, maker=True)


def _consume(levels: list[Level], quantity: Decimal) -> None:
    while quantity > 0 and levels:
        best = levels[0]
        taken = min(best.size, quantity)
        quantity -= taken
        left = best.size - taken
        levels[:1] = [Level(best.price, left)] if left > 0 else []
