from pathlib import Path
from types import SimpleNamespace

import pytest

from layers.adapters.paper_cancels import PaperCancels
from layers.adapters.paper_entry import PaperEntry
from layers.adapters.paper_queries import PaperQueries
from tests.fakes.paper_desk import SYMBOL, make_venue, request
from tests.venues.conformance import *  # noqa: F403  (the suite is the module)


@pytest.fixture
def trio(tmp_path: Path) -> SimpleNamespace:
    venue = make_venue(tmp_path)
    return SimpleNamespace(
        entry=PaperEntry(venue),
        cancels=PaperCancels(venue),
        queries=PaperQueries(venue),
        symbol=SYMBOL,
        passive=request,
        rejected=lambda name: request(name, quantity="0.000001"),
    )
