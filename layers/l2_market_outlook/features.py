"""Features of one symbol from its bars and its book; what cannot be known is left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from layers.artifacts import Feature
from layers.configuration import OutlookParameters
from layers.feed import missing_between
from layers.market import Bar, Book
from layers.measures import (
    average_true_range,
    drawdown,
    log_return,
    mean,
    momentum,
    ratio,
    realised_volatility,
    rounded,
)

VOLATILITY: Final = "realised_volatility"
TREND: Final = "trend"
SPREAD: Final = "spread"
RANGE: Final = "average_true_range"


@dataclass(frozen=True, slots=True)
class Close:
    """A bar that passed, its log return from the one before, and how many bars lay missing."""

    bar: Bar
    moved: Decimal | None
    missing: int


def is_sound(bar: Bar) -> bool:
    """Whether every number of the bar is finite, above zero, and in order."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not all(p.is_finite() and p > 0 for p in prices):
        return False
    if not (bar.volume.is_finite() and bar.volume >= 0):
        return False
    return bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high


def close_of(before: Bar | None, bar: Bar) -> Close:
    """What ``bar`` adds to the series that ended with ``before``. Both are sound."""
    if before is None:
        return Close(bar, None, 0)
    return Close(
        bar,
        log_return(before.close, bar.close),
        missing_between(before.opened, bar.opened, bar.interval),
    )


def of_bars(closes: Sequence[Close], use: OutlookParameters) -> tuple[Feature, ...]:
    """Features that the bars carry, oldest bar first, each over its own full window."""
    bars = [close.bar for close in closes]
    found: list[Feature] = []

    def add(name: str, value: Decimal, unit: Unit, window: int) -> None:
        found.append(Feature(name=name, value=value, unit=unit, window_bars=window))

    if (returns := _returns(closes, use.volatility.window_bars)) is not None:
        add(VOLATILITY, realised_volatility(returns), "fraction", len(returns))
    if (returns := _returns(closes, use.trend.window_bars)) is not None:
        add(TREND, momentum(returns), "log_return", len(returns))
    if len(bars) > use.range_bars:
        span = bars[-use.range_bars - 1 :]
        add(RANGE, average_true_range(span), "quote", use.range_bars)
    if bars:
        high = bars[-use.drawdown_bars :]
        add("drawdown", drawdown(high), "fraction", len(high))
        add("gaps", Decimal(sum(close.missing for close in closes)), "bars", len(bars))
    if len(bars) > use.volume_bars:
        usual = mean([bar.volume for bar in bars[-use.volume_bars - 1 : -1]])
        if usual > 0:
            add("volume_ratio", ratio(bars[-1].volume, usual), "ratio", use.volume_bars)
    return tuple(found)


Unit = Literal["fraction", "log_return", "quote", "ratio", "bars"]


def of_book(book: Book) -> Feature:
    """Relative spread of a sound book: distance of the best prices as a fraction of their mid."""
    bid, ask = book.bids[0].price, book.asks[0].price
    value = rounded(ratio(ask - bid, (ask + bid) / 2))
    return Feature(name=SPREAD, value=value, unit="fraction", window_bars=0)


def _returns(closes: Sequence[Close], window: int) -> list[Decimal] | None:
    found = [close.moved for close in closes[-window:] if close.moved is not None]
    return found if len(found) == window else None
