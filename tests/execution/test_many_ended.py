"""What became of several orders is read from one list; the list is believed where it shows ends."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from layers.l6_execution.terms import SEVERAL, YOUNG
from layers.orders import OrderState, VenueOrder
from tests.fakes.paper_desk import START, SYMBOL, Desk, intent, make_venue
from tests.fakes.veiled_venue import Veil, veiled


class LateList:
    """Shows all orders as they were a moment ago: open."""

    def __init__(self, queries: Any) -> None:  # noqa: ANN401
        self.queries = queries

    def orders(self, symbol: str, since: datetime) -> tuple[VenueOrder, ...]:
        shown = self.queries.orders(symbol, since)
        return tuple(o.model_copy(update={"state": OrderState.OPEN}) for o in shown)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.queries, name)


def cancelled(folder: Path, count: int) -> tuple[Desk, Veil, list[str]]:
    """So many orders were sent and cancelled, and the venue was not looked at since."""
    make_venue(folder)
    desk, veil = veiled(folder)
    assert desk.execution.start(START, desk.wall) == ()
    names = []
    for number in range(count):
        wanted = intent(f"o{number}", price=str(50 + number))
        desk.send(wanted)
        names.append(wanted.request.client_order_id)
        desk.execution.cancel(SYMBOL, names[-1], START)
    veil.asked.clear()
    return desk, veil, names


def states(desk: Desk, names: list[str]) -> set[OrderState]:
    return {desk.books.orders[name].state for name in names}


@pytest.mark.parametrize("count", [SEVERAL, SEVERAL + 3])
def test_several_that_ended_cost_one_request(tmp_path: Path, count: int) -> None:
    desk, veil, names = cancelled(tmp_path, count)
    assert desk.execution.poll(START) == ()
    assert states(desk, names) == {OrderState.CANCELLED}
    assert veil.asked == ["open", "orders", "fills"]


def test_a_few_are_looked_up_by_name(tmp_path: Path) -> None:
    desk, veil, names = cancelled(tmp_path, SEVERAL - 1)
    assert desk.execution.poll(START) == ()
    assert states(desk, names) == {OrderState.CANCELLED}
    assert veil.asked == ["open", *["order"] * (SEVERAL - 1), "fills"]


def test_one_that_the_list_does_not_show_is_looked_up_by_name(tmp_path: Path) -> None:
    desk, veil, names = cancelled(tmp_path, SEVERAL)
    veil.ids, veil.kinds = {names[0]}, {"orders"}
    assert desk.execution.poll(START) == ()
    assert states(desk, names) == {OrderState.CANCELLED}
    assert veil.asked == ["open", "orders", "order", "fills"]


def test_a_list_that_is_late_is_not_believed(tmp_path: Path) -> None:
    desk, veil, names = cancelled(tmp_path, SEVERAL)
    desk.execution.queries.queries = LateList(desk.execution.queries.queries)
    assert desk.execution.poll(START) == ()
    assert states(desk, names) == {OrderState.CANCELLED}
    assert veil.asked == ["open", "orders", *["order"] * SEVERAL, "fills"]


def test_what_is_old_is_looked_up_by_name_however_many(tmp_path: Path) -> None:
    desk, veil, names = cancelled(tmp_path, SEVERAL)
    assert desk.execution.poll(START + YOUNG + timedelta(seconds=1)) == ()
    assert states(desk, names) == {OrderState.CANCELLED}
    assert veil.asked == ["open", *["order"] * SEVERAL, "fills"]


def test_what_neither_list_nor_name_shows_stays_as_it_is(tmp_path: Path) -> None:
    desk, veil, names = cancelled(tmp_path, SEVERAL)
    veil.ids, veil.kinds = set(names), {"orders", "order", "open"}
    assert desk.execution.poll(START) == ()
    assert states(desk, names) == {OrderState.PENDING_CANCEL}
