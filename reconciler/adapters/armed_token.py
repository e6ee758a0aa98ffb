"""The ``armed`` token: a file that the watcher keeps and the door reads for every order.

One line, ``armed <beat> <nanoseconds since boot>`` and a digest of it. Missing, short, unreadable
or old means stopped (STOP-6).
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from desired_state.canonical import sha256_hex
from desired_state.errors import Finding, finding
from desired_state.reasons import Reason

MAX_BYTES: Final = 200
_LINE: Final = re.compile(r"armed [0-9]{1,20} ([0-9]{1,20})\Z")


class TokenWriter:
    """The watcher's end."""

    def __init__(self, path: Path, boot_clock_ns: Callable[[], int]) -> None:
        """``path`` lies on this host's own disk."""
        self._path = path
        self._clock = boot_clock_ns
        self._beat = 0

    def arm(self) -> None:
        """Put a fresh token in place; a disk that refuses leaves the old one to age."""
        self._beat += 1
        line = f"armed {self._beat} {self._clock()}"
        part = self._path.with_name(self._path.name + ".part")
        with suppress(OSError):
            part.write_text(f"{line} {sha256_hex(line.encode())}\n")
            part.replace(self._path)

    def disarm(self) -> None:
        """Take the token away; where even that fails, spoil its bytes."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            with suppress(OSError):
                os.truncate(self._path, 0)


class TokenReader:
    """The door's end; cheap enough for every order."""

    def __init__(self, path: Path, bound: timedelta, boot_clock_ns: Callable[[], int]) -> None:
        """``bound`` is the root's heartbeat bound."""
        self._path = path
        self._bound_ns = int(bound.total_seconds() * 1_000_000_000)
        self._clock = boot_clock_ns

    def check(self) -> Finding | None:
        """None while armed and fresh."""
        age = self.age_ns()
        if age is None:
            return finding(Reason.KILL_LATCHED, "armed token", "the token is missing or not whole")
        if not 0 <= age <= self._bound_ns:
            text = f"the token is {age // 1_000_000} ms old, at most {self._bound_ns // 1_000_000}"
            return finding(Reason.HEARTBEAT_MISSING, "armed token", text)
        return None

    def age_ns(self) -> int | None:
        """Nanoseconds since the watcher wrote it; none where there is no whole token."""
        try:
            fd = os.open(self._path, os.O_RDONLY)
        except OSError:
            return None
        try:
            raw = os.read(fd, MAX_BYTES + 1)
        except OSError:
            return None
        finally:
            os.close(fd)
        line, _, digest = raw.decode("ascii", "replace").rstrip("\n").rpartition(" ")
        found = _LINE.match(line)
        if not raw.endswith(b"\n") or found is None or sha256_hex(line.encode()) != digest:
            return None
        return self._clock() - int(found[1])
