"""Recorded quotes and trades against the orders that rest here: fills on evidence only. Pure.

P-10 in short: the queue ahead is what the book showed at our price when we joined; it shrinks by
trades of the opposite aggressor at our price and by what the book shows later, and it is gone when
the market has left the price behind.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from layers.market import Level
from layers.orders import Side, SymbolRules
from layers.paper_venue.price_path import on_grid
from layers.paper_venue.taking import beyond
from layers.paper_venue.terms import NOTHING, MarketModel, Order


@dataclass(frozen=True, slots=True)
class Print:
    """One trade between strangers: the size that changed hands at a price, and who took."""

    price: Decimal
    quantity: Decimal
    aggressor: Side


def shown_ahead(order: Order, own_side: list[Level], model: MarketModel) -> Decimal | None:
    """Size that the book shows before an order that joins now; none where it shows nothing of it.

    Between two levels that are shown nobody stands; beyond the last one nobody knows.
    """
    for level in own_side:
        if level.price == order.price:
            return level.size * model.queue_share
        if not _better(order.side, level.price, order.price):
            return NOTHING
    return None


def queue_after_quote(order: Order, own_side: list[Level], model: MarketModel) -> Decimal | None:
    """The queue ahead once the book has shown itself anew: it can only shrink."""
    shown = shown_ahead(order, own_side, model)
    if shown is None or order.queue_ahead is None:
        return order.queue_ahead if shown is None else shown
    return min(order.queue_ahead, shown)


def met_by(order: Order, printed: Print) -> tuple[Decimal | None, Decimal]:
    """The queue ahead after this trade, and the size that is evidence for a fill of ours."""
    if beyond(order, printed.price):
        return NOTHING, printed.quantity
    ahead = order.queue_ahead
    if printed.price != order.price or printed.aggressor is order.side or ahead is None:
        return ahead, NOTHING
    return max(NOTHING, ahead - printed.quantity), max(NOTHING, printed.quantity - ahead)


def share_of(evidence: Decimal, rules: SymbolRules, model: MarketModel) -> Decimal:
    """P-5: what of the evidence may be ours, on the venue's step."""
    return on_grid(evidence * model.participation, rules.step, ROUND_DOWN)


def by_priority(orders: list[Order]) -> list[Order]:
    """Better price first, then the older order."""
    return sorted(orders, key=lambda o: (o.price * (-1 if o.side is Side.BUY else 1), o.number))


def _better(side: Side, price: Decimal, than: Decimal) -> bool:
    return price > than if side is Side.BUY else price < than
