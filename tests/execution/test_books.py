"""Books and reconciliation over random sessions, and every kind of difference."""

import sqlite3
import tempfile
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.books import Books
from layers.l6_execution.client_ids import client_order_id
from layers.l6_execution.reconciliation import ReconciliationReport, reconcile
from layers.l6_execution.witness import Witness
from layers.orders import WORKING, OrderState, Side, TimeInForce
from tests.fakes.paper_desk import HOUR, START, SYMBOL, Desk, bar, intent, make_venue, request

RESTING = request("rest").client_order_id
STRANGER = request("stranger").client_order_id

steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(Side), st.integers(85, 115), st.sampled_from(TimeInForce)),
        st.tuples(st.just("bar"), st.integers(85, 115), st.integers(85, 115)),
        st.tuples(st.just("cancel"), st.integers(0, 12), st.just(0)),
    ),
    max_size=14,
)


def play(desk: Desk, session: list[Any]) -> None:
    index = 0
    desk.execution.open_account(START)
    for number, (what, first, second) in enumerate(session):
        at = desk.venue.clock()
        if what == "bar":
            low, high = sorted((first, second))
            desk.venue.advance(bar(index, str(first), str(high), str(low), str(second), "40"))
            index += 1
            desk.execution.poll(desk.venue.clock())
        elif what == "cancel":
            desk.execution.cancel(SYMBOL, request(first).client_order_id, at)
        else:
            terms = {"side": what, "price": str(first), "quantity": "0.2", "tif": second}
            desk.send(intent(number, at, **terms))
    desk.execution.poll(desk.venue.clock())


def report_of(desk: Desk) -> ReconciliationReport:
    return reconcile(desk.disk.entries(), desk.queries, desk.cancels.open_orders)


