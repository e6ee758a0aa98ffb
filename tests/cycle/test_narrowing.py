"""What makes a cycle permit less: a clock, a memory, a remote, a disk."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from desired_state.authority import BOTTOM
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Mode, Switch, Trading
from reconciler.conditions import Kind, Status
from reconciler.ports import Report
from reconciler.verdicts import replay
from tests.fakes.cycle_desk import Calls, CycleDesk
from tests.fakes.governed_desk import ARMED, ENGAGED, GovernedDesk, present

SECOND = timedelta(seconds=1)


@pytest.fixture
def cycles(desk: GovernedDesk) -> Iterator[CycleDesk]:
    made = CycleDesk.over(desk)
    yield made
    made.close()


def codes(report: Report) -> set[Reason]:
    return {found.code for found in report.findings}


def condition(report: Report, kind: Kind) -> tuple[Status, Reason]:
    [found] = [c for c in report.conditions if c.kind is kind]
    return found.status, found.reason


def test_a_clock_set_back_halts_and_does_not_move_the_floor(cycles: CycleDesk) -> None:
    now = present()
    with cycles.cycle() as cycle:
        assert cycle.run(now).verdict.permitted.mode is Mode.PAPER
        before = cycles.memory()
        assert before is not None
        assert before.floor == now
        report = cycle.run(now - timedelta(minutes=10))
        assert report.verdict.permitted.mode is Mode.HALTED
        assert Reason.CLOCK_UNSURE in codes(report)
        after = cycles.memory()
        assert after is not None
        assert after.floor == now
        assert after.high == before.high
        assert cycle.run(now + SECOND).verdict.permitted.mode is Mode.PAPER
    assert cycles.desk.latch.stops() == {}  # no stop: it lifts when the clock is right again


def test_the_floor_stays_even_where_memory_changes_under_a_wrong_clock(
    cycles: CycleDesk,
) -> None:
    now = present()
    cycles.run(now)
    cycles.desk.push("stop", kill_switch__yaml=ENGAGED)
    cycles.run(now - timedelta(minutes=10))
    memory = cycles.memory()
    assert memory is not None
    assert len(memory.stops) == 1
    assert memory.floor == now


def test_a_remote_that_is_gone_narrows_at_its_bounds_and_lifts(cycles: CycleDesk) -> None:
    start = present()
    cycles.run(start)
    cycles.desk.place(2)
    bare = cycles.desk.folder / "state.git"
    with cycles.cycle() as cycle:
        assert cycle.run(start).verdict.permitted.trading is Trading.ACTIVE
        bare.rename(bare.with_name("gone.git"))
        seen = [(s, cycle.run(start + s * SECOND)) for s in (1, 59, 60, 299, 300, 900)]
        trading = {s: report.verdict.permitted.trading for s, report in seen}
        assert trading == {
            1: Trading.ACTIVE,
            59: Trading.ACTIVE,
            60: Trading.REDUCING,
            299: Trading.REDUCING,
            300: Trading.HALTED,
            900: Trading.HALTED,
        }
        assert condition(seen[2][1], Kind.FRESH)[0] is Status.FALSE
        assert condition(seen[2][1], Kind.READY)[0] is Status.FALSE
        assert cycles.desk.venue.open_orders() == ()
        bare.with_name("gone.git").rename(bare)
        back = [cycle.run(start + (901 + step) * SECOND) for step in range(3)]
        assert [r.verdict.permitted.trading for r in back] == [
            *[Trading.HALTED] * 2,
            Trading.ACTIVE,
        ]
        assert [Reason.LIFTING in codes(r) for r in back] == [True, True, False]
    for body in cycles.verdict_records():
        assert replay(body, cycles.objects()) == ()
    assert cycles.desk.latch.stops() == {}


def test_a_reconciler_that_never_reached_the_remote_permits_nothing(cycles: CycleDesk) -> None:
    cycles.run(present())
    bare = cycles.desk.folder / "state.git"
    bare.rename(bare.with_name("gone.git"))
    report = cycles.run(present())
    assert report.verdict.permitted.mode is Mode.HALTED
    assert Reason.SOURCE_STALE in codes(report)


class Full(Calls):
    """A disk that takes nothing more of these ports."""

    def __init__(self, *ports: str) -> None:
        super().__init__()
        self.ports = ports

    def tick(self, port: str, method: str) -> None:
        if port in self.ports and method in {"append", "keep", "store", "put_stop", "put_release"}:
            raise Stalled(Reason.JOURNAL, port, "no space left on device")


@pytest.mark.parametrize("full", [("journal",), ("records",), ("journal", "records", "store")])
def test_a_full_disk_permits_nothing_and_stops_and_cancels_still_work(
    cycles: CycleDesk, full: tuple[str, ...]
) -> None:
    now = present()
    cycles.run(now)
    cycles.desk.place(3)
    cycles.desk.push(kill_switch__yaml=ENGAGED)
    with cycles.cycle(Full(*full)) as cycle:
        for step in range(3):
            report = cycle.run(now + step * SECOND)
            assert report.verdict.permitted == BOTTOM
            assert cycles.desk.venue.open_orders() == ()
            assert condition(report, Kind.READY)[0] is Status.FALSE
    with cycles.cycle() as cycle:  # the disk has room again
        report = cycle.run(now + 5 * SECOND)
        assert report.verdict.switch is Switch.ENGAGED
    [stop] = cycles.desk.latch.in_force()
    memory = cycles.memory()
    assert memory is not None
    assert list(memory.stops) == [stop]


def test_a_full_disk_grants_no_new_mandate(cycles: CycleDesk) -> None:
    with cycles.cycle(Full("journal")) as cycle:
        report = cycle.run(present())
    assert report.recorded.permitted == BOTTOM
    assert cycles.memory() is None


def test_events_that_are_missed_change_nothing(cycles: CycleDesk, mandated: GovernedDesk) -> None:
    """Level-triggered: one look at the end sees what many looks on the way saw."""
    now = present()
    edits = (
        ("mode.yaml", "mode: paper", "mode: shadow"),
        ("mode.yaml", "mode: shadow", "mode: paper"),
    )
    other = CycleDesk.over(mandated.copy(cycles.desk.folder.parent / "other"))
    with cycles.cycle() as often, other.cycle() as once:
        often.run(now)
        for edit in edits:
            cycles.desk.edit(*edit)
            often.run(now)
        seldom = other.desk.folder / "state.git"
        for path in ("state.git", "state"):
            (other.desk.folder / path).rename(other.desk.folder / f"{path}.old")
            (other.desk.folder / path).symlink_to(cycles.desk.folder / path)
        assert seldom.is_symlink()
        late = once.run(now)
        seen = often.run(now)
    assert late.verdict.permitted == seen.verdict.permitted
    assert late.verdict.permitted.mode is Mode.SHADOW  # the fall on the way is remembered by both
    first, second = cycles.memory(), other.memory()
    assert first is not None
    assert second is not None
    assert first.falls == second.falls
    other.close()


def test_a_release_is_applied_after_its_verdict_is_on_disk(cycles: CycleDesk) -> None:
    now = present()
    cycles.run(now)
    cycles.desk.push(kill_switch__yaml=ENGAGED)
    cycles.run(now)
    [stop] = cycles.desk.latch.in_force()
    cycles.desk.push(kill_switch__yaml=ARMED)
    cycles.desk.propose_and_sign(2, "--clears", stop)
    seen: list[tuple[str, int]] = []

    class Order(Calls):
        def tick(self, _port: str, method: str) -> None:
            if method in {"append", "store", "put_release"}:
                seen.append((method, len(cycles.leaves())))

    later: datetime = present()
    cycles.run(later, Order())
    names = [name for name, _ in seen]
    assert names.count("put_release") == 1
    place = names.index("put_release")
    assert "store" in names[:place]
    kinds = [leaf["kind"] for leaf in cycles.leaves()]
    assert "verdict" in kinds[: seen[place][1]]
    assert kinds[: seen[place][1]][-1] == "action"
    assert cycles.desk.latch.in_force() == {}


def test_a_venue_outside_what_is_permitted_is_swept(cycles: CycleDesk) -> None:
    cycles.run(present())
    cycles.desk.place(2)
    cycles.desk.edit("mode.yaml", "mode: paper", "mode: shadow")
    report = cycles.run(present())
    assert [action.doing.value for action in report.actions] == ["cancel_all"]
    assert cycles.desk.venue.open_orders() == ()
