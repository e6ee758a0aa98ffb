"""An order whose answer is lost: looked up on a schedule, proven, or given to a person."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.errors import finding
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l6_execution.books import Books
from layers.l6_execution.events import Absent, Intended, Unresolved
from layers.l6_execution.looking_up import Search, Trace
from layers.l6_execution.stops import stop_for
from layers.l6_execution.terms import LOOKUPS, Propagation
from layers.orders import AnswerKind, OrderState
from tests.fakes.paper_desk import START, SYMBOL, Desk, bar, intent, make_venue
from tests.fakes.veiled_venue import Veil, veiled

WALL = datetime(2026, 1, 1, tzinfo=UTC)
LOST = intent("lost")
NAME = LOST.request.client_order_id


def lose_an_answer(folder: Path) -> tuple[Desk, Veil]:
    make_venue(folder)
    desk, veil = veiled(folder)
    assert desk.execution.start(START, desk.wall) == ()
    veil.answers_lost = True
    assert desk.send(LOST).kind is AnswerKind.UNKNOWN
    veil.answers_lost = False
    return desk, veil


def tick_for(desk: Desk, seconds: float, step: float = 0.1) -> dict[float, list[Reason]]:
    """Findings by the second, after the send, at which they came."""
    met, since = {}, desk.wall
    while (desk.wall - since).total_seconds() < seconds - step / 2:
        desk.wall += timedelta(seconds=step)
        found = desk.execution.tick(START, desk.wall)
        if found:
            met[round((desk.wall - since).total_seconds(), 1)] = [f.code for f in found]
    return met


def test_look_ups_come_at_a_half_one_two_four_and_eight_seconds() -> None:
    search, times = Search(since=WALL), []
    for tenth in range(90):
        wall = WALL + timedelta(seconds=tenth / 10)
        if search.is_due(wall):
            search = search.after(Trace.UNSURE, wall)
            times.append(wall - WALL)
    assert tuple(times) == LOOKUPS
    assert search.is_spent(WALL + LOOKUPS[-1])


@pytest.mark.parametrize(
    ("unanswered", "looked"),
    [
        ({4}, [0.5, 1, 2, 4, 4.5, 8]),
        ({1, 1.5, 4, 4.5, 5, 5.5}, [0.5, 1, 1.5, 2, 2.5, 4, 4.5, 5, 5.5, 6, 8]),
        ({8}, [0.5, 1, 2, 4, 8, 8.5]),
    ],
)
def test_a_look_up_that_is_not_answered_is_repeated_soon_and_moves_no_other(
    unanswered: set[float], looked: list[float]
) -> None:
    search, times = Search(since=WALL), []
    for tenth in range(100):
        wall = WALL + timedelta(seconds=tenth / 10)
        if search.is_due(wall):
            times.append(tenth / 10)
            trace = Trace.SILENT if tenth / 10 in unanswered else Trace.UNSURE
            search = search.after(trace, wall)
    assert times == looked
    assert search.looked == len(LOOKUPS)


def test_negatives_that_do_not_span_enough_yet_go_on_while_there_is_patience() -> None:
    late = Propagation(timedelta(seconds=2), timedelta(seconds=5))
    search, times = Search(since=WALL).after(Trace.SILENT, WALL + LOOKUPS[0]), []
    for tenth in range(6, 101):
        wall = WALL + timedelta(seconds=tenth / 10)
        if search.is_due(wall) and not search.is_absent(late):
            search = search.after(Trace.NEGATIVE, wall)
            times.append(tenth / 10)
        assert not search.is_spent(wall)
    assert times == [1, 1.5, 2, 4, 8, 8.5]
    assert search.is_absent(late)


def test_a_person_is_called_ten_seconds_after_an_order_that_no_look_up_could_ask_for() -> None:
    silent = Search(since=WALL).after(Trace.SILENT, WALL)
    assert not silent.is_spent(WALL + timedelta(seconds=10))
    assert silent.is_spent(WALL + timedelta(seconds=10, milliseconds=1))


def test_late_look_ups_do_not_come_in_a_burst() -> None:
    search = Search(since=WALL).after(Trace.NEGATIVE, WALL + timedelta(seconds=60))
    assert not search.is_due(WALL + timedelta(seconds=60, milliseconds=400))


@pytest.mark.parametrize(
    ("traces", "absent"),
    [
        ([(0, Trace.NEGATIVE)], False),
        ([(0, Trace.NEGATIVE), (6, Trace.NEGATIVE)], False),
        ([(0, Trace.NEGATIVE), (6.001, Trace.NEGATIVE)], True),
        ([(0, Trace.SILENT), (6.001, Trace.NEGATIVE)], False),
        ([(0, Trace.NEGATIVE), (6.001, Trace.UNSURE)], False),
        ([(0, Trace.NEGATIVE), (3, Trace.UNSURE), (6.001, Trace.NEGATIVE)], False),
        (
            [
                (0, Trace.NEGATIVE),
                (3, Trace.UNSURE),
                (6.001, Trace.NEGATIVE),
                (12.002, Trace.NEGATIVE),
            ],
            True,
        ),
    ],
)
def test_absence_takes_two_negatives_that_span_more_than_the_venue_may_be_late(
    traces: list[tuple[float, Trace]],
    absent: bool,  # noqa: FBT001
) -> None:
    search = Search(since=WALL)
    for seconds, trace in traces:
        search = search.after(trace, WALL + timedelta(seconds=seconds))
    assert search.is_absent(Propagation(timedelta(seconds=1), timedelta(seconds=5))) is absent


@given(st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(Trace)), max_size=12))
def test_however_the_look_ups_go_absence_is_what_the_first_and_last_negative_span(
    steps: list[tuple[int, Trace]],
) -> None:
    search, wall, negatives = Search(since=WALL), WALL, []
    late = Propagation(timedelta(seconds=1), timedelta(seconds=5))
    for milliseconds, trace in steps:
        wall += timedelta(milliseconds=milliseconds)
        search = search.after(trace, wall)
        if trace is Trace.NEGATIVE:
            negatives.append(wall)
        elif trace is not Trace.SILENT:
            negatives.clear()
    spans = len(negatives) >= 2 and negatives[-1] - negatives[0] > late.total
    assert search.is_absent(late) is spans
    assert search.looked == sum(trace is not Trace.SILENT for _, trace in steps)


def test_a_venue_that_may_be_later_than_the_look_ups_span_cannot_be_configured() -> None:
    with pytest.raises(ValueError, match="look-ups span"):
        Propagation(timedelta(seconds=1), timedelta(seconds=10))


def test_while_unknown_it_reserves_blocks_its_symbol_and_says_since_when(tmp_path: Path) -> None:
    desk, _ = lose_an_answer(tmp_path)
    book = desk.books.symbol(SYMBOL)
    assert (book.unknown, book.unknown_since, book.open_buy) == (1, START, 1)
    assert desk.books.reserved_unproven["USDT"] == 95
    other = desk.send(intent("other"))
    assert (other.kind, other.code) == (AnswerKind.NOT_SENT, Reason.ORDER_UNKNOWN)
    assert desk.books.order_of(intent("other").intent_id) is None
    assert len(desk.venue.open_orders()) == 1


def test_what_is_found_is_adopted_and_the_symbol_is_free_again(tmp_path: Path) -> None:
    desk, veil = lose_an_answer(tmp_path)
    assert tick_for(desk, 0.6) == {}
    assert desk.books.orders[NAME].state is OrderState.OPEN
    assert desk.books.symbol(SYMBOL).unknown_since is None
    assert desk.send(intent("other")).kind is AnswerKind.ACCEPTED
    assert veil.submitted.count(NAME) == 1


@pytest.mark.parametrize("source", ["open", "order", "orders"])
def test_any_single_source_that_knows_it_is_enough(tmp_path: Path, source: str) -> None:
    desk, veil = lose_an_answer(tmp_path)
    veil.ids, veil.kinds = {NAME}, {"open", "order", "orders"} - {source}
    tick_for(desk, 0.6)
    assert desk.books.orders[NAME].state is OrderState.OPEN


def test_its_fills_alone_prove_that_it_was_there(tmp_path: Path) -> None:
    desk, veil = lose_an_answer(tmp_path)
    desk.venue.advance(bar(0))
    veil.ids, veil.kinds = {NAME}, {"open", "order", "orders"}
    tick_for(desk, 0.6)
    assert desk.books.orders[NAME].state is OrderState.FILLED


def test_money_that_nothing_explains_forbids_to_call_it_absent(tmp_path: Path) -> None:
    desk, veil = lose_an_answer(tmp_path)
    veil.ids = {NAME}  # no query knows it; but 95 USDT are locked
    met = tick_for(desk, 8.1)
    assert Reason.ORDER_UNRESOLVED in met[8.0]
    assert desk.books.orders[NAME].state is OrderState.UNKNOWN
    assert desk.books.unresolved == {NAME: START}
    veil.ids = set()
    tick_for(desk, 5)  # looked up further, and found after all
    assert desk.books.orders[NAME].state is OrderState.OPEN
    assert desk.books.unresolved == {}


def test_what_never_arrived_is_absent_after_more_than_six_seconds_and_never_sent_again(
    tmp_path: Path,
) -> None:
    desk, veil = lose_an_answer(tmp_path)
    desk.venue.cancel_all()
    veil.ids = {NAME}
    assert tick_for(desk, 7.9) == {}
    assert desk.books.orders[NAME].state is OrderState.UNKNOWN
    assert tick_for(desk, 0.2) == {}
    own = desk.books.orders[NAME]
    assert (own.state, own.reason) == (OrderState.EXPIRED, Reason.EXPIRED_UNKNOWN)
    assert desk.books.symbol(SYMBOL).open_buy == 0
    assert desk.send(LOST).code is Reason.DUPLICATE
    assert veil.submitted == [NAME]
    kinds = [entry.kind for entry in desk.disk.entries()]
    assert (kinds.count(Intended.KIND), kinds.count(Absent.KIND)) == (1, 1)
    assert Books.rebuilt(desk.disk.entries()) == desk.books


def test_a_silent_venue_ends_in_a_call_for_a_person_and_a_stop_of_class_technical(
    tmp_path: Path,
) -> None:
    desk, veil = lose_an_answer(tmp_path)
    veil.silent = True
    met = [code for codes in tick_for(desk, 20).values() for code in codes]
    assert met == [Reason.VENUE_UNREACHABLE, Reason.ORDER_UNRESOLVED]
    assert desk.books.orders[NAME].state is OrderState.UNKNOWN
    kinds = [entry.kind for entry in desk.disk.entries()]
    assert kinds.count(Unresolved.KIND) == 1
    assert set(Books.rebuilt(desk.disk.entries()).unresolved) == {NAME}


def test_unresolved_is_technical_and_integrity_goes_before_it() -> None:
    lost, foreign = finding(Reason.ORDER_UNRESOLVED, "a"), finding(Reason.FOREIGN_ORDER, "b")
    assert stop_for([lost]) == (StopClass.TECHNICAL, lost)
    assert stop_for([lost, foreign]) == (StopClass.INTEGRITY, foreign)
    assert stop_for([finding(Reason.VENUE_UNREACHABLE, "c")]) is None


def test_a_late_appearance_after_it_was_called_absent_is_an_integrity_difference(
    tmp_path: Path,
) -> None:
    desk, veil = lose_an_answer(tmp_path)
    desk.venue.cancel_all()
    veil.ids = {NAME}
    tick_for(desk, 8.1)
    assert desk.books.orders[NAME].reason == Reason.EXPIRED_UNKNOWN
    veil.ids = set()  # it was there all the time, and had been cancelled by somebody
    tick_for(desk, 60)
    found = desk.execution.schedule
    found.reconnected()
    (codes,) = tick_for(desk, 0.2).values()
    assert codes == [Reason.RECON_DIFF]
    assert NAME in desk.books.unexplained


def test_a_fill_of_what_was_called_absent_changes_no_position_and_is_a_difference(
    tmp_path: Path,
) -> None:
    desk, veil = lose_an_answer(tmp_path)
    desk.venue.advance(bar(0))
    veil.ids, veil.extra = {NAME}, {"USDT": Decimal(95), "BTC": Decimal("-0.999")}
    tick_for(desk, 8.1)
    assert desk.books.orders[NAME].reason == Reason.EXPIRED_UNKNOWN
    veil.ids, veil.extra = set(), {}
    met = tick_for(desk, 40)
    assert Reason.RECON_DIFF in next(iter(met.values()))
    assert desk.books.symbol(SYMBOL).position == 0
    assert stop_for(desk.execution.poll(START)) is None  # told once
    assert desk.books.unexplained
