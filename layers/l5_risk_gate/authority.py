"""A: who and what allows this order at all. Held against every order unless a line says less."""

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
    Row,
)
from layers.orders import TimeInForce
from layers.risk_snapshot import Arming, VenueClass

VENUE_OF_MODE: Final = (
    (Mode.PAPER, VenueClass.PAPER),
    (Mode.TESTNET, VenueClass.TESTNET),
    (Mode.BOUNDED_LIVE, VenueClass.LIVE),
)
UNARMED: Final = frozenset(
    (Mode.HALTED, Mode.ADVISORY, Mode.SHADOW, Mode.PAPER)
)  # A2: nothing is at stake
LIMIT: Final = "limit"
# A6: what is live; below that nothing is rehearsed that may not go live
TIMES_IN_FORCE: Final = frozenset((TimeInForce.IOC, TimeInForce.GTC, TimeInForce.POST_ONLY))
APPROVE: Final = "APPROVE"
PEOPLE: Final = 2  # A2: two distinct principals at least; the gate asks for its own number
_ACTIVE: Final = Trading.ACTIVE
_REDUCING: Final = Trading.REDUCING
_TRADE: Final = Access.TRADE
_REDUCE: Final = Access.REDUCE
_CALM: Final = ("latched", "False", "token", "True")
_A3: Final[Row] = ("A3", WITHIN, ALLOW, _CALM, _CALM, "", "host", None, None)
_A2: Final[Row] = (
    *("A2", WITHIN, ALLOW, "not asked of paper", "armed", "", "account", None, None),
)
_A7: Final[Row] = ("A7", WITHIN, ALLOW, "buy", "spot only", "base", "symbol", None, None)


def a1_mode(case: Case) -> Row:
    """The wired venue's class is the mode's own; modes without a venue send nothing."""
    mode, wired = case.snapshot.mode, case.snapshot.venue_class
    for permitted, expected in VENUE_OF_MODE:
        if mode is permitted and wired is expected:
            return ("A1", WITHIN, ALLOW, wired, mode, "venue class", "account", None, None)
    code = MISSING if mode is None or wired is None else Reason.MODE_FORBIDS
    return ("A1", code, DENY, wired, mode, "venue class", "account", None, None)


def a2_arming(case: Case) -> Row:
    """From testnet up an unexpired approval names exactly what runs: four things, on each order."""
    mode, arming = case.snapshot.mode, case.snapshot.arming
    if mode in UNARMED:
        return _A2
    if mode is None or arming is None or (unknown := _unknown_of_arming(arming)):
        seen = "no approval" if arming is None else "mode unknown" if mode is None else unknown
        return ("A2", MISSING, DENY, seen, "armed", "", "account", None, None)
    fault = _fault_of_arming(arming, case)
    if fault:
        code = Reason.ARMING_INVALID
        return ("A2", code, DENY, fault, "armed", "", "account", None, None)
    return ("A2", WITHIN, ALLOW, arming.sequence, "armed", "proposal", "account", None, None)


_OF_ARMING: Final = (
    *("sequence", "people", "limits", "configuration", "running_configuration"),
    *("build", "running_build", "account", "expires_at"),
)


def _unknown_of_arming(arming: Arming) -> str:
    return next((f"{name} unknown" for name in _OF_ARMING if getattr(arming, name) is None), "")


def _fault_of_arming(arming: Arming, case: Case) -> str:
    if arming.people is None or arming.people < PEOPLE:
        return "fewer than two people"
    if arming.expires_at is None or case.now >= arming.expires_at:
        return "expired"
    if arming.limits != case.bounds.digest:
        return "other limits"
    if arming.configuration != arming.running_configuration:
        return "another configuration"
    if arming.build != arming.running_build:
        return "another build"
    return "" if arming.account == case.health.account else "another account"


def a3_kill_latch(case: Case) -> Row:
    """The kill switch is known not to be latched and the watcher's token known to be valid."""
    safety = case.snapshot.safety
    latched, token = safety.kill_latched, safety.token_ok
    if latched is False and token is True:
        return _A3
    code = Reason.KILL_LATCHED if latched or token is False else MISSING
    seen = ("latched", str(latched), "token", str(token))
    return ("A3", code, DENY, seen, _CALM, "", "host", None, None)


def a4_trading(case: Case) -> Row:
    """Trading is active; while reducing, only what reduces passes."""
    trading = case.snapshot.trading
    if trading is _ACTIVE or (trading is _REDUCING and case.reduces):
        return ("A4", WITHIN, ALLOW, trading, _ACTIVE, "trading state", "account", None, None)
    code = Reason.REDUCING if trading is _REDUCING else Reason.TRADING_HALTED
    code = MISSING if trading is None else code
    return ("A4", code, DENY, trading, _ACTIVE, "trading state", "account", None, None)


