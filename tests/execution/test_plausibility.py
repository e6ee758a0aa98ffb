"""H3 and H4 where executions and orders are taken in: refused, counted, and never booked."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l6_execution.books import Books
from layers.l6_execution.reconciliation import reconcile
from layers.l6_execution.stops import stop_for
from layers.market import Book, Level, Provenance
from layers.orders import Fill, OrderState, Side
from tests.fakes.paper_desk import (
    FUNDS,
    HOUR,
    START,
    SYMBOL,
    Desk,
    bar,
    intent,
    make_venue,
    request,
)
from tests.fakes.veiled_venue import Veil, veiled


def filled(folder: Path) -> tuple[Desk, Veil]:
    """A buy of 1 at 95 that the venue executed in full, not yet seen by us."""
    make_venue(folder)
    desk, veil = veiled(folder)
    desk.execution.start(START, desk.wall)
    desk.send(intent("a"))
    desk.venue.advance(bar(0))
    return desk, veil


def changed(**changes: object) -> Callable[[tuple[Fill, ...]], tuple[Fill, ...]]:
    return lambda fills: tuple(f.model_copy(update=changes) for f in fills)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": Decimal("1.1")}, "1.1 executed where 1 was left"),
        ({"quantity": Decimal(0)}, "is no execution"),
        ({"price": Decimal("95.01")}, "beyond its limit 95"),
        ({"price": Decimal(47)}, "further than"),
        ({"fee": Decimal("0.011")}, "a fee of 0.011 BTC"),
        ({"fee": Decimal(1), "fee_currency": "USDT"}, "a fee of 1 USDT"),
        ({"side": Side.SELL}, "sell BTC/USDT for an order to buy"),
    ],
)
def test_an_implausible_fill_is_refused_counted_and_changes_nothing(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    desk, veil = filled(tmp_path)
    veil.fills = changed(**changes)
    found = desk.execution.poll(START)
    assert [f.code for f in found] == [Reason.FILL_IMPLAUSIBLE]
    assert words in found[0].message
    assert stop_for(found)[0] is StopClass.INTEGRITY
    assert desk.execution.poll(START) == ()  # told once
    assert len(desk.books.fills_refused) == 1
    book = desk.books.symbol(SYMBOL)
    assert (book.position, book.open_buy) == (0, 1)
    assert Books.rebuilt(desk.disk.entries()) == desk.books


def coin(price: str | None, asked: list[str]) -> Callable[[str], Book | None]:
    """A market of the venue's own coin, or none."""

    def book(symbol: str) -> Book | None:
        asked.append(symbol)
        if price is None:
            raise Waiting(Reason.VENUE_UNREACHABLE, "venue", "no answer", retry_after=HOUR)
        bids, asks = (Level(Decimal(price), Decimal(1)),), (Level(Decimal(price) + 1, Decimal(1)),)
        return Book(symbol, bids, asks, START, START, Provenance.LIVE, HOUR)

    return book


@pytest.mark.parametrize(
    ("fee", "price", "words"),
    [
        ("0.3", "3", ""),  # 0.90 of 95: dear, and possible
        ("0.3", "4", "a fee of 0.3 BNB, worth 1.2, on 95"),
        ("40", "3", "a fee of 40 BNB, worth 120, on 95"),
        ("0.3", None, ""),  # nobody knows what it is worth
        ("50", None, "a fee of 50 BNB where 40 is held"),
        ("41", "0.01", "a fee of 41 BNB where 40 is held"),
    ],
)
def test_a_fee_in_a_third_coin_is_held_to_what_it_is_worth_and_to_what_there_is(
    tmp_path: Path, fee: str, price: str | None, words: str
) -> None:
    make_venue(tmp_path, {**FUNDS, "BNB": Decimal(40)})
    desk, veil = veiled(tmp_path)
    desk.execution.start(START, desk.wall)
    desk.send(intent("a"))
    desk.venue.advance(bar(0))
    veil.fills = changed(fee=Decimal(fee), fee_currency="BNB")
    asked: list[str] = []
    veil.book = coin(price, asked)
    found = desk.execution.poll(START)
    assert asked == ["BNB/USDT"]
    if words:
        assert [f.code for f in found] == [Reason.FILL_IMPLAUSIBLE]
        assert words in found[0].message
        assert "BNB" not in desk.books.money.flows
    else:
        assert found == ()
        assert desk.books.money.flows["BNB"] == -Decimal(fee)
        assert desk.books.money.fees == {"BNB": Decimal(fee)}


