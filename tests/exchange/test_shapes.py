"""The JSON field by field, as the venue documents it, and what ccxt's parsers make of it."""

from datetime import timedelta
from typing import Any

from tests.fakes.exchange import Client, Served

SYMBOL = "BTC/USDT"
# names and order of a real answer, as ccxt carries it among its recorded responses
PLACED = (
    "symbol orderId orderListId clientOrderId transactTime price origQty executedQty"
    " origQuoteOrderQty cummulativeQuoteQty status timeInForce type side workingTime fills"
    " selfTradePreventionMode"
)
SHOWN = (
    "symbol orderId orderListId clientOrderId price origQty executedQty cummulativeQuoteQty"
    " status timeInForce type side stopPrice icebergQty time updateTime isWorking workingTime"
    " origQuoteOrderQty selfTradePreventionMode"
)
CANCELLED = (
    "symbol origClientOrderId orderId orderListId clientOrderId transactTime price origQty"
    " executedQty origQuoteOrderQty cummulativeQuoteQty status timeInForce type side"
    " selfTradePreventionMode"
)
OWN_TRADE = (
    "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer"
    " isMaker isBestMatch"
)
ACCOUNT = (
    "makerCommission takerCommission buyerCommission sellerCommission commissionRates canTrade"
    " canWithdraw canDeposit brokered requireSelfTradePrevention preventSor updateTime accountType"
    " balances permissions uid"
)
DAY = (
    "symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty"
    " bidPrice bidQty askPrice askQty openPrice highPrice lowPrice volume quoteVolume openTime"
    " closeTime firstId lastId count"
)


def names(shape: dict[str, Any]) -> set[str]:
    return set(shape)


def test_orders_have_the_documented_fields_everywhere(client: Client) -> None:
    taken = client.create_order(SYMBOL, "limit", "buy", "0.001", "9900")["info"]
    assert list(taken) == PLACED.split()
    assert names(taken["fills"][0]) == {"price", "qty", "commission", "commissionAsset", "tradeId"}
    rested = client.create_order(SYMBOL, "limit", "buy", "0.001", "9000", {"postOnly": True})
    assert (rested["type"], rested["postOnly"], rested["info"]["fills"]) == ("limit", True, [])
    assert names(client.fetch_order("2", SYMBOL)["info"]) == set(SHOWN.split())
    assert names(client.fetch_open_orders(SYMBOL)[0]["info"]) == set(SHOWN.split())
    assert names(client.fetch_orders(SYMBOL)[0]["info"]) == set(SHOWN.split())
    gone = client.cancel_order("2", SYMBOL)["info"]
    assert names(gone) == set(CANCELLED.split())
    assert gone["origClientOrderId"] == rested["clientOrderId"] != gone["clientOrderId"]
    assert names(client.fetch_my_trades(SYMBOL)[0]["info"]) == set(OWN_TRADE.split())
    assert names(client.fetch_balance()["info"]) == set(ACCOUNT.split())


def test_every_number_of_an_order_survives_the_parser(venue: Served, client: Client) -> None:
    ask, deeper = (level[0] for level in client.fetch_order_book(SYMBOL)["asks"][:2])
    size = client.fetch_order_book(SYMBOL)["asks"][0][1]
    made = client.create_order(
        SYMBOL, "limit", "buy", f"{size + 0.1:.5f}", f"{deeper:.2f}", {"timeInForce": "IOC"}
    )
    assert made["filled"] == round(size + 0.1, 5)
    found = client.fetch_order(made["id"], SYMBOL)
    trades = client.fetch_my_trades(SYMBOL)
    assert found["filled"] == sum(t["amount"] for t in trades)
    assert abs(found["cost"] - sum(t["cost"] for t in trades)) < 1e-9
    assert [t["price"] for t in trades] == [ask, deeper]
    assert {t["order"] for t in trades} == {made["id"]}
    assert found["timestamp"] == venue.clock.now_ms
    assert client.fetch_my_trades(SYMBOL, params={"fromId": trades[1]["id"]}) == trades[1:]


def test_short_answers_are_given_to_those_who_ask(client: Client) -> None:
    def asked(kind: str) -> dict[str, Any]:
        told = {"newOrderRespType": kind}
        return client.create_order(SYMBOL, "limit", "buy", "0.001", "9000", told)["info"]

    ack = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert names(asked("ACK")) == ack
    assert names(asked("RESULT")) == set(PLACED.split()) - {"fills"}


def test_statuses_are_told_in_the_venues_words(client: Client) -> None:
    ask = client.fetch_order_book(SYMBOL)["asks"][0][0]
    own = client.create_order(SYMBOL, "limit", "sell", "0.5", f"{ask - 0.01:.2f}")
    assert own["info"]["status"] == "NEW"
    told = {"selfTradePrevention": "EXPIRE_TAKER"}
    met = client.create_order(SYMBOL, "limit", "buy", "0.1", f"{ask:.2f}", told)
    assert (met["info"]["status"], met["filled"]) == ("EXPIRED_IN_MATCH", 0)
    assert client.fetch_order(own["id"], SYMBOL)["info"]["status"] == "NEW"
    none = client.create_order(SYMBOL, "limit", "buy", "0.001", "9000", {"timeInForce": "FOK"})
    assert (none["info"]["status"], none["status"]) == ("EXPIRED", "expired")


def test_the_day_and_the_pages_of_trades_and_candles(venue: Served, client: Client) -> None:
    ticker = client.fetch_ticker(SYMBOL)
    assert names(ticker["info"]) == set(DAY.split())
    assert (ticker["high"], ticker["low"], ticker["open"]) == (9990.0, 9600.0, 9936.4)
    trades = client.fetch_trades(SYMBOL, limit=3)
    assert names(trades[0]["info"]) == {"a", "p", "q", "f", "l", "T", "m", "M"}
    since = client.fetch_trades(SYMBOL, since=trades[1]["timestamp"])
    assert [t["id"] for t in since] == [t["id"] for t in trades[1:]]
    venue.advance(timedelta(minutes=30))
    start = venue.clock.now_ms - 3 * 3_600_000
    bars = client.fetch_ohlcv(SYMBOL, "1h", since=start, limit=2)
    assert [bar[0] for bar in bars] == [start + 1_800_000, start + 5_400_000]
    assert sum(bar[5] for bar in client.fetch_ohlcv(SYMBOL, "5m")) > 0
    assert len(client.fetch_ohlcv(SYMBOL, "1d")) == 1
