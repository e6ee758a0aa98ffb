"""The conformance suite on ccxt's Binance in front of the local exchange, in either class."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from layers.binance.rows import MILLISECOND
from layers.market import EPOCH
from layers.orders import OrderRequest
from layers.risk_snapshot import VenueClass
from tests.fakes.binance_desk import PATIENT, SYMBOL, rehearsed, request
from tests.fakes.exchange import carried_bars, served
from tests.venues.conformance import *  # noqa: F403  (the suite is the module)


def passive(name: str) -> OrderRequest:
    return request(name, price="5000", quantity="0.002")


@pytest.fixture(params=[VenueClass.TESTNET, VenueClass.LIVE])
def trio(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SimpleNamespace]:
    with served(tmp_path, bars=carried_bars(12)) as exchange:
        exchange.advance(timedelta(hours=6))
        binance = rehearsed(exchange, timeout=PATIENT, venue_class=request.param)
        yield SimpleNamespace(
            entry=binance.entry,
            cancels=binance.cancels,
            queries=binance.queries,
            probe=binance.probe,
            symbol=SYMBOL,
            passive=passive,
            now=lambda: EPOCH + exchange.clock.now_ms * MILLISECOND,
            later=lambda: exchange.advance(timedelta(hours=1)),
            rejected=lambda name: passive(name).model_copy(update={"quantity": "0.0000001"}),
        )
        binance.close()
