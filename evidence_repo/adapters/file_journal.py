"""The journal as files: numbered segments of lines, and kept bytes in files of their own.

``<folder>/<first seq>.jsonl``, ``<folder>/objects/<number>.kept``, ``<folder>/lock``. A line is
whole when its newline is there; only what one unfinished write left is ever cut off (JRN-2).
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Digest
from evidence_repo import chain
from evidence_repo.adapters.kept_segments import KeptSegments
from evidence_repo.chain import GENESIS, Head, Leaf
from evidence_repo.torn_tail import whole_part

SEGMENT_LEAVES: Final = 500
"""Leaves of one segment: what is read and checked again at every start."""
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class FileJournal:
    """One writer's journal in a folder of its own; a second one is refused by a lock."""

    def __init__(self, folder: Path, start: Head = GENESIS) -> None:
        """Take the lock, cut off a torn tail and stand at the end of the chain.

        Args:
            folder: Where the journal lives; made if it is not there.
            start: The head to go on from where the folder holds no leaf, such as the one of the
                evidence repository on a host that is new.

        Raises:
            Stalled: ``ANOTHER_WRITER``, ``JOURNAL``, or ``CHAIN_BROKEN`` for whole lines that do
                not follow from each other.
        """
        self._folder = folder
        self._mutex = threading.Lock()
        self._failed: str | None = None
        self._objects = KeptSegments(folder / "objects")
        self._head = start
        self._segment, self._first, self._length = -1, 0, 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", _OPEN, 0o600)
        except OSError as error:
            raise _stalled(folder, error) from error
        try:
            self._take_lock()
            self._recover(start)
            self._objects.open()
        except OSError as error:
            self.close()
            raise _stalled(folder, error) from error
        except Stalled:
            self.close()
            raise

    @property
    def head(self) -> Head:
        """How many leaves there are, and the digest of the last line."""
        return self._head

    @property
    def begin(self) -> Head:
        """The head that this journal went on from; what led there lies elsewhere."""
        line = next((x for n in self._segments()[:1] for x in self._whole_lines(n)), None)
        leaf = None if line is None else chain.parse(line)
        return self._head if leaf is None else Head(leaf.seq, leaf.prev)

    def append(
        self,
        kind: str,
        body: Mapping[str, Any],
        at: datetime,
        revision: str | None = None,
        objects: Sequence[Digest] = (),
    ) -> Leaf:
        """The next leaf, on disk when this returns; see the port."""
        for digest in objects:
            if _hex(digest) not in self._objects:
                raise ValueError(f"keep the bytes of {digest} before a leaf rests on them")
        with self._mutex:
            if self._failed is not None:
                raise _stalled(self._folder, self._failed)
            leaf, line = chain.following(self._head, kind, body, at, revision, objects)
            self._write(line + b"\n")
            self._head = chain.advance(self._head, line)
            return leaf

    def keep(self, data: bytes, *more: bytes) -> Digest:
        """Digest of the first bytes; all of them are on disk when this returns; see the port."""
        with self._mutex:
            if self._failed is not None:
                raise _stalled(self._folder, self._failed)
            try:
                self._objects.add((data, *more))
            except OSError as error:
                # The kernel may have dropped the bytes and call the next fsync a success.
                raise _stalled(self._folder, error) from error
        return digest_bytes(data)

    def kept(self, digest: Digest) -> bytes:
        """The bytes of this digest, checked against it; see the port."""
        try:
            data = self._objects.read(_hex(digest))
        except (OSError, KeyError) as error:
            raise _stalled(self._folder, f"{digest}: {error!r}") from error
        if digest_bytes(data) != digest:
            raise _stalled(self._folder, f"{digest}: the kept bytes have another digest")
        return data

    def lines(self, from_seq: int = 0) -> Iterator[bytes]:
        """The lines from this sequence number on, oldest first; see the port."""
        firsts, end = self._segments(), self._head.size
        if from_seq >= end:
            return
        due = from_seq
        for index, first in enumerate(firsts):
            after = firsts[index + 1] if index + 1 < len(firsts) else end
            if after <= due:
                continue
            for seq, line in enumerate(self._whole_lines(first), start=first):
                if due == seq < end:
                    yield line
                    due += 1
        if due != end:
            raise _stalled(self._folder, f"expected the leaves up to {end}, found them up to {due}")

    def read(self, from_seq: int = 0) -> Iterator[Leaf]:
        """The leaves from this sequence number on, oldest first."""
        return map(chain.parse, self.lines(from_seq))

    def close(self) -> None:
        """Let go of the lock; a closed journal takes no more."""
        self._failed = self._failed or "the journal is closed"
        for descriptor in (self._segment, self._lock):
            if descriptor >= 0:
                with suppress(OSError):
                    os.close(descriptor)
        self._segment = self._lock = -1
        self._objects.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Stalled(
                Reason.ANOTHER_WRITER, str(self._folder), "another process writes this journal"
            ) from error

    def _recover(self, start: Head) -> None:
        """JRN-2: start-up and recovery are one path."""
        firsts, begun, whole = self._segments(), list[int](), b""
        while firsts and not (whole := _whole_part(self._folder / _name(firsts[-1]))):
            begun.append(firsts.pop())
        if firsts:
            self._stand_after(firsts[-1], whole, begun)
        for first in begun:  # no line of theirs was ever whole
            (self._folder / _name(first)).unlink()
        if not firsts:
            self._head = start
            self._open_segment(start.size)

    def _stand_after(self, first: int, whole: bytes, begun: list[int]) -> None:
        path = self._folder / _name(first)
        lines = whole.split(b"\n")[:-1]
        head = Head(first, chain.parse(lines[0]).prev)
        for broken in chain.check(lines, head):
            raise Stalled(broken.code, f"{path.name}: {broken.subject}", broken.message)
        self._head = Head(first + len(lines), digest_bytes(lines[-1]))
        if begun and self._head.size != begun[-1]:
            text = f"ends before leaf {self._head.size}, the next begins at {begun[-1]}"
            raise Stalled(Reason.CHAIN_BROKEN, path.name, text)
        self._first, self._length = first, len(whole)
        self._segment = os.open(path, _OPEN, 0o600)
        os.ftruncate(self._segment, self._length)
        os.fsync(self._segment)

    def _write(self, data: bytes) -> None:
        """JRN-1: on disk or refused, and a refused line leaves no bytes behind."""
        try:
            if self._head.size - self._first >= SEGMENT_LEAVES:
                self._open_segment(self._head.size)
            written = os.write(self._segment, data)
        except OSError as error:
            self._undo()
            raise _stalled(self._folder, error) from error
        if written != len(data):
            self._undo()
            raise _stalled(self._folder, f"wrote {written} of {len(data)} bytes; is the disk full?")
        try:
            os.fdatasync(self._segment)
        except OSError as error:
            # The kernel may have dropped the bytes and call the next fsync a success.
            self._failed = f"{error}; open the journal again"
            self._undo()
            raise _stalled(self._folder, error) from error
        self._length += len(data)

    def _undo(self) -> None:
        try:
            os.ftruncate(self._segment, self._length)
            os.fsync(self._segment)
        except OSError as error:
            self._failed = self._failed or f"{error}; open the journal again"

    def _open_segment(self, first: int) -> None:
        opened = os.open(self._folder / _name(first), _OPEN, 0o600)
        if self._segment >= 0:
            os.close(self._segment)
        self._segment, self._first, self._length = opened, first, 0
        _sync_folder(self._folder)

    def _segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("[0-9]*.jsonl"))

    def _whole_lines(self, first: int) -> list[bytes]:
        try:
            data = (self._folder / _name(first)).read_bytes()
        except OSError as error:
            raise _stalled(self._folder, error) from error
        return data.split(b"\n")[:-1]


