"""The evidence journal as the layers see it: one record, so one order of what happened."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from desired_state.values import instant_text, parse_instant
from evidence_repo.journal import Journal, read
from layers.ports import JournalEntry

MARKET_TIME: Final = "market_time"


class SharedJournal:
    """Implements the layers' ``Journal`` and ``JournalReader``.

    ``first`` is the leaf at which the entries of interest begin; ``revision`` names the state of
    the repository under which the entry came about.
    """

    def __init__(
        self,
        journal: Journal,
        revision: Callable[[], str | None],
        wall_clock: Callable[[], datetime],
        first: int = 0,
    ) -> None:
        """Reads and writes through the one writer's journal."""
        self._journal = journal
        self._revision = revision
        self._clock = wall_clock
        self._first = first

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        """Sequence number of the leaf. Raises ``Stalled(JOURNAL)``.

        A leaf's time is the wall clock's; the market's stands in its body. The two never mix.
        """
        told = {**body, MARKET_TIME: instant_text(at)}
        return self._journal.append(kind, told, self._clock(), self._revision()).seq

    def entries(self) -> Iterator[JournalEntry]:
        """From ``first`` on, oldest first. Raises ``Stalled(JOURNAL)``."""
        for leaf in read(self._journal, self._first):
            body = dict(leaf.body)
            at = body.pop(MARKET_TIME, None)
            if isinstance(at, str):  # what has no market time is none of the layers' entries
                yield JournalEntry(leaf.seq, leaf.kind, body, parse_instant(at))
