"""The last that a venue showed of each symbol: by it a wipe is told, however long after.

Orders and executions themselves are let go a while after they ended (L6-10); of these few the
names stay, so that a venue can still be asked for something that it must know.
"""

from dataclasses import dataclass, field
from typing import Final

from layers.orders import Fill, OrderState, VenueOrder

REMEMBERED: Final = 3  # of each symbol
_FORGOTTEN_AT_ONCE: Final = frozenset({OrderState.REJECTED})  # leaves no record at a venue


@dataclass(slots=True)
class LastKnown:
    """By symbol, newest last."""

    orders: dict[str, tuple[str, ...]] = field(default_factory=dict)  # client ids
    fills: dict[str, tuple[Fill, ...]] = field(default_factory=dict)

    def saw(self, order: VenueOrder) -> None:
        """The venue showed this order of ours."""
        if order.state not in _FORGOTTEN_AT_ONCE:
            self._order(order.symbol, order.client_order_id)

    def took(self, fill: Fill) -> None:
        """The venue showed this execution of ours."""
        self._order(fill.symbol, fill.client_order_id)
        self.fills[fill.symbol] = (*self.fills.get(fill.symbol, ()), fill)[-REMEMBERED:]

    def lost(self, name: str) -> None:
        """A person explained that the venue does not know this order any more."""
        for symbol, names in self.orders.items():
            self.orders[symbol] = tuple(n for n in names if n != name)

    def clear(self) -> None:
        """A wipe was accepted: it was another venue's."""
        self.orders.clear()
        self.fills.clear()

    def _order(self, symbol: str, name: str) -> None:
        others = (n for n in self.orders.get(symbol, ()) if n != name)
        self.orders[symbol] = (*others, name)[-REMEMBERED:]
