from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes.exchange import Client, Served, carried_bars, ccxt_binance, served


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Served]:
    """An exchange on which six recorded hours have passed."""
    with served(tmp_path, bars=carried_bars(12)) as found:
        found.advance(timedelta(hours=6))
        yield found


@pytest.fixture
def client(venue: Served) -> Iterator[Client]:
    """The real ``ccxt.binance`` in sandbox mode, led to the exchange."""
    found = ccxt_binance(venue.url, venue.credentials, venue.clock)
    found.load_markets()
    yield found
    found.session.close()
