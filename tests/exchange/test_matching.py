"""The engine by itself: price, time, funds, and the ways in which an order ends."""

from dataclasses import replace
from decimal import Decimal

import pytest

from layers.local_exchange.exchange import Exchange, new_exchange
from layers.local_exchange.matching import cancel, place
from layers.local_exchange.order import Draft, Order
from layers.local_exchange.refusals import Refusal
from layers.local_exchange.terms import (
    Deposit,
    ExchangeTerms,
    Force,
    Kind,
    SelfTrade,
    Status,
    SymbolTerms,
)
from layers.orders import Side

TERMS = ExchangeTerms(
    deposits=tuple(
        Deposit(account=account, asset=asset, amount=Decimal(amount))
        for account in ("ann", "bob", "cy")
        for asset, amount in (("USDT", "100000"), ("BTC", "10"))
    )
)


ETHER = SymbolTerms(symbol="ETHUSDT", base="ETH")


@pytest.fixture
def exchange() -> Exchange:
    return new_exchange(TERMS, 1_000_000)


def draft(account: str, side: Side, price: str, quantity: str, **changes: object) -> Draft:
    made = Draft(
        account=account,
        symbol="BTCUSDT",
        client_id=f"{account}{changes.pop('name', '')}",
        side=side,
        kind=Kind.LIMIT,
        force=Force.GTC,
        price=Decimal(price),
        quantity=Decimal(quantity),
        self_trade=SelfTrade.EXPIRE_MAKER,
    )
    return replace(made, **changes)


def accepted(exchange: Exchange, wanted: Draft) -> Order:
    made = place(exchange, wanted)
    assert isinstance(made, Order), made
    return made


def refused(exchange: Exchange, wanted: Draft) -> Refusal:
    before = {key: (p.free, p.locked) for key, p in exchange.purses.of.items()}
    made = place(exchange, wanted)
    assert isinstance(made, Refusal)
    assert {key: (p.free, p.locked) for key, p in exchange.purses.of.items()} == before
    return made


def test_the_better_price_trades_first_and_at_one_price_the_first_come(
    exchange: Exchange,
) -> None:
    late = accepted(exchange, draft("ann", Side.SELL, "101", "1", name="a"))
    best = accepted(exchange, draft("bob", Side.SELL, "100", "1", name="b"))
    behind = accepted(exchange, draft("ann", Side.SELL, "100", "1", name="c"))
    taker = accepted(exchange, draft("cy", Side.BUY, "101", "2.5"))
    assert [(f.order, f.price, f.quantity) for f in exchange.fills if f.maker] == [
        (best.number, Decimal(100), Decimal(1)),
        (behind.number, Decimal(100), Decimal(1)),
        (late.number, Decimal(101), Decimal("0.5")),
    ]
    assert (taker.status, late.status) == (Status.FILLED, Status.PARTIALLY_FILLED)
    assert taker.spent == Decimal("250.5")


def test_a_taker_that_gets_a_better_price_gets_the_difference_back(exchange: Exchange) -> None:
    accepted(exchange, draft("ann", Side.SELL, "100", "1"))
    accepted(exchange, draft("bob", Side.BUY, "110", "1"))
    bob = exchange.purses.purse("bob", "USDT")
    assert (bob.free, bob.locked) == (Decimal(99_900), Decimal(0))
    assert exchange.purses.free("bob", "BTC") == Decimal("10.999")
    assert exchange.purses.free("ann", "USDT") == Decimal("100099.9")


def test_what_an_immediate_order_leaves_expires(exchange: Exchange) -> None:
    accepted(exchange, draft("ann", Side.SELL, "100", "1"))
    taker = accepted(exchange, draft("bob", Side.BUY, "100", "3", force=Force.IOC))
    assert (taker.status, taker.executed) == (Status.EXPIRED, Decimal(1))
    assert exchange.purses.purse("bob", "USDT").locked == 0
    assert exchange.open_orders("bob", None) == []


def test_a_fill_or_kill_fills_whole_or_not_at_all(exchange: Exchange) -> None:
    accepted(exchange, draft("ann", Side.SELL, "100", "1"))
    none = accepted(exchange, draft("bob", Side.BUY, "100", "1.1", force=Force.FOK))
    assert (none.status, none.executed, exchange.fills) == (Status.EXPIRED, 0, [])
    whole = accepted(exchange, draft("bob", Side.BUY, "100", "1", force=Force.FOK))
    assert whole.status is Status.FILLED


def test_a_fill_or_kill_does_not_count_its_own_resting_orders(exchange: Exchange) -> None:
    accepted(exchange, draft("bob", Side.SELL, "100", "1", name="own"))
    accepted(exchange, draft("ann", Side.SELL, "100", "1"))
    none = accepted(exchange, draft("bob", Side.BUY, "100", "2", force=Force.FOK))
    assert (none.status, exchange.fills) == (Status.EXPIRED, [])


def test_a_maker_only_order_that_would_take_is_refused(exchange: Exchange) -> None:
    accepted(exchange, draft("ann", Side.SELL, "100", "1"))
    wanted = draft("bob", Side.BUY, "100", "1", kind=Kind.LIMIT_MAKER)
    assert refused(exchange, wanted).text == "Order would immediately match and take."
    assert accepted(exchange, replace(wanted, price=Decimal("99.99"))).status is Status.NEW


