"""A journal whose every entry also moves L5's memory, in the order in which they are on disk."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from layers.ports import Journal, JournalEntry
from reconciler.conduct import ConductRecord


class Kept(Journal, Protocol):
    """A journal that can be read again from a leaf on."""

    def entries(self, first: int = 0) -> Iterator[JournalEntry]:
        """Oldest first. Raises ``Stalled(JOURNAL)``."""
        ...


@dataclass(frozen=True)
class NotedJournal:
    """Implements ``Journal``: what is on disk is counted, and nothing else is."""

    journal: Kept
    conduct: ConductRecord

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        """Sequence number of the entry. Raises ``Stalled(JOURNAL)``, and counts nothing then."""
        sequence = self.journal.append(kind, body, at)
        self.conduct.take(JournalEntry(sequence, kind, body, at))
        return sequence

    def entries(self, first: int = 0) -> Iterator[JournalEntry]:
        """What is on disk, from a leaf on; counts nothing again."""
        return self.journal.entries(first)
