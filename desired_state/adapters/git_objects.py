"""Objects of one bare clone, read through long-lived git processes. The door to GitPython here."""

import os
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final, TypeVar, cast

import git
from git.exc import GitError

from desired_state.adapters.cat_file import AT_ONCE, Answer, Process, answers
from desired_state.adapters.git_listing import PLAIN, Listing, listing
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


SMALL: Final = 256 * 1024  # bytes of a tree that is read along with others
LARGE: Final = 4096  # bytes of a tree that is worth likening to the ones before
LIKENED: Final = 4  # proposals and sign-offs, of this head and of the one before
T = TypeVar("T")
_AS_PROCESS: Final[Mapping[str, Any]] = {"istream": PIPE, "as_process": True}


@contextmanager
def as_waiting(subject: str) -> Iterator[None]:
    """Every failure of git leaves as ``Waiting(FETCH)``."""
    try:
        yield
    except (GitError, ValueError, OSError) as error:
        text = " ".join(str(error).split())[:300]
        raise Waiting(Reason.FETCH, subject, text, retry_after=RETRY) from error


class Recent(OrderedDict[str, T]):
    """What was found under an id, as many as there is room for; the least used goes first."""

    def __init__(self, room: int) -> None:
        """``room`` is how many."""
        super().__init__()
        self._room = room

    def __getitem__(self, oid: str) -> T:
        self.move_to_end(oid)
        return super().__getitem__(oid)

    def __setitem__(self, oid: str, found: T) -> None:
        super().__setitem__(oid, found)
        if len(self) > self._room:
            self.popitem(last=False)


class GitObjects:
    """Reads commits, trees and blobs by id; what is named by its content is cached."""

    def __init__(self, clone: Path) -> None:
        """``clone`` is a bare repository of our own."""
        self.clone = clone
        self.command = git.Git(str(clone))
        self.command.update_environment(**ENVIRONMENT)
        self._data: Recent[bytes] = Recent(8192)
        self._sizes: Recent[int] = Recent(65536)
        self._folders: Recent[Listing] = Recent(256)
        self._large: deque[Listing] = deque(maxlen=LIKENED)
        self._expected: dict[str, None] = {}

    def run(self, *arguments: str, timeout_s: int = TIMEOUT_S) -> str:
        """Standard output of one git command, bounded in time."""
        with as_waiting(" ".join(arguments[:2])):
            done = self.command.execute(
                ["git", *arguments], kill_after_timeout=timeout_s, strip_newline_in_stdout=False
            )
            return str(done)

    def expect(self, oids: Iterable[str]) -> None:
        """Blobs of known size that will be asked for next, in about this order."""
        self._expected = {oid: None for oid in oids if oid not in self._data}

    def data(self, oid: str) -> bytes:
        """Content of one object; of some that are expected next it is read along."""
        if oid not in self._data:
            self._expected.pop(oid, None)
            along = list(islice(self._expected, AT_ONCE - 1))
            for other in along:
                del self._expected[other]
            first, *others = self._ask([oid, *along], contents=True)
            for name, found in zip(along, others, strict=True):
                if found is not None:  # if it is missed it is asked for again, and refused
                    self._data[name] = found.data
            self._data[oid] = _there(oid, first).data
        return self._data[oid]

    def size(self, oid: str) -> int:
        """Size of one object in bytes, without reading it."""
        if oid not in self._sizes:
            [found] = self._ask([oid], contents=False)
            self._sizes[oid] = _there(oid, found).size
        return self._sizes[oid]

    def measure(self, oids: Iterable[str]) -> None:
        """The sizes of these are at hand; one that is not there is refused when it is asked for."""
        new = [oid for oid in oids if oid not in self._sizes]
        for oid, found in zip(new, self._ask(new, contents=False), strict=True):
            if found is not None:
                self._sizes[oid] = found.size

    def folder(self, oid: str) -> Listing:
        """The entries of one tree object, as they lie there."""
        if oid not in self._folders:
            self._list(oid, self._read(oid))
        return self._folders[oid]

    def foresee(self, oids: Sequence[str], room: int) -> None:
        """These folders, and the sizes of so many of their files, are at hand if they are small.

        Of a large one only what changed will be asked for, and then at once.
        """
        new = [oid for oid in oids if oid not in self._folders]
        self.measure(new)
        small = [oid for oid in new if oid in self._sizes and self._sizes[oid] <= SMALL]
        for oid, found in zip(small, self._ask(small, contents=True), strict=True):
            self._list(oid, _there(oid, found).data)
        folders = [self._folders[oid] for oid in small if self._sizes[oid] < LARGE]
        entries = (entry for folder in folders for entry in folder.entries.values())
        self.measure(islice((oid.hex() for mode, oid in entries if mode == PLAIN), room))

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

    def _list(self, oid: str, raw: bytes) -> None:
        try:
            found = listing(raw, self._large if len(raw) >= LARGE else ())
        except ValueError as error:
            raise Waiting(Reason.FETCH, oid, str(error), retry_after=RETRY) from error
        if len(raw) >= LARGE:
            self._large.append(found)
        self._folders[oid] = found

    def _read(self, oid: str) -> bytes:
        [found] = self._ask([oid], contents=True)
        return _there(oid, found).data

    def _ask(self, oids: Sequence[str], *, contents: bool) -> list[Answer | None]:
        if not oids:
            return []
        with as_waiting(oids[0]):
            process = self._process(contents=contents)
            try:
                return answers(process, oids, contents=contents)
            except (ValueError, OSError):
                self.close()  # an answer that is still to come would be taken for the next one
                raise

    def _process(self, *, contents: bool) -> Process:
        git_ = self.command
        if contents:
            git_.cat_file_all = git_.cat_file_all or git_.cat_file(batch=True, **_AS_PROCESS)
            return cast("Process", git_.cat_file_all)
        git_.cat_file_header = git_.cat_file_header or git_.cat_file(
            batch_check=True, **_AS_PROCESS
        )
        return cast("Process", git_.cat_file_header)


def _there(oid: str, found: Answer | None) -> Answer:
    if found is None:
        raise Waiting(Reason.FETCH, oid, "no such object", retry_after=RETRY)
    return found
