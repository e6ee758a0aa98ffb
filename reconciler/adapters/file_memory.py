"""The reconciler's memory on this host's disk."""

from pathlib import Path

from desired_state.adapters.memory_store import load_memory, store_memory
from desired_state.memory import Memory


class FileMemory:
    """Implements the cycle's ``MemoryStore``."""

    def __init__(self, path: Path) -> None:
        """``path`` need not exist."""
        self._path = path

    def load(self) -> Memory | None:
        """None on a host that never had one. Raises ``Stalled(MEMORY_UNREADABLE)``."""
        return load_memory(self._path)

    def store(self, memory: Memory) -> None:
        """On disk when this returns. Raises ``Stalled(EVIDENCE_UNWRITABLE)``."""
        store_memory(self._path, memory)
