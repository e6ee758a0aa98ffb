"""What people write into our books: what a difference was, and that a venue was wiped.

It moves the books and lifts no stop. Whether somebody may write it now is asked where they do.
"""

from datetime import datetime
from typing import NamedTuple

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.books import amount_of
from layers.l6_execution.events import TOTAL, Explained, ResetAccepted, Transferred
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.own_order import NOTHING
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


def transfer(ledger: Ledger, subject: str, word: Word, at: datetime) -> int:
    """Sequence of the entry: the balance that differs is money that somebody moved (D1).

    Its amount is what differs beyond what was explained before. Raises ``Stalled``: ``RECON_DIFF``
    where no such difference stands, ``USAGE`` where it is no balance, or what our orders hold.
    """
    books = ledger.books
    told = books.unexplained.get(subject)
    if told is None or books.reset is not None:
        raise Stalled(Reason.RECON_DIFF, subject, "no difference stands that could be a transfer")
    currency, total, _ = subject.partition(TOTAL)
    found = amount_of(told) if total else None
    amount = (found or NOTHING) - books.money.gaps.get(currency, NOTHING)
    if found is None or not amount:
        text = f"expected the total of a currency, such as USDT{TOTAL}, found {told!r}"
        raise Stalled(Reason.USAGE, subject, text)
    held = sum((b.position for s, b in books.symbols.items() if s.startswith(f"{currency}/")))
    if amount < 0 and books.money.cash(currency) + amount < held:
        text = f"{-amount} {currency} less would be part of the {held} that our orders bought"
        raise Stalled(Reason.USAGE, subject, text)
    event = Transferred(
        currency=currency,
        amount=abs(amount),
        direction="in" if amount > 0 else "out",
        why=word.why,
        by=word.by,
    )
    return ledger.record(event, at)


def accept_reset(ledger: Ledger, balances: tuple[Balance, ...], word: Word, at: datetime) -> int:
    """Sequence of the entry; the books begin again with what the venue holds now.

    Raises ``Stalled(RECON_DIFF)`` where no reset stands.
    """
    event = ResetAccepted(balances=balances, moved=True, why=word.why, by=word.by)
    return ledger.record(event, at)
