"""Every fault of the plan, met by the real ccxt class: what it raises, and what the truth is."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import ccxt
import pytest

from layers.local_exchange.faults import RECOVERABLE, UNRECOVERABLE, Fault, FaultKind, FaultPlan
from layers.local_exchange.rest import Asks
from layers.local_exchange.terms import Status
from tests.fakes.exchange import Client, Served, carried_bars, ccxt_binance, served

SYMBOL = "BTC/USDT"
QUICK_MS = 250


@pytest.fixture
def client(venue: Served) -> Iterator[Client]:
    found = ccxt_binance(venue.url, venue.credentials, venue.clock, timeout_ms=QUICK_MS)
    found.load_markets()
    found.fetch_balance()  # as after a session's start: the class now knows its key
    yield found
    found.session.close()


def place(client: Client, name: str = "gone", price: str = "9000.00") -> dict:
    told = {"clientOrderId": name}
    return client.create_order(SYMBOL, "limit", "buy", "0.00100", price, told)


def on_the_book(client: Client) -> list[str]:
    return [order["clientOrderId"] for order in client.fetch_open_orders(SYMBOL)]


# (fault, what ccxt raises, whether the order stands) as spec'd for the real venue
AMBIGUOUS = [
    (FaultKind.HANG_AFTER, ccxt.RequestTimeout, True),
    (FaultKind.HANG_BEFORE, ccxt.RequestTimeout, False),
    (FaultKind.RESET_AFTER, ccxt.NetworkError, True),
    (FaultKind.RESET_BEFORE, ccxt.NetworkError, False),
    (FaultKind.BAD_GATEWAY_AFTER, ccxt.ExchangeNotAvailable, True),
    (FaultKind.BAD_GATEWAY_BEFORE, ccxt.ExchangeNotAvailable, False),
    (FaultKind.UNKNOWN_AFTER, ccxt.OperationFailed, True),
    (FaultKind.UNKNOWN_BEFORE, ccxt.OperationFailed, False),
    (FaultKind.TIMEOUT_AFTER, ccxt.RequestTimeout, True),
    (FaultKind.UNEXPECTED_AFTER, ccxt.OperationFailed, True),
    (FaultKind.OVERLOADED, ccxt.OperationFailed, False),
    (FaultKind.INTERNAL, ccxt.OperationFailed, False),
    (FaultKind.RATE_LIMITED, ccxt.DDoSProtection, False),
    (FaultKind.BANNED, ccxt.DDoSProtection, False),
    (FaultKind.TIMESTAMP, ccxt.InvalidNonce, False),
    (FaultKind.DUPLICATE, ccxt.InvalidOrder, True),
]


@pytest.mark.parametrize(("kind", "raised", "stands"), AMBIGUOUS)
def test_a_failed_placement_leaves_the_order_where_the_fault_says(
    venue: Served, client: Client, kind: FaultKind, raised: type[Exception], *, stands: bool
) -> None:
    venue.inject(Fault(kind=kind, at=(Asks.PLACE,), times=1))
    with pytest.raises(raised):
        place(client)
    assert venue.exchange.faults.strikes == [(kind, Asks.PLACE)]
    assert on_the_book(client) == (["gone"] if stands else [])


@pytest.mark.parametrize("kind", [FaultKind.EMPTY, FaultKind.TRUNCATED])
def test_a_success_that_names_no_order_hides_one_that_stands(
    venue: Served, client: Client, kind: FaultKind
) -> None:
    venue.inject(Fault(kind=kind, at=(Asks.PLACE,), times=1))
    told = place(client)
    assert (told["id"], told["status"]) == (None, None)
    assert on_the_book(client) == ["gone"]


def test_a_duplicate_answer_is_given_for_an_order_that_traded_at_once_too(
    venue: Served, client: Client
) -> None:
    venue.inject(Fault(kind=FaultKind.DUPLICATE, times=1))
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        place(client, price="9900.00")
    assert client.fetch_order(None, SYMBOL, {"origClientOrderId": "gone"})["status"] == "closed"
    assert len(venue.state.orders) == 1


def test_an_order_that_is_refused_is_never_called_a_duplicate(
    venue: Served, client: Client
) -> None:
    venue.inject(Fault(kind=FaultKind.DUPLICATE, times=1))
    with pytest.raises(ccxt.BadRequest, match="NOTIONAL"):
        client.create_order(SYMBOL, "limit", "buy", "0.00001", "9000.00")
    assert venue.state.orders == {}


def test_a_lost_cancel_is_answered_and_the_order_rests_on(venue: Served, client: Client) -> None:
    place(client)
    venue.inject(Fault(kind=FaultKind.LOST_CANCEL, times=1))
    assert client.cancel_order("1", SYMBOL)["status"] == "canceled"
    assert on_the_book(client) == ["gone"]
    assert client.cancel_order("1", SYMBOL)["status"] == "canceled"
    assert on_the_book(client) == []


def test_a_lost_cancel_of_an_order_that_is_not_there_is_refused(
    venue: Served, client: Client
) -> None:
    venue.inject(Fault(kind=FaultKind.LOST_CANCEL, times=1))
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("1", SYMBOL)


def test_a_cancel_whose_answer_is_lost_was_carried_out(venue: Served, client: Client) -> None:
    place(client)
    venue.inject(Fault(kind=FaultKind.HANG_AFTER, at=(Asks.CANCEL,), times=1))
    with pytest.raises(ccxt.RequestTimeout):
        client.cancel_order("1", SYMBOL)
    assert on_the_book(client) == []


def test_a_stale_book_stays_while_the_market_moves(venue: Served, client: Client) -> None:
    before = client.fetch_order_book(SYMBOL, 5)
    venue.inject(Fault(kind=FaultKind.STALE_BOOK, times=2))
    for _ in range(2):
        venue.advance(timedelta(hours=1))
        assert client.fetch_order_book(SYMBOL, 5) == before
    assert client.fetch_order_book(SYMBOL, 5)["bids"] != before["bids"]


@pytest.mark.parametrize("asks", ["depth", "ticker"])
def test_a_crossed_book_shows_bids_above_asks(venue: Served, client: Client, asks: str) -> None:
    venue.inject(Fault(kind=FaultKind.CROSSED_BOOK, times=1))
    if asks == "depth":
        book = client.fetch_order_book(SYMBOL, 5)
        bid, ask = book["bids"][0][0], book["asks"][0][0]
    else:
        best = client.fetch_bids_asks([SYMBOL])[SYMBOL]
        bid, ask = best["bid"], best["ask"]
    assert bid > ask


def test_a_wipe_takes_orders_and_trades_and_leaves_keys_and_the_market(
    venue: Served, client: Client
) -> None:
    place(client, "bought", "9900.00")
    place(client)
    now, last = venue.state.now_ms, venue.state.tapes["BTCUSDT"].candles["1h"][-1].opened_ms
    venue.exchange.change(Fault(kind=FaultKind.WIPE))
    assert (client.fetch_orders(SYMBOL), client.fetch_my_trades(SYMBOL)) == ([], [])
    assert client.fetch_balance()["total"] == {"BTC": 1.0, "USDT": 10000.0}
    venue.advance(timedelta(hours=1))
    assert venue.state.now_ms == now + 3_600_000
    assert venue.state.tapes["BTCUSDT"].candles["1h"][-1].opened_ms == last + 3_600_000
    assert place(client)["id"] == "1"


def test_a_wrong_balance_is_what_the_venue_now_says(venue: Served, client: Client) -> None:
    venue.exchange.change(Fault(kind=FaultKind.WRONG_BALANCE, asset="BTC", change="-0.25"))
    assert client.fetch_balance()["BTC"]["total"] == 0.75
    assert venue.state.purses.total("BTC") != 1


def test_a_foreign_order_is_in_the_account_and_nobody_here_sent_it(
    venue: Served, client: Client
) -> None:
    venue.inject(Fault(kind=FaultKind.FOREIGN_ORDER, at=(Asks.OPEN_ORDERS,), times=1))
    assert on_the_book(client) == ["web_1"]
    venue.exchange.change(Fault(kind=FaultKind.FOREIGN_ORDER, price=Decimal(9_900)))
    assert [t["order"] for t in client.fetch_my_trades(SYMBOL)] == ["2"]


def test_a_foreign_order_without_funds_is_not_there(venue: Served) -> None:
    huge = Fault(kind=FaultKind.FOREIGN_ORDER, quantity=Decimal(9000))
    assert venue.exchange.change(huge) is None
    assert venue.state.orders == {}


def test_every_kind_of_fault_is_tried_here_or_named_unrecoverable() -> None:
    placed = {kind for kind, _, _ in AMBIGUOUS} | {FaultKind.EMPTY, FaultKind.TRUNCATED}
    others = {FaultKind.LOST_CANCEL, FaultKind.STALE_BOOK, FaultKind.CROSSED_BOOK}
    assert placed | others == RECOVERABLE
    assert placed | others | UNRECOVERABLE == set(FaultKind)


def strikes(folder: Path, plan: FaultPlan) -> list[Status | str]:
    found: list[Status | str] = []
    with served(folder, bars=carried_bars(3), plan=plan) as venue:
        client = ccxt_binance(venue.url, venue.credentials, venue.clock)
        client.load_markets()
        for index in range(40):
            try:
                place(client, f"n{index}")
            except ccxt.BaseError as error:
                found.append(f"{index} {type(error).__name__}")
        found.append(str(len(venue.state.orders)))
        client.session.close()
    return found


def test_a_plan_strikes_the_same_requests_in_every_run(tmp_path: Path) -> None:
    rules = (
        Fault(kind=FaultKind.UNKNOWN_AFTER, at=(Asks.PLACE,), chance=Decimal("0.2")),
        Fault(kind=FaultKind.BAD_GATEWAY_BEFORE, at=(Asks.PLACE,), nth=(3, 30)),
    )
    first = strikes(tmp_path / "a", FaultPlan(seed=1, faults=rules))
    assert first == strikes(tmp_path / "b", FaultPlan(seed=1, faults=rules))
    assert first != strikes(tmp_path / "c", FaultPlan(seed=2, faults=rules))
    assert "2 ExchangeNotAvailable" in first
    assert 4 < len(first) < 20


@pytest.mark.parametrize(
    ("since", "until", "struck"), [(0, 1, True), (1, 2, False), (-2, 0, False), (-1, None, True)]
)
def test_a_rule_holds_from_its_first_instant_to_before_its_last(
    venue: Served, since: int, until: int | None, *, struck: bool
) -> None:
    now = venue.state.now_ms
    rule = Fault(
        kind=FaultKind.INTERNAL,
        since_ms=now + since,
        until_ms=None if until is None else now + until,
    )
    assert rule.fits(Asks.PLACE, now) is struck


@pytest.mark.parametrize(
    ("kind", "asks"),
    [(FaultKind.DUPLICATE, Asks.QUERY), (FaultKind.TIMESTAMP, Asks.BOOK)],
)
def test_a_fault_that_makes_no_sense_for_a_request_passes_it_by(
    kind: FaultKind, asks: Asks
) -> None:
    assert not Fault(kind=kind).fits(asks, 0)


Call = Callable[[Client], object]
EVERY: list[tuple[str, Call]] = [
    ("balance", lambda c: c.fetch_balance()),
    ("orders", lambda c: c.fetch_orders(SYMBOL)),
    ("open", lambda c: c.fetch_open_orders(SYMBOL)),
    ("trades", lambda c: c.fetch_my_trades(SYMBOL)),
    ("depth", lambda c: c.fetch_order_book(SYMBOL)),
    ("klines", lambda c: c.fetch_ohlcv(SYMBOL, "1h")),
]


@pytest.mark.parametrize(("name", "call"), EVERY)
def test_any_request_can_fail_and_the_next_one_succeeds(
    venue: Served, client: Client, name: str, call: Call
) -> None:
    assert name
    venue.inject(Fault(kind=FaultKind.RESET_AFTER, times=1))
    with pytest.raises(ccxt.NetworkError):
        call(client)
    call(client)
