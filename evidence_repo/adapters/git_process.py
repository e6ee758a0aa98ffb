"""Git as a program, shut off from everything but the one repository it is asked about."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE, TimeoutExpired
from typing import Final

from git import Git
from git.exc import GitCommandNotFound

from desired_state.errors import Stalled, Waiting
from desired_state.reasons import Reason

RETRY: Final = timedelta(seconds=5)
LOCAL_TIMEOUT: Final = timedelta(seconds=30)
"""For what touches this disk alone."""
MAX_ERROR: Final = 2000
"""Characters of git's own words that are handed on."""

_ENVIRONMENT: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_COUNT": "0",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "GIT_NAMESPACE": "",
    "GIT_TRACE": "0",
}
# What git has not on disk yet is in the journal still, so loose objects need no fsync of their own.
_OPTIONS: Final = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run of git gave."""

    status: int
    out: bytes
    err: str


class GitProcess:
    """Runs git on one repository, and keeps one process open to read objects from."""

    def __init__(self, repository: Path) -> None:
        """``repository`` is a bare repository or the work tree of a clone."""
        inner = repository / ".git"
        self.folder = inner if inner.is_dir() else repository
        self._git = Git(str(self.folder))
        self._git.update_environment(
            **_ENVIRONMENT,
            GIT_DIR=str(self.folder),
            GIT_INDEX_FILE=str(self.folder / "index"),
            GIT_OBJECT_DIRECTORY=str(self.folder / "objects"),
        )

    def run(
        self, args: Sequence[str], stdin: bytes = b"", timeout: timedelta = LOCAL_TIMEOUT
    ) -> Answer:
        """One run to its end, whatever its status.

        Raises:
            Waiting: ``EVIDENCE_UNWRITABLE`` if it did not end in time; it is killed.
            Stalled: ``TOOL_MISSING``.
        """
        process = self._start(args)
        try:
            out, err = process.communicate(stdin, timeout=timeout.total_seconds())
        except TimeoutExpired as error:
            # The group, for what git started holds its pipes open and would be waited for.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Waiting(
                Reason.EVIDENCE_UNWRITABLE,
                f"git {args[0]}",
                f"no end within {timeout.total_seconds():g} s",
                retry_after=RETRY,
            ) from error
        return Answer(process.returncode, out, err.decode(errors="replace")[:MAX_ERROR].strip())

    def stream(self, args: Sequence[str], end: bytes) -> Iterator[bytes]:
        """What a run writes, piece by piece without their ends.

        Raises:
            Stalled: ``FETCH`` if git fails; ``TOOL_MISSING``.
        """
        process = self._start(args)
        rest = b""
        while chunk := process.stdout.read1(1 << 20):
            *pieces, rest = (rest + chunk).split(end)
            yield from pieces
        _, err = process.communicate(timeout=LOCAL_TIMEOUT.total_seconds())
        if process.returncode != 0 or rest:
            raise Stalled(Reason.FETCH, str(self.folder), err.decode(errors="replace")[:MAX_ERROR])

    def resolve(self, name: str) -> tuple[str, str, int] | None:
        """Id, type and size of the object of this name (``<rev>`` or ``<rev>:<path>``), or none."""
        try:
            identity, kind, size = self._git.get_object_header(name)
        except ValueError:
            return None
        except (OSError, GitCommandNotFound) as error:
            raise _missing(error) from error
        return _text(identity), _text(kind), size

    def content(self, name: str, limit: int) -> bytes:
        """The bytes of an object that is there.

        Raises:
            Stalled: ``FETCH`` if it is not there; ``TREE_SIZE`` if it is above ``limit``.
        """
        found = self.resolve(name)
        if found is None:
            raise Stalled(Reason.FETCH, str(self.folder), f"git has no object {name}")
        if found[2] > limit:
            raise Stalled(Reason.TREE_SIZE, name, f"expected {limit} bytes, found {found[2]}")
        return self._git.get_object_data(found[0])[3]

    def close(self) -> None:
        """End the process that reads objects."""
        self._git.clear_cache()

    def _start(self, args: Sequence[str]) -> Git.AutoInterrupt:
        try:
            process = self._git.execute(
                ["git", *_OPTIONS, *args], istream=PIPE, as_process=True, start_new_session=True
            )
        except (OSError, GitCommandNotFound) as error:
            raise _missing(error) from error
        return process


def _text(word: str | bytes) -> str:
    """GitPython says str and gives the bytes it read."""
    return word.decode() if isinstance(word, bytes) else word


def _missing(error: Exception) -> Stalled:
    return Stalled(Reason.TOOL_MISSING, "git", str(error)[:MAX_ERROR])
