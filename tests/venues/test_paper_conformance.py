from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from layers.adapters.paper_cancels import PaperCancels
from layers.adapters.paper_entry import PaperEntry
from layers.adapters.paper_queries import PaperQueries
from layers.market import Bar
from tests.fakes.paper_desk import SYMBOL, bar, make_venue, request
from tests.venues.conformance import *  # noqa: F403  (the suite is the module)


def quiet(index: int) -> Bar:
    """An hour that never comes near an order that rests."""
    return bar(index, opened="105", high="110", low="100", close="105")


@pytest.fixture
def trio(tmp_path: Path) -> SimpleNamespace:
    venue = make_venue(tmp_path, latency_min_ms=40, latency_max_ms=90)
    bars = map(quiet, count())
    return SimpleNamespace(
        entry=PaperEntry(venue),
        cancels=PaperCancels(venue),
        queries=PaperQueries(venue),
        symbol=SYMBOL,
        passive=request,
        now=venue.clock,
        later=lambda: venue.advance(next(bars)),
        rejected=lambda name: request(name, quantity="0.000001"),
    )
