"""The third technical stop of a day is no longer a technical matter."""

from datetime import UTC, datetime, timedelta

from desired_state.memory import Memory, Release, Stop
from desired_state.values import StopClass

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def memory(*hours: float, kind: StopClass = StopClass.TECHNICAL) -> Memory:
    stops = [
        Stop(id=f"L-local-{n}", kind=kind, reason="", by="", commit=None, seen_at=T0 + HOUR * hour)
        for n, hour in enumerate(hours, start=1)
    ]
    return Memory(stops={stop.id: stop for stop in stops})


def kinds(known: Memory) -> list[StopClass]:
    return [known.kind_of(stop) for stop in known.stops.values()]


TECHNICAL, INTEGRITY = StopClass.TECHNICAL, StopClass.INTEGRITY


def test_the_third_within_a_day_is_of_integrity() -> None:
    assert kinds(memory(0, 1, 23.9, 24.5)) == [TECHNICAL, TECHNICAL, INTEGRITY, INTEGRITY]
    assert kinds(memory(0, 1, 24, 25)) == [TECHNICAL, TECHNICAL, TECHNICAL, TECHNICAL]
    assert kinds(memory(5, 5, 5)) == [TECHNICAL, TECHNICAL, INTEGRITY]


def test_releases_do_not_change_the_count_and_other_classes_are_not_counted() -> None:
    known = memory(0, 1, 2)
    freed = {
        name: Release(stop=name, sequence=1, people=("olivia",), at=T0)
        for name in ("L-local-1", "L-local-2")
    }
    [left] = known.model_copy(update={"releases": freed}).in_force
    assert (left.id, left.kind) == ("L-local-3", INTEGRITY)
    assert kinds(memory(0, 1, 2, kind=StopClass.LOSS)) == [StopClass.LOSS] * 3
