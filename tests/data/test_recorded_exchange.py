"""The local exchange on 46 seconds of the real market; skips where they are absent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from layers.local_exchange.clock import VirtualClock
from layers.local_exchange.terms import NOTHING, ExchangeTerms, Status, SymbolTerms
from layers.market import EPOCH
from layers.market_data.ticks import Quote, Trade
from layers.orders import Side
from tests.fakes.exchange import ROOMY, Client, Served, ccxt_binance, served
from tests.fakes.tick_desk import recording

D = Decimal
NAME, SYMBOL = "BTCUSDT", "BTC/USDT"
MILLI = timedelta(milliseconds=1)
FINE = ExchangeTerms(
    rates=ROOMY, symbols=(SymbolTerms(step=D("0.000001"), min_quantity=D("0.000001")),)
)


@pytest.fixture(scope="module")
def ticks() -> tuple[Quote | Trade, ...]:
    return tuple(tick for tick in recording() if isinstance(tick, Quote | Trade))


@pytest.fixture
def venue(tmp_path: Path, ticks: tuple[Quote | Trade, ...]) -> Iterator[Served]:
    clock = VirtualClock((ticks[0].at - EPOCH) // MILLI)
    with served(tmp_path, terms=FINE, ticks=ticks, clock=clock) as found:
        yield found


@pytest.fixture
def client(venue: Served) -> Iterator[Client]:
    found = ccxt_binance(venue.url, venue.credentials, venue.clock)
    found.load_markets()
    yield found
    found.session.close()


def to(venue: Served, tick: Quote | Trade) -> None:
    venue.clock.now_ms = (tick.at - EPOCH) // MILLI
    venue.exchange.advance()


def test_where_nobody_of_us_trades_tape_and_touch_are_the_recorded_ones(
    venue: Served, client: Client, ticks: tuple[Quote | Trade, ...]
) -> None:
    quotes = [tick for tick in ticks if isinstance(tick, Quote)]
    for last in quotes[::20]:
        to(venue, last)
        book = client.fetch_order_book(SYMBOL)
        assert book["bids"] == [[float(last.bid.price), float(last.bid.size)]]
        assert book["asks"] == [[float(last.ask.price), float(last.ask.size)]]
    to(venue, ticks[-1])
    real = [tick for tick in ticks if isinstance(tick, Trade)]
    by_price: dict[tuple[int, Decimal, bool], Decimal] = {}
    for trade in real:
        key = ((trade.at - EPOCH) // MILLI, trade.price, trade.aggressor is Side.SELL)
        by_price[key] = by_price.get(key, D(0)) + trade.quantity
    told: dict[tuple[int, Decimal, bool], Decimal] = {}
    for print_ in venue.state.tapes[NAME].trades:
        at = (print_.at_ms, print_.price, print_.buyer_is_maker)
        told[at] = told.get(at, D(0)) + print_.quantity
    assert told == by_price  # to the last digit, and nothing besides
    bars = client.fetch_ohlcv(SYMBOL, "1s", limit=1000)
    seconds = {(trade.at - EPOCH) // timedelta(seconds=1) * 1000 for trade in real}
    assert [bar[0] for bar in bars] == sorted(seconds)  # dated as they were recorded
    assert sum(D(str(bar[5])) for bar in bars) == sum(trade.quantity for trade in real)


@dataclass
class Queue:
    """A bid at the touch, from the recording alone: who was shown when it joined stands ahead."""

    price: Decimal
    wanted: Decimal
    ahead: Decimal
    behind: Decimal = NOTHING

    def traded(self, trade: Trade) -> None:
        if trade.price < self.price:
            self.ahead = self.behind = D(0)
        if trade.aggressor is Side.SELL and trade.price <= self.price:
            past = min(trade.quantity, self.ahead)
            mine = min(trade.quantity - past, self.wanted)
            self.ahead -= past
            self.wanted -= mine
            self.behind = max(D(0), self.behind - (trade.quantity - past - mine))

    def shown(self, seen: Quote) -> None:
        """Who left without a trade stood behind us first, then ahead."""
        if seen.bid.price < self.price:
            self.ahead = self.behind = D(0)
        if seen.bid.price == self.price:
            gone = self.ahead + self.behind - seen.bid.size
            self.ahead -= max(D(0), gone - self.behind)
            self.behind = max(D(0), self.behind - gone)
        if seen.ask.price <= self.price:
            self.wanted = max(D(0), self.wanted - seen.ask.size)


def test_a_bid_at_the_touch_fills_as_the_recorded_queue_moves(
    venue: Served, client: Client, ticks: tuple[Quote | Trade, ...]
) -> None:
    filled = []
    quotes = [place for place, tick in enumerate(ticks) if isinstance(tick, Quote)]
    for first, last in pairwise(quotes[5::20]):
        seen = ticks[first]
        assert isinstance(seen, Quote)
        to(venue, seen)
        name = f"rest{first}"
        price, told = f"{seen.bid.price:.2f}", {"clientOrderId": name, "postOnly": True}
        client.create_order(SYMBOL, "limit", "buy", "0.001", price, told)
        queue = Queue(seen.bid.price, D("0.001"), seen.bid.size)
        for tick in ticks[first + 1 : last + 1]:
            queue.traded(tick) if isinstance(tick, Trade) else queue.shown(tick)
        to(venue, ticks[last])
        own = venue.state.by_client_id("desk", NAME, name)
        assert own is not None
        assert own.remaining == queue.wanted
        filled.append(own.executed)
        if own.live:
            client.cancel_order(None, SYMBOL, {"origClientOrderId": name})
    assert len(set(filled)) > 1
    assert filled.count(D("0.001")) > 3


def test_takers_pay_the_recorded_touch_and_whole_money_adds_up(
    venue: Served, client: Client, ticks: tuple[Quote | Trade, ...]
) -> None:
    quotes = [tick for tick in ticks if isinstance(tick, Quote)]
    whole = {asset: venue.state.purses.total(asset) for asset in ("BTC", "USDT")}
    for seen in quotes[::30]:
        to(venue, seen)
        limit = f"{seen.ask.price * D('1.001'):.2f}"
        ioc = {"timeInForce": "IOC"}
        made = client.create_order(SYMBOL, "limit", "buy", "0.001", limit, ioc)
        assert made["filled"] == min(0.001, float(seen.ask.size))
        assert made["average"] == float(seen.ask.price)
    assert {a: venue.state.purses.total(a) for a in whole} == whole
    done = [o for o in venue.state.orders.values() if o.status is Status.FILLED]
    assert len(done) > 10
