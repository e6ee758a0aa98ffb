"""Entry rungs: resting limit buys below the market, inside what the limits leave."""

from collections.abc import Sequence
from decimal import Decimal

from layers.artifacts import Hypothesis
from layers.configuration import LadderParameters
from layers.orders import Purpose
from layers.planner.desk import DeskView, OpenOrder
from layers.planner.drafting import Draft, buy_price, is_tradable, whole_steps


def rungs(view: DeskView, use: LadderParameters, span: Decimal) -> list[Decimal]:
    """Where the rungs belong now, highest first. ``span`` is the average true range."""
    step = span * use.spacing
    return [buy_price(view.bid - step * (n + 1), view.rules) for n in range(use.rungs)]


def kept(
    orders: Sequence[OpenOrder], view: DeskView, use: LadderParameters, span: Decimal
) -> list[OpenOrder]:
    """Entries that may stay: not left behind by the market, and no more than there are rungs."""
    lowest = view.bid - span * use.spacing * (use.rungs + 1)
    near = [order for order in orders if lowest <= order.price < view.ask]
    return sorted(near, key=lambda o: (-o.price, o.client_order_id))[: use.rungs]


def drafts(
    view: DeskView,
    use: LadderParameters,
    hypothesis: Hypothesis,
    span: Decimal,
    resting: Sequence[OpenOrder],
) -> list[Draft]:
    """New rungs beside the ``resting`` ones, highest first, while exposure and money last."""
    limits = view.limits
    if limits.max_order_notional is None or limits.max_symbol_exposure is None:
        return []
    if limits.max_total_exposure is None or limits.max_strategy_exposure is None:
        return []
    # C1 and C3 count the other symbols as well: all of them are this one strategy's
    shared = min(limits.max_total_exposure, limits.max_strategy_exposure) - view.other_exposure
    cap = min(limits.max_symbol_exposure, shared)
    room = cap * hypothesis.checklist.size_fraction
    # B4 counts the taker's fee, C1 values every buy at the ask
    fee = 1 + view.rules.taker_fee
    lot = min(cap * hypothesis.checklist.rung_fraction, limits.max_order_notional) / fee
    held = view.position + sum((order.remaining for order in resting), Decimal(0))
    money = view.free_quote
    free = max(0, use.rungs - len(resting))
    found: list[Draft] = []
    for number, price in enumerate(rungs(view, use, span)):
        if len(found) == free or price <= 0:
            break
        if any(abs(order.price - price) < span * use.spacing / 2 for order in resting):
            continue
        quantity = whole_steps(
            min(lot / price, room / view.ask - held, money / fee / price), view.rules
        )
        if not is_tradable(price, quantity, view.rules):
            continue
        found.append(Draft(f"entry-{number}", Purpose.ENTRY, price, quantity))
        held += quantity
        money -= quantity * price * fee
    return found