def newest_first(folder: Path) -> Iterator[bytes]:
    """Whole lines of the journal in this folder, the newest first; needs no lock.

    Raises:
        Stalled: ``JOURNAL`` if a segment cannot be read, ``CHAIN_BROKEN`` if it is damaged.
    """
    try:
        for first in sorted((int(p.stem) for p in folder.glob("[0-9]*.jsonl")), reverse=True):
            yield from reversed(_whole_part(folder / _name(first)).split(b"\n")[:-1])
    except OSError as error:
        raise _stalled(folder, error) from error


def set_aside(folder: Path) -> str:
    """The segments lie in a folder of their own below; nothing is deleted. Its name.

    Raises:
        Stalled: ``JOURNAL`` if the disk refuses.
    """
    try:
        kept = folder / f"aside-{sum(1 for _ in folder.glob('aside-*')) + 1}"
        kept.mkdir()
        for path in sorted(folder.glob("[0-9]*.jsonl"), reverse=True):
            path.rename(kept / path.name)
        _sync_folder(folder)
    except OSError as error:
        raise _stalled(folder, error) from error
    return kept.name


def _whole_part(path: Path) -> bytes:
    """The bytes of a segment up to the end of its last whole line."""
    return whole_part(path.read_bytes(), path.name)


def _hex(digest: Digest) -> str:
    return digest.removeprefix("sha256:")


def _name(first: int) -> str:
    return f"{first:012d}.jsonl"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stalled(path: Path, cause: OSError | str) -> Stalled:
    return Stalled(Reason.JOURNAL, str(path), str(cause))
