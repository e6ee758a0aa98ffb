"""Resting orders of one symbol in price-time order.

X-1: the best price first, at one price the order that came first. Prices stand in a sorted list
(negated for bids, so that the best is first on both sides), each with its orders in the order of
arrival: a dict keeps that order and lets one go from its middle at once.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from layers.local_exchange.order import Order
from layers.orders import Side


class Book:
    """Two sides of resting orders."""

    __slots__ = ("_keys", "_levels", "updates")

    def __init__(self) -> None:
        self._keys: dict[Side, list[Decimal]] = {Side.BUY: [], Side.SELL: []}
        self._levels: dict[Side, dict[Decimal, dict[int, Order]]] = {Side.BUY: {}, Side.SELL: {}}
        self.updates = 0  # lastUpdateId

    def add(self, order: Order) -> None:
        """Stand ``order`` behind everything at its price."""
        levels = self._levels[order.side]
        level = levels.get(order.price)
        if level is None:
            level = levels[order.price] = {}
            insort(self._keys[order.side], _key(order.side, order.price))
        level[order.sequence] = order
        self.updates += 1

    def remove(self, order: Order) -> None:
        """Take ``order`` out; one that does not rest here is a fault of the caller."""
        levels = self._levels[order.side]
        level = levels[order.price]
        del level[order.sequence]
        if not level:
            del levels[order.price]
            keys = self._keys[order.side]
            del keys[bisect_left(keys, _key(order.side, order.price))]
        self.updates += 1

    def holds(self, order: Order) -> bool:
        """Whether ``order`` rests here."""
        return order.sequence in self._levels[order.side].get(order.price, {})

    def best(self, side: Side) -> Order | None:
        """The order that would trade next on ``side``."""
        keys = self._keys[side]
        if not keys:
            return None
        return next(iter(self._levels[side][abs(keys[0])].values()))

    def resting(self, side: Side) -> Iterator[Order]:
        """Orders of one side, best first. The book may not change meanwhile."""
        for key in self._keys[side]:
            yield from self._levels[side][abs(key)].values()

    def at(self, side: Side, price: Decimal) -> tuple[Order, ...]:
        """Orders at one price, first come first."""
        return tuple(self._levels[side].get(price, {}).values())

    def levels(self, side: Side, limit: int) -> list[tuple[Decimal, Decimal]]:
        """The best ``limit`` prices of one side with the size that rests at each."""
        return [
            (
                abs(key),
                sum((o.remaining for o in self._levels[side][abs(key)].values()), Decimal(0)),
            )
            for key in self._keys[side][:limit]
        ]


def _key(side: Side, price: Decimal) -> Decimal:
    return -price if side is Side.BUY else price
