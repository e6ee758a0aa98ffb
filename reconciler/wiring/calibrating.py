"""A calibration over a recording on this host."""

from datetime import timedelta
from pathlib import Path

from layers.adapters.csv_ticks import CsvQuotes, CsvTrades
from layers.adapters.recorded_fills import recorded_fills
from layers.feed import Window
from layers.market_data.takers import takers
from layers.market_data.ticks import merged
from layers.paper_venue.calibration import Calibration, calibrate, recorded


def calibration_of(quotes: Path, trades: Path, symbol: str, latency: timedelta) -> Calibration:
    """Slippage of the takers in a recording, fitted and measured.

    Raises:
        Stalled: ``FEED_INVALID``.
    """
    everything = Window()
    ticks = merged(
        CsvQuotes(quotes).quotes(symbol, everything), CsvTrades(trades).trades(symbol, everything)
    )
    return calibrate([recorded(taker) for taker in takers(ticks, latency)])


def calibration_on(fills: Path) -> Calibration:
    """Slippage of our own fills, as they were recorded, fitted and measured.

    Raises:
        Stalled: ``FEED_INVALID``.
    """
    return calibrate(list(recorded_fills(fills)))
