"""Objects asked of one long-lived ``git cat-file``: many in one breath, with one wait for all.

The process answers in the order of the questions. Each answer is held against its question, so an
answer that belongs to another one is never believed.
"""

import re
from collections.abc import Iterator, Sequence
from typing import IO, Final, NamedTuple, Protocol

AT_ONCE: Final = 96  # ids in one breath: they fit into the least of pipes while git is answering
_ID: Final = re.compile(r"[0-9a-f]{40}\Z")
_MAX_LINE: Final = 200


class Process(Protocol):
    """The two ends of ``git cat-file --batch`` or ``--batch-check``."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """Takes one id a line."""
        ...

    @property
    def stdout(self) -> IO[bytes] | None:
        """Gives one answer for each."""
        ...


class Answer(NamedTuple):
    """Size and, where it was asked for, content of one object."""

    size: int
    data: bytes


def answers(process: Process, oids: Sequence[str], *, contents: bool) -> list[Answer | None]:
    """One answer to each id; none for an object that is not there.

    Raises:
        ValueError: what was asked is no id (and nothing was asked), or what came is no answer:
            then the process must be ended, for what it says next belongs to nobody knows what.
    """
    for oid in oids:
        if not _ID.match(oid):
            raise ValueError(f"expected the id of an object, found {oid!r}"[:300])
    if process.stdin is None or process.stdout is None:
        raise ValueError("git does not listen")
    return list(_asked(process.stdin, process.stdout, oids, contents=contents))


def _asked(
    stdin: IO[bytes], stdout: IO[bytes], oids: Sequence[str], *, contents: bool
) -> Iterator[Answer | None]:
    for start in range(0, len(oids), AT_ONCE):
        some = oids[start : start + AT_ONCE]
        stdin.write("".join(f"{oid}\n" for oid in some).encode())
        stdin.flush()
        for oid in some:
            yield _answer(stdout, oid, contents=contents)


def _answer(stdout: IO[bytes], oid: str, *, contents: bool) -> Answer | None:
    line = stdout.readline(_MAX_LINE)
    match line.decode("ascii", "replace").split():
        case [found, "missing"] if found == oid and line.endswith(b"\n"):
            return None
        case [found, _, size] if found == oid and size.isdecimal() and line.endswith(b"\n"):
            data = stdout.read(int(size) + 1) if contents else b""
            if contents and (len(data) != int(size) + 1 or not data.endswith(b"\n")):
                raise ValueError(f"git broke off within {oid}")
            return Answer(int(size), data[:-1])
    raise ValueError(f"git gave no answer for {oid}: {line!r}"[:300])
