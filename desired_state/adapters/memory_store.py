"""Memory on the host's disk: whole or not at all, and checked when it is read.

``<path>`` is a small snapshot in which the ledger stands as a digest and as a range of
``<path>.ledger``: one line a version, only ever added to. A line is believed once a snapshot that
counts it is in place, so a crash between the two leaves the memory before (LEDGER-2).
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from desired_state.canonical import canonical, digest_bytes, from_json
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.ledger import NOTHING, Ledger
from desired_state.memory import Memory, from_snapshot, snapshot
from desired_state.reasons import Reason
from desired_state.values import Digest

MAX_BYTES: Final = 64 * 1024 * 1024
_PLAIN: Final = re.compile(rb'\["([ !#-\[\]-~]+)","([!#-\[\]-~]+)"\]')  # nothing is escaped in it
_APPEND: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class _Range(Frozen):
    """The bytes of the ledger's file that make up the ledger of one snapshot."""

    start: int
    end: int
    ledger: Digest


class MemoryFile:
    """Loads and stores one memory; knows what it stored last, so that storing adds what is new."""

    def __init__(self, path: Path) -> None:
        """``path`` need not exist."""
        self._path = path
        self._lines = path.with_name(path.name + ".ledger")
        self._stored: tuple[_Range, Ledger] | None = None

    def load(self) -> Memory | None:
        """The memory last stored; none on a host that never had one.

        Raises:
            Stalled: ``MEMORY_UNREADABLE`` where the files are damaged or not whole.
        """
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(str(error)) from error
        digest, _, body = raw.partition(b"\n")
        if len(raw) > MAX_BYTES or digest.decode("ascii", "replace") != digest_bytes(body):
            raise self._unreadable("its digest does not match its bytes")
        where, _, told = body.partition(b"\n")
        try:
            found = _Range.model_validate_json(where)
            ledger = self._ledger(found)
            memory = from_snapshot(told, lambda name: _same(name, ledger))
        except ValidationError as error:
            text = f"{error.error_count()} fields do not read"
            raise self._unreadable(text) from error
        except (OSError, ValueError, RecursionError) as error:
            raise self._unreadable(str(error)[:200]) from error
        self._stored = found, ledger
        return memory

    def store(self, memory: Memory) -> None:
        """On disk (fsync of files and folder) when this returns.

        Raises:
            Stalled: ``EVIDENCE_UNWRITABLE`` where the disk refuses.
        """
        if self._stored is None:
            self._look()
        where = self._added(memory.ledger)
        body = canonical(where) + b"\n" + snapshot(memory)
        write_whole(self._path, digest_bytes(body).encode() + b"\n" + body)
        self._stored = where, memory.ledger

    def _look(self) -> None:
        """What is there already; what does not read is not gone on from, and not written over."""
        try:
            self.load()
        except Stalled:
            self._stored = None
        if self._stored is None:
            end = self._lines.stat().st_size if self._lines.is_file() else 0
            self._stored = _Range(start=end, end=end, ledger=NOTHING.digest), NOTHING

    def _added(self, ledger: Ledger) -> _Range:
        before, known = self._stored or (_Range(start=0, end=0, ledger=NOTHING.digest), NOTHING)
        start = before.start
        try:
            new = list(ledger.since(known))
        except ValueError:  # another memory than the one before: all of it once more, behind
            start, new = before.end, [(p, d) for p, found in ledger.items() for d in found]
        lines = b"".join(canonical([path, digest]) + b"\n" for path, digest in new)
        if lines:
            try:
                self._append(before.end, lines)
            except OSError as error:
                raise Stalled(Reason.EVIDENCE_UNWRITABLE, self._lines.name, str(error)) from error
        return _Range(start=start, end=before.end + len(lines), ledger=ledger.digest)

    def _append(self, at: int, lines: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lines, _APPEND, 0o600)
        try:
            os.ftruncate(descriptor, at)  # what a crash left behind was never counted
            written = os.pwrite(descriptor, lines, at)
            if written != len(lines):
                raise OSError(f"wrote {written} of {len(lines)} bytes; is the disk full?")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _ledger(self, where: _Range) -> Ledger:
        if where.start == where.end:
            found = NOTHING
        else:
            if where.end - where.start > MAX_BYTES:
                raise ValueError("the ledger is longer than may be read")
            with self._lines.open("rb") as file:
                file.seek(where.start)
                found = NOTHING.grown(_entries(file.read(where.end - where.start)))
                if file.tell() != where.end:
                    raise ValueError("lines of the ledger are gone")
        if found.digest != where.ledger:
            raise ValueError("the ledger's lines are not those that were stored")
        return found

    def _unreadable(self, text: str) -> Stalled:
        return Stalled(Reason.MEMORY_UNREADABLE, self._path.name, text)


def _entries(data: bytes) -> Iterator[tuple[str, str]]:
    *lines, end = data.split(b"\n")
    for line in lines:
        if plain := _PLAIN.fullmatch(line):  # the bytes that are written, without a detour
            yield plain[1].decode(), plain[2].decode()
            continue
        path, digest = from_json(line)
        if not isinstance(path, str) or canonical([path, digest]) != line:
            raise ValueError(f"expected a path and a digest, found {line!r}"[:200])
        yield path, digest
    if end:
        raise ValueError("the last line of the ledger is not whole")


def _same(name: str, ledger: Ledger) -> Ledger:
    if name != ledger.digest:
        raise ValueError("the snapshot is of another ledger")
    return ledger


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file by these bytes, so that a crash leaves the old or the new one.

    Raises:
        Stalled: ``EVIDENCE_UNWRITABLE`` where the disk refuses.
    """
    part = path.with_name(path.name + f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Stalled(Reason.EVIDENCE_UNWRITABLE, path.name, str(error)) from error
