"""The whole state of the exchange, and who may look at what of it.

Everything here is a value in memory that changes only through the matching engine and the crowd;
``fresh_*`` and ``changed_*`` say what has not been kept on disk yet.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import takewhile
from typing import Final, TypeAlias

from layers.local_exchange.book import Book
from layers.local_exchange.order import Fill, Order
from layers.local_exchange.purses import Purses
from layers.local_exchange.tape import Tape
from layers.local_exchange.terms import ExchangeTerms, SymbolTerms

KEPT_FILLS: Final = 40_000
ARCHIVED_AFTER_MS: Final = 90 * 86_400_000
Place: TypeAlias = tuple[str, int]  # symbol and ``orderId``


@dataclass(slots=True)
class Exchange:
    """One exchange: terms, clock, purses, books, tapes, orders and fills of its customers."""

    terms: ExchangeTerms
    now_ms: int
    markets: dict[str, SymbolTerms] = field(default_factory=dict)
    purses: Purses = field(default_factory=Purses)
    books: dict[str, Book] = field(default_factory=dict)
    tapes: dict[str, Tape] = field(default_factory=dict)
    orders: dict[Place, Order] = field(default_factory=dict)  # every customer's, open and closed
    fills: list[Fill] = field(default_factory=list)  # every customer's
    open_ids: dict[tuple[str, str, str], int] = field(default_factory=dict)
    last_ids: dict[tuple[str, str, str], int] = field(default_factory=dict)
    next_order: dict[str, int] = field(default_factory=dict)  # by symbol
    next_trade: dict[str, int] = field(default_factory=dict)
    next_sequence: int = 1
    steps_taken: int = 0  # of the recorded market
    changed_orders: dict[Place, Order] = field(default_factory=dict)
    changed_crowds: set[str] = field(default_factory=set)
    fresh_fills: list[Fill] = field(default_factory=list)

    def symbol(self, name: str) -> SymbolTerms | None:
        """The terms of one market, or none where it is not listed."""
        return self.markets.get(name)

    def average(self, symbol: str) -> Decimal | None:
        """The recent price that filters compare with."""
        return self.tapes[symbol].average(self.now_ms)

    def open_orders(self, account: str, symbol: str | None) -> list[Order]:
        """Open orders of one account, oldest first."""
        found = [
            self.orders[name, number]
            for (owner, name, _), number in self.open_ids.items()
            if owner == account and symbol in {None, name}
        ]
        return sorted(found, key=lambda order: order.sequence)

    def open_count(self, account: str, symbol: str) -> int:
        """How many orders of one account rest in one market."""
        return sum(owner == account and name == symbol for owner, name, _ in self.open_ids)

    def by_client_id(self, account: str, symbol: str, client_id: str) -> Order | None:
        """X-5: the open order of that id, else the last one that bore it."""
        key = (account, symbol, client_id)
        number = self.open_ids.get(key) or self.last_ids.get(key)
        return None if number is None else self.orders[symbol, number]

    def by_number(self, account: str, symbol: str, number: int) -> Order | None:
        """The order of that ``orderId``, if it is this account's."""
        order = self.orders.get((symbol, number))
        return order if order and order.account == account else None

    def since(self, start_ms: int | None) -> list[Order]:
        """Orders made from then on, oldest first; costs what was made since, not what there is."""
        if start_ms is None:
            return list(self.orders.values())
        newest_first = reversed(self.orders.values())
        return list(takewhile(lambda order: order.created_ms >= start_ms, newest_first))[::-1]

    def archived(self, order: Order) -> bool:
        """X-25: ended 90 days ago with nothing executed, it is remembered and not shown."""
        ended = not order.live and not order.executed
        return ended and self.now_ms - order.updated_ms > ARCHIVED_AFTER_MS

    def number_order(self, symbol: str) -> int:
        """X-24: the next ``orderId`` of one market."""
        return _counted(self.next_order, symbol)

    def number_trade(self, symbol: str) -> int:
        """X-24: the next trade's id in one market."""
        return _counted(self.next_trade, symbol)

    def forget_old(self) -> None:
        """X-22: what closed long ago is no longer in memory, and queries do not find it."""
        kept = self.terms.kept_orders
        if len(self.orders) > kept + len(self.open_ids):
            old = [order for order in self.orders.values() if not order.live]
            for order in old[: len(old) - kept // 2]:
                del self.orders[order.symbol, order.number]
                key = (order.account, order.symbol, order.client_id)
                if self.last_ids.get(key) == order.number:
                    del self.last_ids[key]
        if len(self.fills) > KEPT_FILLS:
            del self.fills[: len(self.fills) - KEPT_FILLS // 2]

    def note(self, order: Order) -> None:
        """Remember that ``order`` changed, and whether its id is taken; the crowd's has none."""
        if not order.number:
            self.changed_crowds.add(order.symbol)
            return
        place = (order.symbol, order.number)
        self.orders[place] = self.changed_orders[place] = order
        key = (order.account, order.symbol, order.client_id)
        if order.live:
            self.open_ids[key] = order.number
        elif self.open_ids.get(key) == order.number:
            del self.open_ids[key]
        self.last_ids[key] = max(order.number, self.last_ids.get(key, 0))


def _counted(counters: dict[str, int], symbol: str) -> int:
    number = counters[symbol]
    counters[symbol] = number + 1
    return number


def new_exchange(terms: ExchangeTerms, now_ms: int) -> Exchange:
    """An exchange on which nothing has happened but the deposits."""
    exchange = Exchange(terms, now_ms)
    for symbol in terms.symbols:
        exchange.markets[symbol.symbol] = symbol
        exchange.books[symbol.symbol] = Book()
        exchange.tapes[symbol.symbol] = Tape()
        exchange.next_order[symbol.symbol] = exchange.next_trade[symbol.symbol] = 1
    for deposit in terms.deposits:
        exchange.purses.deposit(deposit.account, deposit.asset, deposit.amount)
    return exchange
