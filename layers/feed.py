"""Bars in order, with their gaps: what any source of market data must deliver.

Prices in quote currency, volumes in base units, UTC instants. A row that is wrong stops the feed
(``FEED_INVALID`` with file and line); a bar that is missing is a fact of markets and arrives as a
``Gap``, so that whoever judges the data sees it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol, TypeAlias

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.market import EPOCH, Bar

# ``trades`` is optional: some venues publish bars without it
COLUMNS: Final = ("open_time", "open", "high", "low", "close", "volume", "trades")
_NUMBER: Final = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?\Z", re.ASCII)
_COUNT: Final = re.compile(r"[0-9]{1,15}\Z", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Series:
    """Which bars are meant: one symbol at one interval."""

    symbol: str
    interval: timedelta

    def __post_init__(self) -> None:
        if self.interval <= timedelta(0):
            raise ValueError(f"expected an interval above zero, found {self.interval}")

    def number(self, at: datetime) -> int:
        """How many whole intervals lie between 1970 and ``at``; names a bar without its date."""
        return (at - EPOCH) // self.interval


@dataclass(frozen=True, slots=True)
class Window:
    """Bars that opened at or after ``start`` and before ``end``; none leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that the source does not have: the first missing opening, and the next present one."""

    symbol: str
    opened: datetime
    until: datetime
    missing: int


FeedItem: TypeAlias = Bar | Gap


class BarFeed(Protocol):
    """A source of bars that is read once, oldest first, without knowing the future."""

    def bars(self, series: Series, window: Window) -> Iterator[FeedItem]:
        """Bars and gaps in order. Raises ``Stalled(FEED_INVALID)`` at the first wrong row."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """Fields of one line by column, with the place it came from as ``file:line``."""

    place: str
    fields: Mapping[str, str]


def in_order(rows: Iterable[Row], series: Series, window: Window) -> Iterator[FeedItem]:
    """Bars of ``rows`` inside ``window``, strictly ascending, with a ``Gap`` for what is missing.

    Rows before the window are checked all the same; rows after it are not read.

    Raises:
        Stalled: ``FEED_INVALID`` for a bad number or time, for open, high, low and close that
            contradict each other, and for rows that are doubled, unordered or overlapping.
    """
    last: datetime | None = None
    for row in rows:
        bar = _bar(row, series)
        gap = None if last is None else follow(row.place, series, last, bar.opened)
        last = bar.opened
        if window.end is not None and bar.opened >= window.end:
            return
        if window.start is not None and bar.opened < window.start:
            continue
        if gap is not None and (window.start is None or gap.opened >= window.start):
            yield gap
        yield bar


def follow(place: str, series: Series, last: datetime, opened: datetime) -> Gap | None:
    """What is missing between two openings, the later one just read at ``place``.

    Raises:
        Stalled: ``FEED_INVALID`` where the later one is doubled, older or overlapping.
    """
    if opened == last:
        raise _invalid(place, f"the bar of {opened:%Y-%m-%dT%H:%M:%SZ} stands twice")
    if opened < last:
        raise _invalid(place, f"expected a bar after {last:%Y-%m-%dT%H:%M:%SZ}, found an older one")
    if opened - last < series.interval and not _comes_back(series, last, opened):
        raise _invalid(place, f"expected bars {series.interval} apart, found {opened - last}")
    missing = missing_between(last, opened, series.interval)
    return Gap(series.symbol, last + series.interval, opened, missing) if missing else None


def missing_between(last: datetime, opened: datetime, interval: timedelta) -> int:
    """How many bars are missing between two openings; a step that is not whole misses one at least.

    Venues have resumed between the hours after an outage, kept to that minute for days, and come
    back to the hour with a short bar (BTC/USDT at Binance, February 2018).
    """
    steps, rest = divmod(opened - last, interval)
    return max(1, steps) if rest else steps - 1


def _comes_back(series: Series, last: datetime, opened: datetime) -> bool:
    """Whether a short step leads from beside the grid of whole intervals back onto it."""
    return not (opened - EPOCH) % series.interval and bool((last - EPOCH) % series.interval)


def _bar(row: Row, series: Series) -> Bar:
    def number(name: str) -> Decimal:
        text = row.fields[name]
        if not _NUMBER.match(text):
            raise _invalid(row.place, f"expected {name} as a plain decimal, found {text[:40]!r}")
        return Decimal(text)

    prices = {name: number(name) for name in ("open", "high", "low", "close")}
    trades = row.fields.get("trades", "0")
    if not _COUNT.match(trades):
        raise _invalid(row.place, f"expected trades as a count, found {trades[:40]!r}")
    bar = Bar(
        symbol=series.symbol,
        opened=_instant(row),
        interval=series.interval,
        volume=number("volume"),
        **prices,
    )
    return sound(row.place, bar)


def sound(place: str, bar: Bar) -> Bar:
    """The bar, if its prices are above zero and do not contradict each other.

    Raises:
        Stalled: ``FEED_INVALID``.
    """
    if bar.low <= 0:
        raise _invalid(place, f"expected prices above zero, found low {bar.low}")
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        raise _invalid(place, "open and close do not lie between low and high")
    return bar


def _instant(row: Row) -> datetime:
    text = row.fields["open_time"]
    if not _TIME.match(text):
        raise _invalid(
            row.place, f"expected open_time as 2020-02-24T00:00:00Z, found {text[:40]!r}"
        )
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(row.place, f"open_time {text} does not exist: {error}") from error


def _invalid(place: str, message: str) -> Stalled:
    return Stalled(Reason.FEED_INVALID, place, message)
