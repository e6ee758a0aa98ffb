from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.canonical import canonical
from desired_state.errors import Stalled
from layers.artifacts import MarketOutlook, TriggerKind
from layers.feed import Series
from layers.l2_market_outlook.outlook import Tape, outlook
from layers.l2_market_outlook.triggers import CalendarEvent
from layers.market import Bar, Book, Level, Provenance
from tests.layers.desk_of_prices import BARS_ONLY, OUTLOOK, SERIES, day, made_bars, real_bars

REAL = real_bars()
CALM = made_bars(["100", "100.1"] * 20)
NOW = CALM[-1].closed


def book(bid: str = "100", ask: str = "100.02", **changes: object) -> Book:
    whole = Book(
        symbol="BTC/USDT",
        bids=(Level(Decimal(bid), Decimal(1)),),
        asks=(Level(Decimal(ask), Decimal(1)),),
        event_at=NOW,
        received_at=NOW,
        provenance=Provenance.RECORDED,
        interval=SERIES.interval,
    )
    return replace(whole, **changes)


def seen(found: MarketOutlook) -> set[tuple[str, str]]:
    return {(t.kind.value, t.cause) for t in found.triggers}


def test_a_calm_market_with_a_sound_book_has_no_trigger() -> None:
    found = outlook(SERIES, CALM, book(), OUTLOOK, NOW)
    assert seen(found) == set()
    assert found.scenarios == ()
    assert found.scenarios_by == "none"
    assert found.expires == NOW + 2 * SERIES.interval


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-1"])
def test_a_number_that_is_none_never_reads_as_calm(field: str, value: str) -> None:
    bars = [*CALM[:-1], replace(CALM[-1], **{field: Decimal(value)})]
    found = outlook(SERIES, bars, book(), OUTLOOK, NOW)
    assert TriggerKind.DATA_QUALITY in {t.kind for t in found.triggers}
    assert all(f.value.is_finite() for f in found.features)


@pytest.mark.parametrize(
    ("shown", "cause"),
    [
        (None, "book_absent"),
        (book(bids=()), "book_one_sided"),
        (book(bid="101"), "book_crossed"),
        (book(bid="100.02"), "book_crossed"),
        (book(bid="NaN"), "not_a_number"),
        (book(received_at=NOW - timedelta(hours=3)), "book_stale"),
        (book(event_at=NOW + timedelta(seconds=1)), "book_ahead"),
    ],
)
def test_a_book_that_proves_nothing_is_a_flaw(shown: Book | None, cause: str) -> None:
    assert ("DATA_QUALITY", cause) in seen(outlook(SERIES, CALM, shown, OUTLOOK, NOW))


def test_a_wide_spread_fires_and_stands_for_its_hold() -> None:
    tape = Tape(SERIES, OUTLOOK)
    for bar in CALM:
        tape.add(bar)
    assert ("SPREAD_SPIKE", "spread") in seen(tape.observe(book(ask="101"), NOW))
    assert ("SPREAD_SPIKE", "spread") in seen(tape.observe(book(), NOW + timedelta(minutes=59)))
    assert ("SPREAD_SPIKE", "spread") not in seen(tape.observe(book(), NOW + timedelta(hours=1)))


@pytest.mark.parametrize("count", [0, 1, 24])
def test_too_little_history_is_a_flaw(count: int) -> None:
    bars = CALM[:count]
    found = outlook(SERIES, bars, None, BARS_ONLY, bars[-1].closed if bars else NOW)
    assert ("DATA_QUALITY", "missing") in seen(found)


def test_bars_that_stop_arriving_are_a_flaw() -> None:
    found = outlook(SERIES, CALM, None, BARS_ONLY, NOW + SERIES.interval)
    assert seen(found) == {("DATA_QUALITY", "stale")}


def test_a_gap_is_seen_and_stands_for_its_hold() -> None:
    bars = [*CALM[:30], *CALM[32:]]
    at = CALM[32].closed
    (trigger,) = outlook(SERIES, bars, None, BARS_ONLY, at).triggers
    assert (trigger.cause, trigger.measured, trigger.since) == ("gap", Decimal(2), at)
    assert trigger.expires == at + 3 * SERIES.interval
    later = outlook(SERIES, bars, None, BARS_ONLY, at + 3 * SERIES.interval)
    assert later.triggers == ()
    assert later.feature("gaps") == 2


def test_a_trigger_that_fires_again_keeps_its_beginning() -> None:
    tape = Tape(SERIES, BARS_ONLY)
    for bar in (b for b in REAL if b.closed <= day(3, 14)):
        tape.add(bar)
    found = {t.cause: t for t in tape.observe(None, day(3, 14)).triggers}
    spike = found["realised_volatility"]
    assert spike.since == day(3, 12, 7)
    assert spike.expires == day(3, 14, 6)


