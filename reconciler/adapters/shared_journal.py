"""The evidence journal as the layers see it: one record, so one order of what happened."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from evidence_repo.journal import Journal, read
from layers.ports import JournalEntry


class SharedJournal:
    """Implements the layers' ``Journal`` and ``JournalReader``.

    ``first`` is the leaf at which the entries of interest begin; ``revision`` names the state of
    the repository under which the entry came about.
    """

    def __init__(
        self, journal: Journal, revision: Callable[[], str | None], first: int = 0
    ) -> None:
        """Reads and writes through the one writer's journal."""
        self._journal = journal
        self._revision = revision
        self._first = first

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        """Sequence number of the leaf. Raises ``Stalled(JOURNAL)``."""
        return self._journal.append(kind, body, at, self._revision()).seq

    def entries(self) -> Iterator[JournalEntry]:
        """From ``first`` on, oldest first. Raises ``Stalled(JOURNAL)``."""
        for leaf in read(self._journal, self._first):
            yield JournalEntry(leaf.seq, leaf.kind, leaf.body, leaf.time)
