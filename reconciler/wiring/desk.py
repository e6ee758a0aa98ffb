"""Builds everything that touches the outside, and nothing else does (style.md, rule 12)."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from desired_state.adapters.git_state import GitState
from desired_state.admission import ROOT_PATH, Trust
from desired_state.canonical import digest_bytes
from desired_state.document import load
from desired_state.errors import GovernanceError
from desired_state.trust_root import Root
from evidence_repo.adapters.file_journal import FileJournal
from evidence_repo.adapters.git_evidence import GitEvidence
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.adapters.log_key import LogKey
from evidence_repo.adapters.position_file import PositionFile
from evidence_repo.ledger import Ledger
from evidence_repo.reader import head_of
from layers.adapters.paper_cancels import PaperCancels
from layers.paper_venue.venue import PaperVenue
from layers.ports import Cancels
from reconciler.adapters.armed_token import TokenReader, TokenWriter
from reconciler.adapters.clock import boot_clock_ns, wall_clock
from reconciler.adapters.file_memory import FileMemory
from reconciler.adapters.latch import Latch
from reconciler.adapters.running_build import running_build
from reconciler.cycle import Cycle, Ports, Report
from reconciler.gate import Verdict
from reconciler.host import Host
from reconciler.local_stop import LocalStop
from reconciler.permits import PermitOffice
from reconciler.watcher import Watcher

HEARTBEAT: Final = timedelta(seconds=2)  # tighter or equal in every root as shipped
SEAL_BYTES: Final = 32
PAPER: Final = "paper"


@dataclass
class Running:
    """The one session of this host, while there is one."""

    session: tuple[str, str] | None = None  # run id and mode
    refused: Callable[[Verdict], tuple[str, ...] | None] | None = None  # its L5, asked again
    venue: str | None = None  # where it trades

    def rejudge(self, venue: str, verdict: Verdict) -> tuple[str, ...] | None:
        """Open orders there that its L5 would refuse now; none where nobody can say."""
        return self.refused(verdict) if self.refused and venue == self.venue else None


@dataclass
class Desk:
    """One host with its writer's lock held: cycles, evidence and permits."""

    host: Host
    cycle: Cycle
    journal: FileJournal
    ledger: Ledger
    permits: PermitOffice
    token: TokenReader
    latch: Latch
    state: GitState
    running: Running
    epoch: int

    def reconcile(self) -> Report:
        """One cycle at this instant; its recorded verdict is the one that permits cite."""
        report = self.cycle.run(wall_clock())
        self.permits.take(report.recorded)
        return report


def state_repository(host: Host, clone: str = "state.git") -> GitState:
    """The state repository through a bare clone of this process's own."""
    return GitState(host.var / clone, host.state_url, host.file.state.branch)


def trust_of(host: Host) -> Trust:
    """What this host pins."""
    return Trust(pin=host.file.trust_root, repository=host.file.state.repository)


def repository_id(host: Host, state: GitState) -> str:
    """The id in stop ids: the host's word, else that of the pinned root, else none at all."""
    if host.file.state.repository:
        return host.file.state.repository
    try:
        tree = state.tree(state.tips()[state.main])
        data = state.blob(tree[ROOT_PATH.format(1)].oid)
        if digest_bytes(data) == host.file.trust_root:
            return load(Root, data, "trust root").repository
    except (GovernanceError, KeyError):
        return ""
    return ""


def paper_store(host: Host) -> Path:
    """Where the embedded paper venue keeps its book."""
    return host.var / "venues" / "paper.db"


def venues(host: Host) -> Callable[[], Mapping[str, Cancels]]:
    """The way out at every venue that this host ever opened, now or later.

    A venue that was there once and is gone cannot tell its orders; it is never taken for none.
    """
    path = paper_store(host)
    opened: dict[str, Cancels] = {}

    def found() -> Mapping[str, Cancels]:
        if PAPER not in opened and path.exists():
            opened[PAPER] = PaperCancels(PaperVenue(path))
        return opened

    found()
    return found


def latch(host: Host) -> Latch:
    """Stops, releases and acknowledgements of this host."""
    return Latch(host.var)


def token_path(host: Host) -> Path:
    """The armed token."""
    return host.var / "armed"


def token_reader(host: Host, bound: timedelta = HEARTBEAT) -> TokenReader:
    """The door's end of the token."""
    return TokenReader(token_path(host), bound, boot_clock_ns)


def watcher(host: Host) -> Watcher:
    """The stop lane, with clones and venue connections that nobody else uses."""
    state = state_repository(host, "watch.git")
    return Watcher(
        history=state,
        records=latch(host),
        token=TokenWriter(token_path(host), boot_clock_ns),
        venues=venues(host),
        repository=repository_id(host, state),
        clock=wall_clock,
    )


def watched_paths(host: Host) -> list[Path]:
    """Where an event may mean that something changed."""
    local = Path(host.state_url)
    refs = [local / "refs", local / ".git" / "refs"] if local.is_dir() else []
    records = latch(host)
    return [
        path for path in [*refs, records.stops_folder, records.releases_folder] if path.exists()
    ]


def local_stop(host: Host) -> LocalStop:
    """How this host stops itself."""
    token = TokenWriter(token_path(host), boot_clock_ns)
    return LocalStop(latch(host), token.disarm, wall_clock, host.file.host)


@contextmanager
def open_desk(host: Host) -> Iterator[Desk]:
    """Take the writer's lock and open an epoch; let go of both at the end.

    Raises:
        Stalled: ``ANOTHER_WRITER`` where another process on this host holds it.
    """
    clone = host.path(host.file.evidence.clone)
    with ExitStack() as stack:
        with closing(GitReader(clone)) as shipped:
            journal = FileJournal(host.var / "journal", head_of(shipped))
        stack.callback(journal.close)
        store = GitEvidence(clone, host.evidence_url, host.file.evidence.branch)
        stack.callback(store.close)
        state, running = state_repository(host), Running()
        stack.callback(state.close)
        repository = repository_id(host, state)
        # the log's origin names the repository whose root lists its key
        key = LogKey(host.path(host.file.keys.evidence), f"{repository}/evidence")
        ledger = Ledger(journal, store, key, PositionFile(host.var / "journal" / "position.json"))
        epoch = ledger.last_epoch() + 1
        ledger.open_epoch(epoch, wall_clock())
        reader, records = token_reader(host), latch(host)
        cycle = Cycle(
            Ports(
                state=state,
                records=records,
                store=FileMemory(memory_path(host)),
                journal=journal,
                venues=venues(host),
                token_age_ns=reader.age_ns,
                trust=trust_of(host),
                repository=repository,
                host=host.digest,
                session=lambda: running.session,
                build=running_build(),
                rejudge=running.rejudge,
            )
        )
        permits = PermitOffice(secrets.token_bytes(SEAL_BYTES), epoch, wall_clock)
        yield Desk(host, cycle, journal, ledger, permits, reader, records, state, running, epoch)


def check_out(desk: Desk) -> None:
    """The files of the evidence clone as they stand at its head, for people to look at."""
    host = desk.host
    clone = host.path(host.file.evidence.clone)
    with closing(GitEvidence(clone, host.evidence_url, host.file.evidence.branch)) as store:
        store.check_out()


def memory_path(host: Host) -> Path:
    """Where memory outlives the process."""
    return host.var / "trusted" / "memory"
