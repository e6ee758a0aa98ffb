"""What people write into the books of a venue: what a difference was, and that a wipe was seen.

Both lift a difference and no stop: that takes the people whom a release asks for (G4, L6-9).
"""

import importlib
from collections.abc import Callable
from typing import Final, cast

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.books import WHOLE_VENUE, Books
from layers.l6_execution.events import Event, Explained, ResetAccepted
from layers.l6_execution.ledger import Ledger
from layers.orders import Balance
from reconciler.adapters.clock import wall_clock
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.host import Host
from reconciler.wiring.desk import open_desk, ship
from reconciler.wiring.halting import who

WIRING: Final = "reconciler.wiring.binance"  # loads the venue's library, so only when it is needed


def explain(host: Host, venue: str, subject: str, why: str) -> str:
    """Write down what this one difference was; what differed, in the report's words.

    Raises:
        Stalled: ``RECON_DIFF`` where no such difference stands, ``ANOTHER_WRITER``.
    """

    def said(books: Books) -> Explained:
        told = books.unexplained.get(subject)
        if told is None or subject == WHOLE_VENUE:
            known = sorted(set(books.unexplained) - {WHOLE_VENUE})
            text = f"expected one of {', '.join(known)}" if known else "no difference stands"
            raise Stalled(Reason.RECON_DIFF, subject, text)
        return Explained(subject=subject, told=told, why=why, by=who())

    return cast("Explained", _written(host, venue, said)).told


def accept_reset(host: Host, venue: str, why: str) -> tuple[Balance, ...]:
    """Take note of a wipe: the books begin again with what the venue holds now.

    Raises:
        Stalled: ``RECON_DIFF`` where no reset stands, ``ANOTHER_WRITER``, and what opening the
            venue raises.
        Waiting: ``VENUE_UNREACHABLE``.
    """

    def said(books: Books) -> ResetAccepted:
        if books.reset is None:
            raise Stalled(Reason.RECON_DIFF, venue, "no reset stands that could be accepted")
        return ResetAccepted(balances=_balances(host, venue), why=why, by=who())

    return cast("ResetAccepted", _written(host, venue, said)).balances


def _written(host: Host, venue: str, said: Callable[[Books], Event]) -> Event:
    with open_desk(host) as desk:
        journal = SharedJournal(desk.journal, lambda: None, wall_clock, venue)
        ledger = Ledger(journal, Books.rebuilt(journal.entries()))
        event = said(ledger.books)
        ledger.record(event, max((e.at for e in journal.entries()), default=wall_clock()))
        ship(desk)
    return event


def _balances(host: Host, venue: str) -> tuple[Balance, ...]:
    record = OpenedVenues(host.var).read(venue)
    if record is None:
        raise Stalled(Reason.VENUE_UNPROVEN, venue, "this host never opened it")
    opened = importlib.import_module(WIRING).venue(host, record)
    try:
        return tuple(opened.queries.balances())
    finally:
        for line in opened.lines:
            line.close()
