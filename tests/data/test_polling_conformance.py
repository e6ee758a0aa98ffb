from datetime import timedelta
from types import SimpleNamespace

import pytest

from layers.feed import Series
from layers.market_data.polling import Polling
from tests.data.bar_feed_conformance import *  # noqa: F403  (the suite is the module)
from tests.fakes.public_market import MINUTE, START, SYMBOL, FakeMarket, Time, minute


@pytest.fixture(params=["as it happens", "all at once"])
def source(request: pytest.FixtureRequest) -> SimpleNamespace:
    series = Series(SYMBOL, MINUTE)
    known = [minute(n) for n in range(20) if n != 5]

    def bars(window: object) -> object:
        late = timedelta(hours=1) if request.param == "all at once" else timedelta(0)
        time = Time(START + late)
        return Polling(FakeMarket(time, known), time, time.sleep).bars(series, window)

    return SimpleNamespace(
        bars=bars, series=series, start=START, end=START + 12 * MINUTE, hole=START + 5 * MINUTE
    )
