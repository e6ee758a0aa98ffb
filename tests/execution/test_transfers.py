"""Money that people move: the books follow, by exactly what differs, and nobody earned it."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.books import Books
from layers.l6_execution.people import Word, explain, transfer
from tests.fakes.paper_desk import HOUR, START, Desk, bar, intent, make_venue
from tests.fakes.veiled_venue import Veil, veiled

WORD = Word("olivia", "the treasurer moved it")
HOUSE = Decimal(10_000)  # what the account held when it was opened


def met(folder: Path, **extra: int) -> tuple[Desk, Veil]:
    """More or less at the venue than our record says, compared and met."""
    make_venue(folder)
    desk, veil = veiled(folder)
    desk.execution.start(START, desk.wall)
    shown(desk, veil, **extra)
    return desk, veil


def shown(desk: Desk, veil: Veil, at: datetime = START, **extra: int) -> None:
    veil.extra = {currency: Decimal(amount) for currency, amount in extra.items()}
    desk.execution.finish(at, desk.wall)


@pytest.mark.parametrize("amount", [500, -500])
def test_a_transfer_moves_the_books_and_is_nobodys_profit_or_loss(
    tmp_path: Path, amount: int
) -> None:
    desk, _ = met(tmp_path, USDT=amount)
    assert desk.books.unexplained == {"USDT total": str(amount)}
    assert desk.books.money.cash("USDT") == HOUSE  # D1: what nobody explained is no profit
    transfer(desk.ledger, "USDT total", WORD, START)
    assert (desk.books.unexplained, desk.books.money.moved) == ({}, {"USDT": amount})
    assert desk.books.money.cash("USDT") - desk.books.money.moved["USDT"] == HOUSE
    report = desk.execution.finish(START, desk.wall)
    assert report.ok
    assert not any(row.difference for row in report.rows)
    assert Books.rebuilt(desk.disk.entries()) == desk.books


def test_an_explained_gain_is_no_profit_and_an_explained_lack_is_a_loss(tmp_path: Path) -> None:
    desk, veil = met(tmp_path, USDT=30)
    explain(desk.ledger, "USDT total", WORD, START)
    assert desk.books.money.cash("USDT") == HOUSE
    shown(desk, veil, USDT=-12)
    explain(desk.ledger, "USDT total", WORD, START)
    assert desk.books.money.cash("USDT") == HOUSE - 12
    shown(desk, veil, USDT=-20)
    explain(desk.ledger, "USDT total", WORD, START)
    assert desk.books.money.cash("USDT") == HOUSE - 20  # all of what differs, not the sum
    assert desk.books.money.moved == {}


def test_a_transfer_is_what_differs_beyond_what_was_explained_before(tmp_path: Path) -> None:
    desk, veil = met(tmp_path, USDT=-12)
    explain(desk.ledger, "USDT total", WORD, START)
    shown(desk, veil, USDT=488)
    transfer(desk.ledger, "USDT total", WORD, START)
    assert desk.books.money.moved == {"USDT": 500}
    assert desk.books.money.cash("USDT") - 500 == HOUSE - 12
    assert desk.execution.finish(START, desk.wall).ok


def test_what_is_met_after_a_transfer_is_a_difference_of_its_own(tmp_path: Path) -> None:
    desk, veil = met(tmp_path, USDT=500)
    transfer(desk.ledger, "USDT total", WORD, START)
    shown(desk, veil, USDT=400)
    assert desk.books.unexplained == {"USDT total": "-100"}


@pytest.mark.parametrize("subject", ["USDT locked", "nobody", "EUR total"])
def test_what_does_not_stand_is_no_transfer(tmp_path: Path, subject: str) -> None:
    desk, _ = met(tmp_path, USDT=500)
    with pytest.raises(Stalled) as refused:
        transfer(desk.ledger, subject, WORD, START)
    assert refused.value.code is Reason.RECON_DIFF
    assert desk.books.money.moved == {}


def test_coins_that_our_orders_bought_are_not_moved_by_a_word(tmp_path: Path) -> None:
    make_venue(tmp_path)
    desk, veil = veiled(tmp_path)
    desk.execution.start(START, desk.wall)
    desk.send(intent("a"))  # buys 0.999 beside the 1 that was there
    desk.venue.advance(bar(0))
    shown(desk, veil)
    later = START + 2 * HOUR  # nothing is on its way any more
    shown(desk, veil, later, BTC=-1)
    transfer(desk.ledger, "BTC total", WORD, START)
    shown(desk, veil, later, BTC=-2)
    with pytest.raises(Stalled) as refused:
        transfer(desk.ledger, "BTC total", WORD, START)
    assert refused.value.code is Reason.USAGE
    assert desk.books.money.moved == {"BTC": -1}
    assert "BTC total" in desk.books.unexplained
