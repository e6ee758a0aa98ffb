"""The one writer of this host: its lock and epoch, its cycles and permits, its evidence shipped."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from desired_state.adapters.git_state import GitState
from desired_state.clock import TOLERANCE
from desired_state.errors import GovernanceError, Stalled, Waiting
from desired_state.reasons import Reason
from evidence_repo.adapters.file_journal import FileJournal, set_aside
from evidence_repo.adapters.git_evidence import GitEvidence
from evidence_repo.adapters.log_key import LogKey
from evidence_repo.adapters.position_file import PositionFile
from evidence_repo.backwards import last_head, newest_first
from evidence_repo.ledger import NO_OTHERS, Ledger
from reconciler.adapters.armed_token import TokenReader
from reconciler.adapters.clock import SYSTEM, HostClock, wall_clock
from reconciler.adapters.evidence_chain import EvidenceChain
from reconciler.adapters.file_memory import FileMemory
from reconciler.adapters.latch import Latch
from reconciler.adapters.running_build import running_build
from reconciler.adapters.whole_journal import WholeJournal
from reconciler.cycle import Cycle
from reconciler.facts import Writer
from reconciler.gate import Verdict
from reconciler.host import Host
from reconciler.log_trust import counting
from reconciler.permits import PermitOffice
from reconciler.ports import Ports, Report
from reconciler.wiring.host_parts import (
    heartbeats,
    latch,
    memory_path,
    repository_id,
    state_repository,
    token_reader,
    trust_of,
    venues,
)
from reconciler.wiring.log_keys import ORIGIN, key_id, listed_keys, pinned_head, trust_at_start
from reconciler.wiring.taking_over import learn_venues
from reconciler.wiring.timekeeping import HostTime, host_time

CONFIRM: Final = timedelta(seconds=5)  # well within every root's bound for halting
SEAL_BYTES: Final = 32
GLANCE: Final = timedelta(seconds=2)  # so long a cycle goes by what it saw at a distant venue


@dataclass
class Running:
    """The one session of this host, while there is one."""

    session: tuple[str, str] | None = None  # run id and mode
    refused: Callable[[Verdict], tuple[str, ...] | None] | None = None  # its L5, asked again
    venue: str | None = None  # where it trades
    accounts: dict[str, str] = field(default_factory=dict)  # as venues told of themselves

    def rejudge(self, venue: str, verdict: Verdict) -> tuple[str, ...] | None:
        """Open orders there that its L5 would refuse now; none where nobody can say."""
        return self.refused(verdict) if self.refused and venue == self.venue else None


@dataclass
class Desk:
    """One host with its writer's lock held: cycles, evidence and permits."""

    host: Host
    cycle: Cycle
    journal: WholeJournal
    ledger: Ledger
    permits: PermitOffice
    token: TokenReader
    latch: Latch
    state: GitState
    running: Running
    epoch: int
    time: HostTime
    confirmed_at: datetime | None = None
    clock: HostClock = SYSTEM

    def clock_checked(self, by: str) -> None:
        """A person says that the wall clock is right; evidence says who did (CLOCK-5)."""
        told = {"by": by, "unsure": self.time.look(self.cycle.memory.floor).unsure}
        self.time.checked_by = f"person: {by}"
        self.journal.append("clock_checked", told, wall_clock())

    def confirm(self) -> None:
        """No higher epoch is at the evidence repository; asked now and then (EPOCH-2).

        Raises:
            Stalled: ``ANOTHER_WRITER``. Waiting: ``EVIDENCE_UNWRITABLE``.
        """
        now = self.clock.wall()
        if self.confirmed_at is None or abs(now - self.confirmed_at) >= CONFIRM:
            self.ledger.require_sole()
            self.confirmed_at = now

    def reconcile(self) -> Report:
        """One cycle at this instant; its recorded verdict is the one that permits cite."""
        reading = self.time.read(self.cycle.memory.floor)
        self.cycle.clock_unsure = reading.unsure
        report = self.cycle.run(reading.now)
        self.permits.take(report.recorded)
        return report


@dataclass(frozen=True)
class Elsewhere:
    """The time that a watcher on another host told in the last cycle (``TimeSource``)."""

    cycle: Cycle
    name: str = "heartbeat"

    def agrees(self) -> bool:
        """Whether this host's wall clock shows the same, but for the way here."""
        told = self.cycle.ears.elsewhere_at
        return told is not None and abs(wall_clock() - told) <= TOLERANCE


