"""D1: what a day may begin with, through whole sessions, and G2: a circuit that stays open."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from desired_state.canonical import from_json
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l6_execution.events import Intended
from layers.market import Bar
from reconciler import decisions
from reconciler.adapters.clock import wall_clock
from reconciler.marking import marks_of
from reconciler.session import Session
from reconciler.session_ending import Ending
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.session_desk import FIRST, run

MORNING = datetime(2020, 3, 8, 5, tzinfo=UTC)  # bitcoin loses all that day
HOUR = timedelta(hours=1)


def leaves(desk: GovernedDesk, kind: str) -> list[dict]:
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    found = [from_json(line) for path in lines for line in path.read_bytes().splitlines()]
    return [leaf["body"] for leaf in found if leaf["kind"] == kind]


def opened_with(desk: GovernedDesk) -> list[str | None]:
    """The day's opening as each decision on an entry knew it."""
    made = leaves(desk, decisions.LEAF_KIND)
    return [body["snapshot"]["day"]["equity_open"] for body in made]


def test_a_fresh_account_s_first_mark_opens_its_day_and_a_restart_does_not_move_it(
    desk: GovernedDesk,
) -> None:
    first = run(desk, start=MORNING, end=MORNING + 9 * HOUR).record
    second = run(desk, start=None, end=MORNING + 18 * HOUR).record
    assert first.ending is second.ending is Ending.COMPLETED
    opening = first.marks[0].equity
    assert first.marks[-1].equity < opening  # a losing day
    assert first.orders
    assert second.orders
    assert second.marks[0].at.date() == first.marks[0].at.date()
    assert {Decimal(found) for found in opened_with(desk) if found} == {opening}
    assert None not in opened_with(desk)


def test_a_session_of_a_later_day_without_a_midnight_buys_nothing_before_the_next(
    desk: GovernedDesk,
) -> None:
    run(desk, start=FIRST, end=FIRST + 12 * HOUR)
    known = len(opened_with(desk))
    again = FIRST + 33 * HOUR  # nine the next morning
    record = run(desk, start=again, end=again + 12 * HOUR).record
    assert record.ending is Ending.COMPLETED
    assert record.refusals["D1"]
    assert set(opened_with(desk)[known:]) == {None}  # never re-based to what it is worth now
    assert all(order.side.value == "sell" for order in record.orders)


def test_orders_before_the_first_mark_leave_the_day_without_an_opening(
    desk: GovernedDesk,
) -> None:
    seen = []

    def look(session: Session, _bar: Bar) -> None:
        limits = session.desk.verdict().permitted.limits
        seen[:] = [(limits, tuple(session.desk.journal.entries()))]

    run(desk, look, start=MORNING, end=MORNING + 9 * HOUR)
    [(limits, entries)] = seen
    whole = marks_of(entries, limits)
    assert whole.untouched
    assert whole.pnl("day", whole.found[-1]) is not None
    sent = next(n for n, entry in enumerate(entries) if entry.kind == Intended.KIND)
    late = marks_of(entries[sent:], limits)  # a record that lost its beginning
    assert not late.untouched
    assert late.pnl("day", late.found[-1]) is None


def test_a_circuit_that_stays_open_raises_a_technical_stop(desk: GovernedDesk) -> None:
    def silence(session: Session, _bar: Bar) -> None:
        if session.bars == 30:
            then = wall_clock() - timedelta(minutes=6)
            for _ in range(5):
                session.desk.execution.circuit.note(FIRST, then, answered=False)

    outcome = run(desk, silence)
    assert (outcome.record.ending, outcome.record.stop) == (Ending.STOPPED, StopClass.TECHNICAL)
    assert outcome.record.refusals[Reason.VENUE_ERRORS] == 1
    assert outcome.stop in desk.latch.in_force()
    assert desk.venue.open_orders() == ()


def test_a_circuit_that_has_just_opened_raises_none(desk: GovernedDesk) -> None:
    def silence(session: Session, _bar: Bar) -> None:
        if session.bars == 30:
            for _ in range(5):
                session.desk.execution.circuit.note(FIRST, wall_clock(), answered=False)

    outcome = run(desk, silence)
    assert outcome.record.ending is Ending.COMPLETED
    assert outcome.stop is None
    assert outcome.record.refusals["G2"]
