"""From a recorded bar to prices in time: the walk that the bar could have been.

X-11: a rising bar is walked open-low-high-close, a falling one open-high-low-close, each leg in
equal steps; its volume is spread evenly, and the last step carries the rest of the rounding. All
steps lie inside the bar, the first at its opening.
"""

import hashlib
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

from layers.local_exchange.terms import CrowdTerms, SymbolTerms
from layers.market import Bar

_BASIS_POINT: Final = Decimal("0.0001")
_MIDDLE: Final = Decimal("127.5")  # of a byte


@dataclass(frozen=True, slots=True)
class Step:
    """The price reached, what was traded there, and how far into the bar: ``part`` of ``of``."""

    price: Decimal
    volume: Decimal
    part: int
    of: int


def on_grid(value: Decimal, grid: Decimal, rounding: str) -> Decimal:
    """The multiple of ``grid`` next to ``value`` in the direction of ``rounding``."""
    return (value / grid).quantize(Decimal(1), rounding=rounding) * grid


def walk(bar: Bar, terms: SymbolTerms, crowd: CrowdTerms) -> tuple[Step, ...]:
    """The steps of one bar, oldest first."""
    first, second = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    corners = (bar.open, first, second, bar.close)
    legs = crowd.steps_per_leg
    count = 3 * legs + 1
    total = on_grid(bar.volume, terms.step, ROUND_DOWN)
    each = on_grid(total / count, terms.step, ROUND_DOWN)
    steps = []
    for part in range(count):
        leg, inner = divmod(max(part - 1, 0), legs)
        start, end = corners[leg], corners[leg + 1]
        price = start + (end - start) * (inner + 1) / legs if part else bar.open
        volume = each if part < count - 1 else total - each * (count - 1)
        steps.append(Step(on_grid(price, terms.tick, ROUND_HALF_EVEN), volume, part, count))
    return tuple(steps)


def ladder(
    price: Decimal, bar: Bar, terms: SymbolTerms, crowd: CrowdTerms, seed: int
) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
    """X-12: what the crowd bids and asks around ``price``; nothing where nothing was traded."""
    in_range = (bar.high - bar.low) * crowd.half_spread_range_share
    half = max(price * crowd.half_spread_floor_bps * _BASIS_POINT, in_range, terms.tick)
    size = bar.volume * crowd.depth_share
    bids = {}
    asks = {}
    for index in range(1, crowd.levels + 1):
        bid = on_grid(price - half * index, terms.tick, ROUND_FLOOR)
        if bid > 0:
            bids[bid] = _size(size, bid, terms, crowd, seed)
        ask = on_grid(price + half * index, terms.tick, ROUND_CEILING)
        asks[ask] = _size(size, ask, terms, crowd, seed)
    return _offered(bids), _offered(asks)


def _size(
    size: Decimal, price: Decimal, terms: SymbolTerms, crowd: CrowdTerms, seed: int
) -> Decimal:
    """At one price always the same share more or less, so that a quote which stays is the same."""
    draw = hashlib.sha256(f"{seed} {terms.symbol} {price}".encode()).digest()[0]
    share = 1 + crowd.size_spread * (draw - _MIDDLE) / _MIDDLE
    return on_grid(size * share, terms.step, ROUND_DOWN)


def _offered(levels: dict[Decimal, Decimal]) -> dict[Decimal, Decimal]:
    return {price: size for price, size in levels.items() if size > 0}