@contextmanager
def open_desk(host: Host) -> Iterator[Desk]:
    """Take the writer's lock and open an epoch; let go of both at the end.

    Raises:
        Stalled: ``ANOTHER_WRITER`` where another process on this host holds it.
    """
    clone = host.path(host.file.evidence.clone)
    with ExitStack() as stack:
        store = GitEvidence.at(clone, host.evidence_url, host.file.evidence.branch)
        stack.callback(store.close)
        journal, answered = _journal(host, store)
        stack.callback(journal.close)
        whole = WholeJournal(journal, lambda: _shipped(host))
        learn_venues(host, whole, answered=answered)  # before anybody asks whether all is clean
        state, running = state_repository(host), Running()
        stack.callback(state.close)
        repository = repository_id(host, state)
        key = LogKey(host.path(host.file.keys.evidence), ORIGIN.format(repository))
        chain = EvidenceChain(host.var / "journal", store)
        trusted = trust_at_start(host, state, chain, memory_path(host), key)
        pinned = pinned_head(host)
        others = listed_keys(trusted, pinned) if trusted else NO_OTHERS
        shipped = PositionFile(host.var / "journal" / "position.json")
        ledger = Ledger(journal, store, key, shipped, others)
        epoch = ledger.last_epoch() + 1
        ledger.open_epoch(epoch, wall_clock())
        reader, records = token_reader(host), latch(host)
        cycle = Cycle(
            Ports(
                state=state,
                records=records,
                store=FileMemory(memory_path(host)),
                journal=journal,
                chain=chain,
                venues=venues(host, GLANCE),
                token_age_ns=reader.age_ns,
                trust=trust_of(host),
                repository=repository,
                host=host.digest,
                host_name=host.file.host,
                pinned=pinned,
                log_key=key_id(key),
                heartbeats=lambda: heartbeats(host),
                session=lambda: running.session,
                build=running_build(),
                accounts=lambda: running.accounts,
                rehearsed=host.rehearsed,
                rejudge=running.rejudge,
            )
        )
        permits = PermitOffice(secrets.token_bytes(SEAL_BYTES), epoch, wall_clock)
        time = host_time(host, memory_path(host))
        time.sources.append(Elsewhere(cycle))
        desk = Desk(
            host, cycle, whole, ledger, permits, reader, records, state, running, epoch, time
        )
        cycle.keyless = trusted is not None and key_id(key) not in counting(trusted)
        ship(desk)  # EPOCH-1: before anything is permitted
        yield desk


def _shipped(host: Host) -> EvidenceChain:
    """What was shipped, by a store of its own: the writer's remembers what it read last."""
    told = host.file.evidence
    store = GitEvidence(host.path(told.clone), host.evidence_url, told.branch)
    return EvidenceChain(host.var / "journal", store)


def _journal(host: Host, store: GitEvidence) -> tuple[FileJournal, bool]:
    """The writer's journal, which goes on from what the evidence repository has (MEM-5).

    And whether that answered: while it does not, EPOCH-1 permits nothing.
    """
    folder, answered = host.var / "journal", False
    with suppress(Waiting):
        store.follow()
        answered = True
    journal = FileJournal(folder, last_head(newest_first(store)))
    if EvidenceChain(folder, store).continues():
        return journal, answered
    kept = {"size": journal.head.size, "head": journal.head.digest}
    journal.close()
    kept["folder"] = set_aside(folder)
    journal = FileJournal(folder, last_head(newest_first(store)))
    journal.append("journal_set_aside", kept, wall_clock())
    return journal, answered


def ship(desk: Desk) -> GovernanceError | None:
    """Evidence to its repository; what failed, if it did: the next call tries again.

    Raises:
        Stalled: what only a person can mend, but for another writer, who halts this one.
    """
    cycle = desk.cycle
    if cycle.keyless:  # LOG-5: what it signed now, no stranger would believe
        told = "the trust root lists it not, or it was revoked: nothing is shipped"
        return Stalled(Reason.EVIDENCE_KEY, cycle.ports.log_key or "evidence key", told)
    try:
        desk.ledger.ship()
        desk.confirm()
    except Waiting as error:
        cycle.evidence_behind_since = cycle.evidence_behind_since or desk.clock.wall()
        cycle.writer = cycle.writer or Writer.UNCONFIRMED
        return error
    except Stalled as error:
        if error.code is not Reason.ANOTHER_WRITER:
            raise
        cycle.writer = Writer.ANOTHER
        return error
    cycle.evidence_behind_since = None
    if cycle.writer is not Writer.ANOTHER:  # EPOCH-2: for the rest of this process
        cycle.writer = Writer.SOLE
    return None


def check_out(desk: Desk) -> None:
    """The files of the evidence clone as they stand at its head, for people to look at."""
    host = desk.host
    clone = host.path(host.file.evidence.clone)
    with closing(GitEvidence(clone, host.evidence_url, host.file.evidence.branch)) as store:
        store.check_out()
