"""What Binance archived after 90 days: our own books know how it ended, and agree or do not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from desired_state.reasons import Reason
from layers.l6_execution.people import Word, explain
from layers.l6_execution.reconciliation import reconcile
from layers.local_exchange.matching import cancel
from layers.orders import Archived, OrderState, Side, TimeInForce
from tests.fakes.binance_desk import SYMBOL, rehearsed
from tests.fakes.exchange import carried_bars, served
from tests.fakes.soak_desk import SoakDesk

DAY = timedelta(days=1)
FAR = Decimal(5_000)
RESTED = 12


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SoakDesk]:
    """The market stands still after its first hour, so months pass at once."""
    with served(tmp_path, bars=carried_bars(2)) as exchange:
        exchange.advance(timedelta(hours=1, minutes=30))
        made = SoakDesk(exchange, rehearsed(exchange), 1)
        yield made
        made.venue.close()


def rest(desk: SoakDesk, count: int = 1) -> list[str]:
    for _ in range(count):
        desk.send(Side.BUY, FAR, Decimal("0.002"), TimeInForce.GTC)
    return list(desk.sent)[-count:]


def traded(desk: SoakDesk) -> None:
    """Some orders that rested until they were cancelled, and one that was executed."""
    rest(desk, RESTED)
    touch = desk.venue.queries.book(SYMBOL).asks[0].price
    desk.send(Side.BUY, touch, Decimal("0.001"), TimeInForce.IOC)
    report = desk.finish()
    assert (report.ok, desk.findings) == (True, [])


def later(desk: SoakDesk, days: int) -> None:
    desk.exchange.advance(days * DAY)
    desk.restart()


@dataclass
class LookUps:
    """Queries that remember which orders were asked for one by one."""

    inner: Any
    asked: list[str] = field(default_factory=list)
    told: list[object] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.inner, name)

    def order(self, symbol: str, name: str) -> object:
        self.asked.append(name)
        self.told.append(self.inner.order(symbol, name))
        return self.told[-1]


def test_orders_that_the_venue_archived_agree_with_the_books_that_saw_them_end(
    desk: SoakDesk,
) -> None:
    traded(desk)
    later(desk, 100)
    assert desk.execution.is_ready
    report = desk.finish()
    assert (report.ok, report.is_final, report.coverage) == (True, True, 100), report
    assert len(report.orders) == RESTED + 1
    assert desk.findings == []


def test_an_accounts_life_of_them_costs_one_look_up(desk: SoakDesk) -> None:
    traded(desk)
    later(desk, 100)
    counted = LookUps(desk.venue.queries)
    report = reconcile(desk.journal.entries(), counted, desk.venue.cancels.open_orders)
    assert report.ok, report
    assert [type(word) for word in counted.told] == [Archived]
    assert len(report.orders) == RESTED + 1


def test_what_ended_lately_is_not_archived_with_the_old(desk: SoakDesk) -> None:
    traded(desk)
    later(desk, 88)
    names = rest(desk, 2)
    assert desk.finish().ok
    later(desk, 10)
    counted = LookUps(desk.venue.queries)
    report = reconcile(desk.journal.entries(), counted, desk.venue.cancels.open_orders)
    assert report.ok, report
    assert not set(counted.asked) & set(names)  # the list shows them
    assert len(report.orders) == RESTED + 3


def order_at(desk: SoakDesk, name: str) -> Any:  # noqa: ANN401
    found = [o for o in desk.exchange.state.orders.values() if o.client_id == name]
    assert len(found) == 1
    return found[0]


def test_an_archived_order_that_we_saw_ending_lately_is_a_difference(desk: SoakDesk) -> None:
    (name,) = rest(desk)
    assert desk.finish().ok
    later(desk, 5)
    order_at(desk, name).updated_ms -= 95 * DAY // timedelta(milliseconds=1)
    report = desk.execution.finish(desk.now, desk.now)
    assert [(row.subject, row.actual) for row in report.orders if row.difference] == [
        (name, "archived")
    ]
    assert not report.ok


def test_an_archived_order_that_stands_in_our_books_is_a_difference_that_people_explain(
    desk: SoakDesk,
) -> None:
    (name,) = rest(desk)
    desk.until(lambda: not desk.books.unproven)
    cancel(desk.exchange.state, order_at(desk, name))  # by somebody else, and nobody looked
    desk.exchange.advance(95 * DAY)
    desk.execution.tick(desk.now, desk.now)
    assert set(desk.books.unexplained) == {name}
    assert desk.books.reset is None  # it remembers the order: no wipe
    assert desk.books.orders[name].state is not OrderState.CANCELLED
    explain(desk.execution.ledger, name, Word("olivia", "cancelled on the web page"), desk.now)
    report = desk.finish()
    assert report.ok, report
    assert desk.books.orders[name].reason == Reason.RECON_DIFF
