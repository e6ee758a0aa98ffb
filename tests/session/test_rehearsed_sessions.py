"""Testnet and bounded live, rehearsed on a local exchange, through the command line alone."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desired_state.canonical import from_json
from desired_state.errors import Waiting
from desired_state.reasons import Reason
from desired_state.values import instant_text
from layers.local_exchange.faults import Fault, FaultKind
from layers.ports import Cancels
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.adapters.session_slot import SessionSlot
from reconciler.wiring.exchange import Command, Told, ask
from reconciler.wiring.host_parts import venues
from reconciler.wiring.sessions import read_sessions
from reconciler.wiring.watching import watcher_pid
from tests.fakes.governed_desk import ENGAGED, present, wait_for
from tests.fakes.recorded_risk import recorded_findings
from tests.fakes.rehearsal_desk import RehearsalDesk, exchange, rehearsal_desk, wire

READY = ("live_readiness", "risk_assessment", "operator_decision")
SESSION = ("session", "run", "--interval", "1s", "--mode")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RehearsalDesk]:
    """A marked root, and an exchange that is wired in the venue's place."""
    made = rehearsal_desk(tmp_path)
    with exchange(made.store) as url:
        made.url = url
        wire(made)
        yield made


@pytest.fixture
def testnet(desk: RehearsalDesk) -> RehearsalDesk:
    desk.ask_for("testnet")
    desk.grant()
    return desk


def truth(desk: RehearsalDesk) -> Told:
    """What the exchange itself says, past everything of ours."""
    return ask(desk.store, Command())


def leaves(desk: RehearsalDesk) -> list[dict[str, Any]]:
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    return [from_json(line) for path in lines for line in path.read_bytes().splitlines()]


def ends(seconds: int) -> tuple[str, str]:
    return "--end", instant_text(present().replace(microsecond=0) + timedelta(seconds=seconds))


@contextlib.contextmanager
def running(desk: RehearsalDesk, *verb: str) -> Iterator["subprocess.Popen[str]"]:
    child = desk.start(*verb)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        pid = watcher_pid(desk.var)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
        child.communicate(timeout=30)


def sound(desk: RehearsalDesk) -> None:
    """Nothing was sent twice, and nothing is at the exchange that we did not intend."""
    sent = [
        leaf["body"]["intent"]["request"]["client_order_id"]
        for leaf in leaves(desk)
        if leaf["kind"] == "order_intent"
    ]
    assert sent
    assert set(Counter(sent).values()) == {1}
    assert truth(desk).orders <= len(sent)


def test_a_stop_that_is_committed_in_the_middle_of_a_testnet_session(
    testnet: RehearsalDesk,
) -> None:
    with running(testnet, *SESSION, "testnet") as child:
        wait_for(lambda: len(truth(testnet).open_orders) >= 2, 60)
        testnet.push(kill_switch__yaml=ENGAGED)
        said, _ = child.communicate(timeout=30)
    assert child.returncode == 1
    assert " stopped: " in said
    assert truth(testnet).open_orders == ()
    sound(testnet)
    (session,) = testnet.told("session", "list")["sessions"]
    assert session["ending"] == "stopped"
    assert testnet.told("audit")["ok"] is True
    (stop,) = testnet.latch.stops()
    with testnet.watched(armed=False):  # the session's own watcher ended with it
        assert testnet.acknowledged(stop).verified_clean
    with running(testnet, *SESSION, "testnet") as child:
        said, _ = child.communicate(timeout=30)
    assert child.returncode == 2  # until people release it
    assert Reason.NOT_APPROVED in said


def test_a_lost_peg_ends_the_buying_at_the_next_look(testnet: RehearsalDesk) -> None:
    def peg(code: str) -> list[int]:
        """Where in the record L5 said so of the peg."""
        return [
            leaf["seq"]
            for leaf in leaves(testnet)
            if leaf["kind"] == "decision"
            for row in recorded_findings(leaf["body"])
            if row["control"] == "F9" and row["code"] == code
        ]

    with running(testnet, *SESSION, "testnet") as child:
        wait_for(lambda: truth(testnet).open_orders and peg("WITHIN"), 60)
        ask(testnet.store, Command(fault=Fault(kind=FaultKind.DEPEG, change="0.05")))
        wait_for(lambda: len(peg("DEPEGGED")) > 2, 90)
        assert testnet.told("session", "stop")["reconciled"] is True
        child.communicate(timeout=30)
    lost = peg("DEPEGGED")[0]
    bought = [
        leaf["seq"]
        for leaf in leaves(testnet)
        if leaf["kind"] == "order_intent" and leaf["body"]["intent"]["request"]["side"] == "buy"
    ]
    assert bought
    assert max(bought) < lost
    assert testnet.told("audit")["ok"] is True


