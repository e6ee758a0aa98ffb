"""Memory on the host's disk: whole or not at all, and checked when it is read."""

import os
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from desired_state.canonical import canonical, digest_bytes
from desired_state.errors import Stalled
from desired_state.memory import Memory
from desired_state.reasons import Reason

MAX_BYTES: Final = 64 * 1024 * 1024


def load_memory(path: Path) -> Memory | None:
    """The memory last stored; none on a host that never had one.

    Raises:
        Stalled: ``MEMORY_UNREADABLE`` where the file is damaged or not whole.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Stalled(Reason.MEMORY_UNREADABLE, path.name, str(error)) from error
    digest, _, body = raw.partition(b"\n")
    if len(raw) > MAX_BYTES or digest.decode("ascii", "replace") != digest_bytes(body):
        raise Stalled(Reason.MEMORY_UNREADABLE, path.name, "its digest does not match its bytes")
    try:
        return Memory.model_validate_json(body)
    except ValidationError as error:
        text = f"{error.error_count()} fields do not read"
        raise Stalled(Reason.MEMORY_UNREADABLE, path.name, text) from error


def store_memory(path: Path, memory: Memory) -> None:
    """On disk (fsync of file and folder) when this returns.

    Raises:
        Stalled: ``EVIDENCE_UNWRITABLE`` where the disk refuses.
    """
    body = canonical(memory)
    write_whole(path, digest_bytes(body).encode() + b"\n" + body)


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
