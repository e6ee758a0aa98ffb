"""C: worst-case exposure, positions, funds. A pure reduction skips these, save C7 and C5's base.

Every sum is over symbols, never over orders: open orders come as aggregates per symbol.
"""

from decimal import Decimal
from typing import Final

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
    Row,
    against,
)
from layers.l5_risk_gate.worst import ZERO, standing_exposure
from layers.risk_snapshot import SymbolState

_ACTIVE: Final = Trading.ACTIVE
_TRADE: Final = Access.TRADE


def c1_total_exposure(case: Case) -> Row:
    """The sum over symbols of worst-case exposure stays within its limit; nothing is netted."""
    most = case.limits.max_total_exposure
    if case.reduces:
        return ("C1", WITHIN, ALLOW, NOT_HELD, most, "quote", "account", None, None)
    total = case.exposure
    for state in case.snapshot.symbols:
        if state is not case.symbol and total is not None:
            other = standing_exposure(state)
            total = None if other is None else total + other
    if most is not None and total is not None and total <= most:
        return ("C1", WITHIN, ALLOW, total, most, "quote", "account", None, case.ages)
    code = against(most, total, Reason.TOTAL_EXPOSURE)
    return ("C1", code, DENY, total, most, "quote", "account", None, case.ages)


def c2_symbol_exposure(case: Case) -> Row:
    """The worst-case exposure of the order's own symbol stays within its limit."""
    most, value = case.limits.max_symbol_exposure, case.exposure
    if case.reduces:
        return ("C2", WITHIN, ALLOW, NOT_HELD, most, "quote", "symbol", None, None)
    if most is not None and value is not None and value <= most:
        return ("C2", WITHIN, ALLOW, value, most, "quote", "symbol", None, case.ages)
    code = against(most, value, Reason.SYMBOL_EXPOSURE)
    return ("C2", code, DENY, value, most, "quote", "symbol", None, case.ages)


def c3_strategy_exposure(case: Case) -> Row:
    """What the order's strategy holds and works in all its symbols stays within its limit."""
    most, name = case.limits.max_strategy_exposure, case.symbol.strategy
    if case.reduces:
        return ("C3", WITHIN, ALLOW, NOT_HELD, most, "quote", "strategy", None, None)
    total = None if name is None else case.exposure
    for state in case.snapshot.symbols:
        # a symbol whose strategy nobody knows counts with every one
        if state is not case.symbol and total is not None and state.strategy in {name, None}:
            other = standing_exposure(state)
            total = None if other is None else total + other
    if most is not None and total is not None and total <= most:
        return ("C3", WITHIN, ALLOW, total, most, "quote", "strategy", None, case.ages)
    code = against(most, total, Reason.STRATEGY_EXPOSURE)
    return ("C3", code, DENY, total, most, "quote", "strategy", None, case.ages)


def c4_positions(case: Case) -> Row:
    """Symbols held beyond dust, or with a risk-increasing order working, stay few."""
    most, dust = case.limits.max_open_positions, case.limits.dust_notional
    if case.reduces:
        return ("C4", WITHIN, ALLOW, NOT_HELD, most, "symbols", "account", None, None)
    if most is None or dust is None:
        return ("C4", NO_LIMIT, DENY, None, most, "symbols", "account", None, case.ages)
    count = _symbols_engaged(case, dust)
    if count is not None and count <= most:
        return ("C4", WITHIN, ALLOW, count, most, "symbols", "account", None, case.ages)
    code = against(most, count, Reason.MAX_POSITIONS)
    return ("C4", code, DENY, count, most, "symbols", "account", None, case.ages)


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


def c5_funds(case: Case) -> Row:
    """Free balance less own reservations covers it: quote and fee for a buy, base for a sell.

    Of the quote currency the haircut is held back.
    """
    funds = case.snapshot.funds
    if not case.buying:
        unit, free, reserved, need = "base", funds.free_base, funds.reserved_base, case.quantity
        left = None if free is None or reserved is None else free - reserved
    elif case.reduces:
        return ("C5", WITHIN, ALLOW, NOT_HELD, None, "quote", "account", None, None)
    else:
        unit, free, reserved, need = "quote", funds.free_quote, funds.reserved_quote, case.outlay
        kept = case.bounds.kept
        if kept is None:
            return ("C5", NO_LIMIT, DENY, need, None, "quote", "account", None, None)
        left = None if free is None or reserved is None else (free - reserved) * kept
    if need is not None and left is not None and need <= left:
        return ("C5", WITHIN, ALLOW, need, left, unit, "account", None, None)
    code = MISSING if need is None or left is None else Reason.INSUFFICIENT_FUNDS
    return ("C5", code, DENY, need, left, unit, "account", None, None)


def c6_open_orders(case: Case) -> Row:
    """With this one, no more orders are open than allowed, in all and of the symbol."""
    most, total = case.limits.max_open_orders, case.snapshot.flow.open_orders
    if case.reduces:
        return ("C6", WITHIN, ALLOW, NOT_HELD, most, "orders", "account", None, None)
    own = case.symbol.working_orders
    count = None
    if total is not None and own is not None:
        count = (own if own > total else total) + 1  # noqa: FURB136  (hot)
    if most is not None and count is not None and count <= most:
        return ("C6", WITHIN, ALLOW, count, most, "orders", "account", None, None)
    code = against(most, count, Reason.MAX_OPEN_ORDERS)
    return ("C6", code, DENY, count, most, "orders", "account", None, None)


def c7_reduce_only(case: Case) -> Row:
    """What is held and not yet being sold; refuses where only reductions are permitted."""
    room, wanted = case.reducible, case.quantity
    free = case.snapshot.trading is _ACTIVE and case.symbol.access is _TRADE
    if case.reduces or free:
        return ("C7", WITHIN, ALLOW, wanted, room, "base", "symbol", None, None)
    code = MISSING if room is None or wanted is None else Reason.REDUCE_ONLY
    return ("C7", code, DENY, wanted, room, "base", "symbol", None, None)


def c8_daily_turnover(case: Case) -> Row:
    """What the UTC day has executed, what is open in all symbols and this order stay within it."""
    most = case.limits.max_daily_turnover
    if case.reduces:
        return ("C8", WITHIN, ALLOW, NOT_HELD, most, "quote", "account", None, None)
    filled, value = case.conduct.filled_today, case.notional
    total = None if filled is None or value is None else filled + value
    for state in case.snapshot.symbols:
        if total is not None:
            working = _working(state)
            total = None if working is None else total + working
    if most is not None and total is not None and total <= most:
        return ("C8", WITHIN, ALLOW, total, most, "quote", "account", None, case.ages)
    code = against(most, total, Reason.DAILY_TURNOVER)
    return ("C8", code, DENY, total, most, "quote", "account", None, case.ages)


def _working(state: SymbolState) -> Decimal | None:
    """What is open of one symbol, both sides, at the ask."""
    buys, sells = state.open_buy, state.open_sell
    if buys is None or sells is None:
        return None
    if not buys and not sells:
        return ZERO
    ask = None if state.quote is None else state.quote.ask
    return None if ask is None else (buys + sells) * ask


def exposure_rows(case: Case) -> tuple[Row, ...]:
    """C1 to C8."""
    return (
        c1_total_exposure(case),
        c2_symbol_exposure(case),
        c3_strategy_exposure(case),
        c4_positions(case),
        c5_funds(case),
        c6_open_orders(case),
        c7_reduce_only(case),
        c8_daily_turnover(case),
    )
