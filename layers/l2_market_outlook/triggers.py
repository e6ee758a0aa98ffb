"""When a NO-TRADE trigger fires: typed values, conservative, never a sentence (spec: layers, L2).

NaN, a gap, a crossed book or an absent input is a trigger of its own, ``DATA_QUALITY``: what
cannot be measured must never read as calm.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from layers.artifacts import Feature, TriggerKind
from layers.configuration import OutlookParameters
from layers.l2_market_outlook.features import SPREAD, TREND, VOLATILITY, Close
from layers.market import Bar, Book

_ONE = Decimal(1)
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Firing:
    """A trigger as it fires now; it stands ``hold_bars`` from here."""

    kind: TriggerKind
    cause: str
    measured: Decimal
    bound: Decimal
    hold_bars: int


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """An announced event. ``symbols`` empty means that it concerns every symbol."""

    starts: datetime
    ends: datetime
    title: str
    symbols: tuple[str, ...] = ()


def by_measure(features: Iterable[Feature], use: OutlookParameters) -> list[Firing]:
    """Triggers that fire because a measure lies above its bound."""
    bounds = {
        VOLATILITY: (TriggerKind.VOLATILITY_SPIKE, use.volatility),
        TREND: (TriggerKind.EXTREME_TREND, use.trend),
        SPREAD: (TriggerKind.SPREAD_SPIKE, use.spread),
    }
    found = []
    for feature in features:
        if feature.name in bounds:
            kind, limit = bounds[feature.name]
            if abs(feature.value) > limit.bound:
                size = abs(feature.value)
                found.append(Firing(kind, feature.name, size, limit.bound, limit.hold_bars))
    return found


def by_bar(close: Close, use: OutlookParameters) -> list[Firing]:
    """Flaws that one bar brings: bars missing before it, or a move too large to be believed."""
    found = []
    if close.missing:
        found.append(flaw("gap", Decimal(close.missing), _NONE, use))
    limit = use.quality.outlier_return
    if close.moved is not None and abs(close.moved) > limit:
        found.append(flaw("outlier", abs(close.moved), limit, use))
    return found


def by_history(
    closes: Sequence[Close], interval: timedelta, as_of: datetime, use: OutlookParameters
) -> list[Firing]:
    """Flaws of the series as it stands at ``as_of``: too short, or too old."""
    found = []
    if len(closes) < use.quality.warm_up_bars:
        seen, needed = Decimal(len(closes)), Decimal(use.quality.warm_up_bars)
        found.append(flaw("missing", seen, needed, use))
    if closes:
        age = (as_of - closes[-1].bar.closed) // interval
        if age >= use.quality.max_age_bars:
            found.append(flaw("stale", Decimal(age), Decimal(use.quality.max_age_bars), use))
    return found


def by_book(
    book: Book | None, interval: timedelta, as_of: datetime, use: OutlookParameters
) -> list[Firing]:
    """Flaws of the book. Where none is declared as an input none is asked for."""
    if "book" not in use.inputs:
        return []
    cause = _book_flaw(book, as_of, use.quality.max_age_bars * interval)
    return [] if cause is None else [flaw(cause, _ONE, _NONE, use)]


def _book_flaw(book: Book | None, as_of: datetime, max_age: timedelta) -> str | None:
    if book is None:
        return "book_absent"
    if not book.bids or not book.asks:
        return "book_one_sided"
    bid, ask = book.bids[0].price, book.asks[0].price
    times = (book.event_at, book.received_at)
    checks = (
        ("not_a_number", not (bid.is_finite() and ask.is_finite())),
        # comparing a NaN would raise, so these ask only of finite prices
        ("book_crossed", bid.is_finite() and ask.is_finite() and not 0 < bid < ask),
        # a book from after ``as_of`` is not known yet, which is no better than one long past
        ("book_ahead", max(times) > as_of),
        ("book_stale", as_of - min(times) > max_age),
    )
    return next((cause for cause, is_so in checks if is_so), None)


def by_calendar(
    calendar: Sequence[CalendarEvent] | None,
    symbol: str,
    as_of: datetime,
    use: OutlookParameters,
) -> list[Firing]:
    """NEWS_RISK around announced events; a calendar that is declared and absent is a flaw."""
    if "calendar" not in use.inputs:
        return []
    if calendar is None:
        return [flaw("calendar_absent", _ONE, _NONE, use)]
    near = [
        event
        for event in calendar
        if (not event.symbols or symbol in event.symbols)
        and event.starts - use.news.before <= as_of < event.ends + use.news.after
    ]
    if not near:
        return []
    return [Firing(TriggerKind.NEWS_RISK, "calendar", Decimal(len(near)), _NONE, 1)]


def unsound(bar: Bar, use: OutlookParameters) -> Firing:
    """The flaw of a bar that is no observation at all."""
    fields = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    broken = all(field.is_finite() for field in fields)
    return flaw("inconsistent" if broken else "not_a_number", _ONE, _NONE, use)


def flaw(cause: str, measured: Decimal, bound: Decimal, use: OutlookParameters) -> Firing:
    """``DATA_QUALITY`` with its cause."""
    return Firing(TriggerKind.DATA_QUALITY, cause, measured, bound, use.quality.hold_bars)
