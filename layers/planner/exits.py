"""Exits: resting limit sells above cost, and the stop-loss as immediate sells at the collar."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final

from layers.configuration import LadderParameters
from layers.orders import Purpose
from layers.planner.desk import DeskView, OpenOrder
from layers.planner.drafting import Draft, is_tradable, sell_price, whole_steps

_MAX_SLICES: Final = 20


def is_stopped(view: DeskView, stop_fraction: Decimal) -> bool:
    """Whether the bid has fallen below average cost by the distance of the stop."""
    if view.average_cost <= 0 or not _is_sellable(view):
        return False  # dust that the venue does not take must not hold up what comes after
    return view.bid <= view.average_cost * (1 - stop_fraction)


def stop_loss(view: DeskView) -> list[Draft]:
    """The whole position in slices, each at most one order's worth, at or above the collar.

    Each slice is priced a tick above the one before: equal orders in one window would count as
    doubled (E5).
    """
    limits = view.limits
    if limits.price_collar is None or limits.max_order_notional is None:
        return []
    middle = (view.bid + view.ask) / 2
    floor = sell_price(middle * (1 - limits.price_collar), view.rules)
    left = whole_steps(view.position, view.rules)
    most = _most(view, floor + _MAX_SLICES * view.rules.tick)
    # even slices, so that no remainder falls below what the venue takes
    needed = (left / most).to_integral_value(ROUND_CEILING) if most > 0 else Decimal(0)
    slices = min(_MAX_SLICES, int(needed))
    found: list[Draft] = []
    for number in range(slices):
        price = floor + number * view.rules.tick
        even = whole_steps(left / (slices - number), view.rules) + view.rules.step
        quantity = min(left, even, most)
        if not is_tradable(price, quantity, view.rules):
            break
        found.append(Draft(f"stop-{number}", Purpose.STOP_LOSS, price, quantity))
        left -= quantity
    return found


def target(view: DeskView, use: LadderParameters, span: Decimal) -> Decimal:
    """Where profit is taken: above average cost, and never where it would be taken at once."""
    above = max(view.average_cost + span * use.take_profit, view.ask + view.rules.tick)
    return sell_price(above, view.rules)


def kept(
    orders: Sequence[OpenOrder], view: DeskView, use: LadderParameters, span: Decimal
) -> list[OpenOrder]:
    """Profit orders that may stay: those within reach of today's target, nearest first.

    What they sell together is no more than what is held.
    """
    far = target(view, use, span) + span * use.take_profit
    left = view.position
    found = []
    for order in sorted(orders, key=lambda o: (o.price, o.client_order_id)):
        if order.price <= far and order.remaining <= left:
            found.append(order)
            left -= order.remaining
    return found


def take_profit(
    view: DeskView, use: LadderParameters, span: Decimal, resting: Sequence[OpenOrder]
) -> list[Draft]:
    """Sells for what is held and not yet offered, at most as many as have a place."""
    if view.limits.max_order_notional is None:
        return []
    left = view.position - sum((order.remaining for order in resting), Decimal(0))
    taken = {order.price for order in resting}
    price = target(view, use, span)
    found: list[Draft] = []
    for number in range(max(0, use.exit_orders - len(resting))):
        while price in taken:
            price += view.rules.tick
        quantity = min(whole_steps(left, view.rules), _most(view, price))
        if not is_tradable(price, quantity, view.rules):
            break
        found.append(Draft(f"profit-{number}", Purpose.TAKE_PROFIT, price, quantity))
        taken.add(price)
        left -= quantity
    return found


def _is_sellable(view: DeskView) -> bool:
    return is_tradable(view.bid, whole_steps(view.position, view.rules), view.rules)


def _most(view: DeskView, price: Decimal) -> Decimal:
    """B4 values a sell at the larger of limit and bid, with the taker's fee."""
    worth = max(price, view.bid) * (1 + view.rules.taker_fee)
    return whole_steps((view.limits.max_order_notional or Decimal(0)) / worth, view.rules)
