"""C: worst-case exposure, positions, funds. A pure reduction skips these, save C7 and C5's base.

Every sum is over symbols, never over orders: open orders come as aggregates per symbol.
"""

from decimal import Decimal

from desired_state.reasons import Reason
from desired_state.values import Access, Trading
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
from layers.l5_risk_gate.worst import ONE, standing_exposure
from layers.risk_snapshot import SymbolState


def c1_total_exposure(case: Case) -> ControlFinding:
    """The sum over symbols of worst-case exposure stays within its limit; nothing is netted."""
    most = case.limits.max_total_exposure
    if case.reduces:
        return finding(("C1", WITHIN, ALLOW, NOT_HELD, most, "quote", "account", None, None))
    total = case.exposure
    for state in case.snapshot.symbols:
        if state is not case.symbol and total is not None:
            other = standing_exposure(state)
            total = None if other is None else total + other
    return _up_to("C1", total, most, Reason.TOTAL_EXPOSURE, case)


def c2_symbol_exposure(case: Case) -> ControlFinding:
    """The worst-case exposure of the order's own symbol stays within its limit."""
    most = case.limits.max_symbol_exposure
    if case.reduces:
        return finding(("C2", WITHIN, ALLOW, NOT_HELD, most, "quote", "symbol", None, None))
    return _up_to("C2", case.exposure, most, Reason.SYMBOL_EXPOSURE, case)


def _up_to(
    control: str, value: Decimal | None, most: Decimal | None, refusal: Reason, case: Case
) -> ControlFinding:
    if most is None:
        code = NO_LIMIT
    elif value is None:
        code = MISSING
    else:
        code = WITHIN if value <= most else refusal
    outcome = ALLOW if code is WITHIN else DENY
    scope = "account" if control == "C1" else "symbol"
    return finding((control, code, outcome, value, most, "quote", scope, None, case.ages))


def c4_positions(case: Case) -> ControlFinding:
    """Symbols held beyond dust, or with a risk-increasing order working, stay few."""
    most, dust = case.limits.max_open_positions, case.limits.dust_notional
    if case.reduces:
        return finding(("C4", WITHIN, ALLOW, NOT_HELD, most, "symbols", "account", None, None))
    count = None
    if most is None or dust is None:
        code = NO_LIMIT
    else:
        count = _symbols_engaged(case, dust)
        code = MISSING if count is None else WITHIN if count <= most else Reason.MAX_POSITIONS
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("C4", code, outcome, count, most, "symbols", "account", None, case.ages))


def _symbols_engaged(case: Case, dust: Decimal) -> int | None:
    count = 1  # the order's own: it increases risk
    for state in case.snapshot.symbols:
        engaged = state is not case.symbol and _engaged(state, dust)
        if engaged is None:
            return None
        count += engaged
    return count


def _engaged(state: SymbolState, dust: Decimal) -> bool | None:
    if state.increasing_orders is None or state.position is None:
        return None
    if state.increasing_orders or not state.position:
        return state.increasing_orders > 0
    ask = None if state.quote is None else state.quote.ask
    return None if ask is None else abs(state.position) * ask > dust


def c5_funds(case: Case) -> ControlFinding:
    """Free balance less own reservations covers it: quote and fee for a buy, base for a sell."""
    funds = case.snapshot.funds
    if case.buying:
        unit, free, reserved = "quote", funds.free_quote, funds.reserved_quote
        value, fee = case.notional, case.taker
        need = None if value is None or fee is None else value * (ONE + fee)
    else:
        unit, free, reserved, need = "base", funds.free_base, funds.reserved_base, case.quantity
    if case.buying and case.reduces:
        return finding(("C5", WITHIN, ALLOW, NOT_HELD, None, unit, "account", None, None))
    left = None if free is None or reserved is None else free - reserved
    if need is None or left is None:
        code = MISSING
    else:
        code = WITHIN if need <= left else Reason.INSUFFICIENT_FUNDS
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("C5", code, outcome, need, left, unit, "account", None, None))


def c6_open_orders(case: Case) -> ControlFinding:
    """With this one, no more orders are open than allowed, in all and of the symbol."""
    most, total = case.limits.max_open_orders, case.snapshot.flow.open_orders
    if case.reduces:
        return finding(("C6", WITHIN, ALLOW, NOT_HELD, most, "orders", "account", None, None))
    own = case.symbol.working_orders
    count = None if total is None or own is None else max(total, own) + 1
    if most is None:
        code = NO_LIMIT
    elif count is None:
        code = MISSING
    else:
        code = WITHIN if count <= most else Reason.MAX_OPEN_ORDERS
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("C6", code, outcome, count, most, "orders", "account", None, None))


def c7_reduce_only(case: Case) -> ControlFinding:
    """What is held and not yet being sold; refuses where only reductions are permitted."""
    snapshot, room, wanted = case.snapshot, case.reducible, case.quantity
    free = snapshot.trading is Trading.ACTIVE and case.symbol.access is Access.TRADE
    if case.reduces or free:
        code = WITHIN
    else:
        code = MISSING if room is None or wanted is None else Reason.REDUCE_ONLY
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("C7", code, outcome, wanted, room, "base", "symbol", None, None))
