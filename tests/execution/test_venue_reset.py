"""A wiped venue: told from single losses, stopped for, and accepted by a person."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.errors import Finding, Stalled, Waiting
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.binance.wipe import WipeSigns
from layers.l6_execution.books import Books
from layers.l6_execution.last_known import REMEMBERED
from layers.l6_execution.people import Word, accept_reset, explain
from layers.l6_execution.reconciliation import reconcile
from layers.l6_execution.stops import stop_for
from layers.orders import AnswerKind, OrderState, Side
from layers.ports import Remains, Standing
from layers.risk_snapshot import VenueClass
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


# --- by Binance's own recogniser, after a silence ------------------------------------------------
DAY = timedelta(days=1)


def on_a_testnet() -> WipeSigns:
    said = Standing(
        at=START,
        venue_class=VenueClass.TESTNET,
        account="7",
        can_withdraw=None,
        address_bound=None,
        clock_offset=None,
        headroom=None,
        trading={},
    )
    return WipeSigns(lambda: said)


def held_since(folder: Path) -> Desk:
    """A session that bought, agreed with the venue and ended; nothing is open."""
    make_venue(folder)
    desk, _ = veiled(folder, signs=on_a_testnet())
    desk.execution.start(START, desk.wall)
    desk.send(intent("buy", price="101", quantity="0.1"))
    desk.venue.advance(bar(0))
    desk.execution.poll(desk.venue.clock())
    assert desk.execution.finish(desk.venue.clock(), desk.wall).ok
    return desk


def after_silence(folder: Path, days: float) -> tuple[Desk, Veil]:
    again, veil = veiled(folder, epoch=2, signs=on_a_testnet())
    again.wall += days * DAY
    return again, veil


@pytest.mark.parametrize("days", [0.5, 2, 40])
def test_a_wipe_is_recognised_however_long_nothing_was_executed(
    tmp_path: Path, days: float
) -> None:
    wipe(held_since(tmp_path), tmp_path)
    again, _ = after_silence(tmp_path, days)
    later = START + days * DAY
    assert [f.code for f in again.execution.start(later, again.wall)] == [Reason.VENUE_RESET]
    assert set(again.books.unexplained) == {"venue"}
    balances = again.execution.queries.balances()
    accept_reset(again.ledger, balances, Word("olivia", "the monthly wipe"), later)
    assert again.execution.start(later, again.wall) == ()
    assert again.execution.is_ready
    assert again.books.symbol(SYMBOL).position == 0
    assert Books.rebuilt(again.disk.entries()) == again.books


def compared_for_days(folder: Path) -> Desk:
    """So long that the execution itself was let go."""
    desk = held_since(folder)
    for days in (1, 2, 3):
        again, _ = after_silence(folder, days)
        assert again.execution.start(START + days * DAY, again.wall) == ()
    assert again.books.fills == again.books.orders == {}
    assert again.books.symbol(SYMBOL).position > 0
    again.venue.close()
    return desk


def test_a_wipe_is_recognised_when_the_execution_was_let_go_long_ago(tmp_path: Path) -> None:
    wipe(compared_for_days(tmp_path), tmp_path)
    again, _ = after_silence(tmp_path, 4)
    met = again.execution.start(START + 4 * DAY, again.wall)
    assert [f.code for f in met] == [Reason.VENUE_RESET]


def test_a_wrong_balance_after_a_silence_is_no_wipe(tmp_path: Path) -> None:
    compared_for_days(tmp_path)
    again, veil = after_silence(tmp_path, 4)
    veil.extra = {"BTC": Decimal("-0.05"), "USDT": Decimal(3)}
    met = again.execution.start(START + 4 * DAY, again.wall)
    assert {(f.code, f.subject) for f in met} == {
        (Reason.RECON_DIFF, "BTC total"),
        (Reason.RECON_DIFF, "USDT total"),
    }
    assert again.books.reset is None


@pytest.mark.parametrize("left", ["order", "fills"])
def test_one_trace_that_is_left_is_enough_for_no_wipe(tmp_path: Path, left: str) -> None:
    compared_for_days(tmp_path)
    again, veil = after_silence(tmp_path, 4)
    veil.ids = {intent("buy").request.client_order_id}
    veil.kinds -= {left}
    veil.extra = {"BTC": Decimal("-0.0999"), "USDT": Decimal(10)}
    met = again.execution.start(START + 4 * DAY, again.wall)
    assert {f.code for f in met} == {Reason.RECON_DIFF}
    assert again.books.reset is None


def test_executions_that_do_not_show_are_no_wipe_while_their_money_is_there(
    tmp_path: Path,
) -> None:
    held_since(tmp_path)
    again, veil = after_silence(tmp_path, 0.01)
    veil.ids = {intent("buy").request.client_order_id}
    met = again.execution.start(LATER, again.wall)
    assert {f.code for f in met} == {Reason.RECON_DIFF}
    assert again.books.reset is None
    assert again.books.symbol(SYMBOL).position > 0


def test_an_order_whose_loss_was_explained_tells_of_no_wipe_afterwards(tmp_path: Path) -> None:
    make_venue(tmp_path)
    desk, veil = veiled(tmp_path)
    desk.execution.start(START, desk.wall)
    desk.send(intent("rest", price="50"))
    desk.execution.poll(START)
    veil.ids = {intent("rest").request.client_order_id}
    desk.execution.poll(LATER)
    explain(desk.ledger, *veil.ids, Word("olivia", "the venue says that it lost it"), LATER)
    again, veil = after_silence(tmp_path, 3)
    again.venue.cancel_all()
    veil.ids = {intent("rest").request.client_order_id}
    veil.extra = {"USDT": Decimal(7)}
    met = again.execution.start(START + 3 * DAY, again.wall)
    assert [(f.code, f.subject) for f in met] == [(Reason.RECON_DIFF, "USDT total")]


def test_the_last_few_of_each_symbol_are_remembered_and_no_more(tmp_path: Path) -> None:
    desk = held_since(tmp_path)
    for number in range(2 * REMEMBERED):
        sold = intent(number, desk.venue.clock(), price="80", quantity="0.1", side=Side.SELL)
        assert desk.send(sold).kind is AnswerKind.ACCEPTED
        desk.venue.advance(bar(number + 1))
        desk.execution.poll(desk.venue.clock())
    last = desk.books.last
    assert {s: len(names) for s, names in last.orders.items()} == {SYMBOL: REMEMBERED}
    assert [f.fill_id for f in last.fills[SYMBOL]] == sorted(desk.books.fills)[-REMEMBERED:]
    assert last.orders[SYMBOL][-1] == sold.request.client_order_id
