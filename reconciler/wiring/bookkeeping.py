"""``governor books``: looking at our books, and writing what people say of them (BOOKS-1).

It is written by whoever holds the writer's lock: the reconciler that is running here, or this
process where none is.
"""

import importlib
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from pydantic import ValidationError

from desired_state.canonical import digest_bytes
from desired_state.errors import GovernanceError, Stalled
from desired_state.reasons import Reason
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.chain import parse
from evidence_repo.reader import pack_files, pack_folders
from layers.adapters.paper_queries import PaperQueries
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.people import Word, accept_reset, explain, transfer
from layers.orders import Balance
from layers.paper_venue.venue import PaperVenue
from layers.ports import JournalEntry
from reconciler.adapters.clock import pause, wall_clock
from reconciler.adapters.evidence_chain import EvidenceChain, reading_store
from reconciler.adapters.opened_venues import OpenedVenues
from reconciler.adapters.session_slot import SessionSlot
from reconciler.adapters.shared_journal import SharedJournal, entries_of
from reconciler.books_view import BooksView
from reconciler.books_word import BooksTold, BooksWord, integrity_stops, meant
from reconciler.host import Host
from reconciler.wiring.desk import Desk, open_desk, ship
from reconciler.wiring.halting import who
from reconciler.wiring.host_parts import PAPER, latch, paper_store

LOOK: Final = 0.05  # seconds between looks at what the other process tells
LOST: Final = 10.0  # seconds after which nobody will answer
DISTANT: Final = "reconciler.wiring.binance"  # loaded where such a venue must be asked
MOST: Final = 50  # reconciliation packs looked through, newest first


def counters(host: Host) -> tuple[str, ...]:
    """Of every venue that this host ever opened."""
    paper = (PAPER,) if paper_store(host).exists() else ()
    return (*paper, *OpenedVenues(host.var).names())


# --- looking ---------------------------------------------------------------------------------
def read_books(host: Host, counter: str | None) -> tuple[BooksView, ...]:
    """Each counter's books, without the writer's lock and without asking a venue.

    Raises:
        Stalled: ``USAGE`` for a counter that was never opened, ``JOURNAL``, ``CHAIN_BROKEN``.
    """
    known = counters(host)
    if counter is not None and counter not in known:
        told = f"expected one of {', '.join(known) or 'none: no venue was ever opened here'}"
        raise Stalled(Reason.USAGE, counter, told)
    evidence = host.file.evidence
    store = reading_store(host.path(evidence.clone), host.evidence_url, evidence.branch)
    with closing(EvidenceChain(host.var / "journal", store)) as chain:
        leaves = tuple(parse(line) for line in chain.oldest_first())
    wanted = [name for name in known if counter in {None, name}]
    views = tuple(BooksView.of(name, entries_of(leaves, name)) for name in wanted)
    _reports(host, views)
    return views


def _reports(host: Host, views: tuple[BooksView, ...]) -> None:
    """The last comparisons as the evidence repository keeps them; one that is not there is not."""
    wanted = {view.compared[1].report: view for view in views if view.compared}
    if not wanted or not Path(host.evidence_url).exists():
        return
    with closing(GitReader(Path(host.evidence_url))) as reader:
        names = (name for name in pack_folders(reader.files()) if "-RECONCILIATION-" in name)
        for name in sorted(names, reverse=True)[:MOST]:
            files = pack_files(reader, name)
            view = wanted.get(digest_bytes(files.get("report.json", b"")))
            if view is not None:
                view.pack, view.report = name, files.get("report.txt", b"").decode()


# --- writing ---------------------------------------------------------------------------------
def say(
    host: Host, why: str, subjects: tuple[str, ...], counter: str | None, *, transfer: bool = False
) -> BooksTold:
    """Explain these differences, or accept a wipe where none are named; what became of it.

    ``transfer``: each of them is a balance, and what differs is what somebody paid in or out.

    Raises:
        Stalled: ``USAGE``, ``SESSION_RUNNING``, ``SESSION_LOST``, ``ANOTHER_WRITER``.
    """
    try:
        word = BooksWord(
            ticket=secrets.token_hex(8),
            by=who(),
            why=why,
            subjects=subjects,
            counter=counter,
            transfer=transfer,
        )
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise Stalled(Reason.USAGE, where, problem["msg"]) from error
    slot = SessionSlot(host.var)
    _refuse_while_running(slot)
    try:  # before anybody is asked: whether a word is due at all is on this host's disk
        integrity_stops(latch(host).in_force())
    except Stalled as error:
        return _refused(word, error)
    if slot.hosted:
        return _handed_over(slot, word)
    with open_desk(host) as desk:
        return take(desk, word)


