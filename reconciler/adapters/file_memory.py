"""The reconciler's memory on this host's disk."""

from pathlib import Path

from desired_state.adapters.memory_store import MemoryFile
from desired_state.memory import Memory


class FileMemory:
    """Implements the cycle's ``MemoryStore``."""

    def __init__(self, path: Path) -> None:
        """``path`` need not exist."""
        self._file = MemoryFile(path)

    def load(self) -> Memory | None:
        """None on a host that never had one. Raises ``Stalled(MEMORY_UNREADABLE)``."""
        return self._file.load()

    def store(self, memory: Memory) -> None:
        """On disk when this returns. Raises ``Stalled(EVIDENCE_UNWRITABLE)``."""
        self._file.store(memory)
