"""One session a host: run here or in the running reconciler, ended in order by whoever asks."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from desired_state.canonical import from_json
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Mode
from layers.market import Bar
from reconciler.adapters.session_slot import SessionSlot
from reconciler.session import Session
from reconciler.session_ending import Ending
from reconciler.session_request import Asked, EndAsked, Request, Standing, Told
from reconciler.wiring.hosting import Hosting
from reconciler.wiring.watching import watcher_pid
from tests.fakes.governed_desk import GovernedDesk, in_child, wait_for
from tests.fakes.session_desk import FIRST, LAST, opened

LONG = ("--start", "2020-02-24T00:00:00Z")
SHORT = (*LONG, "--end", "2020-02-25T00:00:00Z")
TICKET = "0123456789abcdef"
OTHER = "fedcba9876543210"


def kinds(desk: GovernedDesk) -> list[str]:
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    return [from_json(line)["kind"] for path in lines for line in path.read_bytes().splitlines()]


def slot(desk: GovernedDesk) -> SessionSlot:
    return SessionSlot(desk.var)


def asked(ticket: str = TICKET, **terms: object) -> Asked:
    terms = {"start": FIRST, "end": LAST, **terms}
    return Asked(ticket=ticket, by="anyone", request=Request(**terms))


def bars(desk: GovernedDesk) -> int:
    standing = slot(desk).running()
    return standing.bars if standing else 0


def ended(child: "subprocess.Popen[str]", seconds: float = 30) -> tuple[int, str]:
    said, _ = child.communicate(timeout=seconds)
    return child.returncode, said


@pytest.fixture
def reconciler(desk: GovernedDesk) -> Any:  # noqa: ANN401
    """``governor run`` beside the test."""
    child = desk.start("run")
    try:
        wait_for(lambda: slot(desk).hosted and desk.armed)
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        elif (watcher := watcher_pid(desk.var)) is not None:
            os.kill(watcher, signal.SIGTERM)  # a reconciler that was killed leaves it
        child.communicate(timeout=30)


# --- stop
def test_a_session_that_is_asked_to_end_leaves_nothing_open_and_all_its_evidence(
    desk: GovernedDesk,
) -> None:
    child = desk.start("session", "run", *LONG)
    wait_for(lambda: bars(desk) > 20)
    told = desk.told("session", "stop")
    code, said = ended(child)
    assert told["ending"] == "ended"
    assert told["reconciled"] is True
    assert told["pack"]
    assert told["reconciliation"]
    assert code == 1  # it did not come to its end
    assert told["run"] in said
    assert desk.venue.open_orders() == ()
    assert "session_end_asked" in kinds(desk)
    listed = desk.told("session", "list")["sessions"]
    assert [(row["run"], row["ending"]) for row in listed] == [(told["run"], "ended")]
    assert desk.verb("session", "stop") == 1  # there is none any more


def test_where_no_session_runs_there_is_none_to_stop(desk: GovernedDesk) -> None:
    assert desk.verb("session", "stop") == 1
    assert desk.told("session", "stop")["ended"] is False
    assert not (desk.var / "session" / "stop.json").exists()


def test_a_signal_ends_a_session_in_the_same_order(desk: GovernedDesk) -> None:
    child = desk.start("session", "run", *LONG)
    wait_for(lambda: bars(desk) > 20)
    child.send_signal(signal.SIGINT)
    code, said = ended(child)
    assert (code, "ended" in said) == (1, True)
    assert desk.venue.open_orders() == ()


def test_a_wish_to_end_another_session_ends_nothing(desk: GovernedDesk) -> None:
    here = slot(desk)
    with here.taken(Standing(ticket=TICKET, mode=Mode.PAPER, symbol="BTC/USDT")):
        here.ask_end(EndAsked(ticket=OTHER, by="anyone"))
        assert here.end_asked(TICKET) is None


# --- one a host
def test_of_two_sessions_at_once_one_runs(desk: GovernedDesk) -> None:
    first = desk.start("session", "run", *LONG)
    wait_for(lambda: bars(desk) > 3)
    second = desk.start("session", "run", *LONG)
    code, said = ended(second)
    assert code == 2
    assert Reason.SESSION_RUNNING in said
    assert first.poll() is None
    assert desk.verb("session", "stop") == 0
    ended(first)


def test_two_that_begin_in_the_same_instant_are_one(desk: GovernedDesk) -> None:
    children = [desk.start("session", "run", *SHORT) for _ in range(3)]
    ends = [ended(child) for child in children]
    codes = sorted(code for code, _ in ends)
    assert codes[0] == 0
    assert kinds(desk).count("session_start") == codes.count(0)
    for code, said in ends:
        if code:
            assert Reason.SESSION_RUNNING in said or Reason.ANOTHER_WRITER in said, said
    assert desk.told("audit")["ok"] is True


def test_a_second_request_is_refused_while_a_session_runs(desk: GovernedDesk) -> None:
    here, answers = slot(desk), []

    def second(_session: Session, _bar: Bar) -> None:
        if not answers:
            here.ask(asked(OTHER))
            answers.append("asked")

    with opened(desk) as writer:
        hosting = Hosting(writer, asked())
        bar = hosting._bar  # noqa: SLF001
        hosting._bar = lambda s, b: (bar(s, b), second(s, b))  # type: ignore[method-assign,assignment,return-value]  # noqa: SLF001
        outcome = hosting.run()
    assert answers
    assert outcome.record.ending is Ending.COMPLETED
    told = here.told(OTHER)
    assert told is not None
    assert told.refused is Reason.SESSION_RUNNING
    assert here.asked() is None


# --- handed over
def test_the_running_reconciler_runs_what_it_is_handed(
    desk: GovernedDesk, reconciler: "subprocess.Popen[str]"
) -> None:
    told = desk.told("session", "run", *SHORT)
    assert told["ending"] == "completed"
    assert told["reconciled"] is True
    assert reconciler.poll() is None
    again = desk.told("session", "run", "--end", "2020-02-26T00:00:00Z")
    assert again["first"] > told["last"]
    assert slot(desk).running() is None


def test_a_session_in_the_reconciler_is_ended_by_the_verb_and_by_a_stop(
    desk: GovernedDesk, reconciler: "subprocess.Popen[str]"
) -> None:
    first = desk.start("session", "run", *LONG)
    wait_for(lambda: bars(desk) > 20)
    assert desk.verb("session", "stop") == 0
    assert ended(first)[0] == 1
    second = desk.start("session", "run")
    wait_for(lambda: bars(desk) > 5)
    assert desk.verb("halt", "--reason", "drill") == 0
    code, said = ended(second)
    assert (code, "stopped" in said) == (1, True)
    assert desk.venue.open_orders() == ()
    assert reconciler.poll() is None  # it goes on, and permits nothing
    code, said = ended(desk.start("session", "run"))
    assert (code, Reason.NOT_APPROVED in said) == (2, True)


def test_a_reconciler_that_is_asked_to_end_ends_its_session_first(
    desk: GovernedDesk, reconciler: "subprocess.Popen[str]"
) -> None:
    client = desk.start("session", "run", *LONG)
    wait_for(lambda: bars(desk) > 20)
    reconciler.send_signal(signal.SIGTERM)
    code, said = ended(client)
    assert (code, "ended" in said) == (1, True)
    wait_for(lambda: reconciler.poll() is not None)
    assert desk.venue.open_orders() == ()


def test_whoever_waits_for_a_reconciler_that_dies_is_told(
    desk: GovernedDesk, reconciler: "subprocess.Popen[str]"
) -> None:
    client = desk.start("session", "run", *LONG)
    wait_for(lambda: bars(desk) > 5)
    reconciler.kill()
    code, said = ended(client)
    assert (code, Reason.SESSION_LOST in said) == (2, True)
    assert slot(desk).running() is None
    assert desk.verb("session", "stop") == 1  # what lies there is no session


# --- crashes
def test_what_a_crash_left_is_cleared_at_the_next_start_and_told(desk: GovernedDesk) -> None:
    def die() -> None:
        with slot(desk).taken(Standing(ticket=TICKET, mode=Mode.PAPER, symbol="BTC/USDT")):
            slot(desk).ask(asked(OTHER))
            os._exit(9)

    assert in_child(die) == 9
    assert slot(desk).running() is None
    assert (desk.var / "session" / "running.json").exists()
    assert desk.told("session", "run", *SHORT)["ending"] == "completed"
    assert kinds(desk).count("session_cleared") == 1
    assert kinds(desk).count("session_start") == 1  # a request that was left is never run
    waiting = slot(desk).told(OTHER)
    assert waiting is not None
    assert waiting.refused is Reason.SESSION_LOST


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"ticket": "0123456789abcdef", "by": "x", "request": {}, "more": 1}',
        b'{"ticket": "../../etc", "by": "x", "request": {}}',
        b'{"ticket": "0123456789abcdef", "by": "x", "request": {"mode": "paper", "seed": "7"}}',
        b'{"ticket": "0123456789abcdef", "by": "x", "request": {"mode": "everything"}}',
        b"x" * 100_000,
    ],
)
def test_a_request_that_does_not_read_is_dropped(desk: GovernedDesk, data: bytes) -> None:
    here = slot(desk)
    here.folder.mkdir(parents=True, exist_ok=True)
    (here.folder / "request.json").write_bytes(data)
    with pytest.raises(Stalled) as caught:
        here.asked()
    assert caught.value.code is Reason.USAGE
    assert here.asked() is None


def test_words_between_processes_come_through_as_they_went(tmp_path: Path) -> None:
    here = SessionSlot(tmp_path)
    wanted = asked(seed=3, feed="some/where.csv")
    here.ask(wanted)
    with pytest.raises(Stalled) as caught:
        here.ask(asked(OTHER))
    assert caught.value.code is Reason.SESSION_RUNNING
    assert here.asked() == wanted
    told = Told(ticket=TICKET, ending="completed", first=FIRST, reconciled=True, orders=3)
    here.finished(told)
    assert here.told(TICKET) == told
    assert here.told(TICKET) is None
    assert here.last() == told
    assert json.loads((here.folder / "last.json").read_bytes())["orders"] == 3


def test_only_one_of_many_takes_the_slot(tmp_path: Path) -> None:
    got, barrier = [], threading.Barrier(6)
    over = threading.Event()

    def take() -> None:
        barrier.wait()
        try:
            with SessionSlot(tmp_path).taken(
                Standing(ticket=TICKET, mode=Mode.PAPER, symbol="BTC/USDT")
            ):
                got.append(1)
                over.wait(5)
        except Stalled:
            pass

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_for(lambda: sum(t.is_alive() for t in threads) == 1)
    over.set()
    for thread in threads:
        thread.join()
    assert got == [1]