def take(desk: Desk, word: BooksWord) -> BooksTold:
    """Write it, in the process that holds the writer's lock; a refusal is an answer."""
    try:
        _refuse_while_running(SessionSlot(desk.host.var))
        stops = integrity_stops(desk.latch.in_force())
        shared = {name: _shared(desk, name) for name in counters(desk.host)}
        ledgers = {n: Ledger.rebuilt(j) for n, j in shared.items()}
        counter = meant(word, {name: own.books for name, own in ledgers.items()})
        entries = _written(desk.host, word, counter, ledgers[counter])
    except GovernanceError as error:
        return _refused(word, error)
    problem = ship(desk)
    return BooksTold(
        ticket=word.ticket, counter=counter, entries=entries, stops=stops, shipped=problem is None
    )


def serve_word(desk: Desk) -> None:
    """Take what somebody left for the running reconciler, if anybody did."""
    slot = SessionSlot(desk.host.var)
    word = slot.books_word()
    if word is not None:
        slot.answer_books(take(desk, word))


def _written(host: Host, word: BooksWord, counter: str, ledger: Ledger) -> tuple[int, ...]:
    said = Word(word.by, word.why)
    if word.subjects:
        at = _last_entry(ledger).at  # an explanation moves no market's clock
        subjects = tuple(dict.fromkeys(word.subjects))
        write = transfer if word.transfer else explain
        return tuple(write(ledger, subject, said, at) for subject in subjects)
    with _till(host, counter) as (balances, at):
        return (accept_reset(ledger, balances, said, at),)


def _last_entry(ledger: Ledger) -> JournalEntry:
    """There is one: what it holds was met by an entry."""
    *_, last = ledger.journal.entries()
    return last


@contextmanager
def _till(host: Host, counter: str) -> Iterator[tuple[tuple[Balance, ...], datetime]]:
    """What the venue holds for us now, and its time. Raises ``Waiting`` where it does not say."""
    if counter == PAPER:
        with closing(PaperVenue(paper_store(host))) as venue:
            yield PaperQueries(venue).balances(), venue.clock()
        return
    record = OpenedVenues(host.var).read(counter)
    if record is None:
        raise Stalled(Reason.VENUE_UNPROVEN, counter, "this host has no record of opening it")
    held = importlib.import_module(DISTANT).holdings(host, record)
    yield cast("tuple[Balance, ...]", held), wall_clock()


def _shared(desk: Desk, counter: str) -> SharedJournal:
    verdict = desk.permits.verdict
    return SharedJournal(
        desk.journal, lambda: verdict.revision if verdict else None, wall_clock, counter
    )


def _refuse_while_running(slot: SessionSlot) -> None:
    running = slot.running()
    if running is not None:
        text = f"{running.mode} on {running.symbol} is running here: it keeps these books"
        raise Stalled(Reason.SESSION_RUNNING, running.run_id or "session", text)


def _refused(word: BooksWord, error: GovernanceError) -> BooksTold:
    return BooksTold(
        ticket=word.ticket, refused=error.code, subject=error.subject, message=error.message
    )


def _handed_over(slot: SessionSlot, word: BooksWord) -> BooksTold:
    slot.say_books(word)
    waited = 0.0
    while (told := slot.books_told(word.ticket)) is None:
        waited += LOOK
        if waited > LOST or not slot.hosted:
            slot.withdraw_books(word.ticket)
            _refuse_while_running(slot)  # one that began meanwhile
            raise Stalled(Reason.SESSION_LOST, "books", "the reconciler here does not answer")
        pause(LOOK)
    return told
