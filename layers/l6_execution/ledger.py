"""Journal, books and witness as one: what is on disk is in both, in that order."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from layers.l6_execution.books import Books
from layers.l6_execution.events import Event, body, read
from layers.l6_execution.witness import Witness
from layers.ports import Journal, JournalReader


class Record(Journal, JournalReader, Protocol):
    """A journal that can also be read again."""


@dataclass(slots=True)
class Ledger:
    """The one way in which L6's events come about.

    Books and witness see the same events and share no arithmetic.
    """

    journal: Record
    books: Books
    witness: Witness = field(default_factory=Witness)

    def __post_init__(self) -> None:
        """Books of an earlier run come with the witness that the disk gives."""
        if self.witness.sequence < self.books.sequence:
            self.reread()

    @classmethod
    def rebuilt(cls, journal: Record) -> "Ledger":
        """Books and witness of one reading. Raises ``Stalled`` where it cannot be read."""
        books, witness = Books(), Witness()
        for entry in journal.entries():
            event = read(entry)
            if event is not None:
                books.apply(event, entry.at, entry.sequence)
                witness.take(event, entry.at, entry.sequence)
        return cls(journal, books, witness)

    def reread(self) -> None:
        """The witness as the journal on disk has it. Raises ``Stalled(JOURNAL)``."""
        self.witness = Witness.of(self.journal.entries())

    def record(self, event: Event, at: datetime) -> int:
        """The event is on disk and in the books afterwards, or in neither.

        What the books could not take is refused before it is written, so that a journal of ours
        can always be folded again. Raises ``Stalled`` (RECON_DIFF, DUPLICATE, JOURNAL).
        """
        self.books.check(event)
        sequence = self.journal.append(event.KIND, body(event), at)
        self.books.apply(event, at, sequence)
        self.witness.take(event, at, sequence)
        return sequence
