"""How far the evidence repository is, by its own newest checkpoint."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Commit
from evidence_repo import layout
from evidence_repo.chain import GENESIS, Head, Leaf, advance, walk
from evidence_repo.log_keys import Keys, log_keys, newest_signed
from evidence_repo.merkle import Frontier
from evidence_repo.note import Checkpoint

EPOCH: Final = "epoch"
"""Kind of the leaf in which a writer opens its epoch."""


class EvidenceStore(Protocol):
    """The one writer's copy of the evidence repository."""

    def head(self) -> Commit | None:
        """The newest commit here, or none in an empty repository."""
        ...

    def read(self, path: str) -> bytes | None:
        """The file at the head, or none."""
        ...

    def folder(self, path: str) -> tuple[str, ...]:
        """The names in a folder at the head, sorted; none where there is no such folder."""
        ...

    def commit(self, files: Mapping[str, bytes], message: str, at: datetime) -> Commit:
        """One commit on top of the head that holds these files, whole or not at all.

        Raises:
            Stalled: ``ANOTHER_WRITER`` if the head is not the one that was read.
            Waiting: ``EVIDENCE_UNWRITABLE`` if it could not be written.
        """
        ...

    def push(self) -> None:
        """What is here is at the remote as well, by a push that forces nothing.

        Raises:
            Stalled: ``ANOTHER_WRITER`` if the remote has what is not here.
            Waiting: ``EVIDENCE_UNWRITABLE`` if it did not answer in time or refused.
        """
        ...

    def follow(self) -> None:
        """What the remote has is here as well.

        Raises:
            Waiting: ``EVIDENCE_UNWRITABLE`` if it did not answer in time.
        """
        ...

    def require_sole(self) -> None:
        """The remote has nothing that is not here.

        Raises:
            Stalled: ``ANOTHER_WRITER`` if it has.
            Waiting: ``EVIDENCE_UNWRITABLE`` if it did not answer in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class Position:
    """How far the repository is: the chain's head, its tree, and the newest writer's epoch."""

    head: Head = GENESIS
    frontier: Frontier = Frontier()  # noqa: RUF009  (frozen)
    epoch: int = 0


class PositionCache(Protocol):
    """Where a position may be found again. Losing it costs time and nothing else."""

    def load(self) -> Position | None:
        """The last one saved, if it can be read."""
        ...

    def save(self, position: Position) -> None:
        """Keep it, as well as can be."""
        ...


def locate(store: EvidenceStore, keys: Keys, cache: PositionCache) -> Position:
    """Where the store stands: from the cache if its root is the signed one, else read anew.

    What this host shipped itself counts though the key was taken from it since (LOG-2).

    Raises:
        Stalled: ``CHECKPOINT_INVALID`` if the newest checkpoint is not ours or not of the leaves.
    """
    note = store.read(layout.CHECKPOINT)
    if note is None:
        _require_found({(head.size, head.root) for head in log_keys(keys).pinned})
        return Position()
    signed, _ = log_keys(keys).open(note)
    known = cache.load()
    if known is None or not _fits(known, signed):
        newest_signed(log_keys(keys), note)
        known = _reread(store, log_keys(keys).pinned)
        if not _fits(known, signed):
            raise Stalled(
                Reason.CHECKPOINT_INVALID, "log/checkpoint", "the leaves have another root"
            )
        cache.save(known)
    return known


def _fits(position: Position, signed: Checkpoint) -> bool:
    size = position.head.size == position.frontier.size == signed.size
    return size and position.frontier.root() == signed.root


def _reread(store: EvidenceStore, pinned: Iterable[Checkpoint]) -> Position:
    position, missing = Position(), {(head.size, head.root) for head in pinned}
    for path in _shards(store, "log/leaves"):
        lines = (store.read(path) or b"").split(b"\n")[:-1]
        position = after(position, lines, sound(lines, position.head))
        missing.discard((position.head.size, position.frontier.root()))
    _require_found(missing)
    return position


def _require_found(missing: Iterable[tuple[int, bytes]]) -> None:
    """LOG-3: a log without the pinned head is another one, were it as sound as can be."""
    for size, _ in sorted(missing):
        text = f"the pinned head of {size} leaves is none of this log's"
        raise Stalled(Reason.CHECKPOINT_INVALID, "pinned checkpoint", text)


def _shards(store: EvidenceStore, folder: str) -> Iterator[str]:
    for name in store.folder(folder):
        path = f"{folder}/{name}"
        if layout.SHARD.match(path):
            yield path
        else:
            yield from _shards(store, path)


def sound(lines: list[bytes], head: Head) -> list[Leaf]:
    """The leaves of lines that follow ``head``.

    Raises:
        Stalled: ``CHAIN_BROKEN`` if they do not.
    """
    leaves = []
    for _, leaf, broken in walk(lines, head):
        if broken is not None or leaf is None:
            raise Stalled(Reason.CHAIN_BROKEN, "journal", broken.message if broken else "")
        leaves.append(leaf)
    return leaves


def after(position: Position, lines: list[bytes], leaves: list[Leaf]) -> Position:
    """The position after these lines, which are these leaves."""
    epochs = [int(leaf.body["epoch"]) for leaf in leaves if leaf.kind == EPOCH]
    head = replace(position.head, size=position.head.size + len(lines) - 1)
    return Position(
        advance(head, lines[-1]),
        position.frontier.grow(lines),
        max([position.epoch, *epochs]),
    )
