"""The ledger: brings what the journal holds into the evidence repository, once and in order.

What was shipped is what the newest checkpoint at the store's head says; nothing else decides it,
so a crash between any two steps is mended by the next call of ``ship`` (LDG-1).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Commit
from evidence_repo import layout
from evidence_repo.chain import Head, Leaf, walk
from evidence_repo.draft import PACK, Draft
from evidence_repo.index import Page
from evidence_repo.journal import Journal
from evidence_repo.log_keys import LogKeys
from evidence_repo.note import Checkpoint, NoteSigner, policy_text, sign_checkpoint
from evidence_repo.packs import Pack, verify
from evidence_repo.position import (
    EPOCH,
    EvidenceStore,
    Position,
    PositionCache,
    after,
    locate,
    sound,
)

MAX_COMMIT: Final = 10_000
"""Leaves in one commit; a longer backlog takes several."""
NO_OTHERS: Final = LogKeys(())


@dataclass(frozen=True, slots=True)
class Shipment:
    """What one call brought over."""

    leaves: int
    size: int
    commit: Commit | None


class Ledger:
    """The one door through which evidence reaches its repository."""

    def __init__(
        self,
        journal: Journal,
        store: EvidenceStore,
        key: NoteSigner,
        cache: PositionCache,
        others: LogKeys = NO_OTHERS,
    ) -> None:
        """The key signs every checkpoint; its name is the origin of the log.

        ``others`` may have signed those that are there already.
        """
        self._journal = journal
        self._store = store
        self._key = key
        self._cache = cache
        self._keys = replace(others, current=(key, *others.current))
        self._position: Position | None = None
        self._pages: dict[str, Page] = {}

    def record_pack(self, pack: Pack, at: datetime, revision: str | None = None) -> Leaf:
        """The pack is kept and its leaf is in the journal; ``ship`` brings both over.

        Raises:
            Stalled: ``PACK_INVALID`` or ``JOURNAL``.
        """
        for wrong in verify(pack.files):
            raise Stalled(wrong.code, f"{pack.id}: {wrong.subject}", wrong.message)
        files = {name: self._journal.keep(data) for name, data in sorted(pack.files.items())}
        return self._journal.append(PACK, {"pack": pack.id, "files": files}, at, revision)

    def open_epoch(self, number: int, at: datetime, revision: str | None = None) -> Leaf:
        """This writer's epoch is in the journal, above every one before.

        Raises:
            Stalled: ``ANOTHER_WRITER`` if the number was used; ``JOURNAL``.
        """
        last = self.last_epoch()
        if number <= last:
            raise Stalled(Reason.ANOTHER_WRITER, "epoch", f"expected above {last}, found {number}")
        return self._journal.append(EPOCH, {"epoch": number}, at, revision)

    def last_epoch(self) -> int:
        """The highest epoch shipped or journaled; 0 where there was none."""
        position = self._here()
        return max([position.epoch, *self._epochs(position.head)])

    def ship(self) -> Shipment:
        """Everything journaled so far is committed and pushed.

        Raises:
            Stalled: ``ANOTHER_WRITER``; ``STORE_ROLLBACK`` if the journal does not go on from
                what was shipped; ``CHAIN_BROKEN``, ``JOURNAL``, ``CHECKPOINT_INVALID``.
            Waiting: ``EVIDENCE_UNWRITABLE``.
        """
        position = self._here()
        start = position.head.size
        self._require_continuity(position.head)
        commit = None
        lines = self._journal.lines(start)
        while taken := list(islice(lines, MAX_COMMIT)):
            files, reached, at = self._files(taken, position)
            first = position.head.size
            self._position = None  # LDG-1: until the commit is known to stand, only git knows
            commit = self._store.commit(files, f"leaves {first} to {reached.head.size - 1}", at)
            self._position = position = reached
            self._cache.save(reached)
        self._store.push()
        return Shipment(position.head.size - start, position.head.size, commit)

    def require_sole(self) -> None:
        """No other writer has pushed since.

        Raises:
            Stalled: ``ANOTHER_WRITER``.
            Waiting: ``EVIDENCE_UNWRITABLE`` if the remote did not answer.
        """
        self._store.require_sole()

    def _here(self) -> Position:
        if self._position is None:
            self._pages.clear()
            self._position = locate(self._store, self._keys, self._cache)
        return self._position

    def _require_continuity(self, shipped: Head) -> None:
        head = self._journal.head
        if head.size < shipped.size or (head.size == shipped.size and head != shipped):
            raise Stalled(
                Reason.STORE_ROLLBACK,
                "journal",
                f"the evidence repository has {shipped.size} leaves, the journal {head.size}",
            )

    def _epochs(self, shipped: Head) -> Iterator[int]:
        for _, leaf, _ in walk(self._journal.lines(shipped.size), shipped):
            if leaf is not None and leaf.kind == EPOCH:
                yield int(leaf.body["epoch"])

    def _files(
        self, lines: list[bytes], position: Position
    ) -> tuple[dict[str, bytes], Position, datetime]:
        draft = Draft(self._store, self._journal.kept, self._pages)
        if position.head.size == 0:
            draft.files[layout.POLICY] = policy_text(self._key)
        leaves = sound(lines, position.head)
        for start in range(0, len(lines), layout.MAX_BATCH):
            batch = lines[start : start + layout.MAX_BATCH]
            draft.files[layout.shard_path(position.head.size)] = b"\n".join(batch) + b"\n"
            for leaf in leaves[start : start + layout.MAX_BATCH]:
                draft.add(leaf)
            position = after(position, batch, leaves[start : start + layout.MAX_BATCH])
            head = Checkpoint(self._key.name, position.head.size, position.frontier.root())
            note = sign_checkpoint(head, [self._key])
            draft.files[layout.note_path(head.size)] = draft.files[layout.CHECKPOINT] = note
        draft.add_pages()
        return draft.files, position, leaves[-1].time
