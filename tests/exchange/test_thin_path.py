"""The unmodified ccxt class on the exchange's line, in sandbox mode, from markets to trades."""

from decimal import Decimal

from tests.fakes.exchange import HOUR_MS, START_MS, Client, Served

SYMBOL = "BTC/USDT"


def test_markets_come_with_the_filters_that_the_engine_enforces(client: Client) -> None:
    market = client.market(SYMBOL)
    assert market["precision"]["amount"] == 1e-05
    assert market["precision"]["price"] == 0.01
    assert market["limits"]["cost"] == {"min": 5.0, "max": 9000000.0}
    assert (market["spot"], market["active"]) == (True, True)


def test_time_is_the_exchanges_own(venue: Served, client: Client) -> None:
    assert client.fetch_time() == venue.clock.now_ms


def test_a_resting_order_is_found_by_its_client_id_and_cancelled(
    venue: Served, client: Client
) -> None:
    made = client.create_order(
        SYMBOL, "limit", "buy", "0.00100", "9000.10", {"clientOrderId": "gabc"}
    )
    assert (made["id"], made["status"], made["clientOrderId"]) == ("1", "open", "gabc")
    found = client.fetch_order(None, SYMBOL, {"origClientOrderId": "gabc"})
    assert (found["id"], found["amount"], found["price"]) == ("1", 0.001, 9000.1)
    assert [o["clientOrderId"] for o in client.fetch_open_orders()] == ["gabc"]
    assert client.fetch_balance()["USDT"] == {"free": 9990.9999, "used": 9.0001, "total": 10000.0}
    assert client.cancel_order("1", SYMBOL)["status"] == "canceled"
    assert client.fetch_open_orders(SYMBOL) == []
    assert client.fetch_order("1", SYMBOL)["status"] == "canceled"
    assert client.fetch_balance()["USDT"] == {"free": 10000.0, "used": 0.0, "total": 10000.0}
    assert venue.state.purses.total("USDT") == Decimal(10_000)


def test_a_taker_pays_its_fee_in_what_it_receives(client: Client) -> None:
    ask = client.fetch_order_book(SYMBOL, 5)["asks"][0][0]
    made = client.create_order(SYMBOL, "limit", "buy", "0.00100", "9990.00", {"timeInForce": "IOC"})
    assert (made["status"], made["filled"], made["average"]) == ("closed", 0.001, ask)
    (trade,) = client.fetch_my_trades(SYMBOL)
    assert (trade["order"], trade["takerOrMaker"], trade["side"]) == (made["id"], "taker", "buy")
    assert trade["fee"] == {"currency": "BTC", "cost": 1e-06}
    assert client.fetch_balance()["BTC"]["total"] == 1.000999


def test_market_data_tells_what_was_traded(venue: Served, client: Client) -> None:
    bars = client.fetch_ohlcv(SYMBOL, "1h", limit=3)
    # the recorded bar of 05:00, to the last digit; its volume in whole steps
    assert bars[1] == [START_MS + 5 * HOUR_MS, 9757.21, 9760.0, 9730.05, 9759.49, 942.03501]
    assert bars[2][0] == START_MS + 6 * HOUR_MS == venue.clock.now_ms
    book = client.fetch_order_book(SYMBOL, 10)
    assert len(book["bids"]) == len(book["asks"]) == 10
    assert book["bids"][0][0] < book["asks"][0][0]
    best = client.fetch_bids_asks([SYMBOL])[SYMBOL]
    assert (best["bid"], best["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    last = client.fetch_trades(SYMBOL)[-1]
    assert client.fetch_ticker(SYMBOL)["last"] == last["price"] == bars[-1][4]
