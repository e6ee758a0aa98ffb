"""However long an account has lived, a look costs what happened since, and leaves nothing out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.adapters.binance_history import EXECUTIONS, ORDERS, WINDOWS, History, Series
from layers.adapters.binance_queries import NAMES_KEPT, BinanceQueries
from layers.adapters.binance_venue import BinanceVenue
from layers.binance.heard import Heard
from layers.binance.protocol import Endpoint
from layers.binance.rows import MILLISECOND, made_at, millis
from layers.local_exchange.order import Fill, Order
from layers.local_exchange.terms import DESK, Force, Kind, SelfTrade, Status
from layers.market import EPOCH
from layers.orders import Side
from tests.fakes.binance_desk import PATIENT, SYMBOL, rehearsed
from tests.fakes.exchange import Served, carried_bars, served

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY_MS = 86_400_000


@dataclass
class Account:
    """A line to a venue that holds these rows and pages them as Binance documents it."""

    series: Series
    rows: list[dict[str, int]]
    asked: list[dict[str, Any]] = field(default_factory=list)

    def time(self) -> datetime:
        return NOW

    def ask(self, endpoint: Endpoint, told: Mapping[str, Any]) -> Heard:
        assert endpoint is self.series.endpoint
        self.asked.append(dict(told))
        first, start, limit = told.get(self.series.begins), told.get("startTime"), told["limit"]
        found = [row for row in self.rows if row[self.series.number] >= (first or 0)]
        if start is not None:  # "can't be longer than 24 hours"
            end = told.get("endTime", start + DAY_MS)
            assert end - start <= DAY_MS
            found = [row for row in found if start <= row["time"] <= end]
        newest = first is None and start is None
        page = found[-limit:] if newest else found[:limit]
        return Heard(written=True, status=200, body=json.dumps(page).encode())


def account(series: Series, ages: list[timedelta], numbers: Iterator[int]) -> Account:
    """Rows of these ages, the oldest first, with rising numbers that need not be dense."""
    dated = sorted(NOW - age for age in ages)
    rows = [{series.number: next(numbers), "time": millis(at)} for at in dated]
    return Account(series, rows)


# quarters of days, and just after them: many at one instant, many at the ends of days
ages = st.builds(
    lambda quarters, short: 6 * quarters * HOUR - short * MILLISECOND,
    st.integers(0, 60),
    st.integers(0, 1),
)


@given(
    series=st.sampled_from([EXECUTIONS, ORDERS]),
    old=st.lists(ages, max_size=25),
    gap=st.integers(1, 9),
    since=ages,
    size=st.integers(1, 6),
)
def test_every_row_since_an_instant_is_read_once_and_no_other(
    series: Series, old: list[timedelta], gap: int, since: timedelta, size: int
) -> None:
    held = account(series, old, iter(range(0, 10_000, gap)))
    found = History(held, series, SYMBOL, size=size).since(NOW - since)
    assert found == [row for row in held.rows if made_at(row) >= NOW - since]
    pages = len(held.rows) // size + 1
    assert len(held.asked) <= 1 + WINDOWS + pages


@pytest.mark.parametrize("days", [1, 3, 12])
@pytest.mark.parametrize("short", [0, 1])
def test_a_day_without_any_hides_nothing_of_the_next(days: int, short: int) -> None:
    first = (20 - days) * 24 * HOUR + short * MILLISECOND
    held = account(EXECUTIONS, [first - n * HOUR for n in range(6)], iter(range(6)))
    found = History(held, EXECUTIONS, SYMBOL, size=2).since(NOW - 20 * 24 * HOUR)
    assert [row["id"] for row in found] == list(range(6))


@pytest.mark.parametrize("lived", [10, 5_000, 150_000])
def test_a_look_after_a_silence_costs_one_request_however_long_the_account_has_lived(
    lived: int,
) -> None:
    long_ago = [30 * HOUR + timedelta(seconds=n) for n in range(lived)]
    held = account(EXECUTIONS, long_ago, iter(range(lived)))
    for _ in range(2):
        held.asked.clear()
        assert History(held, EXECUTIONS, SYMBOL).since(NOW - 25 * HOUR) == []
        assert len(held.asked) == 1
    last = History(held, EXECUTIONS, SYMBOL).since(NOW - 30 * HOUR - timedelta(seconds=4))
    assert [row["id"] for row in last] == list(range(lived - 5, lived))


def test_what_is_more_than_one_look_may_read_is_said_to_be_that() -> None:
    held = account(EXECUTIONS, [30 * HOUR - n * MILLISECOND for n in range(50)], iter(range(50)))
    with pytest.raises(Waiting, match="more than 20 executions of BTC/USDT") as failed:
        History(held, EXECUTIONS, SYMBOL, size=10, most=2).since(NOW - 31 * HOUR)
    assert failed.value.code is Reason.VENUE_HISTORY
    assert len(held.asked) == 4  # the newest, the first day's, and two more


def test_rows_that_a_page_shows_twice_stand_twice() -> None:
    held = account(EXECUTIONS, [HOUR, 2 * HOUR], iter(range(2)))
    held.rows.append(held.rows[-1])
    found = History(held, EXECUTIONS, SYMBOL).since(NOW - 3 * HOUR)
    assert [row["id"] for row in found] == [0, 1, 1]  # H3 is told of it


def test_after_a_wipe_the_new_numbers_are_read_whatever_was_known_before() -> None:
    held = account(EXECUTIONS, [40 * HOUR, 30 * HOUR], iter((700, 900)))
    look = History(held, EXECUTIONS, SYMBOL)
    assert [row["id"] for row in look.since(NOW - 50 * HOUR)] == [700, 900]
    held.rows[:] = account(EXECUTIONS, [HOUR], iter((1,))).rows
    assert [row["id"] for row in look.since(NOW - 50 * HOUR)] == [1]


# --- on the local exchange -----------------------------------------------------------------------
@dataclass
class Counted:
    """A line that remembers what was asked."""

    line: Any
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.line, name)

    def ask(self, endpoint: Endpoint, told: Mapping[str, Any]) -> Heard:
        self.asked.append(endpoint.path)
        return self.line.ask(endpoint, told)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, bars=carried_bars(1)) as found:
        found.clock.advance(60 * DAY_MS)
        yield found


@pytest.fixture
def binance(exchange: Served) -> Iterator[BinanceVenue]:
    opened = rehearsed(exchange, timeout=PATIENT)
    yield opened
    opened.close()


def lived(exchange: Served, count: int, age: timedelta) -> None:
    """So many orders, each executed whole, one a second, the last of them so long ago."""
    state, one = exchange.state, carried_bars(1)[0].open
    for number in range(1, count + 1):
        at = state.now_ms - age // MILLISECOND - 1000 * (count - number)
        limit = (Side.BUY, Kind.LIMIT, Force.GTC, one, one, SelfTrade.EXPIRE_MAKER)
        order = Order(number, number, DESK, "BTCUSDT", f"n{number}", *limit, at, at, one, one)
        state.note(replace(order, status=Status.FILLED))
        fill = (number, number, DESK, "BTCUSDT", Side.BUY, one, one, one, "BTC")
        state.fills.append(Fill(*fill, maker=True, at_ms=at))
    state.changed_orders.clear()


def test_a_long_history_is_read_with_its_orders_names_in_few_requests(
    exchange: Served, binance: BinanceVenue
) -> None:
    lived(exchange, 2_300, 50 * HOUR)
    line = Counted(binance.lines[1])
    queries = BinanceQueries(line)
    fills = queries.fills(SYMBOL, EPOCH)
    assert [(f.fill_id, f.client_order_id) for f in fills] == [
        (f"BTC/USDT:{n}", f"n{n}") for n in range(1, 2_301)
    ]
    assert len(line.asked) < 20  # where each order's name had been asked for by itself: 2,300
    assert len(queries._names) == NAMES_KEPT < len(fills)  # noqa: SLF001


def test_names_that_the_list_of_orders_told_are_not_asked_for_again(
    exchange: Served, binance: BinanceVenue
) -> None:
    lived(exchange, 40, 50 * HOUR)
    line = Counted(binance.lines[1])
    queries = BinanceQueries(line)
    assert len(queries.orders(SYMBOL, EPOCH)) == len(queries.fills(SYMBOL, EPOCH)) == 40
    assert line.asked == ["/api/v3/allOrders", "/api/v3/myTrades"]
