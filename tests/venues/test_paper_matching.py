"""The market model and the matching engine: README rules P-1 to P-9."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from layers.market import Provenance
from layers.orders import OrderState, Side, TimeInForce, VenueOrder
from layers.paper_venue.price_path import walk
from layers.paper_venue.spot_rules import BTC_USDT
from layers.paper_venue.terms import MarketModel, Refusal
from layers.paper_venue.venue import PaperVenue
from tests.fakes.paper_desk import FUNDS, START, SYMBOL, bar, make_venue, request

DEEP = {"depth_share": Decimal("0.01"), "participation": Decimal(1)}  # 10 BTC a level


def state(venue: PaperVenue, name: str) -> VenueOrder:
    return venue.order(SYMBOL, request(name).client_order_id)


def test_a_rising_bar_goes_low_first_and_a_falling_one_high_first() -> None:
    values = MarketModel(seed=1, provenance=Provenance.SYNTHETIC)
    rising = [s.price for s in walk(bar(0), BTC_USDT, values)]
    falling = [s.price for s in walk(bar(0, close="95"), BTC_USDT, values)]
    assert (rising[0], rising[4], rising[8], rising[12]) == (100, 90, 110, 105)
    assert (falling[0], falling[4], falling[8], falling[12]) == (100, 110, 90, 95)


def test_an_order_meets_the_book_only_after_its_latency(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, **DEEP)
    venue.submit(request("t", price="101", quantity="0.1", tif=TimeInForce.IOC))
    assert state(venue, "t").state is OrderState.OPEN
    venue.advance(bar(0))
    (fill,) = venue.fills(SYMBOL, START)
    assert timedelta(milliseconds=20) <= fill.at - START <= timedelta(milliseconds=250)
    assert state(venue, "t").state is OrderState.FILLED
    assert not fill.maker


def test_a_taker_walks_the_ladder_and_pays_at_least_the_half_spread(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, depth_share=Decimal("0.0005"))  # 0.5 BTC a level
    venue.submit(request("w", price="101", quantity="1.2", tif=TimeInForce.IOC))
    venue.advance(bar(0))
    fills = venue.fills(SYMBOL, START)
    assert [str(f.quantity) for f in fills] == ["0.5", "0.5", "0.2"]
    assert [str(f.price) for f in fills] == ["100.2", "100.4", "100.6"]


def test_what_one_order_took_is_not_there_for_the_next(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, depth_share=Decimal("0.0005"), levels=1)
    for name in ("first", "second"):
        venue.submit(request(name, price="101", quantity="0.4", tif=TimeInForce.IOC))
    venue.advance(bar(0))
    assert sum(f.quantity for f in venue.fills(SYMBOL, START)) == Decimal("0.5")
    assert {state(venue, n).state for n in ("first", "second")} == {
        OrderState.FILLED,
        OrderState.EXPIRED,
    }


def test_a_resting_order_fills_only_when_trades_went_through_it(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, **DEEP)
    venue.submit(request("at", price="90", quantity="1"))
    venue.submit(request("through", price="90.01", quantity="1"))
    venue.advance(bar(0))
    assert state(venue, "through").state is OrderState.FILLED
    assert {f.price for f in venue.fills(SYMBOL, START)} >= {Decimal("90.01")}
    assert all(f.maker for f in venue.fills(SYMBOL, START))


def test_at_the_touch_the_queue_ahead_goes_first(tmp_path: Path) -> None:
    # 10 BTC a level, 76.9 BTC a step: the back of one level is passed, that of ten is not
    for share, expected in (("1", OrderState.FILLED), ("10", OrderState.OPEN)):
        folder = tmp_path / share
        venue = make_venue(folder, queue_share=Decimal(share), **DEEP)
        venue.submit(request("at", price="90", quantity="1"))
        venue.advance(bar(0))
        assert state(venue, "at").state is expected


def test_participation_caps_what_a_step_may_fill(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, participation=Decimal("0.001"))  # 0.0769 BTC a step
    venue.submit(request("big", price="95", quantity="1"))
    venue.submit(request("behind", price="95", quantity="1"))
    venue.advance(bar(0))
    shown = state(venue, "big")
    assert shown.state is OrderState.PARTIAL
    assert state(venue, "behind").filled == 0  # one cap for all, in time priority
    assert shown.filled == 4 * Decimal("0.07692")  # at 95, below twice, and on the way back


def test_post_only_never_takes_and_ioc_never_rests(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, **DEEP)
    venue.submit(request("maker", price="101", tif=TimeInForce.POST_ONLY))
    venue.submit(request("taker", price="99.5", tif=TimeInForce.IOC))
    venue.advance(bar(0))
    assert state(venue, "maker").state is OrderState.REJECTED
    assert state(venue, "taker").state is OrderState.EXPIRED
    assert venue.fills(SYMBOL, START) == ()
    assert {b.currency: (b.free, b.locked) for b in venue.balances()} == {
        c: (amount, 0) for c, amount in FUNDS.items()
    }


def test_an_order_never_trades_with_its_own_account(tmp_path: Path) -> None:
    venue = make_venue(tmp_path)
    venue.submit(request("ask", side=Side.SELL, price="120", quantity="0.5"))
    venue.submit(request("bid", price="121", quantity="0.5"))
    venue.advance(bar(0))
    states = {state(venue, "ask").state, state(venue, "bid").state}
    assert OrderState.EXPIRED in states


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"price": "95.001"}, Refusal.PRICE_FILTER),
        ({"price": "0"}, Refusal.PRICE_FILTER),
        ({"quantity": "0.000001"}, Refusal.LOT_SIZE),
        ({"quantity": "0.100001"}, Refusal.LOT_SIZE),
        ({"quantity": "9000.1"}, Refusal.LOT_SIZE),
        ({"quantity": "0.05"}, Refusal.NOTIONAL),
        ({"quantity": "-1"}, Refusal.BAD_NUMBER),
        ({"quantity": "1e3"}, Refusal.BAD_NUMBER),
        ({"price": "NaN"}, Refusal.BAD_NUMBER),
        ({"quantity": "200"}, Refusal.INSUFFICIENT_BALANCE),
        ({"side": Side.SELL, "quantity": "1.1"}, Refusal.INSUFFICIENT_BALANCE),
    ],
)
def test_the_venue_refuses_and_keeps_nothing(
    tmp_path: Path, terms: dict[str, Any], refusal: Refusal
) -> None:
    venue = make_venue(tmp_path)
    assert venue.submit(request("r", **terms)) is refusal
    assert venue.open_orders() == ()
    assert all(b.locked == 0 for b in venue.balances())


def test_fees_are_taken_from_what_is_received_and_rounded_against_us(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, **DEEP)
    venue.submit(request("b", price="101", quantity="0.12345", tif=TimeInForce.IOC))
    venue.submit(request("s", side=Side.SELL, price="99", quantity="0.12345", tif=TimeInForce.IOC))
    venue.advance(bar(0))
    bought, sold = sorted(venue.fills(SYMBOL, START), key=lambda f: f.side.value)
    assert (bought.fee_currency, bought.fee) == ("BTC", Decimal("0.00012345"))
    assert (sold.fee_currency, sold.fee) == ("USDT", Decimal("0.01232031"))  # 99.8 * 0.12345


def test_a_travelling_cancel_may_lose_the_race_against_a_fill(tmp_path: Path) -> None:
    slow = {"latency_min_ms": 1, "latency_max_ms": 3_600_000, **DEEP}
    outcomes = set()
    for seed in range(12):
        venue = make_venue(tmp_path / str(seed), **{**slow, "seed": seed})
        venue.submit(request("race", price="95"))
        venue.cancel(SYMBOL, request("race").client_order_id, travels=True)
        assert state(venue, "race").state is OrderState.OPEN
        venue.advance(bar(0))
        venue.advance(bar(1, opened="105", high="106", low="104", close="105"))
        outcomes.add(state(venue, "race").state)
    assert outcomes == {OrderState.FILLED, OrderState.CANCELLED}


def test_a_bar_given_twice_is_walked_once(tmp_path: Path) -> None:
    venue = make_venue(tmp_path)
    venue.submit(request("x", price="95"))
    assert venue.advance(bar(0))
    after = venue.dump()
    assert not venue.advance(bar(0))
    assert venue.dump() == after


def test_a_bar_without_volume_fills_nothing_and_shows_no_book(tmp_path: Path) -> None:
    venue = make_venue(tmp_path)
    venue.submit(request("x", price="101"))
    venue.advance(bar(0, volume="0"))
    assert venue.fills(SYMBOL, START) == ()
    assert venue.book(SYMBOL).bids == venue.book(SYMBOL).asks == ()
