"""A growing CSV file with a companion that says what it holds; whole rows, on disk, one writer.

DATA-8: after a kill at any instant the file is a header and whole rows, once it is opened again;
the companion is there before the first row.
"""

import fcntl
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import ValidationError

from desired_state.canonical import canonical
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.market_data.source import Label

COMPANION: Final = ".source.json"
MAX_COMPANION_BYTES: Final = 16 * 1024
_TAIL: Final = 64 * 1024  # longer than any row


class TableFile:
    """One file, opened for appending; makes it, or goes on where its last whole row ends."""

    def __init__(self, path: Path, label: Label, columns: Sequence[str]) -> None:
        """Nothing is touched before it is entered."""
        self.path = path
        self._label = label
        self._header = ",".join(columns).encode() + b"\n"
        self._file = -1

    def __enter__(self) -> Self:
        """Take the file for this process alone, and cut off what a kill left unfinished.

        Raises:
            Stalled: ``DATA_FILE`` where it is another's, or holds something else.
        """
        if self.path.suffix == ".gz":
            raise self._refused("expected a plain file, a packed one cannot be continued")
        with self._as_stalled():
            if not self.path.exists():
                self._announce()
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            with self._as_stalled():
                self._take()
                self._mend()
        except Stalled:
            self.close()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        """Let go of it."""
        self.close()

    def append(self, rows: Sequence[str]) -> None:
        """Put the rows behind the others; they are on disk when it returns.

        Raises:
            Stalled: ``DATA_FILE``, for instance where the disk is full.
        """
        data = "".join(f"{row}\n" for row in rows).encode("ascii")
        with self._as_stalled():
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)

    def close(self) -> None:
        """Let go of it; safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise self._refused("another process writes it") from fault
        found = read_label(self.path)
        if found is None:
            raise self._refused(f"expected its companion {self.path.name}{COMPANION}, found none")
        if found != self._label:
            differ = [n for n in Label.model_fields if getattr(found, n) != getattr(self._label, n)]
            text = f"it was begun with another {', '.join(differ)}; see its companion"
            raise self._refused(text)

    def _mend(self) -> None:
        size = os.lseek(self._file, 0, os.SEEK_END)
        start = max(0, size - _TAIL)
        tail = os.pread(self._file, _TAIL, start)
        whole = start + tail.rfind(b"\n") + 1
        if start and whole == start:
            raise self._refused("expected rows, found a line without end")
        if not whole and not self._header.startswith(tail):
            raise self._refused("expected the columns of such a file")
        os.ftruncate(self._file, whole)
        os.lseek(self._file, 0, os.SEEK_END)
        if not whole:
            os.write(self._file, self._header)
        os.fsync(self._file)

    def _announce(self) -> None:
        """The companion, whole or not at all, before the file that it is about."""
        target = _companion(self.path)
        draft = target.with_name(f"{target.name}.new")
        with draft.open("wb") as file:
            file.write(canonical(self._label) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _refused(self, text: str) -> Stalled:
        return Stalled(Reason.DATA_FILE, self.path.name, text)

    @contextmanager
    def _as_stalled(self) -> Generator[None, None, None]:
        try:
            yield
        except OSError as fault:
            raise self._refused(f"{type(fault).__name__}: {fault.strerror}") from fault


def read_label(path: Path) -> Label | None:
    """What the companion of a file says; none where there is no companion.

    Raises:
        Stalled: ``DATA_FILE`` for a companion that cannot be read.
    """
    try:
        with _companion(path).open("rb") as file:
            data = file.read(MAX_COMPANION_BYTES + 1)
        return Label.model_validate_json(data)
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as fault:
        text = f"its companion cannot be read: {type(fault).__name__}"
        raise Stalled(Reason.DATA_FILE, path.name, text) from fault


def _companion(path: Path) -> Path:
    return path.with_name(path.name + COMPANION)
