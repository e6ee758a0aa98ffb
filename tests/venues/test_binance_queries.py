"""What Binance says of itself: to the last digit, by our ids, page by page, or not at all."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.errors import Stalled, Waiting
from desired_state.reasons import Reason
from layers.adapters.binance_venue import BinanceVenue
from layers.adapters.ccxt_line import Clock
from layers.binance.listing import Fees
from layers.binance.protocol import LISTING
from layers.binance.rows import MILLISECOND
from layers.local_exchange.faults import Fault, FaultKind
from layers.market import EPOCH, Provenance
from layers.orders import AnswerKind, Archived, CancelReport, Fill, OrderState, Side, TimeInForce
from layers.risk_snapshot import VenueClass
from tests.fakes.binance_desk import PATIENT, SYMBOL, desk, rehearsed, request
from tests.fakes.exchange import Served, carried_bars, served
from tests.fakes.leave import Leave
from tests.fakes.scripted_venue import ScriptedVenue, refused, said

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, bars=carried_bars(12)) as found:
        found.advance(timedelta(hours=6))
        yield found


@pytest.fixture
def binance(exchange: Served) -> Iterator[BinanceVenue]:
    opened = rehearsed(exchange, timeout=PATIENT)
    yield opened
    opened.close()


@pytest.fixture
def scripted(venue: ScriptedVenue) -> Iterator[BinanceVenue]:
    opened = desk(venue.base, timeout=PATIENT)
    yield opened
    opened.close()


def number_of(fill: Fill) -> int:
    symbol, _, number = fill.fill_id.rpartition(":")
    assert symbol == fill.symbol
    return int(number)


def now(exchange: Served) -> datetime:
    return EPOCH + exchange.clock.now_ms * MILLISECOND


def test_executions_carry_their_orders_client_id_fee_and_side(
    binance: BinanceVenue,
) -> None:
    sent = request("taker", price="9990", quantity="0.002", tif=TimeInForce.IOC)
    answer = binance.entry.submit(sent, Leave())
    assert (answer.kind, answer.order.state) == (AnswerKind.ACCEPTED, OrderState.FILLED)
    back = request("back", Side.SELL, price="9000", quantity="0.001", tif=TimeInForce.IOC)
    binance.entry.submit(back, Leave())
    bought, sold = binance.queries.fills(SYMBOL, EPOCH)
    assert (bought.client_order_id, bought.side) == (sent.client_order_id, Side.BUY)
    assert (bought.quantity, bought.fee, bought.fee_currency, bought.maker) == (
        Decimal("0.002"),
        Decimal("0.000002"),
        "BTC",
        False,
    )
    assert (sold.client_order_id, sold.side) == (back.client_order_id, Side.SELL)
    assert sold.fee == sold.price * Decimal("0.001") * Decimal("0.001")
    assert sold.fee_currency == "USDT"


def test_executions_before_since_are_left_out_either_way_of_asking(
    exchange: Served, binance: BinanceVenue
) -> None:
    binance.entry.submit(request("old", price="9990", quantity="0.002"), Leave())
    exchange.advance(timedelta(minutes=30))
    binance.entry.submit(request("new", price="10990", quantity="0.002"), Leave())
    near = binance.queries.fills(SYMBOL, now(exchange) - timedelta(minutes=10))
    all_of_them = binance.queries.fills(SYMBOL, now(exchange) - timedelta(days=3))
    assert {f.client_order_id for f in near} == {request("new").client_order_id}
    assert len(all_of_them) > len(near)
    assert list(all_of_them) == sorted(all_of_them, key=lambda f: (f.at, number_of(f)))


def test_balances_are_the_venues_to_the_last_satoshi(
    exchange: Served, binance: BinanceVenue
) -> None:
    binance.entry.submit(request("odd", price="9990.37", quantity="0.00123"), Leave())
    held = {b.currency: (b.free, b.locked) for b in binance.queries.balances()}
    purses = exchange.state.purses.of
    assert held == {
        asset: (purse.free, purse.locked)
        for (owner, asset), purse in purses.items()
        if owner == "desk"
    }


def test_a_book_is_dated_no_later_than_its_question_left(
    exchange: Served, binance: BinanceVenue
) -> None:
    book = binance.queries.book(SYMBOL)
    assert book.bids[0].price < book.asks[0].price
    assert book.event_at == book.received_at == now(exchange)
    assert book.provenance is Provenance.SYNTHETIC
    assert book.interval == timedelta(0)


def test_a_book_that_is_served_again_grows_old(exchange: Served, binance: BinanceVenue) -> None:
    fresh = binance.queries.book(SYMBOL)
    exchange.inject(Fault(kind=FaultKind.STALE_BOOK, times=1))
    exchange.advance(timedelta(minutes=20))
    stale = binance.queries.book(SYMBOL)
    assert stale.bids == fresh.bids
    assert stale.event_at == fresh.event_at
    assert stale.received_at - stale.event_at == timedelta(minutes=20)
    assert binance.queries.book(SYMBOL).event_at == now(exchange)


def test_a_crossed_book_is_shown_as_it_is(exchange: Served, binance: BinanceVenue) -> None:
    exchange.inject(Fault(kind=FaultKind.CROSSED_BOOK, times=1))
    book = binance.queries.book(SYMBOL)
    assert book.bids[0].price > book.asks[0].price


def test_an_empty_book_is_none_and_half_a_book_is_half(
    venue: ScriptedVenue, scripted: BinanceVenue
) -> None:
    empty = said({"lastUpdateId": 1, "bids": [], "asks": []})
    half = said({"lastUpdateId": 2, "bids": [["1.50", "2.00"]], "asks": []})
    venue.says(
        "GET", "/api/v3/depth", empty, half, said({"lastUpdateId": 1, "bids": [], "asks": []})
    )
    assert scripted.queries.book(SYMBOL) is None
    assert [(str(x.price), str(x.size)) for x in scripted.queries.book(SYMBOL).bids] == [
        ("1.5", "2")
    ]
    with pytest.raises(Waiting, match="older"):
        scripted.queries.book(SYMBOL)


def test_after_a_wipe_books_are_counted_anew_once_they_go_on_for_half_a_minute(
    venue: ScriptedVenue,
) -> None:
    wall, numbers = AT, [900, 5, 5, 7, 6, 8, 9, 9]
    opened = desk(venue.base, timeout=PATIENT, clock=Clock(lambda: wall, time.monotonic))
    answers = [said({"lastUpdateId": n, "bids": [["1", "2"]], "asks": []}) for n in numbers]
    venue.says("GET", "/api/v3/depth", *answers)
    assert opened.queries.book(SYMBOL).event_at == AT
    for passed in (0, 40, 10, 20, 30):  # one book again and again, a rising one, a falling one
        wall += timedelta(seconds=passed if passed < 30 else 0)
        with pytest.raises(Waiting, match="older"):
            opened.queries.book(SYMBOL)
    wall += timedelta(seconds=30)
    assert opened.queries.book(SYMBOL).event_at == wall
    begun, wall = wall, wall + timedelta(seconds=5)
    assert opened.queries.book(SYMBOL).event_at == begun
    opened.close()


def test_at_the_venue_itself_no_book_is_ever_counted_anew(venue: ScriptedVenue) -> None:
    wall = AT
    clock = Clock(lambda: wall, time.monotonic)
    opened = desk(venue.base, timeout=PATIENT, clock=clock, venue_class=VenueClass.LIVE)
    answers = [said({"lastUpdateId": n, "bids": [], "asks": []}) for n in (900, 5, 6, 7)]
    venue.says("GET", "/api/v3/depth", *answers)
    assert opened.queries.book(SYMBOL) is None
    for _ in range(3):
        wall += timedelta(minutes=5)
        with pytest.raises(Waiting, match="older"):
            opened.queries.book(SYMBOL)
    opened.close()


def test_orders_are_those_made_since_however_late_they_changed(
    exchange: Served, binance: BinanceVenue
) -> None:
    old, new = (
        request("old", price="5000", quantity="0.01"),
        request("new", price="5001", quantity="0.01"),
    )
    binance.entry.submit(old, Leave())
    exchange.advance(timedelta(minutes=30))
    since = now(exchange)
    binance.entry.submit(new, Leave())
    binance.cancels.cancel(SYMBOL, old.client_order_id)
    assert binance.queries.order(SYMBOL, old.client_order_id).updated_at >= since
    for asked, names in ((since, {new}), (since - timedelta(days=3), {old, new})):
        found = {order.client_order_id for order in binance.queries.orders(SYMBOL, asked)}
        assert found == {one.client_order_id for one in names}


def test_an_order_of_the_list_that_does_not_say_when_it_was_made_is_not_read(
    venue: ScriptedVenue, scripted: BinanceVenue
) -> None:
    row = look_up(1, clientOrderId=request("x").client_order_id, status="NEW")
    venue.says("GET", "/api/v3/allOrders", said([{**row, "updateTime": 1, "time": None}]))
    with pytest.raises(Waiting):
        scripted.queries.orders(SYMBOL, EPOCH)


def test_the_venues_time_is_ours_and_the_offset_last_measured(exchange: Served) -> None:
    slow = Clock(lambda: now(exchange) - timedelta(seconds=3), time.monotonic)
    opened = rehearsed(exchange, timeout=PATIENT, clock=slow)
    assert abs(opened.time() - now(exchange)) < timedelta(seconds=1)
    opened.close()


def test_rules_are_the_filters_and_the_accounts_fees(
    exchange: Served, binance: BinanceVenue
) -> None:
    rules = binance.queries.rules(SYMBOL)
    assert (rules.tick, rules.step, rules.min_notional) == (
        Decimal("0.01"),
        Decimal("0.00001"),
        Decimal(5),
    )
    assert (rules.maker_fee, rules.taker_fee) == (Decimal("0.001"), Decimal("0.001"))
    configured = rehearsed(
        exchange, timeout=PATIENT, fees=Fees(Decimal("0.0002"), Decimal("0.0004"))
    )
    rules = configured.queries.rules(SYMBOL)
    configured.close()
    assert (rules.maker_fee, rules.taker_fee) == (Decimal("0.0002"), Decimal("0.0004"))


def test_fees_of_a_symbol_count_tax_and_the_dearer_side(
    venue: ScriptedVenue, scripted: BinanceVenue, binance: BinanceVenue
) -> None:
    listing = binance.lines[1].ask  # the real listing, said again by the scripted one
    venue.says("GET", "/api/v3/exchangeInfo", said(json.loads(listing(LISTING, {}).body)))
    part = {"maker": "0.001", "taker": "0.002", "buyer": "0.0001", "seller": "0.0003"}
    venue.says(
        "GET",
        "/api/v3/account/commission",
        said({"standardCommission": part, "taxCommission": part, "symbol": "BTCUSDT"}),
    )
    rules = scripted.queries.rules(SYMBOL)
    assert (rules.maker_fee, rules.taker_fee) == (Decimal("0.0026"), Decimal("0.0046"))


@pytest.mark.parametrize(
    "answer",
    [
        refused(-1121, "Invalid symbol."),
        said({"symbols": []}),
        said({"symbols": [{"symbol": "BTCUSDT", "baseAsset": "BTCU", "quoteAsset": "SDT"}]}),
    ],
    ids=["refused", "empty", "another base"],
)
def test_a_symbol_that_is_not_listed_is_stalled(
    venue: ScriptedVenue, scripted: BinanceVenue, answer: object
) -> None:
    venue.says("GET", "/api/v3/exchangeInfo", answer)
    with pytest.raises(Stalled) as refusal:
        scripted.queries.rules(SYMBOL)
    assert refusal.value.code is Reason.FEED_INVALID


def trade(number: int, order: int = 1, **changes: object) -> dict[str, object]:
    return {
        "id": number,
        "orderId": order,
        "price": "100.10",
        "qty": "0.00100",
        "commission": "0.00000100",
        "commissionAsset": "BTC",
        "time": 1_600_000_000_000 + number,
        "isBuyer": True,
        "isMaker": False,
        **changes,
    }


def look_up(order: int, **changes: object) -> dict[str, object]:
    return {
        "symbol": "BTCUSDT",
        "orderId": order,
        "clientOrderId": f"order-{order}",
        "updateTime": 1_600_000_000_000,
        "price": "100.10",
        "origQty": "3.00",
        "executedQty": "1.00",
        "status": "PARTIALLY_FILLED",
        "side": "BUY",
        **changes,
    }


def test_pages_of_executions_are_read_to_the_last_and_none_twice(
    venue: ScriptedVenue, scripted: BinanceVenue
) -> None:
    newest = [trade(n) for n in range(500, 1500)]
    pages = (newest, [trade(n) for n in range(1000)], [trade(n) for n in range(1000, 1500)])
    venue.says("GET", "/api/v3/myTrades", *(said(page) for page in pages))
    venue.says("GET", "/api/v3/order", said(look_up(1)))
    fills = scripted.queries.fills(SYMBOL, EPOCH)
    assert [number_of(f) for f in fills] == list(range(1500))
    assert {f.client_order_id for f in fills} == {"order-1"}
    assert venue.asked("GET", "/api/v3/order") == 1  # a name is asked for once
    asked = [target for _, target, _ in venue.heard if "myTrades" in target]
    assert "fromId" not in asked[0]
    assert "startTime=0&endTime=86399999" in asked[1]
    assert "fromId=1000" in asked[2]


def test_older_executions_of_a_page_are_left_out(
    venue: ScriptedVenue, scripted: BinanceVenue
) -> None:
    venue.says("GET", "/api/v3/myTrades", said([trade(n) for n in range(9)]))
    venue.says("GET", "/api/v3/order", said(look_up(1)))
    since = EPOCH + 1_600_000_000_005 * MILLISECOND
    found = scripted.queries.fills(SYMBOL, since)
    assert [fill.fill_id for fill in found] == [f"BTC/USDT:{n}" for n in (5, 6, 7, 8)]


def test_a_page_that_comes_again_is_an_error_and_not_a_part(
    venue: ScriptedVenue, scripted: BinanceVenue
) -> None:
    venue.says("GET", "/api/v3/myTrades", said([trade(n) for n in range(1000)]))
    venue.says("GET", "/api/v3/order", said(look_up(1)))
    with pytest.raises(Waiting, match="there before"):
        scripted.queries.fills(SYMBOL, EPOCH)
    assert venue.asked("GET", "/api/v3/myTrades") == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"price": 100.1},
        {"qty": "-1"},
        {"commission": "1e-3"},
        {"isBuyer": 1},
        {"id": "7"},
        {"time": None},
        {"commissionAsset": None},
    ],
    ids=str,
)
def test_an_execution_that_does_not_read_makes_the_whole_answer_unreadable(
    venue: ScriptedVenue, scripted: BinanceVenue, changed: dict[str, object]
) -> None:
    venue.says("GET", "/api/v3/myTrades", said([trade(1), trade(2, **changed)]))
    venue.says("GET", "/api/v3/order", said(look_up(1)))
    with pytest.raises(Waiting) as failed:
        scripted.queries.fills(SYMBOL, EPOCH)
    assert failed.value.code is Reason.VENUE_UNREACHABLE


@pytest.mark.parametrize(
    "answer",
    [
        look_up(1),
        look_up(1, clientOrderId=None),
        look_up(1, clientOrderId=request("x").client_order_id, symbol="ETHUSDT"),
        look_up(1, clientOrderId=request("x").client_order_id, status="HELD"),
        [],
        {},
    ],
    ids=["another id", "no id", "another symbol", "unknown state", "list", "empty"],
)
def test_a_look_up_that_shows_another_order_is_no_answer(
    venue: ScriptedVenue, scripted: BinanceVenue, answer: object
) -> None:
    venue.says("GET", "/api/v3/order", said(answer))
    with pytest.raises(Waiting):
        scripted.queries.order(SYMBOL, request("x").client_order_id)


@pytest.mark.parametrize("status", [500, 503, 200])
def test_only_a_refusal_says_that_an_order_is_absent(
    venue: ScriptedVenue, scripted: BinanceVenue, status: int
) -> None:
    venue.says("GET", "/api/v3/order", refused(-2013, "Order does not exist.", status))
    with pytest.raises(Waiting):
        scripted.queries.order(SYMBOL, request("x").client_order_id)
    venue.says("GET", "/api/v3/order", refused(-2013, "Order does not exist."))
    assert scripted.queries.order(SYMBOL, request("x").client_order_id) is None


def test_an_archived_order_is_neither_absent_nor_silence(
    venue: ScriptedVenue, scripted: BinanceVenue
) -> None:
    name = request("x").client_order_id
    text = "Order was canceled or expired with no executed qty over 90 days ago"
    venue.says("GET", "/api/v3/order", refused(-2026, text))
    venue.says("DELETE", "/api/v3/order", refused(-2011, "Unknown order sent."))
    found = scripted.queries.order(SYMBOL, name)
    assert isinstance(found, Archived)
    assert timedelta(days=88) < scripted.time() - found.before < timedelta(days=90)
    assert scripted.cancels.cancel(SYMBOL, name) == CancelReport(confirmed=(name,), still_open=())
    venue.says("GET", "/api/v3/order", refused(-2026, text, 503))
    with pytest.raises(Waiting):
        scripted.queries.order(SYMBOL, name)
