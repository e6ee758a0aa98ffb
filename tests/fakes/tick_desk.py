"""A paper venue that is driven by quotes and trades, one millisecond a tick."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from layers.adapters.csv_ticks import CsvQuotes, CsvTrades
from layers.feed import Window
from layers.market import Book, Level, Provenance
from layers.market_data.ticks import Quote, Tick, Trade, TradeGap, merged
from layers.orders import Side
from tests.fakes.paper_desk import START, SYMBOL

ROOT = Path(__file__).parents[2]
NAMES = {
    "trades": "btcusdt-trades-binance-spot-2021-01-08.csv",
    "quotes": "btcusdt-quotes-binance-spot-2021-01-08.csv",
}


def at(millis: int) -> datetime:
    return START + timedelta(milliseconds=millis)


def level(price: str, size: str) -> Level:
    return Level(Decimal(price), Decimal(size))


def quote(
    millis: int, bid: str = "99", ask: str = "101", sizes: tuple[str, str] = ("2", "2")
) -> Book:
    found = Quote(SYMBOL, at(millis), level(bid, sizes[0]), level(ask, sizes[1]))
    return found.book(Provenance.SYNTHETIC)


def trade(millis: int, price: str, quantity: str, aggressor: Side = Side.SELL) -> Trade:
    return Trade(SYMBOL, at(millis), millis, Decimal(price), Decimal(quantity), aggressor)


def shared_file(kind: str) -> Path:
    """A recording that the project may not carry; the test skips where it is not there."""
    for base in (ROOT.parent, ROOT.parent.parent):
        path = base / "shared" / "data" / NAMES[kind]
        if path.exists():
            return path
    pytest.skip(f"{NAMES[kind]} may not be carried with the project and is not beside it")


def recording() -> list[Tick]:
    """The 46 seconds of real quotes and trades, merged by time."""
    quotes = CsvQuotes(shared_file("quotes")).quotes(SYMBOL, Window())
    return list(merged(quotes, CsvTrades(shared_file("trades")).trades(SYMBOL, Window())))


def seen(ticks: Iterable[Tick]) -> list[Book | Trade]:
    """As the venue takes them: quotes as books, gaps left out."""
    return [
        tick.book(Provenance.RECORDED) if isinstance(tick, Quote) else tick
        for tick in ticks
        if not isinstance(tick, TradeGap)
    ]
