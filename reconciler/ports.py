"""What a cycle touches outside, and what it reports: ports in the cycle's own words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from desired_state.admission import Trust
from desired_state.errors import Finding
from desired_state.memory import Memory, Release, Stop
from desired_state.repository import StateRepository, SwitchHistory
from evidence_repo.journal import Journal
from evidence_repo.note import Checkpoint
from layers.ports import Cancels
from reconciler.acknowledgement import Acknowledgement
from reconciler.conditions import Condition
from reconciler.gate import Verdict
from reconciler.plan import Action, Actual
from reconciler.proof import Lines


class StateReader(StateRepository, SwitchHistory, Protocol):
    """The state repository, whole."""

    @property
    def main(self) -> str:
        """Full name of the branch that holds the desired state."""
        ...


class MemoryStore(Protocol):
    """Where memory outlives the process."""

    def load(self) -> Memory | None:
        """None on a host that never had one. Raises ``Stalled(MEMORY_UNREADABLE)``."""
        ...

    def store(self, memory: Memory) -> None:
        """On disk when this returns. Raises ``Stalled``."""
        ...


class TimeSource(Protocol):
    """A second source of the time, beside the wall clock."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def agrees(self) -> bool:
        """Whether it says now what the wall clock says. False where it cannot tell."""
        ...


class HostRecords(Protocol):
    """Stops, releases and acknowledgements of this host."""

    def stops(self) -> dict[str, Stop]:
        """By id."""
        ...

    def releases(self) -> dict[str, Release]:
        """By stop."""
        ...

    def acknowledgements(self) -> dict[str, Acknowledgement]:
        """By stop."""
        ...

    def put_stop(self, stop: Stop) -> None:
        """On disk when this returns."""
        ...

    def put_release(self, release: Release) -> None:
        """On disk when this returns."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that a cycle touches."""

    state: StateReader
    records: HostRecords
    store: MemoryStore
    journal: Journal
    chain: Lines  # what the evidence says, here and at its repository
    venues: Callable[[], Mapping[str, Cancels]]
    token_age_ns: Callable[[], int | None]
    trust: Trust
    repository: str  # its id, in stop ids
    host: str  # digest of governor.yaml
    host_name: str = "local"  # in the ids of stops raised here
    heartbeats: Callable[[], tuple[bytes, ...]] = tuple  # files of watchers, here and elsewhere
    pinned: Checkpoint | None = None  # a head of the log that people wrote down
    log_key: str | None = None  # id of the key that signs the log's heads
    build: str | None = None  # digest of what runs here
    accounts: Callable[[], Mapping[str, str]] = dict  # by venue, as each told of itself when asked
    rehearsed: tuple[str, ...] = ()  # venues whose place a local exchange takes here
    # the open orders of a venue that L5 would refuse under this verdict; none: it cannot be asked
    rejudge: Callable[[str, Verdict], tuple[str, ...] | None] = lambda _venue, _verdict: None
    session: Callable[[], tuple[str, str] | None] = lambda: None


@dataclass(frozen=True)
class Report:
    """What one cycle saw, decided and did."""

    verdict: Verdict
    conditions: tuple[Condition, ...]
    actions: tuple[Action, ...]
    findings: tuple[Finding, ...]
    actual: Actual | None
    leaves: int  # written by this cycle
    recorded: Verdict  # the one in force that evidence holds; intents and permits cite it