@pytest.mark.slow
def test_a_testnet_session_ends_with_our_books_equal_to_the_venues(
    testnet: RehearsalDesk,
) -> None:
    with running(testnet, *SESSION, "testnet") as child:
        wait_for(lambda: truth(testnet).fills > 1, 90)
        told = testnet.told("session", "stop")
        child.communicate(timeout=30)
    assert told["ending"] == "ended"
    assert told["reconciled"] is True
    there = truth(testnet)
    assert there.open_orders == ()
    assert told["fills"] == there.fills
    sound(testnet)
    for leaf in leaves(testnet):
        if leaf["kind"] == "order_intent":
            assert leaf["body"]["intent"]["request"]["venue"] == "binance"
            assert leaf["body"]["counter"] == "binance"
    assert testnet.told("audit")["ok"] is True


@pytest.mark.slow
def test_a_session_on_recorded_ticks_agrees_with_the_venue_and_tells_what_it_paid(
    tmp_path: Path,
) -> None:
    desk = rehearsal_desk(tmp_path)
    with exchange(desk.store, ticks=True) as url:
        desk.url = url
        wire(desk)
        desk.ask_for("testnet")
        desk.grant()
        with running(desk, *SESSION, "testnet") as child:
            wait_for(lambda: truth(desk).fills > 1, 90)
            told = desk.told("session", "stop")
            child.communicate(timeout=30)
        assert (told["reconciled"], told["fills"]) == (True, truth(desk).fills)
        sound(desk)
    ((pack, record),) = read_sessions(desk.host)
    assert pack == told["pack"]
    found = record["slippage"]
    assert found["model"] == {
        "preset": "pessimistic",
        "impact_bps": "0",
        "adverse_ticks": 1,
        "calibration": None,
    }
    assert found["summary"]["fills"] == told["fills"]
    assert found["summary"]["unpredicted"] == []


@pytest.mark.slow
def test_a_session_that_is_killed_is_taken_up_where_it_stood(testnet: RehearsalDesk) -> None:
    with running(testnet, *SESSION, "testnet") as child:
        wait_for(lambda: len(truth(testnet).open_orders) >= 2, 60)
        child.kill()
        child.wait()
    assert SessionSlot(testnet.var).running() is None
    with running(testnet, *SESSION, "testnet", *ends(25)) as child:
        said, _ = child.communicate(timeout=90)
    assert child.returncode == 0, said
    assert truth(testnet).open_orders == ()
    sound(testnet)


@pytest.mark.slow
def test_the_stop_lane_alone_finds_the_way_out_of_a_venue_once_opened(
    testnet: RehearsalDesk,
) -> None:
    """The session's process is dead; nobody but the watcher is left to cancel."""
    with running(testnet, *SESSION, "testnet") as child:
        wait_for(lambda: len(truth(testnet).open_orders) >= 2, 60)
        child.kill()
    assert truth(testnet).open_orders
    with testnet.watched():
        testnet.push(kill_switch__yaml=ENGAGED)
        wait_for(lambda: testnet.latch.stops() and truth(testnet).open_orders == ())
        (stop,) = testnet.latch.stops()
        assert testnet.acknowledged(stop).verified_clean


def ask_for_bounded_live(desk: RehearsalDesk) -> None:
    desk.ask_for("bounded_live")
    digest = "sha256:" + "0" * 64
    packs = [f"EV-20260101-REVIEW-{n:012d}={digest}:{claim}" for n, claim in enumerate(READY)]
    desk.grant(1, *(word for pack in packs for word in ("--evidence", pack)))


