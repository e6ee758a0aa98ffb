from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from layers.adapters.csv_bars import CsvBars
from layers.feed import COLUMNS, Series
from layers.market_data.fetching import bar_row
from tests.data.bar_feed_conformance import *  # noqa: F403  (the suite is the module)
from tests.fakes.public_market import MINUTE, START, SYMBOL, minute


@pytest.fixture
def source(tmp_path: Path) -> SimpleNamespace:
    path = tmp_path / "bars.csv"
    rows = [bar_row(minute(n)) for n in range(12) if n != 5]
    path.write_text("\n".join([",".join(COLUMNS[:-1]), *rows]) + "\n")
    series = Series(SYMBOL, MINUTE)
    return SimpleNamespace(
        bars=lambda window: CsvBars(path).bars(series, window),
        series=series,
        start=START,
        end=START + timedelta(minutes=12),
        hole=START + 5 * MINUTE,
    )
