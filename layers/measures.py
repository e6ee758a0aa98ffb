"""Plain published measures of prices, in decimal arithmetic of fixed precision.

No float takes part, so the same bars give the same digits on every machine. Inputs are finite and
above zero; whoever calls has already sorted out what is not.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import pairwise
from typing import Final

from layers.market import Bar

_EXACT: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
_PLACES: Final = Decimal("1e-12")


def rounded(value: Decimal) -> Decimal:
    """``value`` to 12 places, the most that our files carry."""
    return value.quantize(_PLACES, context=_EXACT)


def log_return(before: Decimal, after: Decimal) -> Decimal:
    """Natural logarithm of ``after / before``, to 12 places."""
    return rounded(_EXACT.ln(_EXACT.divide(after, before)))


def realised_volatility(returns: Sequence[Decimal]) -> Decimal:
    """Root of the sum of squared log returns (Andersen and Bollerslev 1998), not annualised."""
    total = Decimal(0)
    for value in returns:
        total = _EXACT.add(total, _EXACT.multiply(value, value))
    return rounded(_EXACT.sqrt(total))


def momentum(returns: Sequence[Decimal]) -> Decimal:
    """Log return over the whole window (time-series momentum), with its sign."""
    total = Decimal(0)
    for value in returns:
        total = _EXACT.add(total, value)
    return rounded(total)


def drawdown(bars: Sequence[Bar]) -> Decimal:
    """How far the last close lies below the highest high, as a fraction of that high."""
    high = max(bar.high for bar in bars)
    return rounded(_EXACT.divide(high - bars[-1].close, high))


def average_true_range(bars: Sequence[Bar]) -> Decimal:
    """Mean true range (Wilder 1978) of all bars but the first, in quote currency.

    True range is the largest of high - low, and of the distances of high and low from the close
    before. Needs two bars at least.
    """
    total = Decimal(0)
    for before, bar in pairwise(bars):
        total += max(bar.high, before.close) - min(bar.low, before.close)
    return rounded(_EXACT.divide(total, Decimal(len(bars) - 1)))


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """``part / whole`` to 12 places."""
    return rounded(_EXACT.divide(part, whole))


def mean(values: Sequence[Decimal]) -> Decimal:
    """Arithmetic mean to 12 places."""
    return rounded(_EXACT.divide(sum(values, Decimal(0)), Decimal(len(values))))
