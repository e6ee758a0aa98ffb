"""A market that no recording moves, such as one dollar token for another.

X-24: the crowd quotes one tick on each side of a price and trades no more; that price moves only by
the hand of whoever rehearses.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from layers.local_exchange.exchange import Exchange
from layers.local_exchange.matching import cancel, trade_for_crowd
from layers.local_exchange.path import on_grid
from layers.local_exchange.terms import CROWD, NOTHING, SymbolTerms
from layers.orders import Side


def quote_still(exchange: Exchange) -> bool:
    """Quote the still markets in which nobody ever did; whether there was one."""
    new = [
        terms
        for terms in exchange.terms.symbols
        if terms.still is not None and not exchange.books[terms.symbol].updates
    ]
    for terms in new:
        _quote(exchange, terms, terms.still or NOTHING)
    return bool(new)


def move_still(exchange: Exchange, by: Decimal) -> None:
    """Every still market stands so far from its own price; at nothing or below nobody quotes."""
    for terms in exchange.terms.symbols:
        if terms.still is not None:
            _quote(exchange, terms, terms.still + by)


def _quote(exchange: Exchange, terms: SymbolTerms, price: Decimal) -> None:
    book = exchange.books[terms.symbol]
    for side in Side:
        for order in [order for order in book.resting(side) if order.account == CROWD]:
            cancel(exchange, order)
    if price <= terms.tick:
        return
    bid = on_grid(price, terms.tick, ROUND_FLOOR) - terms.tick
    ask = on_grid(price, terms.tick, ROUND_CEILING) + terms.tick
    for side, at in ((Side.BUY, bid), (Side.SELL, ask)):
        if at > NOTHING:
            trade_for_crowd(exchange, terms.symbol, side, at, terms.max_quantity)
