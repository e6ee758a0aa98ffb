"""The port to the state repository, in the words of those who read it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from desired_state.stops import SwitchBlob, SwitchChange
from desired_state.trees import Tree


@dataclass(frozen=True, slots=True)
class LineStep:
    """One step of main: its two asking files as object ids, and what it brings to the ledger."""

    revision: str
    asks: bool  # it changes one of the two
    mode: str | None
    limits: str | None
    versions: tuple[tuple[str, str], ...]  # paths and object ids, of what it merged as well


class StateRepository(Protocol):
    """One bare clone, read by objects of one commit, never by a work tree.

    Every method raises ``Waiting(FETCH)`` where git cannot answer within its bound.
    """

    def tips(self) -> Mapping[str, str]:
        """Full ref name to commit, of main, stop and stop/*, as the remote advertises them now."""
        ...

    def tree(self, commit: str) -> Tree:
        """Every entry under the governed paths. Raises ``Stalled(TREE_*)``."""
        ...

    def blob(self, oid: str) -> bytes:
        """Content of one blob of at most 64 KiB."""
        ...

    def descends(self, commit: str, ancestor: str) -> bool:
        """Whether ``ancestor`` is ``commit`` or before it; false for what does not exist."""
        ...

    def steps(self, head: str, since: str | None) -> tuple[LineStep, ...]:
        """The steps of main after ``since`` up to ``head``, oldest first.

        Every version of a ledger file in a commit after ``since`` stands in one of them, so one
        that was overwritten or removed since is seen as well.
        """
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

    def keep(self, data: bytes, *more: bytes) -> str:
        """``sha256:…`` of the first bytes; all of them are safe when this returns."""
        ...

    def kept(self, digest: str) -> bytes:
        """The bytes, checked against their digest."""
        ...
