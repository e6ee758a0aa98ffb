"""Aggregates of one symbol, and what an execution does to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from layers.l6_execution.own_order import NOTHING, UNPROVEN, OwnOrder
from layers.orders import WORKING, Fill, Side


@dataclass(slots=True)
class SymbolBook:
    """Quantities in base units, money in quote currency; cost is average cost."""

    position: Decimal = NOTHING
    cost: Decimal = NOTHING  # what the position cost, fees included
    realised: Decimal = NOTHING  # profit and loss of what was sold, fees included
    open_buy: Decimal = NOTHING
    open_sell: Decimal = NOTHING
    open_buy_notional: Decimal = NOTHING  # remaining buys at their own limit prices
    working: int = 0
    increasing: int = 0
    unproven: dict[str, datetime] = field(default_factory=dict)  # since when, oldest first
    last_fill_at: datetime | None = None
    wiped_cost: Decimal = NOTHING  # of positions that went in accepted wipes

    @property
    def unknown(self) -> int:
        """Orders that nothing proves to be anywhere; any of them blocks the symbol (G3)."""
        return len(self.unproven)

    @property
    def unknown_since(self) -> datetime | None:
        """Since when the oldest of them is unknown, market clock; none: the symbol is not blocked.

        It is the decision's instant: an order is unknown from when it was written down until an
        answer or a look-up proves where it is.
        """
        return min(self.unproven.values(), default=None)

    def weigh(self, order: OwnOrder, sign: int) -> None:
        """Add a working order (1), or take it out again (-1)."""
        if order.state not in WORKING:
            return
        remaining = sign * order.remaining
        if order.side is Side.BUY:
            self.open_buy += remaining
            self.open_buy_notional += remaining * order.price
        else:
            self.open_sell += remaining
        self.working += sign
        self.increasing += sign * order.increasing
        if order.state in UNPROVEN:
            if sign > 0:
                self.unproven[order.client_order_id] = order.intent.created_at
            else:
                self.unproven.pop(order.client_order_id, None)

    def book(self, fill: Fill) -> None:
        """An execution: position, cost and what was realised."""
        self.last_fill_at = max(fill.at, self.last_fill_at or fill.at)
        change = changes(fill)
        base, quote = fill.symbol.split("/")
        if fill.side is Side.BUY:
            self.position += change.get(base, NOTHING)
            self.cost -= change.get(quote, NOTHING)
            return
        whole = fill.quantity >= self.position
        cost = self.cost if whole else self.cost * fill.quantity / self.position
        self.position += change.get(base, NOTHING)
        self.cost -= cost
        self.realised += change.get(quote, NOTHING) - cost

    def lose(self, quantity: Decimal) -> None:
        """So much of the position is not there: what it cost is a loss that was realised."""
        whole = quantity >= self.position
        cost = self.cost if whole else self.cost * quantity / self.position
        self.position -= quantity
        self.cost -= cost
        self.realised -= cost

    def wipe(self, *, owed: bool) -> None:
        """A wipe that people accepted took the position; ``owed``: it is to be valued once."""
        self.wiped_cost += self.cost if owed else NOTHING
        self.position = self.cost = NOTHING
        self.last_fill_at = None


def taken_from(held: Mapping[str, Decimal], missing: Decimal) -> Mapping[str, Decimal]:
    """By symbol, what a shortage of the coin that they all hold takes: of the largest first."""
    found = {}
    for symbol, quantity in sorted(held.items(), key=lambda one: (-one[1], one[0])):
        taken = min(quantity, missing)
        if taken > NOTHING:
            found[symbol] = taken
            missing -= taken
    return found


def changes(fill: Fill) -> Mapping[str, Decimal]:
    """What an execution changed in each currency; the fee is taken where the venue took it."""
    base, quote = fill.symbol.split("/")
    sign = 1 if fill.side is Side.BUY else -1
    change = {base: sign * fill.quantity, quote: -sign * fill.quantity * fill.price}
    change[fill.fee_currency] = change.get(fill.fee_currency, NOTHING) - fill.fee
    return change
