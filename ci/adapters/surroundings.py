"""This machine's clock, environment and alarm."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MAX_INPUT: Final = 1024 * 1024  # a push of some thousand refs


def wall_clock() -> datetime:
    """Now, aware and in UTC."""
    return datetime.now(UTC)  # noqa: TID251  (the one place)


def take_quarantine() -> Path | None:
    """Where git keeps the objects of the push that is being judged; git's variables are gone then.

    They describe the repository that is pushed to. Our own clone must not inherit them: git would
    read and refuse to write in the wrong place.
    """
    found = os.environ.get("GIT_QUARANTINE_PATH") or os.environ.get("GIT_OBJECT_DIRECTORY")
    place = Path(found).resolve() if found else None
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    return place


def end_within(seconds: int) -> None:
    """This process dies by SIGALRM when the time is over, whatever it is doing then."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def given() -> str:
    """What git says on standard input, bounded."""
    return sys.stdin.buffer.read(MAX_INPUT).decode("utf-8", "surrogateescape")


def interpreter() -> str:
    """The Python that runs this."""
    return sys.executable
