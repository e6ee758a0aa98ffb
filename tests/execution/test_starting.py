"""After a start nothing leaves before what is unknown is resolved and books and venue agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desired_state.reasons import Reason
from layers.l6_execution.events import CancelAsked, Compared
from layers.l6_execution.execution import Execution
from layers.l6_execution.people import Word, explain
from layers.l6_execution.schedule import Scope
from layers.l6_execution.witness import Witness
from layers.orders import AnswerKind, CancelReport, OrderState
from layers.ports import JournalEntry
from tests.fakes.paper_desk import START, SYMBOL, Desk, bar, intent, make_venue, request
from tests.fakes.veiled_venue import Veil, veiled

NAME = intent("a").request.client_order_id


def begun(folder: Path) -> Desk:
    make_venue(folder)
    desk, _ = veiled(folder)
    assert desk.execution.start(START, desk.wall) == ()
    return desk


def until_ready(desk: Desk, seconds: int = 20) -> list[Reason]:
    met, end = [], desk.wall + timedelta(seconds=seconds)
    while not desk.execution.is_ready and desk.wall < end:
        desk.wall += timedelta(seconds=0.25)
        met += [found.code for found in desk.execution.tick(START, desk.wall)]
    return met


def test_a_first_start_opens_the_account_compares_and_is_ready(tmp_path: Path) -> None:
    desk = begun(tmp_path)
    assert desk.execution.is_ready
    report = desk.execution.last_report
    assert (report.scope, report.ok, report.coverage) == (Scope.FULL, True, 100)
    assert desk.books.compared_at == START
    assert [e.kind for e in desk.disk.entries()][-1] == Compared.KIND


@dataclass
class Counted:
    """A journal, and how often it was read."""

    inner: Any
    reads: int = 0

    def append(self, *entry: Any) -> int:  # noqa: ANN401
        return int(self.inner.append(*entry))

    def entries(self) -> Iterator[JournalEntry]:
        self.reads += 1
        return iter(tuple(self.inner.entries()))


def test_a_start_takes_books_and_witness_as_they_were_rebuilt_and_reads_no_second_time(
    tmp_path: Path,
) -> None:
    begun(tmp_path).send(intent("rest", price="50"))
    desk = Desk(tmp_path)
    desk.ledger.journal = counted = Counted(desk.disk)
    desk.execution.start(START, desk.wall)
    assert counted.reads == 0
    assert Witness.of(desk.disk.entries()) == desk.ledger.witness


def test_a_restart_cancels_our_resting_orders_before_it_trades_on(tmp_path: Path) -> None:
    desk = begun(tmp_path)
    desk.send(intent("a"))
    again, _ = veiled(tmp_path, epoch=2)
    assert again.execution.start(START, again.wall) == ()
    assert again.execution.is_ready
    assert again.venue.open_orders() == ()
    assert again.books.orders[NAME].state is OrderState.CANCELLED
    assert CancelAsked.KIND in [e.kind for e in again.disk.entries()]


def test_a_restart_that_keeps_leaves_them_resting(tmp_path: Path) -> None:
    desk = begun(tmp_path)
    desk.send(intent("a"))
    again, _ = veiled(tmp_path, epoch=2)
    assert again.execution.start(START, again.wall, keep=True) == ()
    assert again.execution.is_ready
    assert [o.client_order_id for o in again.venue.open_orders()] == [NAME]
    assert again.books.orders[NAME].state is OrderState.OPEN


def test_nothing_is_sent_while_an_order_of_the_earlier_run_is_unknown(tmp_path: Path) -> None:
    desk = begun(tmp_path)
    desk.door.entry.veil.answers_lost = True
    desk.send(intent("a"))
    again, veil = veiled(tmp_path, epoch=2)
    veil.ids = {NAME}
    again.venue.cancel_all()
    again.execution.start(START, again.wall)
    assert not again.execution.is_ready
    answer = again.send(intent("b"))
    assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, Reason.NOT_RECONCILED)
    assert until_ready(again) == []
    assert again.execution.is_ready
    assert again.books.orders[NAME].reason == Reason.EXPIRED_UNKNOWN
    assert again.send(intent("b")).kind is AnswerKind.ACCEPTED


def test_a_foreign_order_at_the_start_holds_everything_back_and_is_left_alone(
    tmp_path: Path,
) -> None:
    desk = begun(tmp_path)
    desk.venue.submit(request("stranger"))
    again, _ = veiled(tmp_path, epoch=2)
    found = again.execution.start(START, again.wall)
    assert [(f.code, f.subject) for f in found] == [
        (Reason.FOREIGN_ORDER, request("stranger").client_order_id),
        (Reason.RECON_DIFF, "USDT locked"),
    ]
    until_ready(again)
    assert not again.execution.is_ready
    assert again.send(intent("b")).code is Reason.NOT_RECONCILED
    assert len(again.venue.open_orders()) == 1
    assert again.books.foreign == {request("stranger").client_order_id}


def test_a_difference_that_a_person_explains_lets_the_next_start_through(tmp_path: Path) -> None:
    desk = begun(tmp_path)
    desk.venue.submit(request("stranger"))
    assert desk.execution.poll(START)
    desk.venue.cancel_all()
    again, _ = veiled(tmp_path, epoch=2)
    again.execution.start(START, again.wall)
    until_ready(again)
    assert not again.execution.is_ready
    for subject in list(again.books.unexplained):
        explain(again.ledger, subject, Word("olivia", "my own test order"), START)
    until_ready(again)
    assert again.execution.is_ready
    assert again.books.unexplained == {}
    assert again.books.foreign == set()


def test_a_difference_that_nobody_explained_is_told_at_every_start(tmp_path: Path) -> None:
    desk = begun(tmp_path)
    stranger = request("stranger").client_order_id
    desk.venue.submit(request("stranger"))
    assert desk.execution.poll(START)
    desk.venue.cancel_all()
    for epoch in (2, 3):
        again, _ = veiled(tmp_path, epoch=epoch)
        met = again.execution.start(START, again.wall)
        assert [(f.code, f.subject) for f in met] == [(Reason.FOREIGN_ORDER, stranger)]
    explain(again.ledger, stranger, Word("olivia", "my own test order"), START)
    last, _ = veiled(tmp_path, epoch=4)
    assert last.execution.start(START, last.wall) == ()


def test_a_venue_that_does_not_answer_keeps_the_start_open_until_it_does(tmp_path: Path) -> None:
    desk = begun(tmp_path)
    desk.send(intent("a"))
    again, veil = veiled(tmp_path, epoch=2)
    veil.silent = True
    assert [f.code for f in again.execution.start(START, again.wall)] == [Reason.VENUE_UNREACHABLE]
    assert until_ready(again, 5) == []  # told once
    assert not again.execution.is_ready
    veil.silent = False
    assert until_ready(again, 5) == []
    assert again.execution.is_ready


def test_a_cancel_that_is_lost_is_asked_for_again(tmp_path: Path) -> None:
    desk = begun(tmp_path)
    desk.send(intent("a"))
    again, veil = veiled(tmp_path, epoch=2)
    veil.cancels_lost = True
    again.execution.start(START, again.wall)
    assert again.books.orders[NAME].state is OrderState.PENDING_CANCEL
    assert not again.execution.is_ready
    veil.cancels_lost = False
    until_ready(again)
    assert again.venue.open_orders() == ()
    assert again.execution.is_ready


def lose_everything_at_the_crash(folder: Path) -> tuple[Desk, Veil]:
    """The answer was lost, we died, and the first cancel after the start is lost as well."""
    desk = begun(folder)
    desk.door.entry.veil.answers_lost = True
    desk.send(intent("a"))
    again, veil = veiled(folder, epoch=2)
    veil.cancels_lost, veil.ids = True, {NAME}
    again.execution.start(START, again.wall)
    assert again.books.orders[NAME].state is OrderState.UNKNOWN
    veil.cancels_lost, veil.ids = False, set()
    return again, veil


def test_an_order_that_is_adopted_after_its_first_cancel_was_lost_is_cancelled(
    tmp_path: Path,
) -> None:
    again, _ = lose_everything_at_the_crash(tmp_path)
    assert until_ready(again) == []
    assert again.venue.open_orders() == ()
    assert again.books.orders[NAME].state is OrderState.CANCELLED
    assert again.execution.is_ready


def test_an_order_that_nobody_has_seen_is_not_asked_for_again_and_again(tmp_path: Path) -> None:
    again, veil = lose_everything_at_the_crash(tmp_path)
    veil.ids = {NAME}
    again.venue.cancel_all()
    assert until_ready(again) == []
    kinds = [e.kind for e in again.disk.entries()]
    assert kinds.count(CancelAsked.KIND) == 1  # E1 counts them
    assert again.execution.is_ready


def test_a_cancel_of_an_unknown_order_is_asked_again_once_the_order_is_found(
    tmp_path: Path,
) -> None:
    make_venue(tmp_path)
    desk, veil = veiled(tmp_path)
    assert desk.execution.start(START, desk.wall) == ()
    veil.answers_lost = veil.cancels_lost = True
    desk.send(intent("a"))
    desk.execution.cancel(SYMBOL, NAME, START)
    assert desk.books.orders[NAME].state is OrderState.UNKNOWN
    veil.cancels_lost = False
    for _ in range(8):
        desk.wall += timedelta(seconds=1)
        assert desk.execution.tick(START, desk.wall) == ()
    assert desk.venue.open_orders() == ()
    assert desk.books.orders[NAME].state is OrderState.CANCELLED


def lose_the_answer(desk: Desk, veil: Veil) -> None:
    veil.answers_lost = True
    desk.send(intent("a"))


def leave_a_cancel_in_flight(desk: Desk, veil: Veil) -> None:
    desk.send(intent("a"))
    veil.cancels_lost = True
    desk.execution.cancel(SYMBOL, NAME, START)


def cancel_and_die_before_it_is_seen(desk: Desk, _veil: Veil) -> None:
    desk.send(intent("a"))
    desk.execution.cancel(SYMBOL, NAME, START)


def cancel_without_a_journal(desk: Desk, _veil: Veil) -> None:
    desk.send(intent("a"))
    desk.disk.full = True
    assert desk.execution.cancel(SYMBOL, NAME, START) == CancelReport(
        confirmed=(NAME,), still_open=()
    )


def fill_in_part_unseen(desk: Desk, _veil: Veil) -> None:
    desk.send(intent("a"))
    desk.venue.advance(bar(0, volume="4"))


def fill_in_part_seen(desk: Desk, _veil: Veil) -> None:
    fill_in_part_unseen(desk, _veil)
    desk.execution.poll(START)


def fill_in_part_with_a_lost_answer(desk: Desk, veil: Veil) -> None:
    lose_the_answer(desk, veil)
    desk.venue.advance(bar(0, volume="4"))


def fill_in_part_and_cancel_in_flight(desk: Desk, veil: Veil) -> None:
    fill_in_part_unseen(desk, veil)
    leave_a_cancel_in_flight_again(desk, veil)


def leave_a_cancel_in_flight_again(desk: Desk, veil: Veil) -> None:
    veil.cancels_lost = True
    desk.execution.cancel(SYMBOL, NAME, START)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    "moment",
    [
        lose_the_answer,
        leave_a_cancel_in_flight,
        cancel_and_die_before_it_is_seen,
        cancel_without_a_journal,
        fill_in_part_unseen,
        fill_in_part_seen,
        fill_in_part_with_a_lost_answer,
        fill_in_part_and_cancel_in_flight,
    ],
)
def test_wherever_we_died_the_next_start_agrees_with_the_venue_to_the_last_digit(
    tmp_path: Path, moment: Callable[[Desk, Veil], None], *, keep: bool
) -> None:
    make_venue(tmp_path)
    desk, veil = veiled(tmp_path)
    desk.execution.start(START, desk.wall)
    moment(desk, veil)
    again, veil = veiled(tmp_path, epoch=2)
    assert again.execution.start(START, again.wall, keep=keep) == ()
    assert until_ready(again) == []
    assert again.execution.is_ready
    own, shown = again.books.orders[NAME], again.venue.order(SYMBOL, NAME)
    assert (own.filled, own.state) == (shown.filled, expected_state(again, shown.state))
    assert again.books.money.flows.get("USDT", 0) == sum(
        -f.price * f.quantity for f in again.venue.fills(SYMBOL, START)
    )
    assert veil.submitted == []  # nothing was sent a second time
    report = again.execution.finish(START, again.wall)
    assert report.ok, report.unexplained
    assert report.is_final


def expected_state(desk: Desk, shown: OrderState) -> OrderState:
    own = desk.books.orders[NAME].state
    pending = own is OrderState.PENDING_CANCEL and shown in {OrderState.OPEN, OrderState.PARTIAL}
    return own if pending else shown


def test_old_callers_that_never_start_are_not_held_back(tmp_path: Path) -> None:
    make_venue(tmp_path)
    desk = Desk(tmp_path)
    assert isinstance(desk.execution, Execution)
    assert desk.send(intent("a")).kind is AnswerKind.ACCEPTED
