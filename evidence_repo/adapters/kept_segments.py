"""Kept bytes as files that only grow: many objects reach the disk by one fsync (JRN-3).

``<folder>/<number>.kept`` is a row of records: 64 hex digits, a space, the length, a newline, the
bytes, a newline. What a crash left unfinished is never read, and never written over: whoever opens
the folder to write goes on in a new file.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from desired_state.canonical import sha256_hex

SEGMENT_BYTES: Final = 4 * 1024 * 1024
"""Where a file ends; its newest is read and checked again at every start."""
_HEADER: Final = re.compile(rb"([0-9a-f]{64}) ([0-9]{1,10})\n")
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class Place(NamedTuple):
    """Where the bytes of one object lie."""

    segment: int
    start: int
    length: int


class KeptSegments:
    """Finds and reads objects; one writer at a time also adds some. Raises ``OSError``."""

    def __init__(self, folder: Path) -> None:
        """``folder`` need not be there; nothing is read yet."""
        self._folder = folder
        self._places: dict[str, Place] = {}
        self._ends: dict[int, int] = {}  # up to where each segment was read
        self._writing, self._number, self._length = -1, 0, 0

    def __contains__(self, name: str) -> bool:
        """Whether the bytes of this sha256 (hex) are here, as far as was read."""
        return name in self._places

    def refresh(self) -> None:
        """What another process added is known as well."""
        for path in sorted(self._folder.glob("[0-9]*.kept")):
            number, start = int(path.stem), self._ends.get(int(path.stem), 0)
            if path.stat().st_size > start:
                with path.open("rb") as file:
                    file.seek(start)
                    self._index(number, start, file.read())

    def open(self) -> None:
        """Ready to add: everything is known, and the newest file is whole to its last byte."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.refresh()
        self._number = max(self._ends, default=0)
        path = self._path(self._number)
        size = path.stat().st_size if path.exists() else 0
        if size != self._ends.get(self._number, 0) or not self._checked():
            self._number += 1
            size = 0
        self._start(size)

    def add(self, objects: Iterable[bytes]) -> None:
        """All of these are on disk (one fsync) when this returns, or none is known."""
        named = {sha256_hex(data): data for data in objects}
        new = {name: data for name, data in named.items() if name not in self._places}
        if not new:
            return
        if self._writing < 0:  # an attempt before this one failed
            self._start(0)
        elif self._length >= SEGMENT_BYTES:
            self._number += 1
            self._start(0)
        places, at = {}, self._length
        parts = []
        for name, data in new.items():
            header = f"{name} {len(data)}\n".encode()
            places[name] = Place(self._number, at + len(header), len(data))
            at += len(header) + len(data) + 1
            parts += [header, data, b"\n"]
        self._append(b"".join(parts))
        self._places.update(places)
        self._length = self._ends[self._number] = at

    def read(self, name: str) -> bytes:
        """The bytes as they lie there, for the caller to check. Raises ``KeyError``."""
        if name not in self._places:
            self.refresh()
        place = self._places[name]
        descriptor = os.open(f"{self._folder}/{_name(place.segment)}", os.O_RDONLY | os.O_CLOEXEC)
        try:  # thousands are read at a start, so this is as short as it can be
            return os.pread(descriptor, place.length, place.start)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Nothing is added any more."""
        if self._writing >= 0:
            with suppress(OSError):
                os.close(self._writing)
        self._writing = -1

    def _append(self, data: bytes) -> None:
        try:
            _write_all(self._writing, data)
        except OSError:
            # what may or may not be there is left behind, as after a crash
            with suppress(OSError):
                os.ftruncate(self._writing, self._length)
            self._number += 1
            self.close()
            raise

    def _start(self, size: int) -> None:
        self.close()
        self._writing = os.open(self._path(self._number), _OPEN, 0o600)
        self._length = self._ends[self._number] = size
        os.fdatasync(self._writing)  # a killed writer may have left what is only in memory
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _index(self, number: int, start: int, data: bytes) -> None:
        at = 0
        while header := _HEADER.match(data, at):
            end = header.end() + int(header[2])
            if data[end : end + 1] != b"\n":
                break
            place = Place(number, start + header.end(), int(header[2]))
            self._places[header[1].decode()] = place  # a later one replaces what was lost
            at = end + 1
        self._ends[number] = start + at

    def _checked(self) -> bool:
        """A disk that lost power may show zeros for bytes that never arrived: those are forgotten.

        Only the newest file can hold such, for each one before it ended with an fsync.
        """
        newest = [n for n, place in self._places.items() if place.segment == self._number]
        lost = [name for name in newest if sha256_hex(self.read(name)) != name]
        for name in lost:
            del self._places[name]
        return not lost

    def _path(self, number: int) -> Path:
        return self._folder / _name(number)


def _name(number: int) -> str:
    return f"{number:08d}.kept"


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(f"wrote {written} of {len(data)} bytes; is the disk full?")
    os.fdatasync(descriptor)
