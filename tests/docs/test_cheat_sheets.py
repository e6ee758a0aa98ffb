"""The operator's cheat sheets, run as they stand: every command, in order, with its exit code."""

import socket
import sys
import time
from pathlib import Path

import pytest

from reconciler.adapters.latch import Latch
from reconciler.adapters.session_slot import SessionSlot
from reconciler.wiring.exchange import Command as Control
from reconciler.wiring.exchange import ask
from reconciler.wiring.host import open_host
from reconciler.wiring.host_parts import token_reader
from tests.docs.cheat_sheet import Shell, Step, commands, inline, shell, steps
from tests.fakes.governed_desk import mandated_desk, present, wait_for
from tests.fakes.rehearsal_desk import gentle_prices

ROOT = Path(__file__).parents[2]
SESSIONS = (ROOT / "docs" / "session-cheat-sheet.md").read_text(encoding="utf-8")
RECONCILIATION = (ROOT / "docs" / "reconciliation-cheat-sheet.md").read_text(encoding="utf-8")
PAPER = (
    "Look first",
    "Shadow and paper",
    "Beside the loop",
    "What a session left",
    "Stop, and release",
)
TESTNET = "Testnet, rehearsed"
BOUNDED = "Bounded live, rehearsed"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """``governor`` on the path, from these sources."""
    path = tmp_path / "bin" / "governor"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m reconciler "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "anyone")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "anyone@example.invalid")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Sight:
    """What a person would wait for, at the desk where the shell stands."""

    def __init__(self, desk: Path) -> None:
        self.desk = desk

    @property
    def slot(self) -> SessionSlot:
        return SessionSlot(self.desk / "var")

    def loop(self) -> None:
        """It takes requests, and its watcher arms it, unless a stop is in force."""
        host = open_host(self.desk / "governor.yaml")
        latch = Latch(self.desk / "var")
        wait_for(
            lambda: self.slot.hosted and (token_reader(host).check() is None or latch.in_force()),
            30,
        )

    def session(self) -> None:
        def trades() -> bool:
            found = self.slot.running()
            return found is not None and found.bars > 5

        wait_for(trades, 60)

    def told(self) -> None:
        wait_for(lambda: "our books" in self.log("session.log"), 30)

    def log(self, name: str) -> str:
        path = self.desk / name
        return path.read_text() if path.exists() else ""

    def served(self) -> None:
        wait_for(lambda: "credentials" in self.log("venue.log"), 30)

    def watched(self) -> None:
        wait_for((self.desk / "var2" / "heartbeat").exists, 30)

    def orders(self) -> None:
        wait_for(lambda: ask(self.desk / "venue", Control()).open_orders, 60)

    def stopped(self) -> None:
        self.told()
        latch = Latch(self.desk / "var")
        wait_for(
            lambda: (
                {*latch.in_force()}
                <= {n for n, a in latch.acknowledgements().items() if a.verified_clean}
            ),
            30,
        )

    def released(self) -> None:
        wait_for(lambda: not Latch(self.desk / "var").in_force(), 30)

    @staticmethod
    def second() -> None:
        """Papers are dated by whole seconds, stops are not (RELEASE-5)."""
        time.sleep(1 - present().microsecond / 1_000_000)

    def waits(self) -> dict[str, object]:
        return {
            "governor run ": self.loop,
            "governor session run > ": self.session,
            "governor session run --mode bounded_live": self.session,
            "governor session run --mode testnet": self.orders,
            "governor session stop": self.told,
            "governor venue serve": self.served,
            "governor watch": self.watched,
            "governor venue fault foreign_order": self.stopped,
            "STOP=": self.second,
            "CLEARS=": self.second,
            "governor sign 2 --as rita": self.released,
            "for NAME in oscar": self.released,
        }


def of(page: str, *headings: str) -> list[Step]:
    found = [step for step in steps(page) if step.heading in headings]
    assert {step.heading for step in found} == set(headings)
    return found


def play(there: Shell, wanted: list[Step]) -> None:
    for step in wanted:
        there.run(step)
    assert there.ran == [command.text for step in wanted for command in step.commands]


@pytest.mark.usefixtures("people")
def test_the_sheet_on_sessions_in_shadow_and_paper(tmp_path: Path, program: Path) -> None:
    desk = mandated_desk(tmp_path / "desk")
    sight = Sight(desk.folder)
    with shell(desk.folder, program, settled=sight.waits()) as there:
        play(there, of(SESSIONS, *PAPER))
    assert desk.venue.open_orders() == ()


def swaps(tmp_path: Path) -> dict[str, str]:
    prices = gentle_prices(tmp_path / "prices.csv")
    return {"PORT=8650": f"PORT={free_port()}", "PRICES=carried": f"PRICES={prices}"}


@pytest.mark.usefixtures("people")
def test_the_sheets_on_testnet_and_on_reconciliation(tmp_path: Path, program: Path) -> None:
    sight = Sight(tmp_path / "rehearsal")
    wanted = [*of(SESSIONS, TESTNET), *steps(RECONCILIATION)]
    with shell(tmp_path, program, settled=sight.waits(), swaps=swaps(tmp_path)) as there:
        play(there, wanted)


@pytest.mark.usefixtures("people")
def test_the_sheet_on_bounded_live(tmp_path: Path, program: Path) -> None:
    settings = {"MODE=testnet CLASS=sandbox": "MODE=bounded_live CLASS=live"}
    sight = Sight(tmp_path / "rehearsal")
    wanted = [of(SESSIONS, TESTNET)[0], *of(SESSIONS, BOUNDED)]
    with shell(
        tmp_path, program, settled=sight.waits(), swaps={**settings, **swaps(tmp_path)}
    ) as there:
        play(there, wanted)


def test_no_command_of_the_sheets_is_left_out() -> None:
    """Each block belongs to a test, and what the prose names stands in a block."""
    assert {step.heading for step in steps(SESSIONS)} == {*PAPER, TESTNET, BOUNDED}
    blocks = [*steps(SESSIONS), *steps(RECONCILIATION)]
    ran = "\n".join(command.text for step in blocks for command in step.commands)
    named = inline(SESSIONS) | inline(RECONCILIATION)
    assert named
    assert {name for name in named if name not in ran} == set()


def test_a_block_is_read_as_commands_with_their_exit_codes() -> None:
    body = "a b   # exit 1: why\nc <<END\nd # exit 2\nEND\n\ne # a remark\n"
    assert [(c.text, c.code) for c in commands(body)] == [
        ("a b   # exit 1: why", 1),
        ("c <<END\nd # exit 2\nEND", 0),
        ("e # a remark", 0),
    ]


def test_a_command_that_exits_otherwise_or_shows_something_else_fails(
    tmp_path: Path, program: Path
) -> None:
    with shell(tmp_path, program) as there:
        for body, shown in (("true # exit 1", ()), ("false", ()), ("echo a", ("b",))):
            with pytest.raises(AssertionError):
                there.run(Step("", tuple(commands(body)), shown))
        there.run(Step("", tuple(commands("echo a 7 c")), ("a … c",)))
