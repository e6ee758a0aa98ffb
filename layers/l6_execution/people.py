"""What people write into our books: what a difference was, and that a venue was wiped.

It moves the books and lifts no stop. Whether somebody may write it now is asked where they do.
"""

from datetime import datetime
from typing import NamedTuple

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.events import Explained, ResetAccepted
from layers.l6_execution.ledger import Ledger
from layers.orders import Balance


class Word(NamedTuple):
    """Who says it, and why."""

    by: str
    why: str


def explain(ledger: Ledger, subject: str, word: Word, at: datetime) -> int:
    """Sequence of the entry. Raises ``Stalled(RECON_DIFF)`` where no such difference stands."""
    told = ledger.books.unexplained.get(subject)
    if told is None or ledger.books.reset is not None:
        raise Stalled(Reason.RECON_DIFF, subject, "no difference stands that could be explained")
    return ledger.record(Explained(subject=subject, told=told, why=word.why, by=word.by), at)


def accept_reset(ledger: Ledger, balances: tuple[Balance, ...], word: Word, at: datetime) -> int:
    """Sequence of the entry; the books begin again with what the venue holds now.

    Raises ``Stalled(RECON_DIFF)`` where no reset stands.
    """
    return ledger.record(ResetAccepted(balances=balances, why=word.why, by=word.by), at)
