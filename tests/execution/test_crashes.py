"""Killed by SIGKILL between journal and venue: nothing lost, nothing sent twice."""

import subprocess
import sys
from pathlib import Path

import pytest

from desired_state.reasons import Reason
from layers.l6_execution.events import Intended
from layers.l6_execution.reconciliation import reconcile
from layers.orders import AnswerKind, OrderState
from tests.execution.crashing_child import LATER, POINTS
from tests.fakes.paper_desk import HOUR, START, SYMBOL, Desk, FaultAt, bar, intent, make_venue

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("crashing_child.py")
SENT = {"after the venue", "before the answer", "after the answer"}


def crash(folder: Path, point: str, answers: str = "heard") -> None:
    make_venue(folder)
    Desk(folder).execution.open_account(START)
    # the account's opening is on disk, so the child's first append is the intent
    done = subprocess.run(
        [sys.executable, CHILD, folder, point, answers],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.parametrize("point", POINTS)
def test_a_restart_after_a_kill_knows_what_happened(tmp_path: Path, point: str) -> None:
    crash(tmp_path, point)
    desk = Desk(tmp_path, epoch=2)
    desk.settle()
    at_venue = desk.venue.order(SYMBOL, intent("crash").request.client_order_id)
    assert (at_venue is not None) == (point in SENT)
    assert len(desk.venue.open_orders()) == (point in SENT)
    assert len(desk.books.working) == (point in SENT)
    assert not desk.books.unproven
    if point != "before the intent":
        own = desk.books.order_of(intent("crash").intent_id)
        assert own.state is (OrderState.OPEN if point in SENT else OrderState.EXPIRED)
        again = desk.send(intent("crash"))  # the same intent never leaves a second time
        assert (again.kind, again.code) == (AnswerKind.NOT_SENT, Reason.DUPLICATE)
    report = reconcile(desk.disk.entries(), desk.queries, desk.cancels.open_orders)
    assert report.ok, report.unexplained
    assert Desk(tmp_path).books == desk.books


@pytest.mark.parametrize("point", sorted(SENT))
def test_what_was_filled_while_we_were_dead_is_found(tmp_path: Path, point: str) -> None:
    crash(tmp_path, point)
    Desk(tmp_path).venue.advance(bar(0))
    desk = Desk(tmp_path)
    desk.settle()
    own = desk.books.order_of(intent("crash").intent_id)
    assert own.state is OrderState.FILLED
    assert sum(f.quantity for f in desk.queries.fills(SYMBOL, START)) == own.filled
    assert reconcile(desk.disk.entries(), desk.queries, desk.cancels.open_orders).ok


@pytest.mark.parametrize(
    ("point", "answers"),
    [
        *((point, "heard") for point in LATER),
        ("before the execution is written", "lost"),
        ("after the cancel", "lost"),
    ],
)
def test_a_start_after_a_kill_in_an_execution_or_a_cancel_agrees_with_the_venue(
    tmp_path: Path, point: str, answers: str
) -> None:
    crash(tmp_path, point, answers)
    desk = Desk(tmp_path, epoch=2)
    desk.execution.start(START, desk.wall)
    while not desk.execution.is_ready:
        desk.wall += HOUR / 3600
        assert desk.execution.tick(START, desk.wall) == ()
    name = intent("crash").request.client_order_id
    own, shown = desk.books.orders[name], desk.venue.order(SYMBOL, name)
    assert (own.state, shown.state) == (OrderState.CANCELLED, OrderState.CANCELLED)
    assert own.filled == shown.filled > 0
    assert desk.venue.open_orders() == ()
    kinds = [entry.kind for entry in desk.disk.entries()]
    assert kinds.count(Intended.KIND) == 1
    assert desk.execution.finish(START, desk.wall).ok
    assert Desk(tmp_path).books == desk.books


def test_one_negative_look_up_proves_nothing(tmp_path: Path) -> None:
    crash(tmp_path, "before the venue")
    desk = Desk(tmp_path)
    name = intent("crash").request.client_order_id
    for _ in range(3):  # however often, while the venue may still be about to show it
        assert desk.execution.resolve(START, desk.wall) == (name,)
    assert desk.books.symbol(SYMBOL).open_buy == 1
    assert desk.books.reserved_unproven["USDT"] == 95
    desk.settle()
    assert desk.books.symbol(SYMBOL).open_buy == 0


def test_an_answer_that_is_lost_stays_unknown_and_reserved_until_it_is_found(
    tmp_path: Path,
) -> None:
    make_venue(tmp_path)
    desk = Desk(tmp_path)
    desk.execution.open_account(START)
    hidden = tmp_path / "hidden.db"
    desk.venue.close()
    (tmp_path / "venue.db").rename(hidden)
    answer = desk.send(intent("lost"))
    assert (answer.kind, answer.code) == (AnswerKind.UNKNOWN, Reason.ORDER_UNKNOWN)
    assert desk.books.symbol(SYMBOL).unknown == 1
    assert desk.books.symbol(SYMBOL).open_buy == 1
    hidden.rename(tmp_path / "venue.db")
    desk.settle()
    assert desk.books.order_of(intent("lost").intent_id).state is OrderState.EXPIRED
    assert desk.books.symbol(SYMBOL).unknown == 0


def test_an_answer_that_cannot_be_written_is_looked_up_and_not_sent_again(tmp_path: Path) -> None:
    make_venue(tmp_path)

    def fill_the_disk() -> None:
        desk.disk.full = True

    desk = Desk(tmp_path, entry=lambda e: FaultAt(e, "submit", 1, fill_the_disk, after=True))
    answer = desk.send(intent("a"))
    assert (answer.kind, answer.code) == (AnswerKind.UNKNOWN, Reason.JOURNAL)
    desk.disk.full = False
    desk.settle()
    assert desk.books.order_of(intent("a").intent_id).state is OrderState.OPEN
    kinds = [entry.kind for entry in desk.disk.entries()]
    assert kinds.count(Intended.KIND) == 1
    assert len(desk.venue.open_orders()) == 1
