"""The evidence journal as the layers see it: one record, so one order of what happened."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from desired_state.values import instant_text, parse_instant
from evidence_repo.chain import Leaf
from evidence_repo.journal import Journal, read
from layers.ports import JournalEntry

MARKET_TIME: Final = "market_time"
COUNTER: Final = "counter"
FIRST_COUNTER: Final = "paper"  # there was no other one when entries did not name theirs yet


class SharedJournal:
    """Implements the layers' ``Journal`` and ``JournalReader`` for one counter.

    ``counter`` names whose orders, fills and marks are meant, so that two venues' books and what
    was only imagined in shadow never mix; ``revision`` names the state of the repository under
    which an entry came about.
    """

    def __init__(
        self,
        journal: Journal,
        revision: Callable[[], str | None],
        wall_clock: Callable[[], datetime],
        counter: str = FIRST_COUNTER,
    ) -> None:
        """Reads and writes through the one writer's journal."""
        self._journal = journal
        self._revision = revision
        self._clock = wall_clock
        self._counter = counter

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        """Sequence number of the leaf. Raises ``Stalled(JOURNAL)``.

        A leaf's time is the wall clock's; the market's stands in its body. The two never mix.
        """
        told = {**body, MARKET_TIME: instant_text(at), COUNTER: self._counter}
        return self._journal.append(kind, told, self._clock(), self._revision()).seq

    def entries(self, first: int = 0) -> Iterator[JournalEntry]:
        """From the leaf ``first`` on, oldest first. Raises ``Stalled(JOURNAL)``."""
        return entries_of(read(self._journal, first), self._counter)


def entries_of(leaves: Iterable[Leaf], counter: str) -> Iterator[JournalEntry]:
    """What one counter wrote among these leaves."""
    for leaf in leaves:
        body = dict(leaf.body)
        at = body.pop(MARKET_TIME, None)
        # what has no market time is none of the layers' entries
        if isinstance(at, str) and body.pop(COUNTER, FIRST_COUNTER) == counter:
            yield JournalEntry(leaf.seq, leaf.kind, body, parse_instant(at))
