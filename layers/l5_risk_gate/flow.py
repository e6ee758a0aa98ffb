"""E: how many messages and orders, and none of them twice. Held against reductions too."""

from typing import Final

from desired_state.reasons import Reason
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    HALT,
    MISSING,
    NO_LIMIT,
    NOT_HELD,
    WITHIN,
    Row,
    against,
)
from layers.risk_snapshot import NEVER

_RATIOS: Final = "orders, fills, cancels"
FEW: Final = 10  # E3: of fewer orders in a day a ratio of cancels says nothing


def e1_message_rate(case: Case) -> Row:
    """With this one, no more messages went out in the second and in the minute than may."""
    flow, limits = case.snapshot.flow, case.limits
    quick, slow = flow.messages_second, flow.messages_minute
    most_quick, most_slow = limits.max_messages_per_second, limits.max_messages_per_minute
    over, seen, bound = case.bounds.second, quick, most_quick
    if most_quick is None or most_slow is None:
        code = NO_LIMIT
    elif quick is None or slow is None:
        code = MISSING
    elif quick < most_quick and slow < most_slow:
        return ("E1", WITHIN, ALLOW, quick + 1, bound, "messages", "account", over, None)
    else:
        code = Reason.MSG_RATE
        if quick < most_quick:
            over, seen, bound = case.bounds.minute, slow, most_slow
    count = None if seen is None else seen + 1
    return ("E1", code, DENY, count, bound, "messages", "account", over, None)


def e2_orders_day(case: Case) -> Row:
    """With this one, no more orders were sent this UTC day than may be."""
    most, sent = case.limits.max_orders_per_day, case.snapshot.flow.orders_today
    count = None if sent is None else sent + 1
    if most is not None and count is not None and count <= most:
        return ("E2", WITHIN, ALLOW, count, most, "orders", "account", None, None)
    code = against(most, count, Reason.MAX_ORDERS_DAY)
    return ("E2", code, DENY, count, most, "orders", "account", None, None)


def e3_order_ratios(case: Case) -> Row:
    """The UTC day's orders for each execution, and its cancels for each order, stay few."""
    conduct = case.conduct
    each, cancelled, bound = case.bounds.ratios
    orders, fills = case.snapshot.flow.orders_today, conduct.fills_today
    cancels = conduct.cancels_today
    seen = (orders, fills, cancels)
    if each is None or cancelled is None:
        code = NO_LIMIT
    elif orders is None or fills is None or cancels is None:
        code = MISSING
    else:
        count = orders + 1
        # with few orders a ratio says nothing
        most = cancelled * (count if count > FEW else FEW)  # noqa: FURB136  (hot)
        if count <= each * (fills or 1) and cancels <= most:
            return ("E3", WITHIN, ALLOW, seen, bound, _RATIOS, "account", None, None)
        code = Reason.ORDER_RATIO
    return ("E3", code, DENY, seen, bound, _RATIOS, "account", None, None)


def e4_repeated_execution(case: Case) -> Row:
    """One side of one symbol was not executed so often in the window that it must be a loop."""
    most, span = case.limits.max_repeated_executions, case.limits.repeat_window
    seen, over = case.conduct.executed, case.bounds.over["repeat_window"]
    if most is None or span is None:
        return ("E4", NO_LIMIT, DENY, seen, most, "orders", "strategy", over, None)
    if seen is None:
        return ("E4", MISSING, DENY, seen, most, "orders", "strategy", over, None)
    if seen < most:
        return ("E4", WITHIN, ALLOW, seen, most, "orders", "strategy", over, None)
    return ("E4", Reason.REPEATED_EXECUTION, HALT, seen, most, "orders", "strategy", over, None)


def e5_duplicate(case: Case) -> Row:
    """The intent is new, none of its orders works, and no equal order was just sent."""
    flow, span = case.snapshot.flow, case.limits.duplicate_window
    last, over = flow.same_order_at, case.bounds.over["duplicate_window"]
    kept = case.bounds.span["duplicate_window"]
    seen = "new"
    if flow.intent_seen or flow.intent_working:
        code = Reason.DUPLICATE
        seen = "intent seen before" if flow.intent_seen else "order of the intent working"
    elif span is None or kept is None:
        code = NO_LIMIT
    elif flow.intent_seen is None or flow.intent_working is None or last is None:
        code, seen = MISSING, "unknown"
    elif last is not NEVER and last != NEVER and case.at - last <= kept:
        code, seen = Reason.DUPLICATE, "equal order in the window"
    else:
        return ("E5", WITHIN, ALLOW, seen, span, "", "intent", over, None)
    return ("E5", code, DENY, seen, span, "", "intent", over, None)


def e6_reject_streak(case: Case) -> Row:
    """The venue did not refuse so many orders one after the other that the desk must stop."""
    most, seen = case.limits.max_reject_streak, case.conduct.rejects
    if most is not None and seen is not None:
        if seen < most:
            return ("E6", WITHIN, ALLOW, seen, most, "refusals", "account", None, None)
        return ("E6", Reason.REJECT_STREAK, HALT, seen, most, "refusals", "account", None, None)
    code = against(most, seen, Reason.REJECT_STREAK)
    return ("E6", code, DENY, seen, most, "refusals", "account", None, None)


def e7_slicing(case: Case) -> Row:
    """All orders of the plan together want no more than it was approved for.

    Not held against reductions, which need no plan (A5).
    """
    if case.reduces:
        return ("E7", WITHIN, ALLOW, NOT_HELD, None, "quote", "plan", None, None)
    plan, so_far, value = case.snapshot.plan, case.conduct.plan_notional, case.notional
    most = None if plan is None else plan.whole_notional
    total = None if so_far is None or value is None else so_far + value
    if most is None or total is None:
        return ("E7", MISSING, DENY, total, most, "quote", "plan", None, None)
    if total <= most:
        return ("E7", WITHIN, ALLOW, total, most, "quote", "plan", None, None)
    return ("E7", Reason.SLICING, DENY, total, most, "quote", "plan", None, None)


def flow_rows(case: Case) -> tuple[Row, ...]:
    """E1 to E7."""
    return (
        e1_message_rate(case),
        e2_orders_day(case),
        e3_order_ratios(case),
        e4_repeated_execution(case),
        e5_duplicate(case),
        e6_reject_streak(case),
        e7_slicing(case),
    )
