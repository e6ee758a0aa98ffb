"""Bars from a CSV file, plain or gzip."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from layers.adapters.csv_rows import rows
from layers.feed import COLUMNS, FeedItem, Series, Window, in_order

_CARRIED: Final = Path(__file__).parent.parent / "data" / "btcusdt-1h-2020-crash.csv"


@dataclass(frozen=True, slots=True)
class CsvBars:
    """A bar feed over one file. Errors name the file by its name and the line."""

    path: Path

    def bars(self, series: Series, window: Window) -> Iterator[FeedItem]:
        """Bars and gaps in order, see ``layers.feed``."""
        return in_order(rows(self.path, COLUMNS, optional=1), series, window)


def carried_prices() -> CsvBars:
    """The real BTC/USDT hours of February and March 2020 that ship with the package."""
    return CsvBars(_CARRIED)
