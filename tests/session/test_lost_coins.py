"""Coins that are gone from the venue: met, explained, and from then on held by nobody (L6-13)."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import pytest

from desired_state.values import StopClass
from layers.l6_execution.symbol_book import SymbolBook
from layers.orders import Side
from reconciler.session_ending import Ending
from reconciler.wiring.bookkeeping import read_books
from reconciler.wiring.host_parts import paper_store
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.paper_desk import SYMBOL
from tests.fakes.session_desk import LAST, release, run


def free_coins(desk: GovernedDesk, less: Decimal = Decimal(0)) -> Decimal:
    with closing(sqlite3.connect(paper_store(desk.host))) as store, store:
        (free,) = store.execute("SELECT free FROM balances WHERE currency='BTC'").fetchone()
        left = Decimal(free) - less
        store.execute("UPDATE balances SET free=? WHERE currency='BTC'", (str(left),))
    return left


def book(desk: GovernedDesk) -> SymbolBook:
    (view,) = read_books(desk.host, None)
    return view.books.symbol(SYMBOL)


@pytest.mark.slow
def test_lost_coins_are_sold_by_nobody_and_hold_up_nothing(desk: GovernedDesk) -> None:
    run(desk)
    held = book(desk).position
    assert held == free_coins(desk) > 0
    left = free_coins(desk, held / 10)  # a loss that D1 bears
    second = run(desk, end=LAST + timedelta(days=1))
    assert second.record.ending is Ending.STOPPED
    assert {s.kind for s in desk.latch.in_force().values()} == {StopClass.INTEGRITY}
    assert book(desk).position == held
    assert desk.verb("books", "explain", "BTC total", "--reason", "the venue lost them") == 0
    assert book(desk).position == left
    release(desk, 2)

    third = run(desk, end=LAST + timedelta(days=3))

    assert (third.record.ending, third.agrees) == (Ending.COMPLETED, True)
    sold = [fill for fill in third.record.fills if fill.side is Side.SELL]
    assert sold
    refused = set(third.record.refusals)
    assert not refused & {"C5", "C7", "A7", "G4"}  # what is not there is not offered
    assert book(desk).position == free_coins(desk)
