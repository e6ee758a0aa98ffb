"""Binance numbers orders and executions per symbol; the account's books never mix them up."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from layers.binance.wire import Place
from layers.local_exchange.matching import place
from layers.local_exchange.order import Draft, Order
from layers.local_exchange.terms import (
    DESK,
    Deposit,
    ExchangeTerms,
    Force,
    Kind,
    SelfTrade,
    SymbolTerms,
)
from layers.orders import Side, TimeInForce
from tests.fakes.binance_desk import PLACE, rehearsed
from tests.fakes.exchange import ROOMY, carried_bars, served
from tests.fakes.soak_desk import SoakDesk

COINS = ("ETH", "LTC")
SYMBOLS = tuple(f"{coin}/USDT" for coin in COINS)
TERMS = ExchangeTerms(
    rates=ROOMY,
    symbols=(
        SymbolTerms(),
        *(SymbolTerms(symbol=f"{coin}USDT", base=coin) for coin in COINS),
    ),
    deposits=(
        Deposit(account=DESK, asset="USDT", amount=Decimal(10_000)),
        *(Deposit(account="ann", asset=coin, amount=Decimal(10)) for coin in COINS),
    ),
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SoakDesk]:
    """Ann offers some of both coins; nobody else is there."""
    both = Place(PLACE.venue, PLACE.account, SYMBOLS)
    with served(tmp_path, terms=TERMS, bars=carried_bars(2)) as exchange:
        for coin in COINS:
            limit = (Kind.LIMIT, Force.GTC, Decimal(100), Decimal(5), SelfTrade.EXPIRE_MAKER)
            offer = Draft("ann", f"{coin}USDT", f"ann-{coin}", Side.SELL, *limit)
            assert isinstance(place(exchange.state, offer), Order)
        made = SoakDesk(exchange, rehearsed(exchange, place=both), 1)
        yield made
        made.venue.close()


def test_an_execution_with_the_number_of_another_symbols_is_another_execution(
    desk: SoakDesk,
) -> None:
    for symbol in SYMBOLS:
        desk.send(Side.BUY, Decimal(100), Decimal(1), TimeInForce.IOC, symbol)
    desk.until(lambda: len(desk.books.fills) == len(SYMBOLS), ticks=40)

    assert desk.findings == []
    assert {fill.trade for fill in desk.exchange.state.fills} == {1}
    assert {order.number for order in desk.exchange.state.orders.values()} == {1, 2}
    assert set(desk.books.fills) == {f"{symbol}:1" for symbol in SYMBOLS}
    for symbol in SYMBOLS:
        assert desk.books.symbol(symbol).position == Decimal("0.999")
    desk.exchange.advance(timedelta(minutes=10))
    report = desk.finish()
    assert report.ok, report
    assert report.is_final
    assert len(report.fills) == len(SYMBOLS)


def test_a_restart_tells_the_orders_of_two_symbols_apart(desk: SoakDesk) -> None:
    for symbol in SYMBOLS:
        desk.send(Side.BUY, Decimal(90), Decimal(1), TimeInForce.GTC, symbol)
    desk.until(lambda: not desk.books.unproven)
    shown = desk.venue.cancels.open_orders()
    assert len(shown) == len({o.client_order_id for o in shown}) == len(SYMBOLS)
    assert {o.venue_order_id for o in shown} == {"2"}
    desk.restart()
    assert desk.execution.is_ready
    assert desk.findings == []
    assert desk.venue.cancels.open_orders() == ()
