"""A deposit or withdrawal by people: met as a difference, told apart from profit and loss (D1)."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import pytest

from desired_state.values import StopClass
from reconciler.adapters.clock import wall_clock
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.marks import WINDOWS, Mark, Marks
from reconciler.session_ending import Ending
from reconciler.wiring.bookkeeping import read_books
from reconciler.wiring.host_parts import paper_store
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.paper_desk import request
from tests.fakes.session_desk import FIRST, after, opened, release, run

TOTAL = "USDT total"
WHY = ("--reason", "the treasurer moved it")
LATER = FIRST + timedelta(days=4)


def move(desk: GovernedDesk, amount: int) -> None:
    """Somebody pays in, or out where it is less than nothing; the venue tells nobody."""
    with closing(sqlite3.connect(paper_store(desk.host))) as store, store:
        (free,) = store.execute("SELECT free FROM balances WHERE currency='USDT'").fetchone()
        left = str(Decimal(free) + amount)
        store.execute("UPDATE balances SET free=? WHERE currency='USDT'", (left,))


def marks(desk: GovernedDesk) -> list[Mark]:
    with opened(desk) as writer:
        journal = SharedJournal(writer.journal, lambda: None, wall_clock)
        return [
            Mark.model_validate_json(json.dumps(entry.body))
            for entry in journal.entries()
            if entry.kind == "mark"
        ]


def range_of(found: list[Mark], since: int = 0) -> tuple[Decimal, Decimal]:
    """The worst and the best that any window showed, from this mark on."""
    made = Marks()
    seen: list[Decimal] = []
    for number, mark in enumerate(found):
        made.add(mark, None)
        if number >= since:
            seen += [pnl for name in WINDOWS if (pnl := made.pnl(name, mark)) is not None]
    return min(seen), max(seen)


@pytest.mark.parametrize(
    ("amount", "kinds"),
    [
        (500, {StopClass.INTEGRITY}),
        (-500, {StopClass.INTEGRITY, StopClass.LOSS}),  # until somebody says what it was
    ],
)
def test_a_transfer_is_explained_released_and_neither_profit_nor_loss(
    desk: GovernedDesk, amount: int, kinds: set[StopClass]
) -> None:
    run(desk, after(12, lambda: move(desk, amount)))
    assert {stop.kind for stop in desk.latch.in_force().values()} == kinds
    (view,) = read_books(desk.host, None)
    assert view.books.unexplained == {TOTAL: str(amount)}
    before = len(marks(desk))

    assert desk.verb("books", "explain", TOTAL, "--transfer", *WHY) == 0
    assert desk.latch.in_force()  # BOOKS-1: it ended no stop
    (view,) = read_books(desk.host, None)
    assert view.books.unexplained == {}

    release(desk, 2)
    second = run(desk, end=LATER)
    assert (second.record.ending, second.agrees) == (Ending.COMPLETED, True)
    assert second.reconciliation is not None
    assert not any(row.difference for row in second.reconciliation.rows)  # the books have it
    found = marks(desk)
    assert found[0].paid_in == 0
    assert found[-1].paid_in == amount
    worst, best = range_of(found, before)
    assert -100 < worst <= best < 100


def test_what_is_only_explained_is_no_profit_and_what_is_missing_is_a_loss(
    desk: GovernedDesk,
) -> None:
    run(desk, after(12, lambda: move(desk, 500)))
    assert desk.verb("books", "explain", TOTAL, *WHY) == 0
    release(desk, 2)
    second = run(desk, after(12, lambda: move(desk, -900)), end=LATER)
    assert second.record.ending is Ending.STOPPED  # 400 less than our record says, at once
    kinds = {stop.kind for stop in desk.latch.in_force().values()}
    assert kinds == {StopClass.LOSS, StopClass.INTEGRITY}
    assert desk.verb("books", "explain", TOTAL, *WHY) == 0
    before = len(marks(desk))
    release(desk, 3)
    run(desk, end=LATER)
    worst, best = range_of(marks(desk), before)
    assert -500 < worst < -300
    assert best < 100


def test_what_is_no_balance_is_no_transfer(desk: GovernedDesk) -> None:
    stranger = request("stranger", quantity="0.06")
    run(desk, after(5, lambda: desk.venue.submit(stranger)))
    name = stranger.client_order_id
    assert desk.verb("books", "explain", name, "--transfer", *WHY) == 2
    (view,) = read_books(desk.host, None)
    assert name in view.books.unexplained