@pytest.mark.parametrize(
    ("mode", "taker_ends", "maker_ends"),
    [
        (SelfTrade.EXPIRE_TAKER, Status.EXPIRED_IN_MATCH, Status.NEW),
        (SelfTrade.EXPIRE_MAKER, Status.FILLED, Status.EXPIRED_IN_MATCH),
        (SelfTrade.EXPIRE_BOTH, Status.EXPIRED_IN_MATCH, Status.EXPIRED_IN_MATCH),
    ],
)
def test_an_account_never_trades_with_itself(
    exchange: Exchange, mode: SelfTrade, taker_ends: Status, maker_ends: Status
) -> None:
    own = accepted(exchange, draft("ann", Side.SELL, "100", "1", name="own"))
    accepted(exchange, draft("bob", Side.SELL, "100", "1"))
    taker = accepted(exchange, draft("ann", Side.BUY, "100", "1", self_trade=mode))
    assert (taker.status, own.status) == (taker_ends, maker_ends)
    assert all(fill.order != own.number for fill in exchange.fills)


def test_a_market_order_takes_what_is_there_and_locks_nothing(exchange: Exchange) -> None:
    empty = draft("bob", Side.BUY, "0", "1", kind=Kind.MARKET)
    assert refused(exchange, empty).code == -1013  # no price is known, so no notional either
    accepted(exchange, draft("ann", Side.SELL, "100", "1", name="a"))
    accepted(exchange, draft("ann", Side.SELL, "102", "1", name="b"))
    accepted(exchange, draft("cy", Side.BUY, "100", "0.5"))
    taker = accepted(exchange, draft("bob", Side.BUY, "0", "1", kind=Kind.MARKET))
    assert (taker.status, taker.spent) == (Status.FILLED, Decimal(101))
    assert exchange.purses.purse("bob", "USDT").locked == 0


def test_a_client_id_is_free_again_once_its_order_is_closed(exchange: Exchange) -> None:
    first = accepted(exchange, draft("ann", Side.BUY, "100", "1", name="x"))
    assert refused(exchange, draft("ann", Side.BUY, "99", "1", name="x")).text == (
        "Duplicate order sent."
    )
    cancel(exchange, first)
    second = accepted(exchange, draft("ann", Side.BUY, "99", "1", name="x"))
    assert exchange.by_client_id("ann", "BTCUSDT", "annx") is second
    assert exchange.purses.purse("ann", "USDT").locked == Decimal(99)


def test_funds_that_are_locked_cannot_be_spent_again(exchange: Exchange) -> None:
    accepted(exchange, draft("ann", Side.SELL, "100", "10", name="all"))
    again = draft("ann", Side.SELL, "101", "0.1", name="more")
    assert refused(exchange, again).text == "Account has insufficient balance for requested action."


@pytest.mark.parametrize(
    ("price", "quantity", "name"),
    [
        ("100.001", "1", "PRICE_FILTER"),
        ("1000000.01", "1", "PRICE_FILTER"),
        ("0", "1", "PRICE_FILTER"),
        ("100", "0.000011", "LOT_SIZE"),
        ("100", "0", "LOT_SIZE"),
        ("1", "9000.00001", "LOT_SIZE"),
        ("100", "0.04999", "NOTIONAL"),
        ("1000000", "9.00001", "NOTIONAL"),
    ],
)
def test_an_order_outside_a_filter_is_refused_with_the_filters_name(
    exchange: Exchange, price: str, quantity: str, name: str
) -> None:
    found = refused(exchange, draft("ann", Side.SELL, price, quantity))
    assert (found.code, found.text) == (-1013, f"Filter failure: {name}")


def test_a_price_far_from_the_recent_one_is_refused(exchange: Exchange) -> None:
    accepted(exchange, draft("ann", Side.SELL, "100", "1", name="a"))
    accepted(exchange, draft("bob", Side.BUY, "100", "1"))
    for price in ("19.99", "500.01"):
        found = refused(exchange, draft("ann", Side.SELL, price, "1"))
        assert found.text == "Filter failure: PERCENT_PRICE_BY_SIDE"
    accepted(exchange, draft("ann", Side.SELL, "500", "1"))


def test_open_orders_are_bounded(exchange: Exchange) -> None:
    for index in range(200):
        accepted(exchange, draft("ann", Side.BUY, "10", "1", name=str(index)))
    found = refused(exchange, draft("ann", Side.BUY, "10", "1", name="more"))
    assert found.text == "Filter failure: MAX_NUM_ORDERS"


def test_orders_and_trades_are_numbered_per_symbol() -> None:
    exchange = new_exchange(TERMS.model_copy(update={"symbols": (SymbolTerms(), ETHER)}), 1)
    exchange.purses.deposit("ann", "ETH", Decimal(10))
    for name in ("BTCUSDT", "ETHUSDT"):
        sold = accepted(exchange, draft("ann", Side.SELL, "100", "1", symbol=name))
        bought = accepted(exchange, draft("bob", Side.BUY, "100", "1", symbol=name))
        assert (sold.number, bought.number) == (1, 2)
        assert exchange.by_number("bob", name, 2) is bought
    assert [fill.trade for fill in exchange.fills] == [1, 1, 1, 1]
    assert len(exchange.orders) == 4
    assert exchange.by_number("bob", "BTCUSDT", 2).symbol == "BTCUSDT"
