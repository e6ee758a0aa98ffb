"""A stop from another process while orders are being sent; cancels that no disk may delay."""

import subprocess
import sys
import time
from pathlib import Path

from desired_state.reasons import Reason
from layers.adapters.paper_cancels import PaperCancels
from layers.l6_execution.events import CancelAsked, CancelGap
from layers.orders import AnswerKind, OrderState
from layers.paper_venue.venue import PaperVenue
from tests.fakes.paper_desk import START, SYMBOL, Desk, bar, intent, make_venue

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("submitting_child.py")


def test_after_the_token_is_gone_and_two_sweeps_are_clean_no_order_remains(tmp_path: Path) -> None:
    for burst in range(3):
        folder = tmp_path / str(burst)
        folder.mkdir()
        make_venue(folder)
        with subprocess.Popen(
            [sys.executable, CHILD, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout.readline() == "sending\n"
            time.sleep(0.05 * burst)
            cancels = PaperCancels(PaperVenue(folder / "venue.db"))
            (folder / "token").unlink()
            cancelled = set(cancels.cancel_all().confirmed)
            clean = 0
            while clean < 2:
                time.sleep(0.2)
                swept = cancels.cancel_all()
                assert not swept.unreachable
                cancelled |= set(swept.confirmed)
                clean = 0 if swept.confirmed else clean + 1
            assert child.stdout.readline() == "KILL_LATCHED\n"
        assert cancels.open_orders() == ()
        desk = Desk(folder, epoch=2)
        desk.token.path.unlink()
        desk.settle()
        accepted = [o for o in desk.books.orders.values() if o.state is OrderState.CANCELLED]
        assert {o.client_order_id for o in accepted} == cancelled
        assert not desk.books.working


def test_a_full_disk_delays_no_cancel_and_the_gap_is_written_afterwards(tmp_path: Path) -> None:
    make_venue(tmp_path)
    desk = Desk(tmp_path)
    for name in "abc":
        assert desk.send(intent(name)).kind is AnswerKind.ACCEPTED
    desk.disk.full = True
    report = desk.execution.cancel_all(START)
    assert len(report.confirmed) == 3
    assert desk.venue.open_orders() == ()
    assert not desk.execution.record_gap(START)
    assert len(desk.books.working) == 3  # nothing is freed by what is not on disk
    desk.disk.full = False
    assert desk.execution.record_gap(START)
    desk.execution.poll(START)
    assert not desk.books.working
    (gap,) = (e for e in desk.disk.entries() if e.kind == CancelGap.KIND)
    assert gap.body["code"] == Reason.UNJOURNALED_CANCELS
    assert set(gap.body["confirmed"]) == set(report.confirmed)


def test_a_cancel_on_its_way_frees_nothing_and_may_lose_against_a_fill(tmp_path: Path) -> None:
    make_venue(tmp_path, latency_min_ms=1, latency_max_ms=1)
    desk = Desk(tmp_path, travels=True)
    decided = intent("a")
    desk.send(decided)
    desk.venue.advance(bar(0, opened="100", low="99", high="101", close="100"))
    name = decided.request.client_order_id
    report = desk.execution.cancel(SYMBOL, name, desk.venue.clock())
    assert report.still_open == (name,)
    assert desk.books.orders[name].state is OrderState.PENDING_CANCEL
    assert desk.books.symbol(SYMBOL).open_buy == 1
    desk.venue.advance(bar(1, opened="90", low="80", high="91", close="85"))
    desk.execution.poll(desk.venue.clock())
    assert desk.books.orders[name].state is OrderState.FILLED
    assert desk.books.symbol(SYMBOL).open_buy == 0
    kinds = [entry.kind for entry in desk.disk.entries()]
    assert CancelAsked.KIND in kinds


def test_a_stop_by_another_process_is_seen_and_frees_what_was_reserved(tmp_path: Path) -> None:
    make_venue(tmp_path)
    desk = Desk(tmp_path)
    desk.send(intent("a"))
    PaperVenue(tmp_path / "venue.db").cancel_all()
    assert desk.books.symbol(SYMBOL).working == 1
    assert desk.execution.poll(START) == ()
    assert desk.books.symbol(SYMBOL).working == 0
    assert desk.books.order_of(intent("a").intent_id).state is OrderState.CANCELLED
