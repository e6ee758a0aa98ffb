"""A process that sends one order and dies by SIGKILL at the point named on its command line."""

import os
import signal
import sys
from pathlib import Path

from tests.fakes.paper_desk import Desk, FaultAt, intent


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


POINTS = {
    "before the intent": ("journal", "append", 1, False),
    "after the intent": ("journal", "append", 1, True),
    "before the venue": ("entry", "submit", 1, False),
    "after the venue": ("entry", "submit", 1, True),
    "before the answer": ("journal", "append", 2, False),
    "after the answer": ("journal", "append", 2, True),
}


def main(folder: Path, point: str) -> None:
    port, method, nth, after = POINTS[point]
    desk = Desk(folder, **{port: lambda inner: FaultAt(inner, method, nth, die, after=after)})
    desk.send(intent("crash", quantity="1"))


if __name__ == "__main__":
    main(*sys.argv[1:])
