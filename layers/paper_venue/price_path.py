"""The stated model that turns a bar into steps in time, and a step into a ladder of prices.

Pure and without randomness: the same bar gives the same steps (README.md, P-2 to P-4).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

from layers.market import Bar, Level
from layers.orders import SymbolRules
from layers.paper_venue.terms import MarketModel

BASIS_POINT: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Step:
    """At ``at`` trades reached ``price``; ``volume`` was traded on the way there."""

    at: datetime
    price: Decimal
    volume: Decimal


def on_grid(value: Decimal, grid: Decimal, rounding: str) -> Decimal:
    """The multiple of ``grid`` next to ``value`` in the direction of ``rounding``."""
    return (value / grid).quantize(Decimal(1), rounding=rounding) * grid


def walk(bar: Bar, rules: SymbolRules, model: MarketModel) -> tuple[Step, ...]:
    """P-2: open-low-high-close for a rising bar, open-high-low-close for a falling one."""
    rising = bar.close >= bar.open
    first, second = (bar.low, bar.high) if rising else (bar.high, bar.low)
    corners = (bar.open, first, second, bar.close)
    per_leg = model.steps_per_leg
    total = 3 * per_leg
    volume = bar.volume / (total + 1)
    steps = [Step(bar.opened, on_grid(bar.open, rules.tick, ROUND_HALF_EVEN), volume)]
    for index in range(1, total + 1):
        leg, inner = divmod(index - 1, per_leg)
        start, end = corners[leg], corners[leg + 1]
        price = start + (end - start) * (inner + 1) / per_leg
        at = bar.opened + bar.interval * index / total
        steps.append(Step(at, on_grid(price, rules.tick, ROUND_HALF_EVEN), volume))
    return tuple(steps)


def ladder(
    price: Decimal, bar: Bar, rules: SymbolRules, model: MarketModel
) -> tuple[list[Level], list[Level]]:
    """P-3, P-4: bids and asks around ``price``, best first; no levels where nothing trades."""
    in_range = (bar.high - bar.low) * model.half_spread_range_share
    half = max(price * model.half_spread_floor_bps * BASIS_POINT, in_range, rules.tick)
    size = on_grid(bar.volume * model.depth_share, rules.step, ROUND_DOWN)
    if size <= 0:
        return [], []
    bids = []
    asks = []
    for index in range(1, model.levels + 1):
        bid = on_grid(price - half * index, rules.tick, ROUND_FLOOR)
        if bid > 0:
            bids.append(Level(bid, size))
        asks.append(Level(on_grid(price + half * index, rules.tick, ROUND_CEILING), size))
    return bids, asks
