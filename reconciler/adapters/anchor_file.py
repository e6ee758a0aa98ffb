"""The clock's anchor on this host's disk."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from desired_state.adapters.memory_store import write_whole
from desired_state.canonical import canonical
from desired_state.clock import Anchor

MAX_BYTES: Final = 1000


class AnchorFile:
    """One small file; where it does not read, memory's floor decides alone."""

    def __init__(self, path: Path) -> None:
        """``path`` need not exist."""
        self._path = path

    def load(self) -> Anchor | None:
        """The one last saved, if it reads."""
        try:
            with self._path.open("rb") as file:
                return Anchor.model_validate_json(file.read(MAX_BYTES))
        except (OSError, ValidationError):
            return None

    def save(self, anchor: Anchor) -> None:
        """On disk when this returns. Raises ``Stalled(EVIDENCE_UNWRITABLE)``."""
        write_whole(self._path, canonical(anchor))
