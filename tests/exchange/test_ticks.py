"""Recorded quotes and trades as the market: our orders meet them by price, then time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.local_exchange.exchange import Exchange, new_exchange
from layers.local_exchange.matching import place
from layers.local_exchange.order import Draft, Order
from layers.local_exchange.terms import CROWD, ExchangeTerms, Force, Kind, SelfTrade, Status
from layers.local_exchange.ticks import TickRecording, follow
from layers.market import Level
from layers.market_data.ticks import Quote, Tick, Trade
from layers.orders import Side
from tests.fakes.exchange import START_MS

D = Decimal
BEGAN = datetime(2021, 1, 8, tzinfo=UTC)
NAME = "BTCUSDT"


def at(millis: int) -> datetime:
    return BEGAN + timedelta(milliseconds=millis)


def quote(
    millis: int, bid: str = "100", ask: str = "102", sizes: tuple[str, str] = ("2", "3")
) -> Quote:
    return Quote("BTC/USDT", at(millis), Level(D(bid), D(sizes[0])), Level(D(ask), D(sizes[1])))


def trade(millis: int, price: str, quantity: str, aggressor: Side = Side.SELL) -> Trade:
    return Trade("BTC/USDT", at(millis), millis + 1, D(price), D(quantity), aggressor)


class Market:
    """An exchange that follows these ticks, the first of them at its opening."""

    def __init__(self, *ticks: Quote | Trade) -> None:
        self.exchange: Exchange = new_exchange(ExchangeTerms(), START_MS)
        self.recording = TickRecording(NAME, ticks, START_MS)
        self.to(0)

    def to(self, millis: int) -> bool:
        return follow(self.exchange, self.recording, START_MS + millis)

    def rest(self, side: Side, price: str, quantity: str = "1") -> Order:
        limit = (Kind.LIMIT, Force.GTC, D(price), D(quantity), SelfTrade.EXPIRE_MAKER)
        made = place(self.exchange, Draft("desk", NAME, f"{side}{price}", side, *limit))
        assert isinstance(made, Order), made
        return made

    @property
    def shown(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        book = self.exchange.books[NAME]
        return book.levels(Side.BUY, 5), book.levels(Side.SELL, 5)

    @property
    def tape(self) -> list[tuple[Decimal, Decimal]]:
        return [(t.price, t.quantity) for t in self.exchange.tapes[NAME].trades]


def test_a_quote_is_the_best_bid_and_ask_with_their_sizes_and_nothing_behind() -> None:
    market = Market(quote(0), quote(10, "101", "101.5", ("0.7", "0.8")), quote(20, "98", "99"))
    assert market.shown == ([(D(100), D(2))], [(D(102), D(3))])
    assert market.to(10)
    assert market.shown == ([(D(101), D("0.7"))], [(D("101.5"), D("0.8"))])
    assert market.to(25)
    assert market.shown == ([(D(98), D(2))], [(D(99), D(3))])
    assert market.tape == []
    assert not market.to(1_000_000)  # it stands still
    assert market.shown == ([(D(98), D(2))], [(D(99), D(3))])


def test_a_trade_meets_the_queue_ahead_of_us_first_and_then_us_and_then_who_came_later() -> None:
    market = Market(
        quote(0), trade(10, "100", "1.5"), quote(20, sizes=("1", "3")), trade(30, "100", "0.75"),
        trade(40, "100", "2"),
    )  # fmt: skip
    own = market.rest(Side.BUY, "100")
    market.to(10)
    assert own.executed == 0
    market.to(20)  # half a coin joined behind us, so that others show one
    ahead, mine, behind = market.exchange.books[NAME].at(Side.BUY, D(100))
    assert (ahead.remaining, mine, behind.remaining) == (D("0.5"), own, D("0.5"))
    market.to(30)
    assert own.executed == D("0.25")
    market.to(40)
    assert own.status is Status.FILLED
    assert [(f.price, f.quantity, f.maker) for f in market.exchange.fills] == [
        (D(100), D("0.25"), True),
        (D(100), D("0.75"), True),
    ]
    assert sum(quantity for _, quantity in market.tape) == D("4.25")  # as it was recorded


def test_the_tape_tells_when_and_who_took_even_where_an_old_quote_stands_at_the_price() -> None:
    market = Market(quote(0), trade(10, "102", "1"), quote(19), trade(20, "100", "1", Side.BUY))
    assert not market.to(9)
    market.to(20)
    tape = market.exchange.tapes[NAME].trades
    assert [(t.at_ms - START_MS, t.price, t.quantity, t.buyer_is_maker) for t in tape] == [
        (10, D(102), D(1), True),
        (20, D(100), D(1), False),
    ]


def test_who_leaves_the_queue_without_a_trade_lets_us_forward() -> None:
    market = Market(quote(0), quote(10, sizes=("0.5", "3")), trade(20, "100", "1"))
    own = market.rest(Side.BUY, "100")
    market.to(20)
    assert own.executed == D("0.5")


def test_behind_the_best_what_stood_ahead_of_us_stays_where_it_was() -> None:
    market = Market(quote(0), quote(10, "101"), quote(20, "100"), trade(30, "100", "2.5"))
    own = market.rest(Side.BUY, "100")
    market.to(10)
    assert market.shown[0] == [(D(101), D(2)), (D(100), D(3))]
    market.to(30)
    assert own.executed == D("0.5")


def test_when_others_leave_our_price_behind_we_are_alone_there() -> None:
    market = Market(quote(0), quote(10, "99"), trade(20, "100", "0.25"))
    own = market.rest(Side.BUY, "100")
    market.to(10)
    assert market.shown[0] == [(D(100), D(1)), (D(99), D(2))]
    market.to(20)
    assert own.executed == D("0.25")


def test_a_trade_beyond_our_price_executes_us_first_at_our_own() -> None:
    market = Market(quote(0), trade(10, "99.50", "0.4"), trade(20, "99.40", "3"))
    own = market.rest(Side.BUY, "99.80")
    market.to(10)
    assert market.tape == [(D("99.80"), D("0.4"))]
    market.to(20)
    assert own.status is Status.FILLED
    assert own.spent == D("99.80")
    assert market.tape[1:] == [(D("99.80"), D("0.6")), (D("99.40"), D("2.4"))]


def test_a_quote_that_reaches_our_price_executes_us_up_to_its_size() -> None:
    market = Market(quote(0), quote(10, "101.50", "102", ("0.3", "3")))
    own = market.rest(Side.SELL, "101")
    market.to(10)
    assert own.executed == D("0.3")
    assert own.spent == D("30.3")  # at our price
    assert market.shown == ([], [(D(101), D("0.7")), (D(102), D(3))])


def test_a_taker_takes_what_the_quote_shows_and_no_more_until_the_next() -> None:
    market = Market(quote(0), quote(10))
    first = market.rest(Side.BUY, "102", "3")
    assert first.status is Status.FILLED
    assert market.shown[1] == []
    market.to(10)
    assert market.shown[1] == [(D(102), D(3))]


def test_numbers_off_the_grid_are_taken_down_to_it_and_never_up() -> None:
    market = Market(quote(0, "100.005", "100.015", ("0.0000199", "0.000009")))
    assert market.shown == ([(D("100.00"), D("0.00001"))], [])
    assert Market(quote(0), trade(1, "100", "0.000009")).tape == []


def test_how_often_somebody_looks_changes_nothing() -> None:
    ticks = (quote(0), trade(5, "100", "1"), quote(7, "99"), trade(7, "99", "4"), quote(9, "98"))
    slow, quick = Market(*ticks), Market(*ticks)
    for market in (slow, quick):
        market.rest(Side.BUY, "100", "0.5")
    slow.to(9)
    for millis in range(10):
        quick.to(millis)
    assert slow.shown == quick.shown
    assert list(slow.exchange.tapes[NAME].trades) == list(quick.exchange.tapes[NAME].trades)
    assert slow.exchange.fills == quick.exchange.fills


@st.composite
def markets(draw: st.DrawFn) -> list[Tick]:
    """Any order of quotes and trades, however wild."""
    ticks: list[Tick] = []
    size = st.decimals("0.00001", "3", places=5)
    for millis in range(draw(st.integers(1, 25))):
        middle = draw(st.integers(95, 105))
        if draw(st.booleans()):
            sizes = str(draw(size)), str(draw(size))
            ticks.append(quote(millis, str(middle), str(middle + draw(st.integers(1, 3))), sizes))
        else:
            side = draw(st.sampled_from(Side))
            ticks.append(trade(millis, str(middle), str(draw(size)), side))
    return ticks


@settings(max_examples=60, deadline=None)
@given(markets(), st.lists(st.tuples(st.sampled_from(Side), st.integers(95, 105)), max_size=6))
def test_money_adds_up_and_no_others_stand_across_the_last_quote(
    ticks: list[Quote | Trade], orders: list[tuple[Side, int]]
) -> None:
    market = Market(*ticks)
    whole = {asset: market.exchange.purses.total(asset) for asset in ("USDT", "BTC")}
    for place_at, (side, price) in enumerate(orders):
        market.to(place_at)
        limit = (Kind.LIMIT, Force.GTC, D(price), D("0.1"), SelfTrade.EXPIRE_MAKER)
        place(market.exchange, Draft("desk", NAME, f"o{place_at}", side, *limit))
    market.to(len(ticks))
    assert {a: market.exchange.purses.total(a) for a in whole} == whole
    book = market.exchange.books[NAME]
    bids, asks = ([o for o in book.resting(side) if o.account == CROWD] for side in Side)
    last = ticks[-1]
    if isinstance(last, Quote):
        assert all(order.price <= last.bid.price for order in bids)
        assert all(order.price >= last.ask.price for order in asks)
    best = [book.best(side) for side in Side]
    assert None in best or best[0].price < best[1].price  # type: ignore[union-attr]
    sent = {order.number: order for order in market.exchange.orders.values()}
    for fill in market.exchange.fills:
        own = sent[fill.order]
        assert fill.price <= own.price if fill.side is Side.BUY else fill.price >= own.price


@pytest.mark.parametrize("side", Side)
def test_the_name_of_a_recording_is_its_ticks(side: Side) -> None:
    ticks = (quote(0), trade(1, "100", "1", side))
    name = TickRecording(NAME, ticks, 0).name
    assert name == TickRecording(NAME, ticks, 5).name
    assert name != TickRecording(NAME, ticks[:1], 0).name
    assert name != TickRecording(NAME, (quote(0), trade(1, "100", "2", side)), 0).name
