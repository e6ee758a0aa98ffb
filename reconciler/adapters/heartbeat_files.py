"""Heartbeat files: written whole by one watcher, read by whoever is told of them."""

from contextlib import suppress
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 * 1024


def write_heartbeat(path: Path, data: bytes) -> None:
    """In place whole; a disk that refuses leaves the old one to age."""
    part = path.with_name(path.name + ".part")
    with suppress(OSError):
        part.write_bytes(data)
        part.replace(path)


def read_heartbeat(path: Path) -> bytes | None:
    """The file's bytes, cut where they are too many; none where there is no file."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError:
        return None
