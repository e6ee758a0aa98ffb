"""What ended and was compared leaves memory (L6-10); the disk keeps it, and the end counts it."""

from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.books import EQUALS_KEPT, Books
from layers.l6_execution.events import Intended
from layers.l6_execution.schedule import Scope
from layers.l6_execution.terms import SEVERAL
from layers.l6_execution.witness import Witness
from layers.orders import OrderState
from tests.fakes.paper_desk import HOUR, START, Desk, bar, intent, make_venue
from tests.fakes.veiled_venue import Veil, veiled

OLD, RESTING = intent("old"), intent("resting", price="50")
OLD_NAME = OLD.request.client_order_id


def after_hours(folder: Path, hours: int = 3) -> tuple[Desk, Veil]:
    """One order executed in the first hour, another still rests; nothing was compared since."""
    make_venue(folder)
    desk, veil = veiled(folder)
    assert desk.execution.start(START, desk.wall) == ()
    desk.send(OLD)
    desk.send(RESTING)
    for index in range(hours):
        desk.venue.advance(bar(index))
        assert desk.execution.poll(desk.venue.clock()) == ()
    return desk, veil


def compare(desk: Desk) -> None:
    desk.execution.schedule.reconnected()
    desk.wall += timedelta(seconds=1)
    assert desk.execution.tick(desk.venue.clock(), desk.wall) == ()
    assert desk.execution.last_report.scope is Scope.FULL


def test_what_ended_and_was_compared_is_let_go_and_the_rest_stays(tmp_path: Path) -> None:
    desk, _ = after_hours(tmp_path)
    held = desk.books.symbol("BTC/USDT").position
    assert desk.books.orders[OLD_NAME].state is OrderState.FILLED

    compare(desk)

    assert list(desk.books.orders) == [RESTING.request.client_order_id]
    assert list(desk.books.by_intent) == [RESTING.intent_id]
    assert list(desk.ledger.witness.intents) == [RESTING.request.client_order_id]
    assert OLD_NAME not in desk.ledger.witness.touched
    assert len(desk.books.fills) == len(desk.ledger.witness.fills) > 0
    assert desk.books.symbol("BTC/USDT").position == held
    assert Books.rebuilt(desk.disk.entries()) == desk.books
    assert Witness.of(desk.disk.entries()) == desk.ledger.witness


def test_before_a_comparison_agreed_nothing_is_let_go(tmp_path: Path) -> None:
    desk, veil = after_hours(tmp_path)
    veil.silent = True
    desk.execution.schedule.reconnected()
    desk.wall += timedelta(seconds=1)
    desk.execution.tick(desk.venue.clock(), desk.wall)

    assert OLD_NAME in desk.books.orders
    assert desk.books.let_go_at is None


def test_an_intent_that_has_not_expired_is_never_taken_twice(tmp_path: Path) -> None:
    make_venue(tmp_path)
    desk = Desk(tmp_path)
    desk.execution.start(START, desk.wall)
    long = intent("long").model_copy(update={"expires_at": START + 9 * HOUR})
    desk.send(long)
    for index in range(3):
        desk.venue.advance(bar(index))
        desk.execution.poll(desk.venue.clock())
    compare(desk)

    assert long.intent_id in desk.books.by_intent
    with pytest.raises(Stalled) as refused:
        desk.ledger.record(Intended(intent=long, permit=""), desk.venue.clock())
    assert refused.value.code is Reason.DUPLICATE


def test_however_many_stay_for_their_expiry_a_comparison_asks_for_few_of_them(
    tmp_path: Path,
) -> None:
    """E5 keeps them; the list that begins where others were let go would leave them out."""
    desk, veil = after_hours(tmp_path)
    for number in range(4 * SEVERAL):
        wanted = intent(f"o{number}", desk.venue.clock(), price=str(50 + number))
        desk.send(wanted.model_copy(update={"expires_at": START + 99 * HOUR}))
    desk.execution.cancel_all(desk.venue.clock())
    for index in range(3, 5):
        desk.venue.advance(bar(index))
        assert desk.execution.poll(desk.venue.clock()) == ()
        compare(desk)
    assert OLD_NAME not in desk.books.orders
    assert len(desk.books.orders) == 4 * SEVERAL

    veil.asked.clear()
    compare(desk)

    assert len(desk.execution.last_report.missing) == 0
    assert desk.execution.last_report.compared > 4 * SEVERAL
    assert veil.asked.count("order") < SEVERAL


def test_what_was_let_go_is_no_difference_afterwards(tmp_path: Path) -> None:
    desk, _ = after_hours(tmp_path)
    compare(desk)
    desk.send(intent("next", desk.venue.clock()))
    for index in range(3, 6):
        desk.venue.advance(bar(index))
        assert desk.execution.poll(desk.venue.clock()) == ()
        compare(desk)

    assert desk.books.unexplained == {}


def test_the_comparison_at_the_end_counts_every_order_and_execution(tmp_path: Path) -> None:
    desk, _ = after_hours(tmp_path)
    compare(desk)
    compare(desk)
    assert OLD_NAME not in {row.subject for row in desk.execution.last_report.orders}

    report = desk.execution.finish(desk.venue.clock(), desk.wall)

    assert report.ok
    assert OLD_NAME in {row.subject for row in report.orders}
    assert {row.order for row in report.fills} == {OLD_NAME}


def test_a_restart_goes_on_without_what_was_let_go(tmp_path: Path) -> None:
    desk, _ = after_hours(tmp_path)
    compare(desk)

    again = Desk(tmp_path, epoch=2)
    assert again.execution.start(again.venue.clock(), again.wall, keep=True) == ()

    assert OLD_NAME not in again.books.orders
    assert again.execution.is_ready
    assert again.books.unexplained == {}


def test_equal_orders_are_remembered_up_to_a_bound() -> None:
    books = Books()
    for number in range(EQUALS_KEPT + 5):
        order = intent(number, price=str(1_000 + number))
        books.apply(Intended(intent=order, permit=""), START, number)

    assert len(books.last_equal) == EQUALS_KEPT
    assert min(price for *_, price in books.last_equal) == 1_005


def test_executions_stay_a_day_longer_and_are_no_differences_afterwards(tmp_path: Path) -> None:
    desk, _ = after_hours(tmp_path)
    compare(desk)
    assert len(desk.books.fills) == 1

    for index in range(3, 27):
        desk.venue.advance(bar(index))
    compare(desk)
    assert desk.books.fills == desk.ledger.witness.fills == {}

    compare(desk)
    assert desk.execution.poll(desk.venue.clock()) == ()
    assert desk.books.unexplained == {}
    assert {row.order for row in desk.execution.finish(desk.venue.clock(), desk.wall).fills} == {
        OLD_NAME
    }
