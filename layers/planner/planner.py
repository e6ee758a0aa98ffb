"""The deterministic planner of bounded auto: a function of the desk, the approved plan and time.

It asks; L5 judges each intent, and refuses what it must. Without an approved plan it cancels
entries and keeps exits going: what reduces risk needs no plan and no model (risk.md, A5).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from layers.artifacts import Hypothesis
from layers.configuration import LadderParameters
from layers.measures import average_true_range
from layers.orders import Side
from layers.planner import entries, exits
from layers.planner.desk import (
    NO_PLAN,
    ApprovedPlan,
    Cancellation,
    DeskView,
    OpenOrder,
    Proposal,
    Why,
)
from layers.planner.drafting import Draft, intent

_NO_HYPOTHESIS = "none"


def propose(
    view: DeskView, approved: ApprovedPlan | None, use: LadderParameters, as_of: datetime
) -> Proposal:
    """Cancels and intents for this instant. Cancels are meant to be done first.

    What it asks again in the same bar has the same intent ids, so a restart doubles nothing.
    """
    hypothesis = approved.hypothesis(view.series.symbol, as_of) if approved else None
    span = _range(view, use)
    buys = [o for o in view.open_orders if o.side is Side.BUY]
    sells = [o for o in view.open_orders if o.side is Side.SELL]
    stop = hypothesis.checklist.stop_fraction if hypothesis else use.min_stop_fraction
    if span is None or not 0 < view.bid < view.ask:
        # nothing can be priced; resting exits stay, resting entries do not
        return Proposal(_cancel(buys, Why.STALE), ())
    if _is_over(view, hypothesis) or exits.is_stopped(view, stop):
        cancels = (*_cancel(buys, Why.INVALIDATED), *_cancel(sells, Why.STOP))
        return _proposal(view, approved, hypothesis, cancels, exits.stop_loss(view), as_of)
    resting = exits.kept(sells, view, use, span)
    cancels = _cancel([o for o in sells if o not in resting], Why.STALE)
    drafts = exits.take_profit(view, use, span, resting)
    ended = _no_entries(view, hypothesis)
    if ended is not None or hypothesis is None:
        cancels = (*_cancel(buys, ended or Why.UNAPPROVED), *cancels)
        return _proposal(view, approved, hypothesis, cancels, drafts, as_of)
    standing = entries.kept(buys, view, use, span)
    cancels = (*_cancel([o for o in buys if o not in standing], Why.STALE), *cancels)
    room = _places(view, use, len(resting) + len(standing), len(drafts))
    new = entries.drafts(view, use, hypothesis, span, standing)
    return _proposal(view, approved, hypothesis, cancels, [*drafts, *new[:room]], as_of)


def _range(view: DeskView, use: LadderParameters) -> Decimal | None:
    bars = view.bars[-use.range_bars - 1 :]
    if len(bars) <= use.range_bars:
        return None
    span = average_true_range(bars)
    return span if span > 0 else None


def _is_over(view: DeskView, hypothesis: Hypothesis | None) -> bool:
    return hypothesis is not None and view.bid <= hypothesis.invalidation.price


def _no_entries(view: DeskView, hypothesis: Hypothesis | None) -> Why | None:
    if hypothesis is None:
        return Why.UNAPPROVED
    if view.no_trade:
        return Why.NO_TRADE
    # the market ran away above the range that the plan was made for
    return Why.INVALIDATED if view.ask > hypothesis.entry.price else None


def _places(view: DeskView, use: LadderParameters, working: int, exits_new: int) -> int:
    """How many entries the counts of open orders and of the day's orders leave."""
    limits = view.limits
    if limits.max_open_orders is None or limits.max_orders_per_day is None:
        return 0
    open_left = limits.max_open_orders - working - exits_new
    day_left = limits.max_orders_per_day - view.orders_today - exits_new - use.exits_per_day
    return max(0, min(open_left, day_left))


def _cancel(orders: Sequence[OpenOrder], why: Why) -> tuple[Cancellation, ...]:
    return tuple(
        Cancellation(order.client_order_id, why)
        for order in sorted(orders, key=lambda o: o.client_order_id)
    )


def _proposal(
    view: DeskView,
    approved: ApprovedPlan | None,
    hypothesis: Hypothesis | None,
    cancels: tuple[Cancellation, ...],
    drafts: Sequence[Draft],
    as_of: datetime,
) -> Proposal:
    plan = approved.pack if approved and hypothesis else NO_PLAN
    named = hypothesis.id if hypothesis else _NO_HYPOTHESIS
    made = (intent(draft, view, plan, named, as_of) for draft in drafts)
    return Proposal(cancels, tuple(found for found in made if found is not None))
