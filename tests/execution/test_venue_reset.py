"""A wiped venue: told from single losses, stopped for, and accepted by a person."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.errors import Finding, Stalled, Waiting
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l6_execution.books import Books
from layers.l6_execution.people import Word, accept_reset
from layers.l6_execution.reconciliation import reconcile
from layers.l6_execution.stops import stop_for
from layers.orders import AnswerKind, OrderState
from layers.ports import Remains
from tests.fakes.paper_desk import HOUR, START, SYMBOL, Desk, bar, intent, make_venue
from tests.fakes.veiled_venue import Veil, veiled


@dataclass
class EverythingGone:
    """A wipe is when no order and no fill of ours is left."""

    asked: int = 0
    unsure: int = 0

    def recognise(self, remains: Remains) -> str | None:
        self.asked += 1
        if self.asked <= self.unsure:
            raise Waiting(Reason.VENUE_UNREACHABLE, "signs", retry_after=timedelta(seconds=1))
        known = remains.orders | remains.fills
        left = remains.orders_shown | remains.fills_shown
        return "all orders and fills are gone" if known and not left else None


LATER = START + 2 * HOUR


def traded(folder: Path) -> tuple[Desk, Veil]:
    """Half a position, one resting order, all seen."""
    make_venue(folder)
    desk, veil = veiled(folder, signs=EverythingGone())
    desk.execution.start(START, desk.wall)
    desk.send(intent("buy", price="101", quantity="0.1"))
    desk.send(intent("rest", price="50"))
    desk.venue.advance(bar(0))
    assert desk.execution.poll(desk.venue.clock()) == ()
    return desk, veil


def wipe(desk: Desk, folder: Path) -> None:
    desk.venue.close()
    for path in folder.glob("venue.db*"):
        path.unlink()
    make_venue(folder)


def wiped(folder: Path) -> tuple[Desk, tuple[Reason, ...]]:
    desk, _ = traded(folder)
    wipe(desk, folder)
    found = desk.execution.poll(LATER)
    assert stop_for(found)[0] is StopClass.INTEGRITY
    return desk, tuple(f.code for f in found)


def test_a_wipe_is_one_finding_and_the_books_keep_what_they_held(tmp_path: Path) -> None:
    desk, codes = wiped(tmp_path)
    assert codes == (Reason.VENUE_RESET,)
    assert desk.books.symbol(SYMBOL).position > 0
    assert len(desk.books.working) == 1
    assert set(desk.books.unexplained) == {"venue"}  # G4 denies and stops
    assert Books.rebuilt(desk.disk.entries()) == desk.books


def test_until_a_person_accepts_it_nothing_leaves_and_no_start_gets_ready(tmp_path: Path) -> None:
    desk, _ = wiped(tmp_path)
    answer = desk.send(intent("more"))
    assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, Reason.VENUE_RESET)
    again, _ = veiled(tmp_path, epoch=2, signs=EverythingGone())
    assert [f.code for f in again.execution.start(LATER, again.wall)] == [Reason.VENUE_RESET]
    assert not again.execution.is_ready
    report = reconcile(again.disk.entries(), again.queries, again.cancels.open_orders)
    assert not report.ok
    assert [f.code for f in report.missing] == [Reason.VENUE_RESET]


def test_accepted_by_name_the_books_begin_again_and_keep_what_was_realised(tmp_path: Path) -> None:
    wiped(tmp_path)
    again, _ = veiled(tmp_path, epoch=2, signs=EverythingGone())
    again.execution.start(LATER, again.wall)
    for hour in range(2):  # the new venue's clock is as far as ours was
        again.venue.advance(bar(hour))
    accept_reset(
        again.ledger,
        again.execution.queries.balances(),
        Word("olivia", "announced by the venue"),
        LATER,
    )
    assert again.execution.start(LATER, again.wall) == ()
    assert again.execution.is_ready
    books = again.books
    assert (books.symbol(SYMBOL).position, books.unexplained, books.reset) == (0, {}, None)
    rest = books.order_of(intent("rest").intent_id)
    assert (rest.state, rest.reason) == (OrderState.EXPIRED, Reason.VENUE_RESET)
    assert again.send(intent("new", LATER, price="101")).kind is AnswerKind.ACCEPTED
    again.venue.advance(bar(2))
    again.execution.poll(again.venue.clock())
    assert "F-000000001" in books.fills  # the number that an earlier fill had as well
    assert books.symbol(SYMBOL).position > 0
    assert again.execution.finish(again.venue.clock(), again.wall).ok
    accepted = [e for e in again.disk.entries() if e.kind == "order_venue_reset_accepted"]
    assert [e.body["by"] for e in accepted] == ["olivia"]
    assert Books.rebuilt(again.disk.entries()) == books


def test_there_is_nothing_to_accept_without_a_reset(tmp_path: Path) -> None:
    desk, _ = traded(tmp_path)
    before = list(desk.disk.entries())
    with pytest.raises(Stalled) as refused:
        accept_reset(
            desk.ledger, desk.execution.queries.balances(), Word("olivia", "just in case"), LATER
        )
    assert refused.value.code is Reason.RECON_DIFF
    assert list(desk.disk.entries()) == before


def test_one_order_that_is_gone_is_no_wipe(tmp_path: Path) -> None:
    desk, veil = traded(tmp_path)
    veil.ids, veil.kinds = {intent("rest").request.client_order_id}, {"order", "orders", "open"}
    found = desk.execution.poll(LATER)
    assert [f.code for f in found] == [Reason.RECON_DIFF]
    assert desk.books.reset is None
    assert desk.execution.signs.asked == 1


@pytest.mark.parametrize(("unsure", "code"), [(4, "VENUE_RESET"), (5, "RECON_DIFF")])
def test_signs_that_cannot_be_read_are_asked_for_again_and_not_for_ever(
    tmp_path: Path, unsure: int, code: str
) -> None:
    desk, _ = traded(tmp_path)
    desk.execution.signs.unsure = unsure
    wipe(desk, tmp_path)
    found: list[Finding] = []
    for _ in range(5):
        assert not desk.books.unexplained
        desk.wall += timedelta(seconds=40)
        found += desk.execution.tick(LATER, desk.wall)
    assert {f.code for f in found} == {Reason.VENUE_UNREACHABLE, code}


def test_without_signs_a_wipe_is_differences_one_by_one(tmp_path: Path) -> None:
    desk, _ = traded(tmp_path)
    again, _ = veiled(tmp_path)
    wipe(desk, tmp_path)
    assert [f.code for f in again.execution.poll(LATER)] == [Reason.RECON_DIFF]
    assert again.books.reset is None
