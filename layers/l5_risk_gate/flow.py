"""E: how many messages and orders, and none of them twice. Held against reductions too."""

from datetime import timedelta
from typing import Final

from desired_state.reasons import Reason
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    MISSING,
    NO_LIMIT,
    WITHIN,
    ControlFinding,
    finding,
)
from layers.risk_snapshot import NEVER, window

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)


def e1_message_rate(case: Case) -> ControlFinding:
    """With this one, no more messages went out in the second and in the minute than may."""
    flow, limits = case.snapshot.flow, case.limits
    quick, slow = flow.messages_second, flow.messages_minute
    most_quick, most_slow = limits.max_messages_per_second, limits.max_messages_per_minute
    span, seen, bound = SECOND, quick, most_quick
    if most_quick is None or most_slow is None:
        code = NO_LIMIT
    elif quick is None or slow is None:
        code = MISSING
    else:
        if quick < most_quick and slow >= most_slow:
            span, seen, bound = MINUTE, slow, most_slow
        within = quick < most_quick and slow < most_slow
        code = WITHIN if within else Reason.MSG_RATE
    count = None if seen is None else seen + 1
    outcome = ALLOW if code is WITHIN else DENY
    over = (span, case.interval)
    return finding(("E1", code, outcome, count, bound, "messages", "account", over, None))


def e2_orders_day(case: Case) -> ControlFinding:
    """With this one, no more orders were sent this UTC day than may be."""
    most, sent = case.limits.max_orders_per_day, case.snapshot.flow.orders_today
    count = None if sent is None else sent + 1
    if most is None:
        code = NO_LIMIT
    elif count is None:
        code = MISSING
    else:
        code = WITHIN if count <= most else Reason.MAX_ORDERS_DAY
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("E2", code, outcome, count, most, "orders", "account", None, None))


def e5_duplicate(case: Case) -> ControlFinding:
    """The intent is new, none of its orders works, and no equal order was just sent."""
    flow, span = case.snapshot.flow, case.limits.duplicate_window
    last = flow.same_order_at
    over = None if span is None else (span, case.interval)
    seen = "new"
    if flow.intent_seen or flow.intent_working:
        code = Reason.DUPLICATE
        seen = "intent seen before" if flow.intent_seen else "order of the intent working"
    elif span is None:
        code = NO_LIMIT
    elif flow.intent_seen is None or flow.intent_working is None or last is None:
        code, seen = MISSING, "unknown"
    elif last != NEVER and case.snapshot.at - last <= window(span, case.interval):
        code, seen = Reason.DUPLICATE, "equal order in the window"
    else:
        code = WITHIN
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("E5", code, outcome, seen, span, "", "intent", over, None))
