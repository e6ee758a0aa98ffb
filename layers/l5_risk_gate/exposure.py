"""C: worst-case exposure, positions, funds. A pure reduction skips these, save C7 and C5's base.

Every sum is over symbols, never over orders: open orders come as aggregates per symbol.
"""

from decimal import Decimal

from desired_state.reasons import Reason
from desired_state.values import Access, Trading
from layers.l5_risk_gate.case import ONE, ZERO, Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    MISSING,
    NO_LIMIT,
    NOT_HELD,
    WITHIN,
    ControlFinding,
)
from layers.risk_snapshot import SymbolState


def worst_case(state: SymbolState, buy: Decimal, sell: Decimal) -> Decimal | None:
    """Base units held if every working order of the worse side fills, and this one (C1)."""
    position, buys, sells = state.position, state.open_buy, state.open_sell
    if position is None or buys is None or sells is None:
        return None
    long = position + buys + buy
    short = sells + sell - position
    return max(ZERO, long, short)


def order_exposure(case: Case) -> Decimal | None:
    """The order's symbol with this order in it, at max(limit, ask) for a buy, bid for a sell."""
    price, quantity, quote = case.price, case.quantity, case.quote
    if price is None or quantity is None or quote.ask is None or quote.bid is None:
        return None
    if case.buying:
        size, mark = worst_case(case.symbol, quantity, ZERO), max(price, quote.ask)
    else:
        size, mark = worst_case(case.symbol, ZERO, quantity), quote.bid
    return None if size is None else size * mark


def _standing_exposure(state: SymbolState) -> Decimal | None:
    """A symbol without this order, at the ask, which is the dearer of its two marks."""
    size = worst_case(state, ZERO, ZERO)
    if not size:
        return size
    ask = None if state.quote is None else state.quote.ask
    return None if ask is None else size * ask


def c1_total_exposure(case: Case) -> ControlFinding:
    """The sum over symbols of worst-case exposure stays within its limit; nothing is netted."""
    most = case.limits.max_total_exposure
    if case.reduces:
        return ControlFinding("C1", WITHIN, ALLOW, NOT_HELD, most, "quote", "account")
    total = order_exposure(case)
    for state in case.snapshot.symbols:
        if state is not case.symbol and total is not None:
            other = _standing_exposure(state)
            total = None if other is None else total + other
    return _up_to("C1", total, most, Reason.TOTAL_EXPOSURE, case)


def c2_symbol_exposure(case: Case) -> ControlFinding:
    """The worst-case exposure of the order's own symbol stays within its limit."""
    most = case.limits.max_symbol_exposure
    if case.reduces:
        return ControlFinding("C2", WITHIN, ALLOW, NOT_HELD, most, "quote", "symbol")
    return _up_to("C2", order_exposure(case), most, Reason.SYMBOL_EXPOSURE, case)


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
    return ControlFinding(control, code, outcome, value, most, "quote", scope, None, case.ages)


def c4_positions(case: Case) -> ControlFinding:
    """Symbols held beyond dust, or with a risk-increasing order working, stay few."""
    most, dust = case.limits.max_open_positions, case.limits.dust_notional
    if case.reduces:
        return ControlFinding("C4", WITHIN, ALLOW, NOT_HELD, most, "symbols", "account")
    count = None
    if most is None or dust is None:
        code = NO_LIMIT
    else:
        count = _symbols_engaged(case, dust)
        code = MISSING if count is None else WITHIN if count <= most else Reason.MAX_POSITIONS
    outcome = ALLOW if code is WITHIN else DENY
    return ControlFinding("C4", code, outcome, count, most, "symbols", "account", None, case.ages)


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
        return ControlFinding("C5", WITHIN, ALLOW, NOT_HELD, None, unit, "account")
    left = None if free is None or reserved is None else free - reserved
    if need is None or left is None:
        code = MISSING
    else:
        code = WITHIN if need <= left else Reason.INSUFFICIENT_FUNDS
    outcome = ALLOW if code is WITHIN else DENY
    return ControlFinding("C5", code, outcome, need, left, unit, "account")


def c6_open_orders(case: Case) -> ControlFinding:
    """With this one, no more orders are open than allowed, in all and of the symbol."""
    most, total = case.limits.max_open_orders, case.snapshot.flow.open_orders
    if case.reduces:
        return ControlFinding("C6", WITHIN, ALLOW, NOT_HELD, most, "orders", "account")
    own = case.symbol.working_orders
    count = None if total is None or own is None else max(total, own) + 1
    if most is None:
        code = NO_LIMIT
    elif count is None:
        code = MISSING
    else:
        code = WITHIN if count <= most else Reason.MAX_OPEN_ORDERS
    outcome = ALLOW if code is WITHIN else DENY
    return ControlFinding("C6", code, outcome, count, most, "orders", "account")


def c7_reduce_only(case: Case) -> ControlFinding:
    """What is held and not yet being sold; refuses where only reductions are permitted."""
    snapshot, room, wanted = case.snapshot, case.reducible, case.quantity
    free = snapshot.trading is Trading.ACTIVE and case.symbol.access is Access.TRADE
    if case.reduces or free:
        code = WITHIN
    else:
        code = MISSING if room is None or wanted is None else Reason.REDUCE_ONLY
    outcome = ALLOW if code is WITHIN else DENY
    return ControlFinding("C7", code, outcome, wanted, room, "base", "symbol")
