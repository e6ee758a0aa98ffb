from datetime import timedelta
from itertools import islice

import pytest

from desired_state.errors import Stalled, Waiting
from layers.feed import Gap, Series, Window
from layers.market import Bar
from layers.market_data.polling import Polling
from layers.market_data.source import TRIES
from layers.market_data.ticks import Trade, TradeGap
from tests.fakes.public_market import MINUTE, START, SYMBOL, FakeMarket, Time, minute, single

SERIES = Series(SYMBOL, MINUTE)
HOUR = [minute(n) for n in range(60)]


def polling(time: Time, market: FakeMarket) -> Polling:
    return Polling(market, time, time.sleep)


def test_no_bar_is_yielded_before_it_is_closed_and_settled() -> None:
    time = Time(START + 2 * MINUTE + timedelta(seconds=1))  # the second closed a second ago
    seen = []
    for bar in islice(polling(time, FakeMarket(time, HOUR)).bars(SERIES, Window(START)), 10):
        assert isinstance(bar, Bar)
        assert time.now >= bar.closed + timedelta(seconds=2)
        seen.append(bar)
    assert seen == HOUR[:10]  # none as it was while it ran


def test_without_a_start_the_first_bar_is_the_one_that_runs_now() -> None:
    time = Time(START + 3 * MINUTE + timedelta(seconds=20))
    first = next(polling(time, FakeMarket(time, HOUR)).bars(SERIES, Window()))
    assert first.opened == START + 3 * MINUTE


def test_bars_that_nobody_traded_in_are_a_gap_once_the_next_one_is_there() -> None:
    time = Time()
    known = [bar for bar in HOUR if bar.opened not in {START + MINUTE, START + 2 * MINUTE}]
    items = list(islice(polling(time, FakeMarket(time, known)).bars(SERIES, Window(START)), 3))
    assert items[1] == Gap(SYMBOL, START + MINUTE, START + 3 * MINUTE, 2)


def test_a_feed_that_begins_in_a_gap_says_so() -> None:
    time = Time(START + 10 * MINUTE)
    items = list(islice(polling(time, FakeMarket(time, HOUR[4:])).bars(SERIES, Window(START)), 2))
    assert items == [Gap(SYMBOL, START, START + 4 * MINUTE, 4), HOUR[4]]


def test_a_silent_venue_is_asked_again_after_longer_pauses_and_then_waited_for() -> None:
    time = Time(START + 5 * MINUTE)
    market = FakeMarket(time, HOUR)
    market.fails = TRIES - 1
    assert next(polling(time, market).bars(SERIES, Window(START))) == HOUR[0]
    assert [nap.total_seconds() for nap in time.naps] == [1, 2, 4, 8, 16]
    market.fails = TRIES
    with pytest.raises(Waiting):
        next(polling(time, market).bars(SERIES, Window(START)))


def test_whoever_is_told_to_end_ends_within_one_nap() -> None:
    time = Time(left=2)
    assert list(polling(time, FakeMarket(time, [])).bars(SERIES, Window(START))) == []
    assert max(time.naps) <= timedelta(seconds=5)
    assert len(time.naps) == 3


def test_bars_that_contradict_themselves_stop_the_feed() -> None:
    time = Time(START + 5 * MINUTE)
    wrong = Bar(SYMBOL, START, MINUTE, HOUR[0].high + 1, *(HOUR[0].low,) * 3, HOUR[0].volume)
    with pytest.raises(Stalled):
        next(polling(time, FakeMarket(time, [wrong])).bars(SERIES, Window(START)))


def test_trades_are_followed_by_number_and_missing_ones_are_a_gap() -> None:
    time = Time(START + timedelta(seconds=1))
    trades = [single(n) for n in range(60) if n not in {13, 14}]
    market = FakeMarket(time, [], trades)
    market.page = 3
    items = list(islice(polling(time, market).trades(SYMBOL, Window()), 8))
    numbers = [item.number for item in items if isinstance(item, Trade)]
    assert numbers == [11, 12, 15, 16, 17, 18, 19]
    assert items[2] == TradeGap(SYMBOL, single(15).at, 13, 15)


def test_quotes_are_dated_by_their_question_and_end_with_the_window() -> None:
    time = Time()
    window = Window(None, START + timedelta(seconds=5))
    quotes = list(polling(time, FakeMarket(time, [])).quotes(SYMBOL, window))
    assert [q.at for q in quotes] == [START + timedelta(seconds=n) for n in range(5)]
