"""What an audit of the log is told, and what it found. Pure values."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from desired_state.errors import Finding
from desired_state.values import Digest
from evidence_repo.chain import Leaf
from evidence_repo.note import Checkpoint, NoteVerifier
from evidence_repo.pinned import pinned_text

Objects: TypeAlias = Callable[[Digest], bytes]
"""The bytes of a digest, checked against it; ``Stalled(EVIDENCE_MISSING)`` if not there."""
Replay: TypeAlias = Callable[[Leaf, Objects], Iterable[Finding]]
"""What is wrong with one leaf, judged anew from the leaf and the bytes it rests on."""


@dataclass(frozen=True, slots=True)
class Judges:
    """What the caller knows of leaves and keys."""

    replay: Mapping[str, Replay] = field(default_factory=dict)
    skim: Callable[[Leaf, Objects], None] = lambda _leaf, _objects: None  # noted, not judged
    # why a key does not count for the head of so many leaves; empty where it does (LOG-2)
    against: Callable[[NoteVerifier, int], str] = lambda _key, _size: ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """What was taken on the word of a pinned head and not judged again (AUD-8)."""

    head: Checkpoint
    packs: int
    checkpoints: int

    @property
    def words(self) -> str:
        """For people."""
        return (
            f"leaves 0 to {self.head.size - 1}, {self.packs} packs and {self.checkpoints}"
            f" checkpoints before the pinned head {pinned_text(self.head)}:"
            " taken on its word, not judged again"
        )


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """What was looked at and what is wrong."""

    leaves: int
    packs: int
    checkpoints: int
    replayed: Mapping[str, int]
    findings: tuple[Finding, ...]
    newest: Checkpoint | None = None  # the newest signed head; what people may pin
    unseen: Unseen | None = None  # where a pinned head was gone on from
    proof: tuple[bytes, ...] = ()  # that the log grew from it

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings
