"""A taker's walk through the book: what is reachable, at what price, and what remains. Pure."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal

from layers.market import Level
from layers.orders import Side, SymbolRules
from layers.paper_venue.price_path import BASIS_POINT, on_grid
from layers.paper_venue.terms import NOTHING, MarketModel, Order


@dataclass(frozen=True, slots=True)
class Take:
    """One execution of the walk."""

    price: Decimal
    quantity: Decimal


def reaches(order: Order, price: Decimal) -> bool:
    """Whether ``price`` is as good as the order's own, or better."""
    return price <= order.price if order.side is Side.BUY else price >= order.price


def beyond(order: Order, price: Decimal) -> bool:
    """Whether ``price`` is strictly better than the order's own: the market went through it."""
    return price != order.price and reaches(order, price)


def walk_book(
    order: Order, levels: list[Level], rules: SymbolRules, adverse: Decimal
) -> tuple[tuple[Take, ...], list[Level]]:
    """P-4: executions best price first, and the levels without what was taken.

    ``adverse`` is added to each price against the order (P-11); a level that it puts out of the
    order's reach is not taken. Sizes off the venue's step are taken down to the step.
    """
    worse = adverse if order.side is Side.BUY else -adverse
    takes: list[Take] = []
    left = list(levels)
    wanted = order.remaining
    while left and wanted > 0 and reaches(order, left[0].price + worse):
        best = left[0]
        quantity = min(on_grid(best.size, rules.step, ROUND_DOWN), wanted)
        if quantity > 0:
            takes.append(Take(best.price + worse, quantity))
            wanted -= quantity
        if wanted > 0:
            left.pop(0)
        else:
            rest = best.size - quantity
            left[:1] = [Level(best.price, rest)] if rest > 0 else []
    return tuple(takes), left


def adverse_move(
    order: Order, levels: list[Level], rules: SymbolRules, model: MarketModel
) -> Decimal:
    """P-11: what a taker pays beyond the shown price on a recorded book, in whole ticks.

    ``adverse_ticks``, and the fitted impact ``k·sqrt(size/depth)`` where the model carries one.
    """
    move = rules.tick * model.adverse_ticks
    depth = sum((level.size for level in levels), NOTHING)
    if model.impact_bps > 0 and depth > 0:
        root = (order.remaining / depth).sqrt()
        impact = levels[0].price * model.impact_bps * BASIS_POINT * root
        move += on_grid(impact, rules.tick, ROUND_CEILING)
    return move
