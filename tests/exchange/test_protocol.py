"""The wire itself: signatures over the raw text, clocks, parameters, limits, and their words."""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import ccxt
import pytest

from layers.local_exchange.terms import Deposit, ExchangeTerms, Key, RateTerms
from tests.fakes.exchange import Client, Served, carried_bars, ccxt_binance, served

SYMBOL = "BTC/USDT"
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.00100",
    "price": "9000.00",
}


class Wire:
    """Requests by hand, signed as asked."""

    def __init__(self, venue: Served, key: Key | None = None) -> None:
        self.venue = venue
        self.key = key or venue.credentials
        self.headers: dict[str, str] = {}

    def send(self, method: str, path: str, text: str = "", *, key: bool = True) -> tuple[int, Any]:
        line = http.client.HTTPConnection(urlsplit(self.venue.url).netloc, timeout=5)
        headers = {"X-MBX-APIKEY": self.key.name} if key else {}
        body = None
        if method == "POST":
            body, target = text, path
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            target = f"{path}?{text}" if text else path
        line.request(method, target, body, headers)
        answer = line.getresponse()
        self.headers = dict(answer.getheaders())
        found = answer.read()
        line.close()
        return answer.status, json.loads(found)

    def signed(
        self, method: str, path: str, told: dict[str, Any], *, shift_ms: int = 0
    ) -> tuple[int, Any]:
        told = {**told, "timestamp": self.venue.clock.now_ms + shift_ms}
        text = urlencode(told)
        return self.send(method, path, f"{text}&signature={self.signature(text)}")

    def signature(self, text: str) -> str:
        return hmac.new(self.key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def wire(venue: Served) -> Wire:
    return Wire(venue)


def refused(answer: tuple[int, Any]) -> tuple[int, int, str]:
    return answer[0], answer[1]["code"], answer[1]["msg"]


def test_a_request_without_a_key_or_with_a_strange_one_is_unauthorised(
    venue: Served, wire: Wire
) -> None:
    assert refused(wire.send("GET", "/api/v3/account", key=False))[:2] == (401, -2014)
    stranger = Wire(venue, Key(name="x" * 64, secret="y" * 64))
    assert refused(stranger.signed("GET", "/api/v3/account", {})) == (
        401,
        -2015,
        "Invalid API-key, IP, or permissions for action.",
    )


def test_a_signature_covers_the_text_as_it_was_sent(venue: Served, wire: Wire) -> None:
    text = f"symbol=BTCUSDT&timestamp={venue.clock.now_ms}"
    good = wire.signature(text)
    assert wire.send("GET", "/api/v3/openOrders", f"{text}&signature={good}")[0] == 200
    assert wire.send("GET", "/api/v3/openOrders", f"{text}&signature={good.upper()}")[0] == 200
    for changed in (f"{text}&recvWindow=1", text.replace("BTC", "%42TC")):
        answer = wire.send("GET", "/api/v3/openOrders", f"{changed}&signature={good}")
        assert refused(answer) == (400, -1022, "Signature for this request is not valid.")
    assert refused(wire.send("GET", "/api/v3/openOrders", text))[1] == -1102


def test_another_secret_signs_nothing_and_places_nothing(venue: Served) -> None:
    thief = Wire(venue, Key(name=venue.credentials.name, secret="y" * 64))
    assert refused(thief.signed("POST", "/api/v3/order", ORDER))[1] == -1022
    assert venue.state.orders == {}


@pytest.mark.parametrize(
    ("shift", "window", "code"),
    [
        (-5000, None, None),
        (-5001, None, -1021),
        (-60_000, 60_000, None),
        (-60_000, 60_001, -1131),
        (999, None, None),
        (1000, None, -1021),
    ],
)
def test_a_timestamp_is_compared_with_the_exchanges_own_clock(
    wire: Wire, shift: int, window: int | None, code: int | None
) -> None:
    told = {} if window is None else {"recvWindow": window}
    status, body = wire.signed("GET", "/api/v3/account", told, shift_ms=shift)
    assert (status, None if status == 200 else body["code"]) == (200 if code is None else 400, code)


PARAMETERS: list[tuple[dict[str, str | None], int, str]] = [
    ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
    ({"symbol": None}, -1102, "'symbol'"),
    ({"symbol": "btc"}, -1100, "'symbol'"),
    ({"side": "HOLD"}, -1117, "Invalid side."),
    ({"side": None}, -1102, "'side'"),
    ({"type": "STOP_LOSS_LIMIT"}, -1116, "Invalid orderType."),
    ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
    ({"timeInForce": None}, -1102, "'timeInForce'"),
    ({"type": "LIMIT_MAKER"}, -1106, "'timeInForce'"),
    ({"quantity": "-0.001"}, -1100, "'quantity'"),
    ({"quantity": "1e3"}, -1100, "'quantity'"),
    ({"quantity": None}, -1102, "'quantity'"),
    ({"quantity": "0.001000000"}, -1111, "'quantity'"),
    ({"price": "NaN"}, -1100, "'price'"),
    ({"price": ""}, -1102, "'price'"),
    ({"price": "9000.001"}, -1013, "PRICE_FILTER"),
    ({"newClientOrderId": "x" * 37}, -1100, "'newClientOrderId'"),
    ({"newClientOrderId": "a b"}, -1100, "'newClientOrderId'"),
    ({"reduceOnly": "true"}, -1104, "read '8' parameter(s) but was sent '9'"),
    ({"selfTradePreventionMode": "NONE"}, -1100, "'selfTradePreventionMode'"),
    ({"newOrderRespType": "ALL"}, -1100, "'newOrderRespType'"),
    ({"price": "9000", "quantity": "2"}, -2010, "insufficient balance"),
]


@pytest.mark.parametrize(("changes", "code", "words"), PARAMETERS, ids=range(len(PARAMETERS)))
def test_a_bad_parameter_is_refused_in_the_venues_words(
    venue: Served, wire: Wire, changes: dict[str, str | None], code: int, words: str
) -> None:
    told = {k: v for k, v in {**ORDER, **changes}.items() if v is not None}
    for path in ("/api/v3/order/test", "/api/v3/order"):
        status, found, text = refused(wire.signed("POST", path, told))
        assert (status, found) == (400, code)
        assert words in text
    assert venue.state.orders == {}


def test_a_parameter_sent_twice_is_refused(venue: Served, wire: Wire) -> None:
    text = f"symbol=BTCUSDT&symbol=ETHUSDT&timestamp={venue.clock.now_ms}"
    answer = wire.send("GET", "/api/v3/openOrders", f"{text}&signature={wire.signature(text)}")
    assert refused(answer)[1] == -1101


def test_an_order_by_way_of_test_is_judged_and_not_placed(venue: Served, wire: Wire) -> None:
    assert wire.signed("POST", "/api/v3/order/test", ORDER) == (200, {})
    assert (venue.state.orders, venue.state.purses.purse("desk", "USDT").locked) == ({}, 0)


@pytest.mark.parametrize(
    ("method", "path", "told", "code"),
    [
        ("GET", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": 9}, -2013),
        ("GET", "/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": "no"}, -2013),
        ("GET", "/api/v3/order", {"symbol": "BTCUSDT"}, -1102),
        ("DELETE", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": 9}, -2011),
        ("DELETE", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, -2011),
        ("GET", "/api/v3/myTrades", {"symbol": "NOPE"}, -1121),
    ],
)
def test_what_is_not_there_is_refused_with_its_code(
    wire: Wire, method: str, path: str, told: dict[str, Any], code: int
) -> None:
    assert refused(wire.signed(method, path, told))[:2] == (400, code)


def test_paths_and_intervals_that_are_unknown_are_refused(wire: Wire) -> None:
    assert wire.send("GET", "/api/v3/nothing")[0] == 404
    answer = wire.send("GET", "/api/v3/klines", "symbol=BTCUSDT&interval=7m")
    assert refused(answer)[:2] == (400, -1120)


@pytest.mark.parametrize("size", ["-1", "65537", "x"])
def test_a_body_of_no_honest_length_is_not_read(venue: Served, size: str) -> None:
    line = http.client.HTTPConnection(urlsplit(venue.url).netloc, timeout=5)
    line.putrequest("POST", "/api/v3/order")
    line.putheader("Content-Length", size)
    line.endheaders()
    assert line.getresponse().status == 413
    line.close()


def with_terms(changes: dict[str, Any]) -> ExchangeTerms:
    return ExchangeTerms(**changes)


def test_weight_is_told_refused_and_then_punished(tmp_path: Path) -> None:
    rates = RateTerms(weight_per_minute=60, refusals_before_ban=3, ban_s=120)
    with served(tmp_path, terms=with_terms({"rates": rates}), bars=carried_bars(1)) as venue:
        wire = Wire(venue)
        for used in (20, 40, 60):
            assert wire.signed("GET", "/api/v3/account", {})[0] == 200
            assert wire.headers["X-MBX-USED-WEIGHT-1M"] == str(used)
        assert refused(wire.signed("GET", "/api/v3/account", {}))[:2] == (429, -1003)
        assert wire.headers["Retry-After"] == "60"
        venue.clock.advance(60_000)
        assert wire.signed("GET", "/api/v3/account", {})[0] == 200
        statuses = [wire.signed("GET", "/api/v3/account", {})[0] for _ in range(6)]
        assert statuses == [200, 200, 429, 429, 418, 418]
        assert wire.headers["Retry-After"] == "120"
        venue.clock.advance(119_000)
        assert wire.send("GET", "/api/v3/time")[0] == 418
        venue.clock.advance(1000)
        assert wire.send("GET", "/api/v3/time")[0] == 200


def test_orders_are_counted_and_too_many_are_refused_without_a_time(tmp_path: Path) -> None:
    rates = RateTerms(orders_per_ten_seconds=2)
    with served(tmp_path, terms=with_terms({"rates": rates}), bars=carried_bars(1)) as venue:
        wire = Wire(venue)
        for count in (1, 2):
            assert wire.signed("POST", "/api/v3/order", ORDER)[0] == 200
            assert wire.headers["X-MBX-ORDER-COUNT-10S"] == str(count)
        assert refused(wire.signed("POST", "/api/v3/order", ORDER))[:2] == (429, -1015)
        assert "Retry-After" not in wire.headers
        assert len(venue.state.orders) == 2
        venue.clock.advance(10_000)
        assert wire.signed("POST", "/api/v3/order", ORDER)[0] == 200


def test_a_key_that_may_only_read_places_and_cancels_nothing(tmp_path: Path) -> None:
    reader = Key(name="r" * 64, secret="s" * 64, may_trade=False, may_withdraw=True)
    with served(tmp_path, bars=carried_bars(1), keys=(reader,)) as venue:
        wire = Wire(venue)
        assert refused(wire.signed("POST", "/api/v3/order", ORDER))[:2] == (401, -2015)
        assert (
            refused(wire.signed("DELETE", "/api/v3/openOrders", {"symbol": "BTCUSDT"}))[1] == -2015
        )
        _, told = wire.signed("GET", "/sapi/v1/account/apiRestrictions", {})
        assert (told["enableWithdrawals"], told["enableSpotAndMarginTrading"]) == (True, False)
        assert wire.signed("GET", "/api/v3/account", {})[1]["canTrade"] is False


def test_a_testnet_has_no_key_checks(tmp_path: Path) -> None:
    with served(tmp_path, terms=with_terms({"key_checks": False}), bars=carried_bars(1)) as venue:
        assert Wire(venue).signed("GET", "/sapi/v1/account/apiRestrictions", {})[0] == 404


def test_accounts_do_not_see_each_others_orders(tmp_path: Path) -> None:
    keys = tuple(Key(name=c * 64, secret=c * 64, account=c) for c in "ab")
    deposits = tuple(Deposit(account=c, asset="USDT", amount=Decimal(1000)) for c in "ab")
    terms = with_terms({"deposits": deposits})
    with served(tmp_path, terms=terms, bars=carried_bars(1), keys=keys) as venue:
        ann, bob = (Wire(venue, key) for key in keys)
        assert ann.signed("POST", "/api/v3/order", ORDER)[1]["orderId"] == 1
        named = {"symbol": "BTCUSDT", "orderId": 1}
        assert refused(bob.signed("DELETE", "/api/v3/order", named))[1] == -2011
        assert refused(bob.signed("GET", "/api/v3/order", named))[1] == -2013
        assert bob.signed("GET", "/api/v3/openOrders", {})[1] == []
        uids = {w.signed("GET", "/api/v3/account", {})[1]["uid"] for w in (ann, bob)}
        assert len(uids) == 2


def test_a_live_class_sees_its_keys_scope(venue: Served) -> None:
    client = ccxt_binance(venue.url, venue.credentials, venue.clock, sandbox=False)
    client.load_markets()
    told = client.sapi_get_account_apirestrictions()
    assert (told["enableWithdrawals"], told["enableSpotAndMarginTrading"]) == (False, True)
    assert client.fetch_status()["status"] == "ok"
    fee = client.fetch_trading_fee(SYMBOL)
    assert (fee["maker"], fee["taker"]) == (0.001, 0.001)
    client.session.close()


Call = Callable[[Client], object]
REFUSALS: list[tuple[Call, type[Exception]]] = [
    (lambda c: c.fetch_order("9", SYMBOL), ccxt.OrderNotFound),
    (lambda c: c.cancel_order("9", SYMBOL), ccxt.OrderNotFound),
    (lambda c: c.cancel_all_orders(SYMBOL), ccxt.OrderNotFound),
    (lambda c: c.create_order(SYMBOL, "limit", "buy", "2", "9000"), ccxt.InsufficientFunds),
    (
        lambda c: c.create_order(SYMBOL, "limit", "buy", "1", "9990", {"postOnly": True}),
        ccxt.OrderImmediatelyFillable,
    ),
    (lambda c: c.create_order(SYMBOL, "limit", "buy", "0.00001", "9000"), ccxt.BadRequest),
]


@pytest.mark.parametrize(("call", "raised"), REFUSALS, ids=range(len(REFUSALS)))
def test_ccxt_maps_refusals_as_those_of_the_real_venue(
    client: Client, call: Call, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        call(client)


def test_what_ended_unfilled_90_days_ago_is_remembered_and_not_shown(venue: Served) -> None:
    wire, symbol = Wire(venue), {"symbol": "BTCUSDT"}
    for name in ("rests", "ends", "trades"):
        order = {**ORDER, "newClientOrderId": name}
        assert wire.signed("POST", "/api/v3/order", order)[0] == 200
    for name in ("ends", "trades"):
        assert (
            wire.signed("DELETE", "/api/v3/order", {**symbol, "origClientOrderId": name})[0] == 200
        )
    orders = {order.client_id: order for order in venue.state.orders.values()}
    orders["trades"].executed = Decimal("0.001")  # in part, before it was cancelled
    for days, shown in ((90, ["rests", "ends", "trades"]), (91, ["rests", "trades"])):
        for order in orders.values():
            order.updated_ms = venue.state.now_ms - days * 86_400_000
        rows = wire.signed("GET", "/api/v3/allOrders", symbol)[1]
        assert [row["clientOrderId"] for row in rows] == shown
    asked = {**symbol, "origClientOrderId": "ends"}
    assert refused(wire.signed("GET", "/api/v3/order", asked))[:2] == (400, -2026)
    assert refused(wire.signed("DELETE", "/api/v3/order", asked))[:2] == (400, -2011)


def test_more_than_a_day_between_start_and_end_is_refused(venue: Served) -> None:
    for path in ("myTrades", "allOrders"):
        day = {"symbol": "BTCUSDT", "startTime": "1000", "endTime": str(1000 + 86_400_000)}
        assert Wire(venue).signed("GET", f"/api/v3/{path}", day)[0] == 200
        longer = {**day, "startTime": "999"}
        told = refused(Wire(venue).signed("GET", f"/api/v3/{path}", longer))
        assert told[:2] == (400, -1127)


def test_a_wrong_secret_is_an_authentication_error(venue: Served) -> None:
    thief = Key(name=venue.credentials.name, secret="y" * 64)
    client = ccxt_binance(venue.url, thief, venue.clock)
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()
    client.session.close()


def test_the_server_stands_on_loopback_alone(venue: Served) -> None:
    assert urlsplit(venue.url).hostname == "127.0.0.1"


def test_an_answer_does_not_wait_for_an_acknowledgement(venue: Served, client: Client) -> None:
    # 40 ms is what a delayed acknowledgement costs; the machine may be busy, so the best of many
    took = []
    told = {"test": True}
    for _ in range(20):
        begun = time.perf_counter()
        client.create_order(SYMBOL, "limit", "buy", "0.001", "9000", told)
        took.append(time.perf_counter() - begun)
    assert min(took[10:]) < 0.03
    assert venue.state.orders == {}
