"""Binance's adapters in front of a venue that says what a test tells it to."""

from collections.abc import Iterator

import pytest

from layers.adapters.binance_venue import BinanceVenue
from tests.fakes.binance_desk import PATIENT, desk
from tests.fakes.scripted_venue import ScriptedVenue


@pytest.fixture
def venue() -> Iterator[ScriptedVenue]:
    with ScriptedVenue() as server:
        yield server


@pytest.fixture
def binance(venue: ScriptedVenue) -> Iterator[BinanceVenue]:
    opened = desk(venue.base, timeout=PATIENT)
    yield opened
    opened.close()
