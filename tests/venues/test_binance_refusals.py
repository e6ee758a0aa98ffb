"""What each answer to an order proves: the table of spec/venues.md through the real ccxt class."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.reasons import Reason
from layers.adapters.binance_venue import BinanceVenue
from layers.binance.heard import Heard
from layers.binance.refusals import DEFINITE, answer
from layers.binance.restraint import LONGEST
from layers.orders import AnswerKind, OrderState
from tests.fakes.binance_desk import PATIENT, SYMBOL, SYSTEM, Seconds, desk, request
from tests.fakes.leave import Leave
from tests.fakes.scripted_venue import Said, ScriptedVenue, refused, said

POST = ("POST", "/api/v3/order")
HTML = b"<html><title>502 Bad Gateway</title></html>"


@pytest.fixture(scope="module")
def venue() -> Iterator[ScriptedVenue]:
    with ScriptedVenue() as server:
        yield server


@pytest.fixture(scope="module")
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture(autouse=True)
def waited(seconds: Seconds) -> None:
    """Past whatever the venue demanded before (BIN-13)."""
    seconds.now += LONGEST.total_seconds()


@pytest.fixture(scope="module")
def binance(venue: ScriptedVenue, seconds: Seconds) -> Iterator[BinanceVenue]:
    opened = desk(venue.base, clock=replace(SYSTEM, monotonic=seconds), timeout=PATIENT)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def hasty(venue: ScriptedVenue) -> Iterator[BinanceVenue]:
    opened = desk(venue.base)
    yield opened
    opened.close()


def accepted(**changes: object) -> dict[str, object]:
    sent = request("one")
    return {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "clientOrderId": sent.client_order_id,
        "transactTime": 1507725176595,
        "price": "95.00000000",
        "origQty": "1.00000000",
        "executedQty": "0.00000000",
        "status": "NEW",
        "side": "BUY",
        **changes,
    }


UNKNOWN = {
    "accepted, then a hang": Said(200, json.dumps(accepted()).encode(), hang=0.3),
    "accepted, 504 -1007": refused(-1007, "Timeout waiting for response from backend server.", 504),
    "accepted, 503 -1000": refused(-1000, "Unknown error, please check your request.", 503),
    "accepted, reset": Said(reset=True),
    "accepted, HTML 502": Said(502, HTML, {"Content-Type": "text/html"}),
    "accepted, empty object": said({}),
    "accepted, truncated JSON": Said(200, json.dumps(accepted()).encode()[:40]),
    "accepted, body cut off": Said(200, json.dumps(accepted()).encode(), missing=9),
    "400 -1006": refused(-1006, "An unexpected response was received. Execution status unknown."),
    "400 -1001": refused(-1001, "Internal error; unable to process your request."),
    "503 -1008": refused(-1008, "Server is currently overloaded with other requests.", 503),
    "HTML 403 of a firewall": Said(403, HTML),
    "-2010 duplicate": refused(-2010, "Duplicate order sent."),
    "-2010 of words nobody knows": refused(-2010, "Something new."),
    "a refusal's code under 503": refused(
        -2010, "Account has insufficient balance for requested action.", 503
    ),
    "a refusal's code under 200": refused(-1013, "Filter failure: NOTIONAL", 200),
    "a code nobody knows": refused(-9999, "?"),
    "a code that is a text": said({"code": "abc", "msg": "x"}, 400),
    "a code that is a list": said({"code": [-2010], "msg": ["x"]}, 400),
    "429 without a body": Said(429, b""),
    "without the venue's id": said(accepted(orderId=None)),
    "the id as a text": said(accepted(orderId="28")),
    "another client's id": said(accepted(clientOrderId="web_1")),
    "another symbol": said(accepted(symbol="ETHUSDT")),
    "the other side": said(accepted(side="SELL")),
    "another price": said(accepted(price="96.00000000")),
    "another quantity": said(accepted(origQty="2.00000000")),
    "a status nobody knows": said(accepted(status="MAYBE")),
    "rejected within a success": said(accepted(status="REJECTED")),
    "floats": said(accepted(price=95.0)),
    "a list": said([accepted()]),
    "not a number": Said(200, b'{"orderId": NaN}'),
    "deep nesting": Said(200, b"[" * 100_000),
    "not UTF-8": Said(200, b"\xff\xfe{}"),
    "success without a body": Said(200, b""),
    "a redirect": Said(302, b"", {"Location": "https://evil.example/"}),
}
REJECTED = {
    "-2010 insufficient": refused(-2010, "Account has insufficient balance for requested action."),
    "-2010 would match": refused(-2010, "Order would immediately match and take."),
    "-2010 market closed": refused(-2010, "Market is closed."),
    "-2010 may not trade": refused(-2010, "This account may not place or cancel orders."),
    "-1013 NOTIONAL": refused(-1013, "Filter failure: NOTIONAL"),
    "-1013 LOT_SIZE": refused(-1013, "Filter failure: LOT_SIZE"),
    "-1013 PRICE_FILTER": refused(-1013, "Filter failure: PRICE_FILTER"),
    "-1013 PERCENT_PRICE_BY_SIDE": refused(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    "-1013 MAX_NUM_ORDERS": refused(-1013, "Filter failure: MAX_NUM_ORDERS"),
    "-1021 timestamp": refused(-1021, "Timestamp for this request is outside of the recvWindow."),
    "-1022 signature": refused(-1022, "Signature for this request is not valid."),
    "-1111 precision": refused(-1111, "Parameter 'quantity' has too much precision."),
    "-1121 symbol": refused(-1121, "Invalid symbol."),
    "-2014 key": refused(-2014, "API-key format invalid.", 401),
    "-2015 key": refused(-2015, "Invalid API-key, IP, or permissions for action.", 401),
    "429 -1003": refused(-1003, "Too many requests.", 429),
    "418 -1003": refused(-1003, "Way too many requests; IP banned.", 418),
    "429 -1015": refused(-1015, "Too many new orders.", 429),
    "400 -1015": refused(-1015, "Too many new orders."),
}


@pytest.mark.parametrize("row", UNKNOWN)
def test_what_proves_nothing_is_unknown(
    venue: ScriptedVenue, binance: BinanceVenue, hasty: BinanceVenue, row: str
) -> None:
    before = venue.asked(*POST)
    venue.says(*POST, UNKNOWN[row])
    found = (hasty if UNKNOWN[row].hang else binance).entry.submit(request("one"), Leave())
    assert (found.kind, found.code) == (AnswerKind.UNKNOWN, Reason.ORDER_UNKNOWN)
    assert found.order is None
    assert venue.asked(*POST) == before + 1  # it was sent, and never again


@pytest.mark.parametrize("row", REJECTED)
def test_a_definite_refusal_is_a_row_of_the_table(
    venue: ScriptedVenue, binance: BinanceVenue, row: str
) -> None:
    venue.says(*POST, REJECTED[row])
    found = binance.entry.submit(request("one"), Leave())
    assert (found.kind, found.code) == (AnswerKind.REJECTED, Reason.VENUE_REJECTED)
    assert json.loads(REJECTED[row].body)["msg"] in found.reason


def test_a_revoked_key_is_told_by_its_code_before_and_after_it_worked(
    venue: ScriptedVenue,
) -> None:
    binance = desk(venue.base, timeout=PATIENT)
    venue.says(*POST, REJECTED["-2015 key"])
    before = binance.entry.submit(request("one"), Leave())
    venue.says(*POST, said(accepted()))
    assert binance.entry.submit(request("one"), Leave()).kind is AnswerKind.ACCEPTED
    venue.says(*POST, REJECTED["-2015 key"])
    after = binance.entry.submit(request("one"), Leave())
    binance.close()
    assert before == after
    assert after.kind is AnswerKind.REJECTED


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("NEW", OrderState.OPEN),
        ("PARTIALLY_FILLED", OrderState.PARTIAL),
        ("FILLED", OrderState.FILLED),
        ("EXPIRED", OrderState.EXPIRED),
        ("EXPIRED_IN_MATCH", OrderState.EXPIRED),
    ],
)
def test_an_acceptance_shows_the_order_as_it_stands(
    venue: ScriptedVenue, binance: BinanceVenue, status: str, state: OrderState
) -> None:
    venue.says(*POST, said(accepted(status=status)))
    found = binance.entry.submit(request("one"), Leave())
    assert (found.kind, found.order.state) == (AnswerKind.ACCEPTED, state)
    assert found.order.venue_order_id == "28"


def test_a_duplicate_is_no_row_of_the_table() -> None:
    assert ("InvalidOrder", -2010) not in DEFINITE
    assert not {code for _, code in DEFINITE} & {-1000, -1001, -1006, -1007, -1008, -2011, -2013}


@settings(max_examples=300)
@given(
    status=st.one_of(st.none(), st.integers(100, 599)),
    body=st.binary(max_size=60)
    | st.builds(
        lambda c, m: json.dumps({"code": c, "msg": m}).encode(),
        st.integers(-3000, 0),
        st.text(max_size=20),
    ),
    fault=st.sampled_from(sorted({name for name, _ in DEFINITE} | {"", "RequestTimeout"})),
)
def test_only_the_table_under_a_4xx_rejects_and_nothing_written_is_never_unknown(
    status: int | None, body: bytes, fault: str
) -> None:
    heard = Heard(written=True, status=status, body=body, fault=fault)
    kind = answer(heard, request("one"), (SYMBOL,)).kind
    rejected = (fault, heard.code) in DEFINITE and status is not None and status // 100 == 4
    assert kind is (AnswerKind.REJECTED if rejected else AnswerKind.UNKNOWN)
    kept = Heard(written=False, status=status, body=body, fault=fault)
    assert answer(kept, request("one"), (SYMBOL,)).kind is AnswerKind.NOT_SENT


def test_any_damage_to_an_acceptance_is_unknown_or_changes_nothing_that_matters() -> None:
    whole, noise = json.dumps(accepted()).encode(), random.Random(1)  # noqa: S311
    good = answer(Heard(written=True, status=200, body=whole), request("one"), (SYMBOL,))
    for _ in range(500):
        damaged = bytearray(whole)
        damaged[noise.randrange(len(whole))] = noise.randrange(256)
        found = answer(Heard(True, 200, bytes(damaged)), request("one"), (SYMBOL,))  # noqa: FBT003
        if found.kind is not AnswerKind.UNKNOWN:
            assert found.order.client_order_id == good.order.client_order_id
            assert found.order.side is good.order.side
