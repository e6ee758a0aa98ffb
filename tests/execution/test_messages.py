"""E1's windows: no message is lost from one, and asking costs the same however many there were."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from layers.l6_execution.messages import KEPT, Messages
from tests.fakes.paper_desk import START

SECONDS = st.lists(st.integers(0, 60), max_size=30)


def told(seconds: list[int]) -> Messages:
    messages = Messages()
    for second in seconds:
        messages.add(START + timedelta(seconds=second))
    return messages


@given(SECONDS, st.integers(0, 61))
def test_every_message_of_a_window_is_counted(seconds: list[int], since: int) -> None:
    at = START + timedelta(seconds=since)
    assert told(sorted(seconds)).since(at) == sum(second >= since for second in seconds)


@given(SECONDS, st.integers(0, 61))
def test_a_clock_that_ran_back_takes_no_message_out_of_a_window(
    seconds: list[int], since: int
) -> None:
    at = START + timedelta(seconds=since)
    assert told(seconds).since(at) >= sum(second >= since for second in seconds)


class Looking(datetime):
    """An instant that counts how often it was compared."""

    looks = 0

    def __gt__(self, other: datetime) -> bool:
        Looking.looks += 1
        return super().__gt__(other)


def looks(among: int) -> int:
    messages = told([0] * among)
    Looking.looks = 0
    assert messages.since(Looking.fromisoformat(START.isoformat())) == among
    return Looking.looks


def test_a_window_of_thousands_costs_a_look_more_for_twice_as_many() -> None:
    assert looks(20_000) <= looks(10_000) + 1 <= 16


def test_the_last_hundred_thousand_are_known_whatever_was_before() -> None:
    messages = told([0] * (3 * KEPT))
    assert KEPT <= messages.since(START) < 2 * KEPT