def a5_intent(case: Case) -> Row:
    """The intent is new, in time and from a plan that L4 approved. Not held against reductions."""
    ttl, over = case.limits.intent_ttl, case.bounds.over["intent_ttl"]
    if case.reduces:
        return ("A5", WITHIN, ALLOW, NOT_HELD, ttl, "", "intent", None, None)
    if ttl is None:
        return ("A5", NO_LIMIT, DENY, "no intent_ttl", None, "", "intent", None, None)
    if unknown := _unknown_of_plan(case):
        return ("A5", MISSING, DENY, unknown, ttl, "", "intent", over, None)
    if fault := _fault_of_intent(case) or _fault_of_plan(case):
        code = Reason.INTENT_UNAPPROVED
        return ("A5", code, DENY, fault, ttl, "", "intent", over, None)
    return ("A5", WITHIN, ALLOW, "approved", ttl, "", "intent", over, None)


def _unknown_of_plan(case: Case) -> str:
    plan = case.snapshot.plan
    if plan is None or case.snapshot.flow.intent_seen is None:
        return "no approval of the plan" if plan is None else "intent_seen unknown"
    if plan.decision is None or plan.expires_at is None:
        return "no decision" if plan.decision is None else "no expiry"
    if plan.proposer is None or plan.critic is None:
        return "proposer or critic unknown"
    if plan.symbols is None or plan.sides is None or plan.max_notional is None:
        return "what the plan covers is unknown"
    return "" if case.notional is not None else "order has no value"


def _fault_of_intent(case: Case) -> str:
    at, created, ttl = case.at, case.created, case.bounds.span["intent_ttl"]
    if case.snapshot.flow.intent_seen:
        return "intent used before"
    if created > at:
        return "intent from the future"
    if at >= case.expires or ttl is None or at - created > ttl:
        return "intent expired"
    return ""


def _fault_of_plan(case: Case) -> str:
    plan, value = case.snapshot.plan, case.notional
    if plan is None or plan.plan != case.plan:
        return "approval of another plan"
    if plan.decision != APPROVE:
        return f"decision {plan.decision}"
    if plan.proposer == plan.critic:
        return "proposer is its own critic"
    ends, most = plan.expires_at, plan.max_notional
    if ends is None or case.at >= ends:
        return "approval expired"
    if case.name not in (plan.symbols or ()) or case.side not in (plan.sides or ()):
        return "symbol or side not in the plan"
    covered = most is not None and value is not None and value <= most
    return "" if covered else "more than the plan's notional"


def a6_allow_list(case: Case) -> Row:
    """Venue, account, symbol, type and time in force are permitted; market orders never are."""
    snapshot, access = case.snapshot, case.symbol.access
    venue, account, kind, in_force = case.venue, case.account, case.kind, case.in_force
    seen = (venue, account, case.name, kind, in_force)
    bound = (snapshot.venue, snapshot.account, access)
    listed = (
        venue == snapshot.venue
        and account == snapshot.account
        and kind == LIMIT
        and in_force in TIMES_IN_FORCE
    )
    if listed and (access is _TRADE or (access is _REDUCE and case.reduces)):
        return ("A6", WITHIN, ALLOW, seen, bound, "", "symbol", None, None)
    code = MISSING if None in bound else Reason.NOT_ALLOW_LISTED
    return ("A6", code, DENY, seen, bound, "", "symbol", None, None)


def a7_leverage(case: Case) -> Row:
    """Spot only: a sell takes no more than is owned and not being sold already."""
    if case.buying:
        return _A7
    owned, wanted = case.reducible, case.quantity
    if owned is not None and wanted is not None and wanted <= owned:
        return ("A7", WITHIN, ALLOW, wanted, owned, "base", "symbol", None, None)
    code = MISSING if owned is None or wanted is None else Reason.LEVERAGE
    return ("A7", code, DENY, wanted, owned, "base", "symbol", None, None)


def a8_no_trade(case: Case) -> Row:
    """No trigger stands for the symbol and L2's outlook is fresh. Not held against reductions."""
    if case.reduces:
        return ("A8", WITHIN, ALLOW, NOT_HELD, "no trigger", "", "symbol", None, None)
    at, triggers, expires = case.at, case.symbol.triggers, case.symbol.outlook_expires
    if triggers == () and expires is not None and at < expires:
        seen = ("outlook until", expires)
        return ("A8", WITHIN, ALLOW, seen, "no trigger", "", "symbol", None, None)
    standing = tuple([t.name for t in triggers or () if t.until is None or t.until > at])
    told = (*standing, "outlook until", expires)
    code = MISSING if triggers is None else Reason.NO_TRADE
    if triggers is not None and not standing and expires is not None and at < expires:
        return ("A8", WITHIN, ALLOW, told, "no trigger", "", "symbol", None, None)
    return ("A8", code, DENY, told, "no trigger", "", "symbol", None, None)


def authority_rows(case: Case) -> tuple[Row, ...]:
    """A1 to A8."""
    return (
        a1_mode(case),
        a2_arming(case),
        a3_kill_latch(case),
        a4_trading(case),
        a5_intent(case),
        a6_allow_list(case),
        a7_leverage(case),
        a8_no_trade(case),
    )
