"""A journal whose every entry also moves L5's memory, in the order in which they are on disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from layers.ports import Journal, JournalEntry
from reconciler.conduct import ConductRecord


@dataclass(frozen=True)
class NotedJournal:
    """Implements ``Journal``: what is on disk is counted, and nothing else is."""

    journal: Journal
    conduct: ConductRecord

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        """Sequence number of the entry. Raises ``Stalled(JOURNAL)``, and counts nothing then."""
        sequence = self.journal.append(kind, body, at)
        self.conduct.take(JournalEntry(sequence, kind, body, at))
        return sequence
