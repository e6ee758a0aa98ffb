import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from layers.adapters.binance_market import open_market
from layers.adapters.ccxt_line import Clock
from layers.adapters.csv_ticks import CsvTrades
from layers.binance.rows import MILLISECOND
from layers.feed import Window
from layers.market import EPOCH
from layers.market_data.fetching import trade_row
from layers.market_data.polling import Polling
from layers.market_data.ticks import TRADE_COLUMNS
from tests.data.trade_feed_conformance import *  # noqa: F403  (the suite is the module)
from tests.fakes.binance_desk import terms
from tests.fakes.exchange import carried_bars, served
from tests.fakes.public_market import START, SYMBOL, FakeMarket, Time, single

EVERYTHING = Window()
LOST = [13, 14]
KNOWN = [single(n) for n in range(60) if n not in LOST]


@pytest.fixture(params=["file", "polling", "exchange"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SimpleNamespace]:
    with ExitStack() as stack:
        made = {"file": of_file, "polling": of_polling, "exchange": of_exchange}[request.param]
        yield made(tmp_path, stack)


def of_file(folder: Path, _stack: ExitStack) -> SimpleNamespace:
    path = folder / "trades.csv"
    rows = [",".join(TRADE_COLUMNS), *map(trade_row, KNOWN[11:])]
    path.write_text("\n".join(rows) + "\n")
    return SimpleNamespace(
        trades=lambda n: list(islice(CsvTrades(path).trades(SYMBOL, EVERYTHING), n)), missing=LOST
    )


def of_polling(_folder: Path, _stack: ExitStack) -> SimpleNamespace:
    def trades(count: int) -> list[object]:
        now = Time(START + timedelta(seconds=1))
        feed = Polling(FakeMarket(now, [], KNOWN), now, now.sleep)
        return list(islice(feed.trades(SYMBOL, EVERYTHING), count))

    return SimpleNamespace(trades=trades, missing=LOST)


def of_exchange(folder: Path, stack: ExitStack) -> SimpleNamespace:
    venue = stack.enter_context(served(folder, bars=carried_bars(12)))
    venue.advance(timedelta(hours=1))

    def now() -> object:
        return EPOCH + venue.clock.now_ms * MILLISECOND

    def sleep(_span: timedelta) -> bool:
        venue.advance(timedelta(minutes=20))
        return True

    market, line = open_market(
        terms(venue.url, timeout=timedelta(seconds=5)), Clock(now, time.monotonic)
    )
    stack.callback(line.close)
    feed = Polling(market, now, sleep)
    return SimpleNamespace(
        trades=lambda n: list(islice(feed.trades(SYMBOL, EVERYTHING), n)), missing=[]
    )
