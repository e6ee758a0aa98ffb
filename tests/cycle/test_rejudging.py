"""Permission that falls: open orders are judged again, before anything else is done."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from desired_state.values import Mode, Trading
from reconciler.cycle import Report
from reconciler.gate import Verdict
from reconciler.plan import Doing
from tests.fakes.cycle_desk import Calls, CycleDesk, raise_declared
from tests.fakes.governed_desk import GovernedDesk, present

SECOND = timedelta(seconds=1)


@pytest.fixture
def cycles(desk: GovernedDesk) -> Iterator[CycleDesk]:
    made = CycleDesk.over(desk)
    desk.open_venue().close()
    yield made
    made.close()


def doings(report: Report) -> list[Doing]:
    return [action.doing for action in report.actions]


def open_(cycles: CycleDesk) -> set[str]:
    return {order.client_order_id for order in cycles.desk.venue.open_orders()}


def lower(cycles: CycleDesk, old: str = "50", new: str = "40") -> None:
    cycles.desk.edit("limits.yaml", f'max_order_notional: "{old}"', f'max_order_notional: "{new}"')


def test_where_nobody_can_judge_them_every_order_is_cancelled_in_the_same_cycle(
    cycles: CycleDesk,
) -> None:
    now = present()
    with cycles.cycle() as cycle:
        assert cycle.run(now).verdict.permitted.mode is Mode.PAPER
        cycles.desk.place(2)
        assert doings(cycle.run(now + SECOND)) == []  # nothing fell
        assert len(open_(cycles)) == 2
        lower(cycles)
        report = cycle.run(now + 2 * SECOND)
        assert report.verdict.permitted.trading is Trading.ACTIVE
        assert doings(report) == [Doing.CANCEL_ALL]
        assert open_(cycles) == set()


def test_only_what_would_be_refused_is_cancelled(cycles: CycleDesk) -> None:
    now = present()
    asked: list[str] = []
    refused: set[str] = set()

    def rejudge(venue: str, _verdict: Verdict) -> tuple[str, ...]:
        asked.append(venue)
        return tuple(sorted(refused))

    cycles.rejudge = rejudge
    with cycles.cycle() as cycle:
        cycle.run(now)
        cycles.desk.place(3)
        every = open_(cycles)
        refused.add(min(every))
        cycle.run(now + SECOND)
        assert (asked, open_(cycles)) == ([], every)
        lower(cycles)
        report = cycle.run(now + 2 * SECOND)
        assert (asked, doings(report)) == (["paper"], [Doing.CANCEL])
        assert open_(cycles) == every - refused
        cycle.run(now + 3 * SECOND)
        assert asked == ["paper"]  # once a fall


class Silent(Calls):
    """A venue that does not show what is open for as long as ``silent`` says."""

    silent = False

    def tick(self, port: str, method: str) -> None:
        super().tick(port, method)
        if self.silent and (port, method) == ("venue", "open_orders"):
            raise_declared(port)


def test_a_fall_that_met_a_silent_venue_is_carried_out_when_it_answers(cycles: CycleDesk) -> None:
    now, calls = present(), Silent()
    with cycles.cycle(calls) as cycle:
        cycle.run(now)
        cycles.desk.place(2)
        lower(cycles)
        calls.silent = True
        assert doings(cycle.run(now + SECOND)) == []
        calls.silent = False
        assert len(open_(cycles)) == 2
        assert doings(cycle.run(now + 2 * SECOND)) == [Doing.CANCEL_ALL]
        assert open_(cycles) == set()


def test_a_process_that_does_not_know_what_was_permitted_judges_what_it_finds_open(
    cycles: CycleDesk,
) -> None:
    now = present()
    cycles.run(now)
    cycles.desk.place(2)
    report = cycles.run(now + SECOND)  # a new process
    assert doings(report) == [Doing.CANCEL_ALL]
    assert open_(cycles) == set()


def test_a_permission_that_rises_judges_nothing_again(cycles: CycleDesk) -> None:
    now = present()
    lower(cycles)
    with cycles.cycle() as cycle:
        cycle.run(now)
        cycles.desk.place(2)
        lower(cycles, "40", "45")
        assert doings(cycle.run(now + SECOND)) == []
        assert len(open_(cycles)) == 2
