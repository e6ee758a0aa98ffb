"""H: what earlier orders did. Held against every order, save H2 against a reduction."""

from typing import Final

from desired_state.reasons import Reason
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    HALT,
    MISSING,
    NOT_HELD,
    WITHIN,
    Row,
    against,
)

_ALONE: Final = "none resting"


def h1_self_trade(case: Case) -> Row:
    """No resting order of our own would be met. The venue is asked to prevent it besides."""
    symbol, price = case.symbol, case.price
    if case.buying:
        working, other = symbol.open_sell, symbol.lowest_sell
    else:
        working, other = symbol.open_buy, symbol.highest_buy
    if working is not None and not working:
        return ("H1", WITHIN, ALLOW, price, _ALONE, "price", "symbol", None, None)
    if working is None or other is None or price is None:
        return ("H1", MISSING, DENY, price, other, "price", "symbol", None, None)
    if price < other if case.buying else price > other:
        return ("H1", WITHIN, ALLOW, price, other, "price", "symbol", None, None)
    return ("H1", Reason.SELF_TRADE, DENY, price, other, "price", "symbol", None, None)


def h2_fill_slippage(case: Case) -> Row:
    """No execution of the last hour, or bar, cost far more than the price of its decision."""
    most, seen = case.limits.max_fill_slippage, case.conduct.worst_slip
    over = case.bounds.hour  # so long one bad execution keeps new risk away
    if case.reduces:
        return ("H2", WITHIN, ALLOW, NOT_HELD, most, "ratio", "account", over, None)
    if most is not None and seen is not None and seen <= most:
        return ("H2", WITHIN, ALLOW, seen, most, "ratio", "account", over, None)
    code = against(most, seen, Reason.SLIPPAGE)
    return ("H2", code, DENY, seen, most, "ratio", "account", over, None)


def h3_fill_plausible(case: Case) -> Row:
    """No execution was worse than its order's price, or its fee out of all proportion."""
    found = case.conduct.implausible
    if found == 0:
        return ("H3", WITHIN, ALLOW, 0, 0, "executions", "account", None, None)
    code, outcome = (MISSING, DENY) if found is None else (Reason.FILL_IMPLAUSIBLE, HALT)
    return ("H3", code, outcome, found, 0, "executions", "account", None, None)


def h4_bijection(case: Case) -> Row:
    """Every order at the venue has an intent of ours, and none that we know ended is open there."""
    foreign, undead = case.conduct.foreign, case.conduct.undead
    if foreign == 0 and undead == 0:
        return ("H4", WITHIN, ALLOW, 0, 0, "foreign, undead", "account", None, None)
    seen = (foreign, undead)
    if foreign or undead:
        return ("H4", Reason.NO_BIJECTION, HALT, seen, 0, "foreign, undead", "account", None, None)
    return ("H4", MISSING, DENY, seen, 0, "foreign, undead", "account", None, None)


def aftermath_rows(case: Case) -> tuple[Row, ...]:
    """H1 to H4."""
    return (
        h1_self_trade(case),
        h2_fill_slippage(case),
        h3_fill_plausible(case),
        h4_bijection(case),
    )
