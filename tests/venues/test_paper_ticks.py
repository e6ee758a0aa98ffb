"""Recorded books and trades against our orders: README rules P-10 to P-12, P-14, P-15."""

from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.errors import Stalled
from layers.market import Book, Provenance
from layers.orders import OrderState, Side, TimeInForce, VenueOrder
from layers.paper_venue.terms import Refusal
from layers.paper_venue.venue import PaperVenue
from tests.fakes.paper_desk import FUNDS, START, SYMBOL, bar, make_venue, request
from tests.fakes.tick_desk import at, level, quote, trade

FAST = {"latency_min_ms": 1, "latency_max_ms": 1, "participation": Decimal(1), "adverse_ticks": 0}


def open_venue(folder: Path, **model: object) -> PaperVenue:
    venue = make_venue(folder, **{**FAST, **model})
    venue.observe([quote(0)])
    return venue


def order(venue: PaperVenue, name: str) -> VenueOrder:
    found = venue.order(SYMBOL, request(name).client_order_id)
    assert found is not None
    return found


def test_a_taker_walks_every_level_shown_and_rests_with_what_is_left(tmp_path: Path) -> None:
    venue = make_venue(tmp_path, **FAST)
    asks = (level("101", "0.3"), level("102", "0.3"), level("103", "0.3"))
    venue.observe(
        [Book(SYMBOL, (level("99", "1"),), asks, START, START, Provenance.RECORDED, START - START)]
    )
    venue.submit(request("w", price="102", quantity="1"))
    venue.observe([quote(5, ask="103")])
    assert [(str(f.price), str(f.quantity)) for f in venue.fills(SYMBOL, START)] == [
        ("101", "0.3"),
        ("102", "0.3"),
    ]
    assert order(venue, "w").state is OrderState.PARTIAL


def test_what_was_taken_from_a_quote_is_gone_until_the_next_quote(tmp_path: Path) -> None:
    venue = open_venue(tmp_path)
    for name in ("one", "two"):
        venue.submit(request(name, price="101", quantity="1.5", tif=TimeInForce.IOC))
    venue.observe([trade(5, "100", "1")])  # a trade shows no new book
    assert [str(f.quantity) for f in venue.fills(SYMBOL, START)] == ["1.5", "0.5"]
    venue.submit(request("three", price="101", quantity="1.5", tif=TimeInForce.IOC))
    venue.observe([quote(7), quote(8)])
    assert order(venue, "three").filled == 0
    venue.submit(request("four", price="101", quantity="1.5", tif=TimeInForce.IOC))
    venue.observe([quote(12)])
    assert order(venue, "four").state is OrderState.FILLED


def test_the_pessimistic_tick_is_paid_and_puts_a_level_out_of_reach(tmp_path: Path) -> None:
    venue = open_venue(tmp_path, adverse_ticks=1)
    venue.submit(request("pays", price="101.01", quantity="0.1", tif=TimeInForce.IOC))
    venue.submit(request("misses", price="101", quantity="0.1", tif=TimeInForce.IOC))
    venue.submit(request("sells", Side.SELL, price="98", quantity="0.1", tif=TimeInForce.IOC))
    venue.observe([quote(5)])
    assert [str(f.price) for f in venue.fills(SYMBOL, START)] == ["101.01", "98.99"]
    assert order(venue, "misses").state is OrderState.EXPIRED


def test_a_fitted_impact_grows_with_the_root_of_size_over_depth(tmp_path: Path) -> None:
    venue = open_venue(tmp_path, impact_bps=Decimal(100))  # 1 % of the price at size = depth
    venue.submit(request("quarter", price="110", quantity="0.5", tif=TimeInForce.IOC))
    venue.observe([quote(5)])
    (fill,) = venue.fills(SYMBOL, START)
    assert fill.price == Decimal("101.51")  # 101 + 1.01 * sqrt(0.5 / 2), up to the tick


