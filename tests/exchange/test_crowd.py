"""Everybody else: what the crowd quotes and trades, and how it meets its customers' orders."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.local_exchange.crowd import Recording, advance
from layers.local_exchange.exchange import Exchange, new_exchange
from layers.local_exchange.matching import place
from layers.local_exchange.order import Draft, Order
from layers.local_exchange.path import walk
from layers.local_exchange.terms import (
    CROWD,
    CrowdTerms,
    ExchangeTerms,
    Force,
    Kind,
    SelfTrade,
    Status,
    SymbolTerms,
)
from layers.market import Bar
from layers.orders import Side
from tests.fakes.exchange import HOUR_MS, START_MS

OPENED = datetime(2020, 2, 24, tzinfo=UTC)
HOUR = timedelta(hours=1)


def bar(index: int, *prices: str, volume: str = "1300") -> Bar:
    opened, high, low, close = map(Decimal, prices)
    return Bar("BTC/USDT", OPENED + index * HOUR, HOUR, opened, high, low, close, Decimal(volume))


def market(*bars: Bar, turns: bool = False) -> tuple[Exchange, Recording]:
    even = CrowdTerms(size_spread=Decimal(0))
    exchange = new_exchange(ExchangeTerms(crowd=even), START_MS)
    return exchange, Recording("BTCUSDT", bars, START_MS, HOUR_MS, turns=turns)


def rest(exchange: Exchange, side: Side, price: Decimal, quantity: str = "0.01") -> Order:
    limit = (Kind.LIMIT, Force.GTC, price, Decimal(quantity), SelfTrade.EXPIRE_MAKER)
    made = place(exchange, Draft("desk", "BTCUSDT", f"{side}{price}", side, *limit))
    assert isinstance(made, Order), made
    return made


FLAT = ("10000", "10000", "10000", "10000")


def test_a_quote_that_stays_keeps_its_place_before_who_came_later() -> None:
    exchange, recording = market(bar(0, *FLAT), bar(1, *FLAT))
    advance(exchange, recording, START_MS)
    book = exchange.books["BTCUSDT"]
    best = book.levels(Side.BUY, 1)[0][0]
    ahead = [order.sequence for order in book.at(Side.BUY, best)]
    own = rest(exchange, Side.BUY, best)
    advance(exchange, recording, START_MS + 2 * HOUR_MS - 1)
    assert [order.sequence for order in book.at(Side.BUY, best)] == [*ahead, own.sequence]
    assert own.status is Status.NEW


def test_a_shrinking_quote_gives_up_its_latest_part() -> None:
    exchange, recording = market(bar(0, *FLAT), bar(1, *FLAT, volume="650"))
    advance(exchange, recording, START_MS)
    book = exchange.books["BTCUSDT"]
    best, size = book.levels(Side.BUY, 1)[0]
    own = rest(exchange, Side.BUY, best)
    advance(exchange, recording, START_MS + HOUR_MS)
    first, last = book.at(Side.BUY, best)
    assert (first.account, first.remaining) == (CROWD, size / 2)
    assert last is own


def test_what_joined_behind_a_customer_leaves_before_what_stood_ahead() -> None:
    bars = (bar(0, *FLAT, volume="650"), bar(1, *FLAT), bar(2, *FLAT, volume="650"))
    exchange, recording = market(*bars)
    advance(exchange, recording, START_MS)
    book = exchange.books["BTCUSDT"]
    best, size = book.levels(Side.BUY, 1)[0]
    own = rest(exchange, Side.BUY, best)
    advance(exchange, recording, START_MS + HOUR_MS)
    ahead, middle, behind = book.at(Side.BUY, best)
    assert (middle, behind.remaining) == (own, size)
    advance(exchange, recording, START_MS + 2 * HOUR_MS)
    assert book.at(Side.BUY, best) == (ahead, own)


def test_a_falling_price_fills_who_stood_in_between_at_their_own_price() -> None:
    falling = bar(1, "10000", "10000", "9900", "9900")
    exchange, recording = market(bar(0, *FLAT), falling)
    advance(exchange, recording, START_MS + HOUR_MS - 1)
    near = rest(exchange, Side.BUY, Decimal("9960.37"))
    far = rest(exchange, Side.BUY, Decimal("9899.99"))
    advance(exchange, recording, START_MS + 2 * HOUR_MS - 1)
    assert (near.status, near.spent) == (Status.FILLED, Decimal("99.6037"))
    assert far.status is Status.NEW
    (fill,) = exchange.fills
    assert (fill.maker, fill.fee, fill.fee_asset) == (True, Decimal("0.00001"), "BTC")
    candle = exchange.tapes["BTCUSDT"].candles["1h"][-1]
    assert (candle.low, candle.volume) == (Decimal(9900), Decimal(1300))


def test_at_the_very_price_the_queue_ahead_trades_first() -> None:
    exchange, recording = market(bar(0, *FLAT), bar(1, "10000", "10000", "9999", "10000"))
    advance(exchange, recording, START_MS + HOUR_MS - 1)
    best = exchange.books["BTCUSDT"].levels(Side.BUY, 1)[0][0]
    assert best == Decimal(9999)
    own = rest(exchange, Side.BUY, best)
    advance(exchange, recording, START_MS + HOUR_MS + HOUR_MS // 13 * 4)
    assert own.status is Status.FILLED
    prints = [t for t in exchange.tapes["BTCUSDT"].trades if t.price == best]
    mine = exchange.fills[0].trade
    assert [t.number == mine for t in prints].index(True) > 0


def test_where_nothing_was_traded_nothing_is_quoted() -> None:
    exchange, recording = market(bar(0, *FLAT), bar(1, *FLAT, volume="0"))
    advance(exchange, recording, START_MS + 2 * HOUR_MS)
    assert [exchange.books["BTCUSDT"].levels(side, 5) for side in Side] == [[], []]
    assert len(exchange.tapes["BTCUSDT"].candles["1h"]) == 1


def depths(seed: int) -> list[Decimal]:
    exchange = new_exchange(ExchangeTerms(seed=seed), START_MS)
    recording = Recording("BTCUSDT", (bar(0, *FLAT),), START_MS, HOUR_MS)
    advance(exchange, recording, START_MS)
    return [size for side in Side for _, size in exchange.books["BTCUSDT"].levels(side, 50)]


def test_a_seed_draws_how_much_stands_at_each_price() -> None:
    assert depths(1) == depths(1) != depths(2)
    # half as much to half as much again of 0.05 % of the bar's volume
    assert all(Decimal("0.325") <= size <= Decimal("0.975") for size in depths(1))
    assert len(set(depths(1))) > 10


def test_missing_bars_leave_their_time_empty() -> None:
    exchange, recording = market(bar(0, *FLAT), bar(3, *FLAT))
    advance(exchange, recording, START_MS + 9 * HOUR_MS)
    opened = [c.opened_ms for c in exchange.tapes["BTCUSDT"].candles["1h"]]
    assert opened == [START_MS, START_MS + 3 * HOUR_MS]


def test_a_recording_that_ends_stands_still_or_is_walked_back() -> None:
    up = bar(0, "10000", "10100", "10000", "10100")
    higher = bar(1, "10100", "10300", "10100", "10300")
    still, recording = market(up, higher)
    advance(still, recording, START_MS + 9 * HOUR_MS)
    assert len(still.tapes["BTCUSDT"].candles["1h"]) == 2
    assert still.books["BTCUSDT"].levels(Side.BUY, 1) != []
    turning, recording = market(up, higher, turns=True)
    advance(turning, recording, START_MS + 6 * HOUR_MS - 1)
    candles = turning.tapes["BTCUSDT"].candles["1h"]
    assert [(c.opened_ms - START_MS) // HOUR_MS for c in candles] == list(range(6))
    path = [int(price) for c in candles for price in (c.open, c.close)]
    assert path[:6] == [10000, 10100, 10100, 10300, 10300, 10100]
    assert path[6:] == [10100, 10000, 10000, 10100, 10100, 10300]


def test_a_gap_is_as_long_on_the_way_back() -> None:
    exchange, recording = market(bar(0, *FLAT), bar(3, *FLAT), turns=True)
    advance(exchange, recording, START_MS + 8 * HOUR_MS - 1)
    opened = [(c.opened_ms - START_MS) // HOUR_MS for c in exchange.tapes["BTCUSDT"].candles["1h"]]
    assert opened == [0, 3, 4, 7]


@settings(max_examples=100)
@given(
    cents=st.lists(st.integers(100, 10_000_000), min_size=4, max_size=4),
    volume=st.decimals(0, 10_000, places=9),
    legs=st.integers(1, 7),
)
def test_a_walk_touches_the_bars_corners_and_trades_its_volume(
    cents: list[int], volume: Decimal, legs: int
) -> None:
    low, opened, close, high = (Decimal(c) / 100 for c in sorted(cents))
    for first, last in ((opened, close), (close, opened)):
        one = Bar("BTC/USDT", OPENED, HOUR, first, high, low, last, volume)
        steps = walk(one, SymbolTerms(), CrowdTerms(steps_per_leg=legs))
        prices = [step.price for step in steps]
        assert (prices[0], max(prices), min(prices), prices[-1]) == (first, high, low, last)
        step = SymbolTerms().step
        assert sum(s.volume for s in steps) == volume // step * step
        assert all(s.volume % step == 0 for s in steps)


@pytest.mark.parametrize("part", [0, 1, 12])
def test_time_never_goes_back(part: int) -> None:
    exchange, recording = market(bar(0, *FLAT))
    advance(exchange, recording, START_MS + part * HOUR_MS)
    assert not advance(exchange, recording, START_MS - HOUR_MS)
    assert exchange.now_ms == START_MS + part * HOUR_MS
