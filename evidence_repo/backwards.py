"""The log read from its end: what was said last, without reading what was said before."""

from collections.abc import Iterator
from typing import Protocol

from desired_state.canonical import digest_bytes
from evidence_repo import layout
from evidence_repo.chain import GENESIS, Head, parse


class Shards(Protocol):
    """A repository's head, read by folder and file."""

    def read(self, path: str) -> bytes | None:
        """The file at the head, or none."""
        ...

    def folder(self, path: str) -> tuple[str, ...]:
        """The names in a folder at the head, sorted; none where there is no such folder."""
        ...


def newest_first(shards: Shards, folder: str = "log/leaves") -> Iterator[bytes]:
    """Every line of the log, the newest first; nothing is verified."""
    for name in reversed(shards.folder(folder)):
        path = f"{folder}/{name}"
        if layout.SHARD.match(path):
            yield from reversed((shards.read(path) or b"").split(b"\n")[:-1])
        else:
            yield from newest_first(shards, path)


def oldest_first(shards: Shards, folder: str = "log/leaves") -> Iterator[bytes]:
    """Every line of the log in order; nothing is verified."""
    for name in shards.folder(folder):
        path = f"{folder}/{name}"
        if layout.SHARD.match(path):
            yield from (shards.read(path) or b"").split(b"\n")[:-1]
        else:
            yield from oldest_first(shards, path)


def last_head(lines: Iterator[bytes]) -> Head:
    """Where a log ends whose lines come newest first.

    Raises:
        Stalled: ``CHAIN_BROKEN`` if its last line is no leaf.
    """
    line = next(lines, None)
    return GENESIS if line is None else Head(parse(line).seq + 1, digest_bytes(line))


def goes_on_from(lines: Iterator[bytes], head: Head) -> bool:
    """Whether lines, newest first, contain this head, or begin right after it.

    Lines that begin later say nothing of it and are believed; whoever ships will miss the gap.

    Raises:
        Stalled: ``CHAIN_BROKEN`` if one of them is no leaf.
    """
    if head.size == 0:
        return True
    seq = -1
    for line in lines:
        leaf = parse(line)
        seq = leaf.seq
        if seq == head.size - 1:
            return digest_bytes(line) == head.digest
        if seq == head.size and leaf.prev != head.digest:
            return False
        if seq < head.size - 1:
            return False  # it ends before the head
    return seq >= head.size