def test_at_the_touch_the_queue_shrinks_by_opposite_trades_at_our_price(tmp_path: Path) -> None:
    venue = open_venue(tmp_path)
    venue.submit(request("q", price="99", quantity="1"))
    venue.observe([trade(5, "99", "1.5"), trade(6, "99", "9", Side.BUY), trade(7, "100", "9")])
    assert order(venue, "q").filled == 0  # 1.5 of 2 ahead are gone
    venue.observe([trade(8, "99", "0.8")])
    assert order(venue, "q").filled == Decimal("0.3")
    venue.observe([trade(9, "99", "5")])
    assert order(venue, "q").state is OrderState.FILLED
    assert {f.price for f in venue.fills(SYMBOL, START)} == {Decimal(99)}


def test_a_trade_through_our_price_needs_no_queue_and_fills_no_more_than_it_was(
    tmp_path: Path,
) -> None:
    venue = open_venue(tmp_path)
    venue.submit(request("t", price="99", quantity="1"))
    venue.observe([trade(5, "98.99", "0.4")])
    assert order(venue, "t").filled == Decimal("0.4")


def test_participation_bounds_what_one_trade_gives_to_all_our_orders(tmp_path: Path) -> None:
    venue = open_venue(tmp_path, participation=Decimal("0.1"))
    venue.submit(request("worse", price="98", quantity="0.5"))
    venue.submit(request("better", price="98.5", quantity="0.5"))
    venue.observe([trade(5, "97", "7")])
    assert order(venue, "better").filled == Decimal("0.5")
    assert order(venue, "worse").filled == Decimal("0.2")


def test_an_order_behind_what_the_book_shows_waits_until_its_price_is_shown(tmp_path: Path) -> None:
    venue = open_venue(tmp_path)
    venue.submit(request("deep", price="98", quantity="1"))
    venue.observe([trade(5, "98", "50")])
    assert order(venue, "deep").filled == 0  # nobody knows who stands before it
    venue.observe([quote(6, bid="98", sizes=("3", "2")), trade(7, "98", "3.2")])
    assert order(venue, "deep").filled == Decimal("0.2")


def test_a_smaller_size_shown_or_a_price_left_behind_moves_the_queue(tmp_path: Path) -> None:
    venue = open_venue(tmp_path)
    venue.submit(request("q", price="99", quantity="1"))
    venue.observe([quote(5, sizes=("0.5", "2")), quote(6, sizes=("4", "2")), trade(7, "99", "0.6")])
    assert order(venue, "q").filled == Decimal("0.1")
    other = open_venue(tmp_path / "left")
    other.submit(request("q", price="99", quantity="1"))
    other.observe([quote(5), quote(6, bid="98"), trade(7, "99", "0.25")])
    assert order(other, "q").filled == Decimal("0.25")


def test_an_offer_beyond_our_price_would_have_met_us_first(tmp_path: Path) -> None:
    venue = open_venue(tmp_path, participation=Decimal("0.5"))
    venue.submit(request("q", price="99", quantity="2"))
    venue.observe([quote(5), quote(6, bid="97", ask="99", sizes=("1", "1"))])
    assert order(venue, "q").filled == 0  # at our price proves nothing
    venue.observe([quote(7, bid="97", ask="98.5", sizes=("1", "1"))])
    (fill,) = venue.fills(SYMBOL, START)
    assert (fill.price, fill.quantity, fill.maker) == (Decimal(99), Decimal("0.5"), True)
    book = venue.book(SYMBOL)
    assert book is not None
    assert book.asks[0].size == Decimal("0.5")


def test_a_crossed_book_and_a_stale_one_give_nothing(tmp_path: Path) -> None:
    venue = open_venue(tmp_path, stale_after_ms=100)
    venue.observe([quote(5, bid="103", ask="101")])
    venue.submit(request("crossed", price="105", quantity="0.1", tif=TimeInForce.IOC))
    venue.observe([quote(10)])
    assert order(venue, "crossed").state is OrderState.EXPIRED
    venue.observe([trade(500, "100", "1")])
    venue.submit(request("waits", price="105", quantity="0.1", tif=TimeInForce.IOC))
    venue.observe([trade(600, "100", "1")])
    assert order(venue, "waits").state is OrderState.OPEN  # the book is 590 ms old
    venue.observe([quote(700, ask="104"), quote(701)])
    (fill,) = venue.fills(SYMBOL, START)
    assert (fill.price, fill.at) == (Decimal(104), at(700))


