"""A deposit or withdrawal by people: met as a difference, told apart from profit and loss (D1)."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import pytest

from desired_state.values import StopClass
from layers.market import Bar
from reconciler.adapters.clock import wall_clock
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.marks import WINDOWS, Mark, Marks
from reconciler.session import Ending, Session
from reconciler.wiring.bookkeeping import read_books
from reconciler.wiring.desk import paper_store
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.paper_desk import request
from tests.fakes.session_desk import FIRST, opened, run

TOTAL = "USDT total"
WHY = ("--reason", "the treasurer moved it")
LATER = FIRST + timedelta(days=4)


def move(desk: GovernedDesk, amount: int) -> None:
    """Somebody pays in, or out where it is less than nothing; the venue tells nobody."""
    with closing(sqlite3.connect(paper_store(desk.host))) as store, store:
        (free,) = store.execute("SELECT free FROM balances WHERE currency='USDT'").fetchone()
        left = str(Decimal(free) + amount)
        store.execute("UPDATE balances SET free=? WHERE currency='USDT'", (left,))


def after(bars: int, act: Callable[[], object]) -> Callable[[Session, Bar], None]:
    return lambda session, _bar: act() if session.bars == bars else None  # type: ignore[func-returns-value]


def release(desk: GovernedDesk, sequence: int) -> None:
    stops = [word for stop in sorted(desk.latch.in_force()) for word in ("--clears", stop)]
    desk.propose_and_sign(sequence, *stops)
    with opened(desk) as writer:
        assert writer.reconcile().verdict.stops == ()


def marks(desk: GovernedDesk) -> list[Mark]:
    with opened(desk) as writer:
        journal = SharedJournal(writer.journal, lambda: None, wall_clock)
        return [
            Mark.model_validate_json(json.dumps(entry.body))
            for entry in journal.entries()
            if entry.kind == "mark"
        ]


def lowest(found: list[Mark]) -> dict[str, Decimal]:
    """The worst and the best that any window ever showed."""
    made = Marks()
    seen: list[Decimal] = []
    for mark in found:
        made.add(mark, None)
        seen += [pnl for name in WINDOWS if (pnl := made.pnl(name, mark)) is not None]
    return {"worst": min(seen), "best": max(seen)}


@pytest.mark.parametrize("amount", [500, -500])
def test_a_transfer_is_explained_released_and_neither_profit_nor_loss(
    desk: GovernedDesk, amount: int
) -> None:
    run(desk, after(12, lambda: move(desk, amount)))
    assert {stop.kind for stop in desk.latch.in_force().values()} == {StopClass.INTEGRITY}
    (view,) = read_books(desk.host, None)
    assert view.books.unexplained == {TOTAL: str(amount)}

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
    assert lowest(found)["worst"] > -100
    assert lowest(found)["best"] < 100


def test_what_is_only_explained_is_no_profit_and_what_is_missing_is_a_loss(
    desk: GovernedDesk,
) -> None:
    run(desk, after(12, lambda: move(desk, 500)))
    assert desk.verb("books", "explain", TOTAL, *WHY) == 0
    release(desk, 2)
    run(desk, after(12, lambda: move(desk, -900)), end=FIRST + timedelta(days=3))
    assert lowest(marks(desk))["best"] < 100
    assert desk.verb("books", "explain", TOTAL, *WHY) == 0  # 400 less than our record says
    release(desk, 3)
    third = run(desk, end=LATER)
    assert third.record.ending is Ending.STOPPED
    assert {stop.kind for stop in desk.latch.in_force().values()} == {StopClass.LOSS}
    assert -500 < lowest(marks(desk))["worst"] < -300


def test_what_is_no_balance_is_no_transfer(desk: GovernedDesk) -> None:
    stranger = request("stranger", quantity="0.06")
    run(desk, after(5, lambda: desk.venue.submit(stranger)))
    name = stranger.client_order_id
    assert desk.verb("books", "explain", name, "--transfer", *WHY) == 2
    (view,) = read_books(desk.host, None)
    assert name in view.books.unexplained
