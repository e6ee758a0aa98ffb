"""Limits are in one currency and prices in another: between them lies a peg (risk.md). Pure.

People hold a quote currency worth so much by configuration, not by its price of the moment. Every
limit that is an amount is taken into the quote currency once, rounded down, so that whatever is
held against it costs no arithmetic of its own. A price of it is watched beside that (L5's F9).
"""

from decimal import ROUND_FLOOR, Decimal
from typing import Final

from desired_state.limits import Limits
from layers.risk_facts import Peg

# the limits that are amounts in ``Limits.currency``; every other one is a ratio, a count or a time
MONEY: Final = (
    "max_order_notional",
    "max_total_exposure",
    "max_symbol_exposure",
    "max_strategy_exposure",
    "dust_notional",
    "max_daily_turnover",
    "max_daily_loss",
    "max_drawdown",
)
ONE: Final = Decimal(1)
_GRAIN: Final = Decimal("0.00000001")


def rate_of(peg: Peg | None, limits: Limits) -> Decimal | None:
    """What a unit of the quote currency is held worth in the limits' own; none: not configured."""
    if peg is None or limits.currency is None:
        return None
    if peg.quote == limits.currency:
        return ONE
    known = peg.currency == limits.currency and peg.rate is not None and peg.rate > 0
    return peg.rate if known else None


def quoted(limits: Limits, peg: Peg | None) -> Limits:
    """The same limits with amounts in the quote currency; without a peg there are no amounts."""
    rate = rate_of(peg, limits)
    if rate == ONE:
        return limits
    return limits.model_copy(update={name: in_quote(getattr(limits, name), rate) for name in MONEY})


def in_quote(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """An amount of the limits' currency in the quote currency, rounded down; none: not known."""
    if amount is None or rate is None:
        return None
    if rate == ONE:
        return amount
    return (amount / rate).quantize(_GRAIN, ROUND_FLOOR)
