"""A wipe of the testnet over the real adapters: after days, with numbers that begin again."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.reasons import Reason
from layers.l6_execution.people import Word, accept_reset
from layers.local_exchange.faults import Fault, FaultKind
from layers.orders import AnswerKind, Side, TimeInForce
from tests.fakes.binance_desk import SYMBOL, rehearsed
from tests.fakes.exchange import carried_bars, served
from tests.fakes.soak_desk import SoakDesk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SoakDesk]:
    """It bought once and ended its session; the market soon stands still."""
    with served(tmp_path, bars=carried_bars(6)) as exchange:
        exchange.advance(timedelta(hours=1, minutes=30))
        made = SoakDesk(exchange, rehearsed(exchange), 1)
        buy(made)
        assert made.finish().ok
        yield made
        made.venue.close()


def buy(desk: SoakDesk) -> None:
    touch = desk.venue.queries.book(SYMBOL).asks[0].price
    desk.send(Side.BUY, touch, Decimal("0.001"), TimeInForce.IOC)
    assert [*desk.sent.values()][-1].kind is AnswerKind.ACCEPTED


def restart_after(desk: SoakDesk, days: int) -> None:
    desk.exchange.advance(timedelta(days=days))
    desk.restart()


@pytest.mark.parametrize("days", [1, 100])
def test_it_is_recognised_accepted_and_traded_on(desk: SoakDesk, days: int) -> None:
    for _ in range(2):  # so that what was executed is let go
        restart_after(desk, days)
        assert desk.execution.is_ready
    held = desk.ours()
    desk.exchange.exchange.change(Fault(kind=FaultKind.WIPE))
    restart_after(desk, days)
    assert {f.code for f in desk.findings} == {Reason.VENUE_RESET}
    assert desk.ours() == held

    desk.findings.clear()
    balances = desk.venue.queries.balances()
    accept_reset(desk.execution.ledger, balances, Word("olivia", "the wipe"), desk.now)
    desk.restart()
    assert desk.execution.is_ready
    report = desk.finish()
    assert (report.ok, desk.findings) == (True, []), report
    assert desk.ours() == desk.truth()


@pytest.mark.parametrize("days", [1, 100])
def test_a_balance_that_is_wrong_after_days_is_a_difference(desk: SoakDesk, days: int) -> None:
    restart_after(desk, days)
    wrong = Fault(kind=FaultKind.WRONG_BALANCE, asset="BTC", change="-0.0005")
    desk.exchange.exchange.change(wrong)
    restart_after(desk, days)
    assert {(f.code, f.subject) for f in desk.findings} == {(Reason.RECON_DIFF, "BTC total")}
    assert desk.books.reset is None
