"""The outlook of one symbol at one instant, from nothing that was not known then.

``outlook`` is a function of its arguments. ``Tape`` gives the same, bar by bar, for a session:
each bar costs one logarithm and sums over the windows, whatever the length of the history.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import assert_never

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.artifacts import Feature, MarketOutlook, Trigger, TriggerKind
from layers.configuration import OutlookParameters
from layers.feed import FeedItem, Gap, Series
from layers.l2_market_outlook.features import Close, close_of, is_sound, of_bars, of_book
from layers.l2_market_outlook.triggers import (
    CalendarEvent,
    Firing,
    by_bar,
    by_book,
    by_calendar,
    by_history,
    by_measure,
    unsound,
)
from layers.market import Bar, Book


class Tape:
    """Bars of one symbol as they become known, and the triggers that still stand."""

    def __init__(
        self,
        series: Series,
        use: OutlookParameters,
        calendar: Sequence[CalendarEvent] | None = None,
    ) -> None:
        """``calendar`` none means that there is none, which matters where it is declared."""
        self._series = series
        self._use = use
        self._calendar = calendar
        self._closes: deque[Close] = deque(maxlen=use.memory_bars)
        self._features: tuple[Feature, ...] = ()
        self._standing: dict[tuple[TriggerKind, str], Trigger] = {}
        self._seen = 0
        self._known: datetime | None = None

    def add(self, item: FeedItem) -> None:
        """Take the next bar as it closes.

        A gap needs no call: the bar after it shows by its time how many are missing.

        Raises:
            Stalled: ``FEED_INVALID`` for a bar of another series, or one that is not newer.
        """
        match item:
            case Gap():
                return
            case Bar():
                self._add(item)
            case _:
                assert_never(item)

    def _add(self, bar: Bar) -> None:
        if Series(bar.symbol, bar.interval) != self._series:
            raise Stalled(
                Reason.FEED_INVALID,
                bar.symbol,
                f"expected bars of {self._series.symbol}, {self._series.interval} each",
            )
        if self._known is not None and bar.closed <= self._known:
            raise Stalled(Reason.FEED_INVALID, bar.symbol, "expected a bar newer than the last one")
        self._known = bar.closed
        self._seen += 1
        if not is_sound(bar):
            self._fire([unsound(bar, self._use)], bar.closed)
            return
        close = close_of(self._closes[-1].bar if self._closes else None, bar)
        self._closes.append(close)
        closes = tuple(self._closes)
        self._features = of_bars(closes, self._use)
        self._fire(by_bar(close, self._use), bar.closed)
        self._fire(by_measure(self._features, self._use), bar.closed)

    def observe(self, book: Book | None, as_of: datetime) -> MarketOutlook:
        """The outlook at ``as_of``, which may not lie before the close of the last bar.

        What the book shows fires like any other trigger and stands for its own time.
        """
        if self._known is not None and as_of < self._known:
            raise ValueError("an outlook may not know bars from after its time")
        use, series = self._use, self._series
        if book is not None and book.symbol != series.symbol:
            raise ValueError(f"expected the book of {series.symbol}, found {book.symbol}")
        flaws = by_book(book, series.interval, as_of, use)
        features = self._features
        if "book" in use.inputs and book is not None and not flaws:
            features = (*features, of_book(book))
        self._fire(flaws, as_of)
        self._fire(by_measure(features[len(self._features) :], use), as_of)
        self._fire(by_history(tuple(self._closes), series.interval, as_of, use), as_of)
        self._fire(by_calendar(self._calendar, series.symbol, as_of, use), as_of)
        return MarketOutlook(
            symbol=series.symbol,
            as_of=as_of,
            expires=as_of + use.valid_bars * series.interval,
            bars_seen=self._seen,
            reference=self._closes[-1].bar.close if self._closes else None,
            features=tuple(sorted(features, key=lambda f: f.name)),
            triggers=self._in_force(as_of),
        )

    def _fire(self, firings: Iterable[Firing], at: datetime) -> None:
        for firing in firings:
            key = (firing.kind, firing.cause)
            held = self._standing.get(key)
            self._standing[key] = Trigger(
                kind=firing.kind,
                cause=firing.cause,
                symbol=self._series.symbol,
                measured=firing.measured,
                bound=firing.bound,
                since=held.since if held is not None and at <= held.expires else at,
                expires=at + firing.hold_bars * self._series.interval,
            )

    def _in_force(self, at: datetime) -> tuple[Trigger, ...]:
        self._standing = {k: t for k, t in self._standing.items() if at <= t.expires}
        return tuple(t for _, t in sorted(self._standing.items()) if at < t.expires)


def outlook(
    series: Series,
    bars: Iterable[FeedItem],
    book: Book | None,
    use: OutlookParameters,
    as_of: datetime,
    calendar: Sequence[CalendarEvent] | None = None,
) -> MarketOutlook:
    """The outlook at ``as_of`` over the bars that had closed by then; later ones change nothing.

    Books of earlier instants are not among the arguments, so a spread that was wide before and is
    narrow now shows here only as what it is now; ``Tape`` remembers it for its hold.
    """
    tape = Tape(series, use, calendar)
    for item in bars:
        if isinstance(item, Bar) and item.closed <= as_of:
            tape.add(item)
    return tape.observe(book, as_of)