@contextlib.contextmanager
def second_watcher(desk: RehearsalDesk) -> Iterator[None]:
    """As on another host: its own name, its own folder, a heartbeat that the first one is given."""
    first = desk.folder / "governor.yaml"
    second = desk.folder / "second.yaml"
    text = first.read_text()
    second.write_text("host: second\n" + text.replace('var: "./var"', 'var: "./var2"', 1))
    first.write_text(text + "heartbeats: [./var2/heartbeat]\n")
    command = [sys.executable, "-m", "reconciler", "watch", "--config", str(second)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for((desk.folder / "var2" / "heartbeat").exists)
        yield
    finally:
        child.terminate()
        child.communicate(timeout=10)


def test_bounded_live_is_rehearsed_as_what_it_is(desk: RehearsalDesk) -> None:
    ask_for_bounded_live(desk)
    with second_watcher(desk), running(desk, *SESSION, "bounded_live") as child:
        wait_for(lambda: len(truth(desk).open_orders) >= 1, 60)
        assert desk.told("session", "stop")["reconciled"] is True
        child.communicate(timeout=30)
    snapshots = [x["body"]["snapshot"] for x in leaves(desk) if x["kind"] == "decision"]
    assert {s["venue_class"] for s in snapshots} == {"live"}
    assert {s["mode"] for s in snapshots} == {"bounded_live"}
    assert truth(desk).open_orders == ()
    sound(desk)


@pytest.mark.slow
def test_in_bounded_live_nothing_rests_while_nobody_elsewhere_could_cancel_it(
    desk: RehearsalDesk,
) -> None:
    ask_for_bounded_live(desk)
    with running(desk, *SESSION, "bounded_live") as child:
        wait_for(lambda: sum(leaf["kind"] == "decision" for leaf in leaves(desk)) > 8, 60)
        told = desk.told("session", "stop")
        child.communicate(timeout=30)
    assert (told["ending"], told["orders"]) == ("ended", 0)
    allowed = [
        leaf["body"]
        for leaf in leaves(desk)
        if leaf["kind"] == "decision" and leaf["body"]["risk"]["outcome"] == "allow"
    ]
    assert allowed  # L5 would have let them go
    assert truth(desk).orders == 0


# --- what is refused
@pytest.mark.slow
def test_without_a_marked_root_nobody_can_even_ask_for_it(tmp_path: Path) -> None:
    desk = rehearsal_desk(tmp_path, rehearses=False)
    with exchange(desk.store) as url:
        desk.url = url
        wire(desk)
        desk.ask_for("testnet")
        asked = ("propose", "--reason", "r", "--as", "olivia", "--push")
        assert desk.verb(*asked) == 2
        with running(desk, *SESSION, "testnet") as child:
            said, _ = child.communicate(timeout=30)
        assert (child.returncode, Reason.NOT_APPROVED in said) == (2, True)
        assert truth(desk).orders == 0
    assert list(OpenedVenues(desk.var).names()) == []


def test_a_host_that_is_wired_to_the_venue_itself_permits_nothing(testnet: RehearsalDesk) -> None:
    wire(testnet, rehearsal=False)
    told = testnet.told("verify")
    assert Reason.REHEARSAL_VENUE in {f["code"] for f in told["findings"]}
    with running(testnet, *SESSION, "testnet") as child:
        said, _ = child.communicate(timeout=30)
    assert (child.returncode, Reason.NOT_APPROVED in said) == (2, True)
    assert list(OpenedVenues(testnet.var).names()) == []


def test_another_account_than_the_approved_one_is_told_and_trades_nothing(
    desk: RehearsalDesk,
) -> None:
    desk.ask_for("testnet", account="87654321")
    desk.grant()
    with running(desk, *SESSION, "testnet") as child:
        said, _ = child.communicate(timeout=30)
    assert (child.returncode, Reason.ACCOUNT_UNAPPROVED in said) == (2, True)
    assert truth(desk).orders == 0
    recorded = [leaf for leaf in leaves(desk) if leaf["kind"] == "verdict"]
    assert len(recorded) > 1  # the account that the venue told narrowed what is permitted (GATE-3)


@pytest.mark.slow
def test_a_paper_session_is_not_run_where_testnet_is_permitted(testnet: RehearsalDesk) -> None:
    with running(testnet, "session", "run") as child:
        said, _ = child.communicate(timeout=30)
    assert (child.returncode, Reason.NOT_APPROVED in said) == (2, True)


@pytest.mark.slow
def test_a_venue_once_opened_that_cannot_be_reached_is_never_taken_for_clean(
    testnet: RehearsalDesk,
) -> None:
    with running(testnet, *SESSION, "testnet", *ends(12)) as child:
        child.communicate(timeout=60)
    (testnet.store / "credentials.yaml").unlink()
    way: Cancels = venues(testnet.host)()["binance"]
    with pytest.raises(Waiting) as caught:
        way.open_orders()
    assert caught.value.code is Reason.VENUE_UNREACHABLE
    assert way.cancel_all().unreachable
