"""The audit of an evidence repository from its bytes alone: nothing of the host is asked.

Rules AUD-1 to AUD-8 stand in this package's README. What a leaf *means* is replayed by functions
that the caller hands in by the leaf's kind; here is only what makes the leaves evidence.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Final

from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, Stalled, finding
from desired_state.reasons import Reason
from desired_state.values import Digest
from evidence_repo import layout
from evidence_repo.audit_report import ChainAudit, Judges, Replay, Unseen
from evidence_repo.chain import GENESIS, Leaf, advance, parse, walk
from evidence_repo.draft import PACK
from evidence_repo.log_keys import Keys, LogKeys, log_keys, newest_signed
from evidence_repo.merkle import Frontier
from evidence_repo.note import Checkpoint, policy_text
from evidence_repo.packs_audit import PackAudit
from evidence_repo.pinned import require_grown
from evidence_repo.position import EPOCH
from evidence_repo.reader import Entry, EvidenceReader, Join, shards
from evidence_repo.reader import lines as lines_of

MAX_FINDINGS: Final = 200
"""Findings of one audit; where there are so many, more say nothing new."""
CACHED_OBJECTS: Final = 512


def audit_chain(
    reader: EvidenceReader,
    keys: Keys,
    judges: Judges | Mapping[str, Replay] | None = None,
    since: Checkpoint | None = None,
) -> ChainAudit:
    """Everything in the repository, verified by the log's public keys alone.

    Args:
        reader: The repository at one commit.
        keys: Known from elsewhere; the policy inside the repository is not believed.
        judges: For each kind of leaf to be judged anew, what does it.
        since: A head that people pinned; what lies before it is not judged again.

    Raises:
        Stalled: ``FETCH`` if the repository cannot be read; ``CHECKPOINT_INVALID`` if the log did
            not grow from the pinned head.
    """
    known = judges if isinstance(judges, Judges) else Judges(judges or {})
    audit = _Audit(reader, log_keys(keys), known, since)
    found = tuple(islice(audit.run(), MAX_FINDINGS))
    return ChainAudit(
        audit.head.size,
        audit.packs.verified,
        audit.checkpoints,
        audit.replayed,
        found,
        audit.newest,
        Unseen(since, audit.packs.skimmed, audit.skimmed_notes) if since else None,
        audit.proof,
    )


class _Audit:
    def __init__(
        self, reader: EvidenceReader, keys: LogKeys, judges: Judges, since: Checkpoint | None
    ) -> None:
        self.head = GENESIS
        self.checkpoints = self.skimmed_notes = 0
        self.newest: Checkpoint | None = None
        self.proof: tuple[bytes, ...] = ()
        self.replayed = dict.fromkeys(judges.replay, 0)
        self._reader, self._keys, self._judges = reader, keys, judges
        self._since = since
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
        if self._since and (stranger := self._stranger(self._since)):
            yield stranger  # another log than the one people pinned: nothing in it is of interest
            return
        yield from self._tree()
        yield from self._leaves()
        yield from self._notes()
        yield from self.packs.finish()
        yield from self._unaccounted()
        yield from self._history()

    def _stranger(self, since: Checkpoint) -> Finding | None:
        """LOG-3: why this log did not grow from the pinned head; asked before all else."""
        try:
            if layout.CHECKPOINT not in self._files:
                return _bad_note(layout.CHECKPOINT, "expected a signed head, found none")
            newest = newest_signed(self._keys, self._reader.read(layout.CHECKPOINT))
            self.proof = require_grown(since, list(lines_of(self._reader)), newest)
        except Stalled as error:
            return _bad_note(error.subject, error.message)
        return None

    def _tree(self) -> Iterator[Finding]:
        """AUD-1: plain files at known places."""
        for path, entry in self._files.items():
            if entry.mode != "100644":
                yield finding(Reason.TREE_MODE, path, f"expected mode 100644, found {entry.mode}")
            if not layout.is_known(path):
                yield finding(Reason.EVIDENCE_FOREIGN, path)

    def _leaves(self) -> Iterator[Finding]:
        """AUD-2: the leaves follow from each other and stand where they belong."""
        lines = self._lines()
        if self._since:
            yield from self._skim(islice(lines, self._since.size))
        for head, leaf, broken in walk(lines, self.head):
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

    def _skim(self, lines: Iterable[bytes]) -> Iterator[Finding]:
        """AUD-8: what the pinned head stands for is noted, not judged."""
        for line in lines:
            self.head = advance(self.head, line)
            try:
                leaf = parse(line)
                self._judges.skim(leaf, self._object)
            except Stalled as error:
                yield finding(error.code, f"leaf {self.head.size - 1}", error.message)
                continue
            self._accounted.update(map(layout.object_path, leaf.objects))
            if leaf.kind == PACK:
                self.packs.skim(leaf)
            if leaf.kind == EPOCH:
                self._epoch = max(self._epoch, int(leaf.body["epoch"]))

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
            if judge := self._judges.replay.get(leaf.kind):
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
            there = layout.POLICY in self._files and self._reader.read(layout.POLICY)
            if there not in [policy_text(key) for key in self._keys.known]:  # LOG-4
                yield _bad_note(layout.POLICY, "the policy does not name a log key given")

    def _note(self, path: str, size: int) -> Iterator[Finding]:
        if self._since and size < self._since.size:
            self.skimmed_notes += 1
            return
        self.checkpoints += 1
        try:
            signed, key = self._keys.open(self._reader.read(path))
        except Stalled as error:
            yield _bad_note(path, error.message)
            return
        pinned = (signed.size, signed.root) in {(h.size, h.root) for h in self._keys.pinned}
        if signed.size != size or path != layout.note_path(size):
            yield _bad_note(path, f"the note is of {signed.size} leaves")
        elif self._roots.get(size) != signed.root:
            yield _bad_note(path, f"the first {size} leaves have another root")
        elif not pinned and (why := self._judges.against(key, size)):
            yield _bad_note(path, why)

    def _newest(self) -> Iterator[Finding]:
        if self._files:
            self._accounted.add(layout.CHECKPOINT)
            due = layout.note_path(self.head.size)
            there = layout.CHECKPOINT in self._files and due in self._files
            if there and self._reader.read(layout.CHECKPOINT) == self._reader.read(due):
                yield from self._signed()
            else:
                yield _bad_note(layout.CHECKPOINT, f"expected the signed head of {self.head.size}")

    def _signed(self) -> Iterator[Finding]:
        """LOG-2: the newest head is by a key that counts now."""
        try:
            self.newest = newest_signed(self._keys, self._reader.read(layout.CHECKPOINT))
        except Stalled as error:
            yield _bad_note(error.subject, error.message)

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
