"""The ledger's position in a small file beside the journal: found again, or read anew."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from desired_state.canonical import Json, canonical, digest
from desired_state.frozen import Frozen
from desired_state.values import Digest
from evidence_repo.chain import Head
from evidence_repo.manifest import Hex
from evidence_repo.merkle import Frontier
from evidence_repo.position import Position

MAX_FILE: Final = 65_536
"""Bytes of the file."""
_Number = Annotated[int, Field(ge=0, lt=2**53)]


class _Saved(Frozen):
    size: _Number
    digest: Digest
    subtrees: tuple[Hex, ...]
    epoch: _Number
    check: Digest

    def sound(self) -> bool:
        """Whether these are the bytes that were saved: a torn or edited file is read anew."""
        return self.check == digest(self.model_dump(mode="json", exclude={"check"}))


class PositionFile:
    """A cache: what it says is believed only where the signed checkpoint says the same."""

    def __init__(self, path: Path) -> None:
        """``path`` need not be there yet."""
        self._path = path

    def load(self) -> Position | None:
        """The last one saved, if it can be read."""
        try:
            with self._path.open("rb") as file:
                saved = _Saved.model_validate_json(file.read(MAX_FILE))
            if not saved.sound():
                return None
            subtrees = tuple(bytes.fromhex(word) for word in saved.subtrees)
            return Position(
                Head(saved.size, saved.digest), Frontier(saved.size, subtrees), saved.epoch
            )
        except (OSError, ValueError):
            return None

    def save(self, position: Position) -> None:
        """Keep it, as well as can be: a disk that refuses costs a longer start."""
        said: dict[str, Json] = {
            "size": position.head.size,
            "digest": position.head.digest,
            "subtrees": [word.hex() for word in position.frontier.subtrees],
            "epoch": position.epoch,
        }
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
        with suppress(OSError):
            temporary.write_bytes(canonical({**said, "check": digest(said)}))
            temporary.replace(self._path)