@given(steps)
@settings(max_examples=30)
def test_the_aggregates_are_the_sums_the_fold_repeats_and_the_venue_agrees(
    session: list[Any],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_venue(folder, participation=Decimal("0.02"), depth_share=Decimal("0.003"))
        desk = Desk(folder, travels=True)
        play(desk, session)
        books = desk.books
        assert Books.rebuilt(desk.disk.entries()) == books
        own = [o for o in books.orders.values() if o.state in WORKING]
        book = books.symbol(SYMBOL)
        bids = [o for o in own if o.side is Side.BUY]
        assert book.open_buy == sum(o.remaining for o in bids)
        assert book.open_buy_notional == sum(o.remaining * o.price for o in bids)
        assert book.open_sell == sum(o.remaining for o in own if o.side is Side.SELL)
        assert book.working == len(own) == len(books.working)
        assert book.increasing == sum(o.increasing for o in own)
        assert book.unknown == 0
        assert not any(books.reserved_unproven.values())
        assert not books.unexplained
        held = {b.currency: b.free + b.locked for b in desk.queries.balances()}
        for currency, opening in books.money.opening.items():
            assert held[currency] == opening + books.money.flows.get(currency, 0)
        assert Witness.of(desk.disk.entries()) == desk.ledger.witness
        assert desk.ledger.witness.totals == held
        report = report_of(desk)
        assert report.ok, report.unexplained
        assert len(report.orders) == len(books.orders)
        desk.venue.close()


def traded(folder: Path) -> Desk:
    make_venue(folder)
    desk = Desk(folder)
    desk.execution.open_account(START)
    desk.send(intent("buy", price="101", quantity="0.1"))
    desk.send(intent("rest", price="50", quantity="1"))
    desk.venue.advance(bar(0))
    desk.execution.poll(desk.venue.clock())
    return desk


def test_a_position_its_cost_and_what_was_realised_follow_from_fills(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    book = desk.books.symbol(SYMBOL)
    assert (book.position, book.cost) == (Decimal("0.0999"), Decimal("10.02"))
    sale = intent("sell", START + HOUR, side=Side.SELL, price="104", quantity="0.0999")
    desk.send(sale)
    assert not desk.books.order_of(sale.intent_id).increasing
    desk.venue.advance(bar(1, opened="105"))
    desk.execution.poll(desk.venue.clock())
    (fill,) = (f for f in desk.queries.fills(SYMBOL, START) if f.side is Side.SELL)
    assert (book.position, book.cost) == (0, 0)
    assert book.realised == fill.price * fill.quantity - fill.fee - Decimal("10.02")


def test_a_sale_of_more_than_is_held_and_not_yet_being_sold_counts_as_increasing(
    tmp_path: Path,
) -> None:
    desk = traded(tmp_path)
    first = intent("s1", START + HOUR, side=Side.SELL, price="200", quantity="0.09")
    second = intent("s2", START + HOUR, side=Side.SELL, price="200", quantity="0.05")
    desk.send(first)
    desk.send(second)
    assert not desk.books.order_of(first.intent_id).increasing
    assert desk.books.order_of(second.intent_id).increasing


def test_a_foreign_order_is_reported_once_and_survives_a_restart(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    desk.venue.submit(request("stranger"))
    found = desk.execution.poll(desk.venue.clock())
    assert [f.code for f in found] == [Reason.FOREIGN_ORDER]
    assert desk.execution.poll(desk.venue.clock()) == ()
    assert set(Desk(tmp_path).books.unexplained) == {request("stranger").client_order_id}
    assert not report_of(desk).ok


def change(statement: str) -> Callable[[Desk], None]:
    def damage(desk: Desk) -> None:
        desk.venue.close()
        connection = sqlite3.connect(desk.venue._store.path)  # noqa: SLF001  (the venue errs)
        connection.execute(statement)
        connection.commit()
        connection.close()

    return damage


@pytest.mark.parametrize(
    ("damage", "subject"),
    [
        (change("UPDATE balances SET free='9000' WHERE currency='USDT'"), "USDT total"),
        (change("UPDATE balances SET locked='0' WHERE currency='USDT'"), "USDT locked"),
        (change("UPDATE fills SET price='100.3'"), "F-000000001"),
        (change("DELETE FROM fills"), "F-000000001"),
        (change("UPDATE orders SET status='cancelled' WHERE status='open'"), RESTING),
        (change("DELETE FROM orders WHERE status='open'"), RESTING),
        (lambda desk: desk.venue.submit(request("stranger")), STRANGER),
    ],
    ids=["free", "locked", "price", "fill gone", "cancelled", "order gone", "stranger"],
)
def test_every_kind_of_difference_is_found(
    tmp_path: Path, damage: Callable[..., Any], subject: str
) -> None:
    desk = traded(tmp_path)
    assert report_of(desk).ok
    damage(desk)
    report = report_of(desk)
    assert not report.ok
    assert {f.code for f in report.unexplained} <= {Reason.RECON_DIFF, Reason.FOREIGN_ORDER}
    assert subject in {f.subject for f in report.unexplained}


def test_a_missing_venue_is_a_failure_and_not_zero_differences(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    (tmp_path / "venue.db").unlink()
    report = report_of(desk)
    assert not report.ok
    assert {f.code for f in report.missing} == {Reason.VENUE_UNREACHABLE}
    assert (report.compared, report.coverage) == (0, 0)


def test_a_missing_or_broken_journal_is_a_failure(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    lines = desk.disk.path.read_text().splitlines()
    assert not reconcile([], desk.queries, desk.cancels.open_orders).ok
    desk.disk.path.write_text(lines[1].replace('"intent"', '"intnet"'))
    report = report_of(desk)
    assert [f.code for f in report.missing] == [Reason.JOURNAL]
    with pytest.raises(Stalled):
        Desk(tmp_path)


def test_an_order_unresolved_in_the_journal_is_a_difference(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    answer_gone = [e for e in desk.disk.entries() if e.sequence != 5]  # the answer to what rests
    assert not reconcile(answer_gone, desk.queries, desk.cancels.open_orders).ok


def test_an_order_that_appears_after_it_was_proven_absent_is_a_difference(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    hidden = tmp_path / "hidden.db"
    desk.venue.close()
    (tmp_path / "venue.db").rename(hidden)
    desk.send(intent("late", START + HOUR))
    hidden.rename(tmp_path / "venue.db")
    desk.settle(START + HOUR)
    assert desk.books.order_of(intent("late").intent_id).state is OrderState.EXPIRED
    desk.venue.submit(intent("late").request)
    assert [f.code for f in desk.execution.poll(START + HOUR)] == [Reason.RECON_DIFF]


def test_messages_and_equal_orders_are_counted_on_the_market_clock(tmp_path: Path) -> None:
    desk = traded(tmp_path)
    desk.execution.cancel(SYMBOL, request("rest").client_order_id, START + HOUR)
    assert desk.books.messages.since(START) == 3
    assert desk.books.messages.since(START + timedelta(minutes=1)) == 1
    assert desk.books.orders_on == {START.date(): 2}
    assert desk.books.last_equal[SYMBOL, Side.BUY, Decimal(1), Decimal(50)] == START


def test_client_ids_are_portable_deterministic_and_differ_by_attempt() -> None:
    ids = {client_order_id(intent("a").intent_id, attempt) for attempt in range(50)}
    assert len(ids) == 50
    assert all(len(one) == 17 and one.isalnum() and one[0] == "g" for one in ids)
    assert client_order_id("I-0000000000000000", 0) == "g7uvb6zl7nyrgm4br"
