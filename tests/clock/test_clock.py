"""The one instant of a cycle: nothing moves it that a second source does not confirm."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from desired_state.clock import TOLERANCE, Anchor, Clocks, read

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TEN_YEARS = timedelta(days=3652)
ANCHOR = Anchor(at=T0, boot="a", since_boot_ns=100 * 10**9)


def clocks(wall: timedelta, elapsed: timedelta, *agreeing: str, boot: str = "a") -> Clocks:
    """``wall`` after T0 as the wall clock shows it, ``elapsed`` since the anchor, or the boot."""
    since = 100 * SECOND + elapsed if boot == "a" else elapsed
    return Clocks(T0 + wall, boot, since // timedelta(microseconds=1) * 1000, agreeing)


def test_a_first_reading_is_believed_as_it_is_told() -> None:
    found = read(clocks(7 * SECOND, SECOND), None, None)
    assert (found.now, found.unsure) == (T0 + 7 * SECOND, "")
    assert found.anchor is not None
    assert found.anchor.at == found.now


def test_a_clock_set_back_prolongs_nothing() -> None:
    found = read(clocks(-600 * SECOND, 60 * SECOND), ANCHOR, T0)
    assert found.now == T0 + 60 * SECOND
    assert found.unsure.startswith("set back")
    assert found.anchor == ANCHOR
    agreed = read(clocks(-600 * SECOND, 60 * SECOND, "kernel"), ANCHOR, T0)
    assert (agreed.now, agreed.anchor) == (found.now, ANCHOR)
    assert agreed.unsure  # going back is believed of nobody


def test_a_clock_set_ten_years_ahead_poisons_nothing() -> None:
    found = read(clocks(TEN_YEARS, 60 * SECOND), ANCHOR, T0)
    assert found.now == T0 + 60 * SECOND
    assert found.unsure.startswith("ahead")
    assert found.anchor == ANCHOR
    right = read(clocks(61 * SECOND, 61 * SECOND), found.anchor, found.now)
    assert (right.now, right.unsure) == (T0 + 61 * SECOND, "")


def test_a_clock_stepped_by_four_seconds_again_and_again_gains_five_in_all() -> None:
    anchor, floor, unsure = ANCHOR, T0, 0
    for step in range(1, 50):
        found = read(clocks(step * 5 * SECOND, step * SECOND), anchor, floor)
        assert found.now <= T0 + step * SECOND + TOLERANCE
        assert found.anchor is not None
        anchor, floor = found.anchor, max(floor, found.now)
        unsure += bool(found.unsure)
    assert unsure == 48
    assert anchor == ANCHOR


def test_a_second_source_lets_the_clock_go_ahead_and_moves_the_anchor() -> None:
    found = read(clocks(TEN_YEARS, 60 * SECOND, "kernel"), ANCHOR, T0)
    assert (found.now, found.unsure) == (T0 + TEN_YEARS, "")
    assert found.anchor is not None
    assert found.anchor.at == found.now


def test_after_a_boot_no_more_has_passed_than_the_host_was_up_unless_somebody_agrees() -> None:
    quick = read(clocks(33 * SECOND, 30 * SECOND, boot="b"), ANCHOR, T0)
    assert (quick.now, quick.unsure) == (T0 + 33 * SECOND, "")
    assert quick.anchor is not None
    assert (quick.anchor.boot, quick.anchor.at) == ("b", T0 + 30 * SECOND)
    long = read(clocks(3600 * SECOND, 30 * SECOND, boot="b"), ANCHOR, T0)
    assert long.unsure.startswith("ahead")
    assert long.now == T0 + 30 * SECOND
    assert long.anchor == quick.anchor  # the time that it was up counts once
    checked = read(clocks(3600 * SECOND, 30 * SECOND, "person: olivia", boot="b"), ANCHOR, T0)
    assert (checked.now, checked.unsure) == (T0 + 3600 * SECOND, "")


def test_memory_without_an_anchor_is_as_old_as_its_floor() -> None:
    assert read(clocks(4 * SECOND, SECOND), None, T0).unsure == ""
    assert read(clocks(6 * SECOND, SECOND), None, T0).unsure
    assert read(clocks(-6 * SECOND, SECOND), None, T0).now == T0


moves = st.tuples(
    st.floats(0, 30).map(lambda s: timedelta(seconds=s)),  # that really pass
    st.sampled_from([0, 0, 0, 4, -4, 6, -600, 315_360_000]).map(lambda s: timedelta(seconds=s)),
    st.booleans(),
)


@given(st.lists(moves, max_size=40))
def test_time_never_goes_back_and_never_faster_than_it_passes(
    steps: list[tuple[timedelta, timedelta, bool]],
) -> None:
    anchor, now, real, wrong, boot, since = ANCHOR, T0, timedelta(), timedelta(), "a", 100 * SECOND
    boots = 0
    for passed, step, reboot in steps:
        real, wrong = real + passed, wrong + step
        since += passed
        if reboot:
            boots, since, boot = boots + 1, timedelta(), f"boot {boots + 1}"
        at = Clocks(T0 + real + wrong, boot, since // timedelta(microseconds=1) * 1000)
        found = read(at, anchor, now)
        assert found.now >= now
        assert found.now <= T0 + real + (boots + 1) * TOLERANCE
        assert found.anchor is not None
        anchor, now = found.anchor, found.now
