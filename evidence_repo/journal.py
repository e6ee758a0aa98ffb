"""The host's write-ahead journal: what the chain will say, on disk before anything leaves."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from desired_state.values import Digest
from evidence_repo.chain import Head, Leaf, parse


class Journal(Protocol):
    """Append-only record of one writer; the chain's leaves before they are shipped."""

    @property
    def head(self) -> Head:
        """How many leaves there are, and the digest of the last line."""
        ...

    def append(
        self,
        kind: str,
        body: Mapping[str, Any],
        at: datetime,
        revision: str | None = None,
        objects: Sequence[Digest] = (),
    ) -> Leaf:
        """The next leaf, on disk (fsync) when this returns.

        ``objects`` are digests that ``keep`` gave; they are shipped with the leaf.

        Raises:
            Stalled: ``JOURNAL`` if it cannot be known to be on disk.
            ValueError: If an object was not kept, or the leaf is too long.
        """
        ...

    def keep(self, data: bytes, *more: bytes) -> Digest:
        """Digest of the first bytes; all of them are on disk (one fsync) when this returns.

        Raises:
            Stalled: ``JOURNAL`` if they cannot be known to be on disk.
        """
        ...

    def kept(self, digest: Digest) -> bytes:
        """The bytes of this digest, checked against it.

        Raises:
            Stalled: ``JOURNAL`` if they are not there or are others.
        """
        ...

    def lines(self, from_seq: int = 0) -> Iterator[bytes]:
        """The lines from this sequence number on, as they stand now, oldest first.

        Raises:
            Stalled: ``JOURNAL`` if a line that was written is not there any more.
        """
        ...


def read(journal: Journal, from_seq: int = 0) -> Iterator[Leaf]:
    """The leaves from this sequence number on, oldest first."""
    return map(parse, journal.lines(from_seq))
