"""The port to the state repository, in the words of those who read it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from desired_state.stops import SwitchBlob, SwitchChange


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree: git's mode, the object's id, and its size in bytes (-1: no blob)."""

    mode: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True)
class LineFiles:
    """One revision of main's first-parent line: object ids of the two asking files."""

    revision: str
    mode: str | None
    limits: str | None


class StateRepository(Protocol):
    """One bare clone, read by objects of one commit, never by a work tree.

    Every method raises ``Waiting(FETCH)`` where git cannot answer within its bound.
    """

    def tips(self) -> Mapping[str, str]:
        """Full ref name to commit, of main, stop and stop/*, as the remote advertises them now."""
        ...

    def tree(self, commit: str) -> Mapping[str, Entry]:
        """Every entry under the governed paths. Raises ``Stalled(TREE_*)``."""
        ...

    def blob(self, oid: str) -> bytes:
        """Content of one blob of at most 64 KiB."""
        ...

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether ``ancestor`` is ``commit`` or before it; false for what does not exist."""
        ...

    def line(self, head: str, since: str | None) -> tuple[LineFiles, ...]:
        """First-parent revisions after ``since`` that touch mode or limits, oldest first."""
        ...


class LedgerHistory(Protocol):
    """The history of files that never change: same clone, same errors."""

    def ledger(self, head: str, since: str | None) -> tuple[tuple[str, str], ...]:
        """Path and object id of every version in commits after ``since``, oldest first."""
        ...


class SwitchHistory(Protocol):
    """What the stop lane reads: same clone, same errors."""

    def tips(self) -> Mapping[str, str]:
        """As above."""
        ...

    def switch(self, commit: str) -> SwitchBlob | None:
        """The kill switch file in this commit."""
        ...

    def switch_changes(
        self, tips: Collection[str], known: Collection[str]
    ) -> tuple[SwitchChange, ...]:
        """Changes of the file in every commit reachable from ``tips`` and not from ``known``."""
        ...

    def first_commit(self, tip: str) -> str:
        """The oldest first-parent ancestor of this tip."""
        ...


class Contents(Protocol):
    """Content-addressed bytes that outlive the process."""

    def keep(self, data: bytes) -> str:
        """``sha256:…`` of the bytes, which are on disk when this returns."""
        ...

    def kept(self, digest: str) -> bytes:
        """The bytes, checked against their digest."""
        ...
