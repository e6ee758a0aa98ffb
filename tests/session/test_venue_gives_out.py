"""A venue that answers late, or not at all: nothing old is acted on, and nothing is left behind."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l6_execution.execution import Execution
from layers.market import Bar
from layers.orders import CancelReport
from reconciler.counter import Counter
from reconciler.session import SILENT_BARS, Session
from reconciler.session_ending import Ending
from reconciler.session_request import Request
from reconciler.wiring.counters import Place
from reconciler.wiring.session import SessionRun
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.session_desk import FIRST, LAST, opened, run
from tests.fakes.silent_queries import Silent

UNHEARD = CancelReport(confirmed=(), still_open=(), unreachable=True)
Change = Callable[[Counter], Counter]


@dataclass
class ChangedRun(SessionRun):
    """A session at a counter of which something else was made."""

    change: Change = lambda counter: counter

    def _counter(self, place: Place) -> Counter:
        return self.change(super()._counter(place))


class Deaf:
    """Cancels that never reach the venue."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401
        self._inner, self.asked = inner, 0

    def cancel(self, _symbol: str, _name: str) -> CancelReport:
        return UNHEARD

    def cancel_all(self) -> CancelReport:
        self.asked += 1
        return UNHEARD

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._inner, name)


def deaf(counter: Counter) -> Counter:
    assert isinstance(counter.orders, Execution)
    cancelling = counter.orders._cancelling  # noqa: SLF001
    cancelling.cancels = Deaf(cancelling.cancels)
    return replace(counter, way_out=cancelling.cancels.cancel_all)


def changed(desk: GovernedDesk, change: Change) -> Any:  # noqa: ANN401
    with opened(desk) as writer:
        asked = Request(start=FIRST, end=LAST)
        return ChangedRun(writer, asked, change=change, settle=timedelta(seconds=0.3)).run()


def test_an_order_that_outlives_its_session_is_a_stop_whose_watch_goes_on(
    desk: GovernedDesk,
) -> None:
    outcome = changed(desk, deaf)
    assert outcome.record.ending is Ending.COMPLETED
    assert outcome.stop is not None
    stop = desk.latch.in_force()[outcome.stop]
    assert stop.kind is StopClass.TECHNICAL
    assert stop.reason.startswith(f"{Reason.VENUE_NOT_CLEAN}: ")


def test_a_session_that_breaks_off_stops_where_it_cannot_tell_what_is_left(
    desk: GovernedDesk,
) -> None:
    def broken(counter: Counter) -> Counter:
        def advance(bar: Bar) -> bool:
            if counter.orders.books.working:
                raise Waiting(Reason.FEED_INVALID, "feed", retry_after=timedelta(seconds=1))
            return counter.advance(bar)

        return replace(deaf(counter), advance=advance)

    with pytest.raises(Waiting):
        changed(desk, broken)
    (stop,) = desk.latch.in_force().values()
    assert (stop.kind, stop.reason.split(":")[0]) == (
        StopClass.TECHNICAL,
        Reason.VENUE_NOT_CLEAN,
    )


@pytest.mark.parametrize(("calls", "ending"), [(1, Ending.COMPLETED), (SILENT_BARS, Ending.FAILED)])
def test_an_answer_that_is_lost_costs_its_bar_and_a_silent_venue_the_session(
    desk: GovernedDesk, calls: int, ending: Ending
) -> None:
    def silent(counter: Counter) -> Counter:
        return replace(counter, queries=Silent(counter.queries, 5, calls))

    record = changed(desk, silent).record
    assert record.ending is ending
    assert record.refusals[Reason.VENUE_UNREACHABLE] == calls
    assert (record.bars > calls + 10) is (ending is Ending.COMPLETED)


def test_an_order_that_waited_for_others_is_judged_by_the_time_it_is_then(
    desk: GovernedDesk,
) -> None:
    asked: list[datetime] = []

    def late(session: Session, bar: Bar) -> None:
        if session.bars > 1:
            return
        began = session.desk.now

        def now(next_bar: Bar) -> datetime:
            asked.append(next_bar.closed)
            orders_began = asked.count(next_bar.closed) > 2
            return began(next_bar) + orders_began * 2 * (next_bar.closed - bar.closed)

        session.desk = replace(session.desk, now=now)

    refused = run(desk, late).record.refusals
    assert refused["F1"] > 0
    assert refused["A5"] > 0
