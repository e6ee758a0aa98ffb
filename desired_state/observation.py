"""What was read of the state repository in one cycle: plain data, so that it can be replayed."""

from desired_state.errors import Finding
from desired_state.frozen import Frozen
from desired_state.memory import Stop
from desired_state.values import Commit, Digest, StopId


class LineRevision(Frozen):
    """One state of main between the last admitted head and this one, oldest first."""

    revision: Commit
    mode: Digest | None
    limits: Digest | None


class LedgerFile(Frozen):
    """One version of a file under a ledger folder, in the order in which history shows them."""

    path: str
    digest: Digest


class Base(Frozen):
    """What was found at the base of a proposal that is still open."""

    revision: Commit
    covers: tuple[Commit, ...]  # fallen revisions that are the base or before it
    configuration: Digest | None  # of the configuration files there; none if unreadable


class Observation(Frozen):
    """The head of main and what is new since memory's head. Contents travel beside it by digest."""

    revision: Commit | None  # none: nothing could be fetched
    descends: bool  # from memory's head
    files: dict[str, Digest]  # governed files of the head, but for proposals and sign-offs
    problems: tuple[Finding, ...]  # TREE_*, SHALLOW, FETCH: the head is not admissible
    line: tuple[LineRevision, ...]
    ledger: tuple[LedgerFile, ...]  # of an earlier step of main before those of a later one
    standing: dict[str, Digest | None]  # at the head, of each ledger path that moved; none: gone
    bases: tuple[Base, ...]
    stops: tuple[Stop, ...]  # every stop known to the stop lane
    clean: tuple[StopId, ...] = ()  # stops after which every venue was proven clean
    switch_armed: bool  # the kill switch file of the head reads `armed`
