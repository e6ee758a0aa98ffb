"""Quotes and single trades from CSV files, plain or gzip."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from layers.adapters.csv_rows import rows
from layers.feed import Window
from layers.market_data.ticks import (
    QUOTE_COLUMNS,
    TRADE_COLUMNS,
    Quote,
    TradeItem,
    quotes_in_order,
    trades_in_order,
)


@dataclass(frozen=True, slots=True)
class CsvQuotes:
    """A quote feed over one file. Errors name the file by its name and the line."""

    path: Path

    def quotes(self, symbol: str, window: Window) -> Iterator[Quote]:
        """Quotes in order, see ``layers.market_data.ticks``."""
        return quotes_in_order(rows(self.path, QUOTE_COLUMNS), symbol, window)


@dataclass(frozen=True, slots=True)
class CsvTrades:
    """A trade feed over one file. Errors name the file by its name and the line."""

    path: Path

    def trades(self, symbol: str, window: Window) -> Iterator[TradeItem]:
        """Trades and gaps in order, see ``layers.market_data.ticks``."""
        return trades_in_order(rows(self.path, TRADE_COLUMNS), symbol, window)
