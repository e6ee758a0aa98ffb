"""SESSION-7: one difference is under one stop, and no difference under none."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal

from desired_state.values import StopClass
from layers.market import Bar
from reconciler.session import Session
from reconciler.wiring.host_parts import paper_store
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.paper_desk import request
from tests.fakes.session_desk import run

TOTAL = "USDT total"
STRANGER = request("stranger", quantity="0.06")


def pay_in(desk: GovernedDesk) -> None:
    """Only the comparison at the end sees it."""
    with closing(sqlite3.connect(paper_store(desk.host))) as store, store:
        (free,) = store.execute("SELECT free FROM balances WHERE currency='USDT'").fetchone()
        more = str(Decimal(free) + 500)
        store.execute("UPDATE balances SET free=? WHERE currency='USDT'", (more,))


def meet_a_stranger(desk: GovernedDesk) -> None:
    """Met at the next bar."""
    desk.venue.submit(STRANGER)


def after(bars: int, act: Callable[[], object]) -> Callable[[Session, Bar], None]:
    return lambda session, _bar: act() if session.bars == bars else None  # type: ignore[func-returns-value]


def test_one_difference_raises_one_stop_and_the_report_tells_everything(desk: GovernedDesk) -> None:
    outcome = run(desk, after(5, lambda: meet_a_stranger(desk)))
    (stop,) = desk.latch.in_force().values()
    assert (stop.kind, stop.by) == (StopClass.INTEGRITY, "L5")
    assert outcome.stop == stop.id
    assert not outcome.agrees
    assert STRANGER.client_order_id in {one.subject for one in outcome.reconciliation.unexplained}


def test_what_the_end_finds_beyond_the_stop_that_stands_is_under_one_of_its_own(
    desk: GovernedDesk,
) -> None:
    def both() -> None:
        meet_a_stranger(desk)
        pay_in(desk)

    outcome = run(desk, after(5, both))
    stops = sorted(desk.latch.in_force().values(), key=lambda stop: stop.id)
    assert [(stop.kind, stop.by) for stop in stops] == [
        (StopClass.INTEGRITY, "L5"),
        (StopClass.INTEGRITY, "reconciliation"),
    ]
    assert TOTAL in stops[1].reason
    assert outcome.stop == stops[1].id


def test_a_stop_of_another_class_covers_no_difference(desk: GovernedDesk) -> None:
    def both() -> None:
        pay_in(desk)
        assert desk.verb("halt", "--reason", "drill") == 0

    run(desk, after(5, both))
    assert {stop.kind for stop in desk.latch.in_force().values()} == {
        StopClass.PERSON,
        StopClass.INTEGRITY,
    }
