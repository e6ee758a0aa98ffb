"""Polling through ccxt's Binance class, in front of the local exchange."""

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from layers.adapters.binance_market import BinanceMarket, open_market
from layers.adapters.ccxt_line import Clock
from layers.binance.rows import MILLISECOND
from layers.feed import Series, Window
from layers.market import EPOCH
from layers.market_data.polling import Polling
from layers.market_data.ticks import Quote, Trade
from tests.data.bar_feed_conformance import *  # noqa: F403  (the suite is the module)
from tests.fakes.binance_desk import SYMBOL, terms
from tests.fakes.exchange import START_MS, Served, carried_bars, served

HOUR = timedelta(hours=1)
START = EPOCH + START_MS * MILLISECOND


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, bars=carried_bars(12)) as found:
        found.advance(timedelta(hours=5, minutes=30))
        yield found


@pytest.fixture
def market(venue: Served) -> Iterator[BinanceMarket]:
    clock = Clock(lambda: EPOCH + venue.clock.now_ms * MILLISECOND, time.monotonic)
    found, line = open_market(terms(venue.url, timeout=timedelta(seconds=5)), clock)
    yield found
    line.close()


@pytest.fixture
def polling(venue: Served, market: BinanceMarket) -> Polling:
    def sleep(span: timedelta) -> bool:
        venue.advance(span)
        return True

    return Polling(market, lambda: EPOCH + venue.clock.now_ms * MILLISECOND, sleep)


@pytest.fixture
def source(polling: Polling) -> SimpleNamespace:
    series = Series(SYMBOL, HOUR)
    return SimpleNamespace(
        bars=lambda window: polling.bars(series, window),
        series=series,
        start=START,
        end=START + 5 * HOUR,
        hole=None,
    )


def test_the_running_bar_is_waited_for(venue: Served, polling: Polling) -> None:
    window = Window(START + 4 * HOUR, START + 6 * HOUR)
    bars = polling.bars(Series(SYMBOL, HOUR), window)
    assert next(bars).opened == START + 4 * HOUR
    assert venue.clock.now_ms == START_MS + 5.5 * 3_600_000  # the closed one was there already
    last = next(bars)
    assert last.opened == START + 5 * HOUR
    assert venue.clock.now_ms >= START_MS + 6 * 3_600_000
    assert next(bars, None) is None


def test_trades_and_the_touch_come_as_they_happen(polling: Polling, market: BinanceMarket) -> None:
    start = polling.clock()
    trades = list(islice(polling.trades(SYMBOL, Window()), 5))
    assert all(isinstance(trade, Trade) and trade.at >= start for trade in trades)
    assert [t.number for t in trades] == list(range(trades[0].number, trades[0].number + 5))
    assert market.trade_at(SYMBOL, trades[2].at) is not None
    quotes = list(islice(polling.quotes(SYMBOL, Window()), 3))
    assert all(isinstance(q, Quote) and q.bid.price < q.ask.price for q in quotes)
    assert quotes[0].at < quotes[1].at < quotes[2].at
