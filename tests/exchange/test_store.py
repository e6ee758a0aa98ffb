"""What the exchange's disk keeps, and what a fault of it costs."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.adapters.exchange_host import LocalExchange
from layers.adapters.exchange_store import ExchangeStore
from layers.local_exchange.exchange import Exchange, new_exchange
from layers.local_exchange.matching import cancel, place
from layers.local_exchange.order import Draft, Order
from layers.local_exchange.parameters import Request
from layers.local_exchange.terms import ExchangeTerms, Force, Kind, SelfTrade, SymbolTerms
from layers.orders import Side
from tests.fakes.exchange import HOUR_MS, KEY, ROOMY, START_MS, carried_bars, ccxt_binance, served

SYMBOL = "BTC/USDT"
KEPT = 1_000  # closed orders


def picture(exchange: Exchange) -> dict[str, object]:
    """Everything that a customer could ever ask about."""
    tape = exchange.tapes["BTCUSDT"]
    return {
        "orders": exchange.orders,
        "fills": exchange.fills,
        "purses": {key: (p.free, p.locked) for key, p in exchange.purses.of.items()},
        "queue": [
            [(o.sequence, o.account, o.price, o.remaining) for o in book.resting(side)]
            for book in exchange.books.values()
            for side in Side
        ],
        "trades": list(tape.trades),
        "candles": list(tape.candles["1h"]),
        "next": (exchange.next_order, exchange.next_trade, exchange.steps_taken),
        "taken": (exchange.open_ids, exchange.last_ids),
    }


def test_an_exchange_that_is_opened_again_is_the_same_down_to_the_queue(tmp_path: Path) -> None:
    with served(tmp_path, bars=carried_bars(8)) as venue:
        venue.advance(timedelta(hours=3))
        client = ccxt_binance(venue.url, venue.credentials, venue.clock)
        client.load_markets()
        rested = (("far", "9000"), ("one", "9000"), ("two", "9000"), ("near", "9700"))
        for name, price in (*rested, ("taker", "9800")):
            client.create_order(SYMBOL, "limit", "buy", "0.001", price, {"clientOrderId": name})
        client.create_order(SYMBOL, "limit", "sell", "0.5", "9790.00")
        client.cancel_order(None, SYMBOL, {"origClientOrderId": "far"})
        venue.advance(timedelta(hours=2, minutes=20))
        client.session.close()
        before, updates = picture(venue.state), venue.state.books["BTCUSDT"].updates
        clock = venue.clock
    with served(tmp_path, bars=carried_bars(8), clock=clock) as again:
        # the dates of the recording are those it began with, not those of this start
        assert picture(again.state) == before
        assert again.state.books["BTCUSDT"].updates > updates
        again.advance(timedelta(hours=1))
        after = picture(again.state)
    assert after["candles"][-1].opened_ms == START_MS + 6 * 3_600_000  # type: ignore[index]


def test_while_nobody_served_the_market_stood_still(tmp_path: Path) -> None:
    with served(tmp_path, bars=carried_bars(30)) as venue:
        venue.advance(timedelta(hours=2, minutes=30))
        steps, clock = venue.state.steps_taken, venue.clock
    clock.advance(1_000_000 * HOUR_MS + HOUR_MS // 4)
    for _ in range(2):
        with served(tmp_path, bars=carried_bars(30), clock=clock) as again:
            # a quarter of an hour of a bar has four steps at most
            assert 0 <= again.state.steps_taken - steps <= 4
            assert again.state.now_ms == clock.now_ms
    with served(tmp_path, bars=carried_bars(30), clock=clock) as again:
        again.advance(timedelta(hours=1))
        last = again.state.tapes["BTCUSDT"].candles["1h"][-1]
    assert last.opened_ms == START_MS + 1_000_003 * HOUR_MS
    assert last.open == carried_bars(30)[3].open


def test_what_closed_long_ago_is_forgotten_and_what_is_open_never() -> None:
    exchange = new_exchange(ExchangeTerms(rates=ROOMY, kept_orders=KEPT), START_MS)
    keep = place(exchange, _draft("keep", "10.00"))
    assert isinstance(keep, Order)
    for index in range(KEPT + 10):
        made = place(exchange, _draft(f"c{index}", "11.00"))
        assert isinstance(made, Order)
        cancel(exchange, made)
        exchange.forget_old()
    assert KEPT // 2 <= len(exchange.orders) <= KEPT + 1
    assert len(exchange.last_ids) == len(exchange.orders)
    assert exchange.by_client_id("desk", "BTCUSDT", "keep") is keep
    assert exchange.by_client_id("desk", "BTCUSDT", "c0") is None
    assert exchange.by_client_id("desk", "BTCUSDT", f"c{KEPT}") is not None


def test_what_two_symbols_number_alike_is_kept_apart(tmp_path: Path) -> None:
    both = (SymbolTerms(), SymbolTerms(symbol="ETHUSDT", base="ETH"))
    terms = ExchangeTerms(rates=ROOMY, symbols=both)
    store = ExchangeStore(tmp_path / "exchange.sqlite")
    exchange = store.open(terms, START_MS, "none")
    for name, symbol in (("a", "BTCUSDT"), ("a", "ETHUSDT"), ("b", "BTCUSDT")):
        wanted = replace(_draft(name, "9"), symbol=symbol)
        assert isinstance(place(exchange, wanted), Order)
    store.save(exchange)
    store.close()
    again = ExchangeStore(tmp_path / "exchange.sqlite")
    opened = again.open(terms, START_MS, "none")
    again.close()
    assert list(opened.orders) == [("BTCUSDT", 1), ("ETHUSDT", 1), ("BTCUSDT", 2)]
    assert opened.orders == exchange.orders
    assert (opened.next_order, opened.next_trade) == (exchange.next_order, exchange.next_trade)


def _draft(name: str, price: str) -> Draft:
    limit = (Kind.LIMIT, Force.GTC, Decimal(price), Decimal(1), SelfTrade.EXPIRE_MAKER)
    return Draft("desk", "BTCUSDT", name, Side.BUY, *limit)


@pytest.mark.parametrize("other", [{"bars": carried_bars(4)}, {"terms": ExchangeTerms(seed=9)}])
def test_a_store_of_another_recording_or_other_terms_is_not_opened(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    with served(tmp_path, bars=carried_bars(3)):
        pass
    with pytest.raises(Waiting) as refusal, served(tmp_path, **{"bars": carried_bars(3), **other}):
        pass
    assert refusal.value.code is Reason.VENUE_UNREACHABLE


@pytest.mark.parametrize("damage", ["garbage", "format"])
def test_a_store_that_is_not_one_is_said_to_be_unreachable(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "exchange.sqlite"
    if damage == "garbage":
        path.write_bytes(b"not a database" * 100)
    else:
        with served(tmp_path, bars=carried_bars(1)):
            pass
        db = sqlite3.connect(path)
        db.execute("UPDATE meta SET value='0' WHERE key='format'")
        db.commit()
        db.close()
    with pytest.raises(Waiting) as refusal, served(tmp_path, bars=carried_bars(1)):
        pass
    assert refusal.value.code is Reason.VENUE_UNREACHABLE


def test_what_could_not_be_kept_was_not_accepted(tmp_path: Path) -> None:
    store = ExchangeStore(tmp_path / "exchange.sqlite")
    exchange = LocalExchange(store, ExchangeTerms(), (KEY,), lambda: START_MS)
    db = store._connection  # noqa: SLF001  (a disk that fails is hard to come by)
    order = _signed(
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=9000"
        f"&timestamp={START_MS}"
    )
    db.execute("PRAGMA query_only=1")
    assert exchange.handle(order).answer.status == 503
    db.execute("PRAGMA query_only=0")
    assert exchange.state.orders == {}
    assert exchange.state.purses.purse("desk", "USDT").locked == 0
    assert exchange.handle(order).answer.status == 200
    assert list(exchange.state.orders) == [("BTCUSDT", 1)]
    exchange.close()


def _signed(text: str) -> Request:
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415
    from urllib.parse import parse_qsl  # noqa: PLC0415

    signature = hmac.new(KEY.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    body = f"{text}&signature={signature}"
    return Request("POST", "/api/v3/order", "", body, tuple(parse_qsl(body)), KEY.name)
