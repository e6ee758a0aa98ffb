"""What of the comparison is due: 5 seconds, 30 seconds, 5 minutes, and after a reconnect."""

from datetime import UTC, datetime, timedelta

from layers.l6_execution.schedule import Schedule, Scope

WALL = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return WALL + timedelta(seconds=seconds)


def run(schedule: Schedule, seconds: int, *, live: bool) -> list[tuple[int, Scope]]:
    done = []
    for second in range(seconds):
        scope = schedule.due(at(second), live=live)
        if scope:
            schedule.done(scope, at(second))
            done.append((second, scope))
    return done


def test_everything_is_due_at_the_start() -> None:
    assert Schedule().due(WALL, live=False) is Scope.FULL


def test_open_orders_every_5_seconds_holdings_every_30_everything_every_5_minutes() -> None:
    done = run(Schedule(), 601, live=True)
    assert [s for s, scope in done if scope is Scope.FULL] == [0, 300, 600]
    holdings = [s for s, scope in done if scope is Scope.HOLDINGS]
    assert holdings == [s for s in range(30, 600, 30) if s % 300]
    assert [s for s, _ in done] == list(range(0, 601, 5))


def test_open_orders_are_not_asked_for_while_none_can_be_open() -> None:
    done = run(Schedule(), 120, live=False)
    assert done == [(0, Scope.FULL), *((s, Scope.HOLDINGS) for s in (30, 60, 90))]


def test_a_reconnect_makes_everything_due_until_it_was_done() -> None:
    schedule = Schedule()
    schedule.done(Scope.FULL, WALL)
    assert schedule.due(at(1), live=True) is None
    schedule.reconnected()
    assert schedule.due(at(1), live=False) is Scope.FULL
    schedule.done(Scope.HOLDINGS, at(1))
    assert schedule.due(at(1), live=False) is Scope.FULL
    schedule.done(Scope.FULL, at(1))
    assert schedule.due(at(2), live=False) is None
