"""An unreadable venue is unknown; it never looks like an empty one."""

import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desired_state.errors import Stalled, Waiting
from desired_state.reasons import Reason
from layers.adapters.paper_cancels import PaperCancels
from layers.adapters.paper_entry import PaperEntry
from layers.adapters.paper_queries import PaperQueries
from layers.orders import AnswerKind
from layers.paper_venue.venue import PaperVenue
from tests.fakes.leave import Leave
from tests.fakes.paper_desk import SYMBOL, make_venue, request

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def missing(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.unlink()
    path.touch()


def corrupt(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"not a database at all, " * 400)


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (number INTEGER)")
    connection.commit()
    connection.close()


def garbled(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE balances SET free='NaN-ish'")
    connection.execute("UPDATE orders SET price='?'")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("damage", [missing, empty, corrupt, foreign, garbled])
@pytest.mark.parametrize("opened_before", [True, False])
def test_a_damaged_store_is_unknown_and_never_no_orders(
    tmp_path: Path,
    damage: Callable[..., Any],
    opened_before: bool,  # noqa: FBT001
) -> None:
    venue = make_venue(tmp_path)
    venue.submit(request("there"))
    if not opened_before or damage in (corrupt, foreign):
        venue.close()
    damage(tmp_path / "venue.db")
    answer = PaperEntry(venue).submit(request("new"), Leave())
    assert (answer.kind, answer.code) == (AnswerKind.UNKNOWN, Reason.ORDER_UNKNOWN)
    cancels = PaperCancels(venue)
    assert cancels.cancel_all().unreachable
    one = cancels.cancel(SYMBOL, request("there").client_order_id)
    assert one.unreachable
    assert one.confirmed == ()
    queries = PaperQueries(venue)
    for ask in (
        cancels.open_orders,
        queries.balances,
        lambda: queries.order(SYMBOL, request("there").client_order_id),
    ):
        with pytest.raises(Waiting) as caught:
            ask()
        assert caught.value.code is Reason.VENUE_UNREACHABLE


def test_a_venue_held_by_another_process_is_unknown_within_the_bound(tmp_path: Path) -> None:
    make_venue(tmp_path).submit(request("there"))
    holder = sqlite3.connect(tmp_path / "venue.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    venue = PaperVenue(tmp_path / "venue.db", busy=timedelta(milliseconds=100))
    began = time.monotonic()
    assert PaperEntry(venue).submit(request("new"), Leave()).kind is AnswerKind.UNKNOWN
    assert PaperCancels(venue).cancel_all().unreachable
    assert time.monotonic() - began < 2
    assert len(venue.open_orders()) == 1  # reading waits for no writer
    holder.execute("ROLLBACK")
    holder.close()
    assert venue.order(SYMBOL, request("new").client_order_id) is None


def test_making_a_venue_over_another_leaves_the_old_one(tmp_path: Path) -> None:
    make_venue(tmp_path).submit(request("there"))
    with pytest.raises(Waiting):
        make_venue(tmp_path)
    assert len(PaperVenue(tmp_path / "venue.db").open_orders()) == 1


def test_an_unlisted_symbol_is_an_error_and_an_order_for_it_a_refusal(tmp_path: Path) -> None:
    venue = make_venue(tmp_path)
    with pytest.raises(Stalled):
        PaperQueries(venue).rules("ETH/USDT")
    sent = request("x").model_copy(update={"symbol": "ETH/USDT"})
    assert PaperEntry(venue).submit(sent, Leave()).kind is AnswerKind.REJECTED


def test_a_hundred_cancels_are_acknowledged_at_once_while_the_clock_stands(tmp_path: Path) -> None:
    venue = make_venue(tmp_path)
    for number in range(100):
        venue.submit(request(number, quantity="0.1"))
    watcher = PaperVenue(tmp_path / "venue.db")
    watcher.open_orders()
    clock = watcher.clock()
    began = time.monotonic()
    report = PaperCancels(watcher).cancel_all()
    took = time.monotonic() - began
    assert len(report.confirmed) == 100
    assert took < 0.5  # a slow shared machine; typically under 10 ms
    assert watcher.clock() == clock
    assert venue.open_orders() == ()