def test_a_fee_cannot_be_paid_in_a_coin_that_is_not_there(tmp_path: Path) -> None:
    desk, veil = filled(tmp_path)
    veil.fills = changed(fee=Decimal("0.3"), fee_currency="BNB")
    found = desk.execution.poll(START)
    assert "a fee of 0.3 BNB where 0 is held" in found[0].message
    assert desk.books.symbol(SYMBOL).position == 0


def test_the_same_execution_twice_in_one_answer_is_taken_in_once_and_means_nothing(
    tmp_path: Path,
) -> None:
    desk, veil = filled(tmp_path)
    veil.fills = lambda fills: (*fills, *fills)
    for _ in range(3):
        assert desk.execution.poll(START) == ()
    assert desk.books.orders[request("a").client_order_id].state is OrderState.FILLED
    assert desk.books.symbol(SYMBOL).position == Decimal("0.999")
    assert not desk.books.unexplained
    assert desk.execution.finish(START, desk.wall).ok


def test_one_id_for_two_executions_is_a_difference_and_the_first_one_stands(
    tmp_path: Path,
) -> None:
    desk, veil = filled(tmp_path)
    desk.execution.poll(START)
    veil.fills = changed(price=Decimal(94))
    assert [f.code for f in desk.execution.poll(START)] == [Reason.FILL_IMPLAUSIBLE]
    assert desk.books.symbol(SYMBOL).cost == 95


def test_one_id_for_two_executions_of_one_answer_is_a_difference_whichever_comes_first(
    tmp_path: Path,
) -> None:
    desk, veil = filled(tmp_path)
    odd = changed(price=Decimal(94))
    veil.fills = lambda fills: (*odd(fills), *fills)
    found = desk.execution.poll(START)
    assert [f.code for f in found] == [Reason.FILL_IMPLAUSIBLE]
    assert stop_for(found)[0] is StopClass.INTEGRITY
    assert len(desk.books.fills_refused) == 1  # what H3 of L5 counts
    assert desk.books.symbol(SYMBOL).position == Decimal("0.999")  # once


def test_under_an_id_that_was_refused_nothing_plausible_is_taken_in(tmp_path: Path) -> None:
    desk, veil = filled(tmp_path)
    odd = changed(price=Decimal(47))
    veil.fills = lambda fills: (*odd(fills), *fills)
    assert [f.code for f in desk.execution.poll(START)] == [Reason.FILL_IMPLAUSIBLE]
    veil.fills = lambda fills: fills
    assert desk.execution.poll(START) == ()
    assert len(desk.books.fills_refused) == 1
    assert desk.books.symbol(SYMBOL).position == 0


def test_the_report_at_the_end_sees_a_second_execution_under_an_id_that_agrees(
    tmp_path: Path,
) -> None:
    desk, veil = filled(tmp_path)
    assert desk.execution.poll(START) == ()
    odd = changed(price=Decimal(94))
    for both in (lambda fills: (*odd(fills), *fills), lambda fills: (*fills, *odd(fills))):
        veil.fills = both
        report = reconcile(desk.disk.entries(), desk.execution.queries, desk.cancels.open_orders)
        assert not report.ok
        assert [f.subject for f in report.unexplained] == list(desk.books.fills)


def test_a_foreign_order_and_its_fills_are_counted_apart(tmp_path: Path) -> None:
    desk, _ = filled(tmp_path)
    stranger = request("stranger", price="104", quantity="0.5")
    desk.venue.submit(stranger)
    desk.execution.poll(START)
    desk.venue.advance(bar(1))
    found = desk.execution.poll(desk.venue.clock())
    assert [f.code for f in found] == [Reason.FOREIGN_ORDER]
    assert len(desk.books.foreign) == 2
    assert desk.books.symbol(SYMBOL).position == Decimal("0.999")
