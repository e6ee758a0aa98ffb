"""Objects of one bare clone, read through long-lived git processes. The door to GitPython here."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import git
from git.exc import GitError

from desired_state.errors import Waiting
from desired_state.reasons import Reason

TIMEOUT_S: Final = 5  # trust.md, section 7: a tip that cannot be read within this halts
RETRY: Final = timedelta(seconds=1)
ENVIRONMENT: Final[Mapping[str, str]] = {
    # trust.md, section 2: nothing of this machine or user may change what git answers
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    # the transports there are, whatever git's own defaults: none that runs a command of the URL's
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "LC_ALL": "C",
}


_ENTRY: Final = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0(.{20})", re.DOTALL)


@contextmanager
def as_waiting(subject: str) -> Iterator[None]:
    """Every failure of git leaves as ``Waiting(FETCH)``."""
    try:
        yield
    except (GitError, ValueError, OSError) as error:
        text = " ".join(str(error).split())[:300]
        raise Waiting(Reason.FETCH, subject, text, retry_after=RETRY) from error


class Listing(NamedTuple):
    """Entries of a tree by name: mode and id, in bytes, for few of them are ever looked at."""

    entries: dict[bytes, tuple[bytes, bytes]]
    twice: bool  # one name stands more than once


FOLDER: Final = b"40000"
PLAIN: Final = b"100644"


def name_of(name: bytes) -> str:
    """The name as text; what is no text does not print."""
    return name.decode("utf-8", "surrogateescape")


class GitObjects:
    """Reads commits, trees and blobs by id; what is named by its content is cached."""

    def __init__(self, clone: Path) -> None:
        """``clone`` is a bare repository of our own."""
        self.clone = clone
        self.command = git.Git(str(clone))
        self.command.update_environment(**ENVIRONMENT)
        self._data = lru_cache(maxsize=8192)(self._read)
        self._sizes = lru_cache(maxsize=65536)(self._size)
        self._folders = lru_cache(maxsize=2048)(self._folder)

    def run(self, *arguments: str, timeout_s: int = TIMEOUT_S) -> str:
        """Standard output of one git command, bounded in time."""
        with as_waiting(" ".join(arguments[:2])):
            done = self.command.execute(
                ["git", *arguments], kill_after_timeout=timeout_s, strip_newline_in_stdout=False
            )
            return str(done)

    def data(self, oid: str) -> bytes:
        """Content of one object."""
        return self._data(oid)

    def size(self, oid: str) -> int:
        """Size of one object in bytes, without reading it."""
        return self._sizes(oid)

    def folder(self, oid: str) -> Listing:
        """The entries of one tree object, as they lie there."""
        return self._folders(oid)

    def commit(self, oid: str) -> tuple[str, tuple[str, ...]]:
        """Ids of the tree and of the parents of a commit; not cached."""
        header = self._read(oid).split(b"\n\n", 1)[0].split(b"\n")
        if not header[0].startswith(b"tree "):
            raise Waiting(Reason.FETCH, oid, "not a commit", retry_after=RETRY)
        parents = []
        for line in header[1:]:
            if not line.startswith(b"parent "):  # nothing after these may look like one
                break
            parents.append(line[7:].decode())
        return header[0][5:].decode(), tuple(parents)

    def close(self) -> None:
        """End the git processes that read objects; the next read starts new ones."""
        self.command.clear_cache()

    def _folder(self, oid: str) -> Listing:
        raw = self._read(oid)
        found = _ENTRY.findall(raw)
        if sum(map(len, chain.from_iterable(found))) + 2 * len(found) != len(raw):
            raise Waiting(Reason.FETCH, oid, "not a tree", retry_after=RETRY)
        # of two entries with one name git takes the first; a mode may be written with zeros
        entries = {name: (mode.lstrip(b"0"), entry) for mode, name, entry in reversed(found)}
        return Listing(entries, len(entries) != len(found))

    def _read(self, oid: str) -> bytes:
        with as_waiting(oid):
            return bytes(self.command.get_object_data(oid)[3])

    def _size(self, oid: str) -> int:
        with as_waiting(oid):
            return int(self.command.get_object_header(oid)[2])
