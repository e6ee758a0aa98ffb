"""What every source of bars must deliver; a test module binds ``source`` to one of them.

``source`` gives ``bars(window)``, its ``series``, and ``start`` and ``end`` of a time in which it
has at least four bars; ``hole`` is the opening of one that it does not have, or none.
"""

from types import SimpleNamespace

from layers.feed import Gap, Window
from layers.market import Bar


def whole(source: SimpleNamespace) -> list[Bar | Gap]:
    return list(source.bars(Window(source.start, source.end)))


def test_bars_come_oldest_first_and_once(source: SimpleNamespace) -> None:
    opened = [item.opened for item in whole(source)]
    assert opened == sorted(set(opened))
    assert len(opened) >= 4


def test_bars_and_gaps_leave_nothing_unsaid(source: SimpleNamespace) -> None:
    expected = source.start
    for item in whole(source):
        assert item.opened == expected
        expected = item.closed if isinstance(item, Bar) else item.until
    assert expected == source.end


def test_a_bar_that_is_missing_is_a_gap(source: SimpleNamespace) -> None:
    gaps = [item.opened for item in whole(source) if isinstance(item, Gap)]
    assert gaps == ([source.hole] if source.hole else [])


def test_every_bar_is_of_the_series_and_sound(source: SimpleNamespace) -> None:
    for bar in whole(source):
        if isinstance(bar, Bar):
            assert (bar.symbol, bar.interval) == (source.series.symbol, source.series.interval)
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high


def test_only_the_window_is_delivered(source: SimpleNamespace) -> None:
    first = source.start + source.series.interval
    until = first + 2 * source.series.interval
    items = list(source.bars(Window(first, until)))
    assert items[0].opened == first
    assert items[-1].opened < until


def test_the_same_question_has_the_same_answer(source: SimpleNamespace) -> None:
    assert whole(source) == whole(source)
