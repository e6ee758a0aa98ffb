"""A: who and what allows this order at all. Held against every order unless a line says less."""

from datetime import datetime
from typing import Final

from desired_state.reasons import Reason
from desired_state.values import Access, Mode, Trading
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    MISSING,
    NO_LIMIT,
    NOT_HELD,
    WITHIN,
    ControlFinding,
    finding,
)
from layers.orders import TimeInForce
from layers.risk_snapshot import PlanApproval, VenueClass, window

VENUE_OF_MODE: Final = {
    Mode.PAPER: VenueClass.PAPER,
    Mode.TESTNET: VenueClass.TESTNET,
    Mode.BOUNDED_LIVE: VenueClass.LIVE,
}
KINDS: Final = frozenset({"limit"})
TIMES_IN_FORCE: Final = frozenset(TimeInForce)
APPROVE: Final = "APPROVE"


def a1_mode(case: Case) -> ControlFinding:
    """The wired venue's class is the mode's own; modes without a venue send nothing."""
    mode, wired = case.snapshot.mode, case.snapshot.venue_class
    if mode is None or wired is None:
        code = MISSING
    else:
        code = WITHIN if VENUE_OF_MODE.get(mode) is wired else Reason.MODE_FORBIDS
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("A1", code, outcome, wired, mode, "venue class", "account", None, None))


def a3_kill_latch(case: Case) -> ControlFinding:
    """The kill switch is known not to be latched and the watcher's token known to be valid."""
    latched, token = case.snapshot.safety.kill_latched, case.snapshot.safety.token_ok
    if latched or token is False:
        code = Reason.KILL_LATCHED
    else:
        code = MISSING if latched is None or token is None else WITHIN
    seen = ("latched", str(latched), "token", str(token))
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("A3", code, outcome, seen, "latched False token True", "", "host", None, None))


def a4_trading(case: Case) -> ControlFinding:
    """Trading is active; while reducing, only what reduces passes."""
    trading = case.snapshot.trading
    if trading is Trading.ACTIVE or (trading is Trading.REDUCING and case.reduces):
        code = WITHIN
    elif trading is None:
        code = MISSING
    else:
        code = Reason.REDUCING if trading is Trading.REDUCING else Reason.TRADING_HALTED
    outcome = ALLOW if code is WITHIN else DENY
    return finding(
        ("A4", code, outcome, trading, Trading.ACTIVE, "trading state", "account", None, None)
    )


def a5_intent(case: Case) -> ControlFinding:
    """The intent is new, in time and from a plan that L4 approved. Not held against reductions."""
    ttl = case.limits.intent_ttl
    if case.reduces:
        return finding(("A5", WITHIN, ALLOW, NOT_HELD, ttl, "", "intent", None, None))
    over = None if ttl is None else (ttl, case.interval)
    code, seen = WITHIN, "approved"
    if ttl is None:
        code, seen = NO_LIMIT, "no intent_ttl"
    elif unknown := _unknown_of_plan(case):
        code, seen = MISSING, unknown
    elif fault := _fault_of_intent(case) or _fault_of_plan(case):
        code, seen = Reason.INTENT_UNAPPROVED, fault
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("A5", code, outcome, seen, ttl, "", "intent", over, None))


def _unknown_of_plan(case: Case) -> str:
    plan, flow = case.snapshot.plan, case.snapshot.flow
    if plan is None or flow.intent_seen is None:
        return "no approval of the plan" if plan is None else "intent_seen unknown"
    if plan.decision is None or plan.expires_at is None:
        return "no decision" if plan.decision is None else "no expiry"
    if plan.proposer is None or plan.critic is None:
        return "proposer or critic unknown"
    if plan.symbols is None or plan.sides is None or plan.max_notional is None:
        return "what the plan covers is unknown"
    return "" if case.notional is not None else "order has no value"


def _fault_of_intent(case: Case) -> str:
    intent, at, ttl = case.intent, case.snapshot.at, case.limits.intent_ttl
    if case.snapshot.flow.intent_seen:
        return "intent used before"
    if intent.created_at > at:
        return "intent from the future"
    if (
        at >= intent.expires_at
        or ttl is None
        or at - intent.created_at > window(ttl, case.interval)
    ):
        return "intent expired"
    return ""


def _fault_of_plan(case: Case) -> str:
    plan, request = case.snapshot.plan, case.request
    if plan is None or plan.plan != case.intent.plan:
        return "approval of another plan"
    if plan.decision != APPROVE:
        return f"decision {plan.decision}"
    if plan.proposer == plan.critic:
        return "proposer is its own critic"
    if _ended(plan, case.snapshot.at):
        return "approval expired"
    if request.symbol not in (plan.symbols or ()) or request.side not in (plan.sides or ()):
        return "symbol or side not in the plan"
    return "" if _covers(plan, case) else "more than the plan's notional"


def _ended(plan: PlanApproval, at: datetime) -> bool:
    return plan.expires_at is None or at >= plan.expires_at


def _covers(plan: PlanApproval, case: Case) -> bool:
    most, value = plan.max_notional, case.notional
    return most is not None and value is not None and value <= most


def a6_allow_list(case: Case) -> ControlFinding:
    """Venue, account, symbol, type and time in force are permitted; market orders never are."""
    snapshot, request, access = case.snapshot, case.request, case.symbol.access
    listed = (
        request.venue == snapshot.venue
        and request.account == snapshot.account
        and request.kind in KINDS
        and request.time_in_force in TIMES_IN_FORCE
    )
    if snapshot.venue is None or snapshot.account is None or access is None:
        code = MISSING
    elif listed and (access is Access.TRADE or (access is Access.REDUCE and case.reduces)):
        code = WITHIN
    else:
        code = Reason.NOT_ALLOW_LISTED
    seen = (request.venue, request.account, request.symbol, request.kind, request.time_in_force)
    bound = (snapshot.venue, snapshot.account, access)
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("A6", code, outcome, seen, bound, "", "symbol", None, None))


def a7_leverage(case: Case) -> ControlFinding:
    """Spot only: a sell takes no more than is owned and not being sold already."""
    if case.buying:
        return finding(("A7", WITHIN, ALLOW, "buy", "spot only", "base", "symbol", None, None))
    owned, wanted = case.reducible, case.quantity
    if owned is None or wanted is None:
        code = MISSING
    else:
        code = WITHIN if wanted <= owned else Reason.LEVERAGE
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("A7", code, outcome, wanted, owned, "base", "symbol", None, None))


def a8_no_trade(case: Case) -> ControlFinding:
    """No trigger stands for the symbol and L2's outlook is fresh. Not held against reductions."""
    if case.reduces:
        return finding(("A8", WITHIN, ALLOW, NOT_HELD, "no trigger", "", "symbol", None, None))
    at, triggers, expires = case.snapshot.at, case.symbol.triggers, case.symbol.outlook_expires
    standing = tuple([t.name for t in triggers or () if t.until is None or t.until > at])
    if triggers is None:
        code = MISSING
    else:
        fresh = expires is not None and at < expires
        code = WITHIN if fresh and not standing else Reason.NO_TRADE
    seen = (*standing, "outlook until", expires)
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("A8", code, outcome, seen, "no trigger", "", "symbol", None, None))
