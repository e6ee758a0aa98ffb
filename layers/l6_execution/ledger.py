"""Journal and books as one: what is on disk is in the books, in that order."""

from dataclasses import dataclass
from datetime import datetime

from layers.l6_execution.books import Books
from layers.l6_execution.events import Event, body
from layers.ports import Journal


@dataclass(slots=True)
class Ledger:
    """The one way in which L6's events come about."""

    journal: Journal
    books: Books

    def record(self, event: Event, at: datetime) -> int:
        """The event is on disk and in the books afterwards, or in neither.

        What the books could not take is refused before it is written, so that a journal of ours
        can always be folded again. Raises ``Stalled`` (RECON_DIFF, DUPLICATE, JOURNAL).
        """
        self.books.check(event)
        sequence = self.journal.append(event.KIND, body(event), at)
        self.books.apply(event, at, sequence)
        return sequence
