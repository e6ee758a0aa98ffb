"""Between the exchange's values and the text that its store keeps."""

from collections.abc import Iterable
from typing import Final

from pydantic import TypeAdapter

from layers.local_exchange.exchange import Exchange, new_exchange
from layers.local_exchange.order import Fill, Order, Trade
from layers.local_exchange.purses import Purse
from layers.local_exchange.terms import CROWD, ExchangeTerms
from layers.orders import Side

ORDER: Final = TypeAdapter(Order)
ORDERS: Final = TypeAdapter(tuple[Order, ...])
FILL: Final = TypeAdapter(Fill)
TRADE: Final = TypeAdapter(Trade)
PURSE: Final = TypeAdapter(Purse)
COUNTERS: Final = ("now_ms", "next_sequence", "steps_taken")
BY_SYMBOL: Final = ("next_order", "next_trade")  # X-24; kept as "next_order BTCUSDT"


def counters(exchange: Exchange) -> dict[str, int]:
    """The numbers that go on counting after a restart."""
    found: dict[str, int] = {name: getattr(exchange, name) for name in COUNTERS}
    for name in BY_SYMBOL:
        found.update({f"{name} {s}": n for s, n in getattr(exchange, name).items()})
    return found


def crowd_of(exchange: Exchange, symbol: str) -> str:
    """What the crowd has resting in one book."""
    book = exchange.books[symbol]
    found = (o for side in Side for o in book.resting(side) if o.account == CROWD)
    return ORDERS.dump_json(tuple(found)).decode()


def rebuilt(
    terms: ExchangeTerms, numbers: dict[str, int], orders: Iterable[Order], fills: Iterable[Fill]
) -> Exchange:
    """An exchange with its customers' orders and fills; books, purses and tapes are still empty."""
    exchange = new_exchange(terms.model_copy(update={"deposits": ()}), numbers["now_ms"])
    exchange.terms = terms
    for name in COUNTERS:
        setattr(exchange, name, numbers[name])
    for name in BY_SYMBOL:
        setattr(exchange, name, {s: numbers[f"{name} {s}"] for s in exchange.markets})
    for order in orders:
        exchange.note(order)
    exchange.changed_orders.clear()
    exchange.fills.extend(fills)
    return exchange


def rest_again(exchange: Exchange, crowd: Iterable[Order]) -> None:
    """X-20: put what rested back on the books, in the order in which it had come."""
    customers = (order for order in exchange.orders.values() if order.live)
    for order in sorted((*crowd, *customers), key=lambda order: order.sequence):
        exchange.books[order.symbol].add(order)
    for book in exchange.books.values():
        # an order comes, goes and ends one trade at most, so this is beyond what was told before
        book.updates = 3 * exchange.next_sequence