def test_a_calendar_that_is_declared_and_absent_is_a_flaw() -> None:
    use = OUTLOOK.model_copy(update={"inputs": ("bars", "book", "calendar")})
    assert seen(outlook(SERIES, CALM, book(), use, NOW)) == {("DATA_QUALITY", "calendar_absent")}
    assert seen(outlook(SERIES, CALM, book(), use, NOW, ())) == set()


def test_an_announced_event_fires_around_itself_for_its_symbols_only() -> None:
    use = OUTLOOK.model_copy(update={"inputs": ("bars", "book", "calendar")})
    near = CalendarEvent(NOW + timedelta(hours=1), NOW + timedelta(hours=2), "rates")
    other = replace(near, symbols=("ETH/USDT",))
    past = replace(near, starts=NOW - timedelta(hours=9), ends=NOW - timedelta(hours=2))
    news = {("NEWS_RISK", "calendar")}
    assert seen(outlook(SERIES, CALM, book(), use, NOW, (near,))) == news
    assert seen(outlook(SERIES, CALM, book(), use, NOW, (other, past))) == set()


def test_one_symbols_spike_is_not_averaged_away_by_the_others() -> None:
    wild = made_bars(["100", "104"] * 20)
    fired = seen(outlook(SERIES, wild, None, BARS_ONLY, NOW))
    assert ("VOLATILITY_SPIKE", "realised_volatility") in fired
    for number in range(20):
        name = f"CALM{number}/USDT"
        calm = made_bars(["100", "100.1"] * 20, name)
        quiet = outlook(Series(name, SERIES.interval), calm, None, BARS_ONLY, NOW)
        assert seen(quiet) == set()
    assert seen(outlook(SERIES, wild, None, BARS_ONLY, NOW)) == fired


def test_a_bar_of_another_series_or_an_older_one_is_refused() -> None:
    tape = Tape(SERIES, BARS_ONLY)
    tape.add(CALM[0])
    for bar in (
        CALM[0],
        replace(CALM[1], symbol="ETH/USDT"),
        replace(CALM[1], interval=timedelta(1)),
    ):
        with pytest.raises(Stalled):
            tape.add(bar)
    assert tape.observe(None, CALM[0].closed).bars_seen == 1


@given(st.integers(1, len(REAL)), st.integers(0, 80))
def test_what_happens_later_never_changes_an_outlook(cut: int, more: int) -> None:
    then = REAL[cut - 1].closed
    known = REAL[max(0, cut - 60) : cut]
    before = outlook(SERIES, known, None, BARS_ONLY, then)
    after = outlook(SERIES, [*known, *REAL[cut : cut + more]], None, BARS_ONLY, then)
    assert canonical(before) == canonical(after)


def test_bar_by_bar_and_all_at_once_give_the_same_bytes() -> None:
    tape = Tape(SERIES, BARS_ONLY)
    for number, bar in enumerate(REAL):
        tape.add(bar)
        if number % 89 == 0:
            whole = outlook(SERIES, REAL, None, BARS_ONLY, bar.closed)
            assert canonical(tape.observe(None, bar.closed)) == canonical(whole)


def hours_with_trigger(kinds: set[TriggerKind]) -> Counter[str]:
    tape, found = Tape(SERIES, BARS_ONLY), Counter[str]()
    for bar in REAL:
        tape.add(bar)
        if any(t.kind in kinds for t in tape.observe(None, bar.closed).triggers):
            found[f"{bar.opened:%m-%d}"] += 1
    return found


def test_the_triggers_stand_in_the_crash_and_not_most_of_late_february() -> None:
    hours = hours_with_trigger({TriggerKind.VOLATILITY_SPIKE, TriggerKind.EXTREME_TREND})
    assert hours["03-12"] >= 14
    assert hours["03-13"] == 24
    assert hours["03-08"] >= 6
    assert hours["03-09"] == 24
    assert sum(hours[f"02-{d}"] for d in range(24, 30)) <= 36
    assert sum(hours[f"03-{d:02}"] for d in range(1, 8)) == 0


def test_the_features_say_what_the_prices_did() -> None:
    bars: list[Bar] = [b for b in REAL if b.closed <= day(3, 13, 3)]
    found = outlook(SERIES, bars, None, BARS_ONLY, day(3, 13, 3))
    high = max(b.high for b in bars[-168:])
    assert found.feature("drawdown") == ((high - bars[-1].close) / high).quantize(Decimal("1e-12"))
    trend = found.feature("trend")
    assert trend is not None
    assert abs(trend - (bars[-1].close / bars[-25].close).ln()) < Decimal("1e-10")
