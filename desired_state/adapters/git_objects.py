"""Objects of one bare clone, read through long-lived git processes. The door to GitPython here."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

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


@contextmanager
def as_waiting(subject: str) -> Iterator[None]:
    """Every failure of git leaves as ``Waiting(FETCH)``."""
    try:
        yield
    except (GitError, ValueError, OSError) as error:
        text = " ".join(str(error).split())[:300]
        raise Waiting(Reason.FETCH, subject, text, retry_after=RETRY) from error


class GitObjects:
    """Reads commits, trees and blobs by id; what is named by its content is cached."""

    def __init__(self, clone: Path) -> None:
        """``clone`` is a bare repository of our own."""
        self.clone = clone
        self.command = git.Git(str(clone))
        self.command.update_environment(**ENVIRONMENT)
        self._data = lru_cache(maxsize=8192)(self._read)
        self._sizes = lru_cache(maxsize=65536)(self._size)

    def run(self, *arguments: str, timeout_s: int = TIMEOUT_S) -> str:
        """Standard output of one git command, bounded in time."""
        with as_waiting(" ".join(arguments[:2])):
            done = self.command.execute(
                ["git", *arguments], kill_after_timeout=timeout_s, strip_newline_in_stdout=False
            )
            return str(done)

    def succeeds(self, *arguments: str) -> bool:
        """Whether git answers yes (exit code 0) rather than no."""
        with as_waiting(" ".join(arguments[:2])):
            status, _, _ = self.command.execute(
                ["git", *arguments],
                kill_after_timeout=TIMEOUT_S,
                with_extended_output=True,
                with_exceptions=False,
            )
            return status == 0

    def data(self, oid: str) -> bytes:
        """Content of one object."""
        return self._data(oid)

    def size(self, oid: str) -> int:
        """Size of one object in bytes, without reading it."""
        return self._sizes(oid)

    def folder(self, oid: str) -> Iterator[tuple[str, str, str]]:
        """Mode, name and id of each entry of one tree object."""
        raw, at = self.data(oid), 0
        while at < len(raw):
            space, end = raw.index(b" ", at), raw.index(b"\0", at)
            name = raw[space + 1 : end].decode("utf-8", "surrogateescape")
            yield raw[at:space].decode().zfill(6), name, raw[end + 1 : end + 21].hex()
            at = end + 21

    def root_tree(self, commit: str) -> str:
        """Id of the tree of a commit."""
        first = self.data(commit).split(b"\n", 1)[0]
        if not first.startswith(b"tree "):
            raise Waiting(Reason.FETCH, commit, "not a commit", retry_after=RETRY)
        return first[5:].decode()

    def parents(self, commit: str) -> tuple[str, ...]:
        """Ids of the parents of a commit."""
        header = self.data(commit).split(b"\n\n", 1)[0]
        return tuple(x[7:].decode() for x in header.split(b"\n") if x.startswith(b"parent "))

    def find(self, tree: str, path: str) -> tuple[str, str] | None:
        """Mode and id of one path below a tree, or none."""
        name, _, rest = path.partition("/")
        for mode, entry, oid in self.folder(tree):
            if entry == name:
                return self.find(oid, rest) if rest and mode == "040000" else (mode, oid)
        return None

    def close(self) -> None:
        """End the git processes that read objects; the next read starts new ones."""
        self.command.clear_cache()

    def _read(self, oid: str) -> bytes:
        with as_waiting(oid):
            return bytes(self.command.get_object_data(oid)[3])

    def _size(self, oid: str) -> int:
        with as_waiting(oid):
            return int(self.command.get_object_header(oid)[2])
