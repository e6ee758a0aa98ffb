"""The host's write-ahead journal: what the chain will say, on disk before anything leaves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Digest
from evidence_repo.chain import GENESIS, Head, Leaf, parse, walk


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


def leading_to(begins: Head, log: Iterable[bytes], from_seq: int = 0) -> Iterator[bytes]:
    """JRN-4: the lines before ``begins``, from this number on, out of a log from its first line on.

    Raises:
        Stalled: ``CHAIN_BROKEN`` at a link that does not hold, ``JOURNAL`` where the log does not
            lead to ``begins``.
    """
    head = GENESIS
    for line in islice(log, begins.size):
        for position, _, broken in walk((line,), head):
            if broken is not None:
                raise Stalled(broken.code, f"evidence {broken.subject}", broken.message)
            head = position
        if head.size > from_seq:
            yield line
    if head != begins:
        told = f"expected the evidence to lead to leaf {begins.size}, where this journal begins"
        raise Stalled(Reason.JOURNAL, "journal", f"{told}, found {head.size} leaves")
