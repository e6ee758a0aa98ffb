"""The audit of an evidence repository from its bytes alone: nothing of the host is asked.

Rules AUD-1 to AUD-7 stand in this package's README. What a leaf *means* is replayed by functions
that the caller hands in by the leaf's kind; here is only what makes the leaves evidence.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, Stalled, finding
from desired_state.reasons import Reason
from desired_state.values import Digest
from evidence_repo import layout
from evidence_repo.chain import GENESIS, Leaf, walk
from evidence_repo.draft import PACK
from evidence_repo.merkle import Frontier
from evidence_repo.note import NoteVerifier, open_checkpoint, policy_text
from evidence_repo.packs_audit import PackAudit
from evidence_repo.position import EPOCH
from evidence_repo.reader import Entry, EvidenceReader, Join, shards

MAX_FINDINGS: Final = 200
"""Findings of one audit; where there are so many, more say nothing new."""
CACHED_OBJECTS: Final = 512

Objects: TypeAlias = Callable[[Digest], bytes]
"""The bytes of a digest, checked against it; ``Stalled(EVIDENCE_MISSING)`` if not there."""
Replay: TypeAlias = Callable[[Leaf, Objects], Iterable[Finding]]
"""What is wrong with one leaf, judged anew from the leaf and the bytes it rests on."""


@dataclass(frozen=True, slots=True)
class ChainAudit:
    """What was looked at and what is wrong."""

    leaves: int
    packs: int
    checkpoints: int
    replayed: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def audit_chain(
    reader: EvidenceReader, log_key: NoteVerifier, replay: Mapping[str, Replay] | None = None
) -> ChainAudit:
    """Everything in the repository, verified by the log's public key alone.

    Args:
        reader: The repository at one commit.
        log_key: The key known from elsewhere; the policy inside the repository is not believed.
        replay: For each kind of leaf to be judged anew, what does it.

    Raises:
        Stalled: ``FETCH`` if the repository cannot be read.
    """
    audit = _Audit(reader, log_key, replay or {})
    found = tuple(islice(audit.run(), MAX_FINDINGS))
    return ChainAudit(
        audit.head.size, audit.packs.verified, audit.checkpoints, audit.replayed, found
    )


class _Audit:
    def __init__(
        self, reader: EvidenceReader, key: NoteVerifier, replay: Mapping[str, Replay]
    ) -> None:
        self.head = GENESIS
        self.checkpoints = 0
        self.replayed = dict.fromkeys(replay, 0)
        self._reader, self._key, self._replay = reader, key, replay
        self._files: Mapping[str, Entry] = reader.files()
        self._accounted: set[str] = set()
        self._roots: dict[int, bytes] = {}
        self._frontier = Frontier()
        self._epoch = 0
        self._misplaced: list[Finding] = []
        self._object = lru_cache(maxsize=CACHED_OBJECTS)(self._read_object)
        self.packs = PackAudit(reader, self._accounted, self._object)

    def run(self) -> Iterator[Finding]:
        """Every rule in turn; leaves first, for the others compare with them."""
        yield from self._tree()
        yield from self._leaves()
        yield from self._notes()
        yield from self.packs.finish()
        yield from self._unaccounted()
        yield from self._history()

    def _tree(self) -> Iterator[Finding]:
        """AUD-1: plain files at known places."""
        for path, entry in self._files.items():
            if entry.mode != "100644":
                yield finding(Reason.TREE_MODE, path, f"expected mode 100644, found {entry.mode}")
            if not layout.is_known(path):
                yield finding(Reason.EVIDENCE_FOREIGN, path)

    def _leaves(self) -> Iterator[Finding]:
        """AUD-2: the leaves follow from each other and stand where they belong."""
        for head, leaf, broken in walk(self._lines()):
            self.head = head
            if broken is not None:
                yield broken
            if leaf is not None:
                yield from self._leaf(leaf)
        yield from self._misplaced

    def _lines(self) -> Iterator[bytes]:
        for path in shards(self._files):
            self._accounted.add(path)
            *lines, rest = self._reader.read(path).split(b"\n")
            first = self._frontier.size
            if path != layout.shard_path(first):
                self._misplace(path, f"expected the shard of leaf {first}")
            if rest or not 0 < len(lines) <= layout.MAX_BATCH:
                self._misplace(path, f"expected 1 to {layout.MAX_BATCH} whole lines")
            yield from lines
            self._frontier = self._frontier.grow(lines)
            self._roots[self._frontier.size] = self._frontier.root()

    def _misplace(self, path: str, message: str) -> None:
        if not self._misplaced:  # where one is out of place, all that follow are
            self._misplaced.append(finding(Reason.CHAIN_BROKEN, path, message))

    def _leaf(self, leaf: Leaf) -> Iterator[Finding]:
        """AUD-3: what a leaf rests on is there; what it means comes out again."""
        subject = f"leaf {leaf.seq}"
        try:
            for digest in leaf.objects:
                if layout.object_path(digest) not in self._accounted:
                    self._object(digest)
            if leaf.kind == PACK:
                yield from self.packs.leaf(leaf)
            if leaf.kind == EPOCH:
                yield from self._opened(leaf)
            if judge := self._replay.get(leaf.kind):
                self.replayed[leaf.kind] += 1
                yield from judge(leaf, self._object)
        except Stalled as error:
            yield finding(error.code, subject, f"{error.subject}: {error.message}")

    def _opened(self, leaf: Leaf) -> Iterator[Finding]:
        number = leaf.body.get("epoch")
        if not isinstance(number, int) or number <= self._epoch:
            yield finding(
                Reason.ANOTHER_WRITER,
                f"leaf {leaf.seq}",
                f"expected an epoch above {self._epoch}, found {number}",
            )
            return
        self._epoch = number

    def _notes(self) -> Iterator[Finding]:
        """AUD-4: each batch has its signed head, and each signed head is of these leaves."""
        for path in self._files:
            if match := layout.NOTE.match(path):
                self._accounted.add(path)
                yield from self._note(path, int(match[1]))
        for size in self._roots:
            if layout.note_path(size) not in self._files:
                yield _bad_note(layout.note_path(size), "the checkpoint of this batch is missing")
        yield from self._newest()
        if self._files:
            self._accounted.add(layout.POLICY)
            due = policy_text(self._key)
            if layout.POLICY not in self._files or self._reader.read(layout.POLICY) != due:
                yield _bad_note(layout.POLICY, "the policy does not name the log key given")

    def _note(self, path: str, size: int) -> Iterator[Finding]:
        self.checkpoints += 1
        try:
            signed = open_checkpoint(self._reader.read(path), self._key)
        except Stalled as error:
            yield _bad_note(path, error.message)
            return
        if signed.size != size or path != layout.note_path(size):
            yield _bad_note(path, f"the note is of {signed.size} leaves")
        elif self._roots.get(size) != signed.root:
            yield _bad_note(path, f"the first {size} leaves have another root")

    def _newest(self) -> Iterator[Finding]:
        if not self._files:
            return
        self._accounted.add(layout.CHECKPOINT)
        due = layout.note_path(self.head.size)
        there = layout.CHECKPOINT in self._files and due in self._files
        if not there or self._reader.read(layout.CHECKPOINT) != self._reader.read(due):
            yield _bad_note(layout.CHECKPOINT, f"expected the signed head of {self.head.size}")

    def _unaccounted(self) -> Iterator[Finding]:
        """AUD-6: nothing lies here that the chain does not name."""
        for path in self._files:
            if layout.is_known(path) and path not in self._accounted and path != layout.README:
                yield finding(Reason.EVIDENCE_FOREIGN, path)

    def _history(self) -> Iterator[Finding]:
        """AUD-7: commits only ever add, but for the newest checkpoint and the pages."""
        for change in self._reader.history():
            if isinstance(change, Join):
                yield finding(Reason.EVIDENCE_REWRITTEN, change.commit, "a commit joins two pasts")
            elif change.status != "A" and not (
                change.status == "M" and layout.may_change(change.path)
            ):
                yield finding(
                    Reason.EVIDENCE_REWRITTEN,
                    change.path,
                    f"commit {change.commit} did {change.status} to it",
                )

    def _read_object(self, digest: Digest) -> bytes:
        path = layout.object_path(digest)
        if path not in self._files:
            raise Stalled(Reason.EVIDENCE_MISSING, path)
        self._accounted.add(path)
        data = self._reader.read(path)
        if digest_bytes(data) != digest:
            raise Stalled(Reason.EVIDENCE_MISSING, path, "the bytes there have another digest")
        return data


def _bad_note(subject: str, message: str) -> Finding:
    return finding(Reason.CHECKPOINT_INVALID, subject, message)