def test_fill_or_kill_takes_all_or_nothing(tmp_path: Path) -> None:
    venue = open_venue(tmp_path)
    venue.submit(request("whole", price="101", quantity="1.9", tif=TimeInForce.FOK))
    venue.submit(request("more", price="101", quantity="0.2", tif=TimeInForce.FOK))
    venue.observe([quote(5)])
    assert order(venue, "whole").state is OrderState.FILLED
    assert (order(venue, "more").state, order(venue, "more").filled) == (OrderState.EXPIRED, 0)


def test_where_the_venue_ends_orders_by_time_they_expire_and_free_their_funds(
    tmp_path: Path,
) -> None:
    venue = open_venue(tmp_path, good_for_s=1)
    venue.submit(request("short", price="95", quantity="1"))
    venue.observe([quote(5), quote(900)])
    assert order(venue, "short").state is OrderState.OPEN
    venue.observe([quote(1100)])
    assert order(venue, "short").state is OrderState.EXPIRED
    assert {b.currency: (b.free, b.locked) for b in venue.balances()} == {
        c: (amount, 0) for c, amount in FUNDS.items()
    }


def test_a_cancel_on_its_way_loses_to_the_trade_before_it_and_beats_the_one_after(
    tmp_path: Path,
) -> None:
    for millis, expected in ((104, OrderState.FILLED), (106, OrderState.CANCELLED)):
        venue = open_venue(tmp_path / str(millis), latency_min_ms=5, latency_max_ms=5)
        venue.submit(request("race", price="99", quantity="1"))
        venue.observe([trade(100, "100", "1")])
        venue.cancel(SYMBOL, request("race").client_order_id, travels=True)
        venue.observe([trade(millis, "98", "3")])
        assert order(venue, "race").state is expected


def test_a_tick_given_twice_is_seen_once(tmp_path: Path) -> None:
    venue = open_venue(tmp_path)
    venue.submit(request("q", price="99", quantity="1"))
    ticks = [quote(5), trade(6, "98.5", "0.2"), quote(7), trade(8, "98.5", "0.2")]
    assert venue.observe(ticks) == 4
    after = venue.dump()
    assert venue.observe(ticks) == 0
    assert venue.dump() == after


def test_one_market_has_one_source(tmp_path: Path) -> None:
    ticks, bars = open_venue(tmp_path / "ticks"), make_venue(tmp_path / "bars")
    bars.advance(bar(0))
    with pytest.raises(Stalled):
        ticks.advance(bar(0))
    with pytest.raises(Stalled):
        bars.observe([quote(5)])
    with pytest.raises(Stalled):
        bars.observe([trade(5, "99", "1")])
    assert len(bars.book(SYMBOL).bids) == 10


def test_what_the_fee_leaves_below_the_step_is_dust_and_stays_in_the_account(
    tmp_path: Path,
) -> None:
    venue = make_venue(tmp_path, {"USDT": Decimal(1000)}, **FAST)
    venue.observe([quote(0)])
    venue.submit(request("buy", price="101", quantity="0.12345", tif=TimeInForce.IOC))
    venue.observe([quote(5)])
    held = {b.currency: b.free for b in venue.balances()}["BTC"]
    assert str(held) == "0.12332655"
    whole = venue.submit(request("all", Side.SELL, "99", str(held), TimeInForce.IOC))
    assert isinstance(whole, Refusal)
    venue.submit(request("sell", Side.SELL, "99", "0.12332", TimeInForce.IOC))
    venue.observe([quote(9)])
    dust = {b.currency: b.free for b in venue.balances()}["BTC"]
    assert str(dust) == "0.00000655"
    for name, quantity in (("dust", str(dust)), ("little", "0.01")):  # step, minimum notional
        refused = venue.submit(request(name, Side.SELL, "99", quantity, TimeInForce.IOC))
        assert isinstance(refused, Refusal)
    assert {b.currency: b.free for b in venue.balances()}["BTC"] == dust
