"""The same through ``governor run``: a loop that is attacked while it runs, as anybody sees it."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.plain_desk import ARMED, ENGAGED, PlainDesk
from tests.attacks.test_roots import revoke
from tests.attacks.test_signoffs import raise_the_limit

PATIENCE = 40.0  # seconds; on two busy cores a cycle with everything else waits for its turn


class Loop:
    """A running ``governor run``, read line by line."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "reconciler", "run", "--config", "governor.yaml"]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        self.lines.extend(iter(self.process.stderr.readline, ""))

    def says(self, revision: str, *words: str) -> str:
        """The first line from now on about this revision with these words."""
        end = time.monotonic() + PATIENCE
        start = max(0, len(self.lines) - 1)
        while time.monotonic() < end:
            for line in self.lines[start:]:
                if revision[:8] in line and all(word in line for word in words):
                    return line
            time.sleep(0.05)
        raise AssertionError((revision[:8], words, self.lines[-8:]))

    def never_says(self, word: str) -> None:
        assert not [line for line in self.lines if word in line]

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self.reader.join(timeout=30)
        assert self.process.stderr
        self.process.stderr.close()


@pytest.fixture
def loop(desk: PlainDesk) -> Iterator[Loop]:
    running = Loop(desk.folder)
    yield running
    running.end()


def test_a_running_loop_is_attacked_and_stopped(desk: PlainDesk, loop: Loop) -> None:
    loop.says(desk.head, "mode paper", "max_order_notional 50 ")
    raise_the_limit(desk)
    loop.says(desk.head, "mode paper", "max_order_notional 50 ")
    desk.propose(2)
    desk.sign(2, "oscar", use="proposal")
    desk.sign(2, "olivia")
    loop.says(desk.head, "mode paper", "max_order_notional 50 ")
    loop.never_says("max_order_notional 500 ")
    revoke(desk, "rita", "rita")
    loop.says(desk.head, "mode halted")
    desk.sign(2, "oscar", reason="once more, with the right namespace")
    desk.sign(2, "simon")
    loop.says(desk.head, "max_order_notional 500 ")
    desk.commit({"kill_switch.yaml": ENGAGED})
    desk.push({"kill_switch.yaml": ARMED})
    loop.says(desk.head, "mode halted")
    desk.push({"kill_switch.yaml": ARMED + "# and once more\n"})
    loop.says(desk.head, "mode halted")
