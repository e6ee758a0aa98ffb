"""Coins that people explain as missing are held by nobody: the position says so (L6-13)."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.l6_execution.books import Books
from layers.l6_execution.events import Explained
from layers.l6_execution.own_order import NOTHING
from layers.l6_execution.people import Word, explain, transfer
from layers.l6_execution.symbol_book import taken_from
from layers.orders import AnswerKind, Side
from tests.fakes.paper_desk import HOUR, START, SYMBOL, Desk, bar, intent, make_venue
from tests.fakes.veiled_venue import Veil, veiled
from tests.risk.test_conduct import AT, Story

D = Decimal
WORD = Word("olivia", "the venue lost them")
TOTAL = "BTC total"
LATER = START + 2 * HOUR  # nothing is on its way any more


def bought(folder: Path) -> tuple[Desk, Veil]:
    """0.999 bought for 95.00, beside the one that lay there when the account was opened."""
    make_venue(folder)
    desk, veil = veiled(folder)
    desk.execution.start(START, desk.wall)
    desk.send(intent("a"))
    desk.venue.advance(bar(0))
    desk.execution.finish(START, desk.wall)
    assert desk.books.symbol(SYMBOL).position == D("0.999")
    return desk, veil


def lacks(desk: Desk, veil: Veil, amount: str) -> None:
    veil.extra = {"BTC": D(amount)}
    desk.execution.finish(LATER, desk.wall)


def test_what_is_missing_leaves_the_position_once_people_explain_it(tmp_path: Path) -> None:
    desk, veil = bought(tmp_path)
    book = desk.books.symbol(SYMBOL)
    cost = book.cost
    lacks(desk, veil, "-0.333")
    assert book.position == D("0.999")  # met, and nobody has said what it was
    explain(desk.ledger, TOTAL, WORD, LATER)
    assert book.position == D("0.666")
    assert (book.cost, book.realised) == (cost * 2 / 3, -cost / 3)
    assert desk.execution.finish(LATER, desk.wall).ok
    assert Books.rebuilt(desk.disk.entries()) == desk.books


def test_a_sale_of_what_is_missing_is_no_reduction(tmp_path: Path) -> None:
    desk, veil = bought(tmp_path)
    lacks(desk, veil, "-0.333")
    explain(desk.ledger, TOTAL, WORD, LATER)
    terms: dict[str, Any] = {"side": Side.SELL, "price": "200"}
    rest = intent("rest", LATER, quantity="0.666", **terms)
    more = intent("more", LATER, quantity="0.1", **terms)
    desk.send(rest)
    desk.send(more)
    assert not desk.books.order_of(rest.intent_id).increasing  # type: ignore[union-attr]
    assert desk.books.order_of(more.intent_id).increasing  # type: ignore[union-attr]


def test_what_comes_back_or_is_too_much_raises_no_position(tmp_path: Path) -> None:
    desk, veil = bought(tmp_path)
    held = [desk.books.symbol(SYMBOL).position]
    for amount in ("-0.3", "-0.1", "0.5", "-0.2", "-0.4"):
        lacks(desk, veil, amount)
        explain(desk.ledger, TOTAL, WORD, LATER)
        held.append(desk.books.symbol(SYMBOL).position)
    assert held == [D("0.999"), *[D("0.699")] * 4, D("0.599")]


def test_what_people_moved_themselves_was_no_part_of_the_position(tmp_path: Path) -> None:
    desk, veil = bought(tmp_path)
    lacks(desk, veil, "-1")
    transfer(desk.ledger, TOTAL, WORD, LATER)
    assert desk.books.symbol(SYMBOL).position == D("0.999")
    lacks(desk, veil, "-0.5")
    transfer(desk.ledger, TOTAL, WORD, LATER)
    assert desk.books.symbol(SYMBOL).position == D("0.999")


@pytest.mark.parametrize("subject", ["USDT total", "BTC locked", "F-000000001"])
def test_other_differences_move_no_position(tmp_path: Path, subject: str) -> None:
    desk, _ = bought(tmp_path)
    desk.ledger.record(Explained(subject=subject, told="-0.5", why="w", by="olivia"), LATER)
    assert desk.books.symbol(SYMBOL).position == D("0.999")


def test_of_several_symbols_with_the_coin_the_largest_gives_first() -> None:
    held = {"BTC/EUR": D(2), "BTC/USDC": D(3), "BTC/USDT": D(3), "BTC/TRY": D(-1)}
    assert taken_from(held, D(4)) == {"BTC/USDC": 3, "BTC/USDT": 1}
    assert taken_from(held, D(99)) == {"BTC/USDC": 3, "BTC/USDT": 3, "BTC/EUR": 2}


def test_d4_a_trip_ends_though_some_of_it_was_lost_on_the_way() -> None:
    def trip(*gaps: str) -> Story:
        story = Story().send("b").fill("b", "1", "100")
        for gap in gaps:
            story.tell(Explained(subject=TOTAL, told=gap, why="w", by="olivia"))
        return story

    def sold(story: Story) -> int | None:
        story.send("s", side=Side.SELL, quantity="0.6", price="120")
        return story.fill("s", "0.6", "120", side=Side.SELL).seen().losing_streak

    assert sold(trip()) == 0  # still held
    assert sold(trip("-0.4")) == 1
    assert sold(trip("-0.1", "-0.4", "0", "-0.4")) == 1
    assert trip("-1").seen().losing_streak == 1  # nothing is left that could be sold


AMOUNT = st.integers(0, 30).map(lambda tenths: D(tenths) / 10)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), AMOUNT),
        st.tuples(st.just("sell"), AMOUNT),
        st.tuples(st.just("show"), AMOUNT),  # people explain that so much is at the venue
    ),
    max_size=12,
)


@given(opening=AMOUNT, steps=STEPS)
@settings(max_examples=150)
def test_no_explanation_raises_a_position_and_none_leaves_more_than_is_there(
    opening: Decimal, steps: list[tuple[str, Decimal]]
) -> None:
    story, most = Story(), NOTHING
    for number, (what, amount) in enumerate(steps):
        before = Books.rebuilt(story.entries)
        book, flows = before.symbol(SYMBOL), before.money.flows.get("BTC", NOTHING)
        at = AT + timedelta(minutes=number)
        if what == "show":
            gap = amount - opening - flows
            story.tell(Explained(subject=TOTAL, told=str(gap), why="w", by="olivia"), at)
            after = Books.rebuilt(story.entries).symbol(SYMBOL)
            fresh = max(NOTHING, -gap - most)
            most = max(most, -gap)
            assert after.position == book.position - min(book.position, fresh)
            assert NOTHING <= after.position <= amount
            assert after.cost - after.realised == book.cost - book.realised
            assert after.position or not after.cost
            continue
        side = Side.BUY if what == "buy" else Side.SELL
        quantity = amount if what == "buy" else min(amount, book.position)
        if quantity:
            story.send(number, at, side=side, quantity=str(quantity), price="100")
            story.answer(number, AnswerKind.ACCEPTED, at)
            story.fill(number, str(quantity), "100", side=side, at=at)
