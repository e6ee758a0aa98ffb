"""This host's journal, and before it what the evidence repository holds: one record (MEM-7).

A journal begins above leaf 0 on a host that took over, and where an older one was set aside. What
it goes on from is read from the evidence repository, and believed as far as every line names the
one before, up to the very line that the journal goes on from.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Digest
from evidence_repo import chain
from evidence_repo.adapters.file_journal import FileJournal
from evidence_repo.chain import GENESIS, Head, Leaf
from reconciler.adapters.evidence_chain import EvidenceChain


@dataclass(frozen=True)
class WholeJournal:
    """Implements ``Journal``: written here, read from the first leaf of the chain on."""

    own: FileJournal
    elsewhere: Callable[[], EvidenceChain]  # opened anew for each reading

    @property
    def head(self) -> Head:
        """How many leaves there are, and the digest of the last line."""
        return self.own.head

    def append(
        self,
        kind: str,
        body: Mapping[str, Any],
        at: datetime,
        revision: str | None = None,
        objects: Sequence[Digest] = (),
    ) -> Leaf:
        """The next leaf, on disk when this returns; see the port."""
        return self.own.append(kind, body, at, revision, objects)

    def keep(self, data: bytes, *more: bytes) -> Digest:
        """Digest of the first bytes; all of them are on disk when this returns; see the port."""
        return self.own.keep(data, *more)

    def kept(self, digest: Digest) -> bytes:
        """The bytes of this digest, checked against it; see the port."""
        return self.own.kept(digest)

    def lines(self, from_seq: int = 0) -> Iterator[bytes]:
        """The lines from this sequence number on, oldest first.

        Raises:
            Stalled: ``JOURNAL``; ``HISTORY_MISSING`` where the evidence repository does not hold
                what came before this journal, ``CHAIN_BROKEN`` where it holds something else.
        """
        begin = self.own.begin
        if from_seq < begin.size:
            yield from self._before(begin, from_seq)
        yield from self.own.lines(max(from_seq, begin.size))

    def read(self, from_seq: int = 0) -> Iterator[Leaf]:
        """The leaves from this sequence number on, oldest first."""
        return map(chain.parse, self.lines(from_seq))

    def _before(self, begin: Head, from_seq: int) -> Iterator[bytes]:
        """Every line is checked before the first one is handed on."""
        with closing(self.elsewhere()) as found:
            lines = tuple(islice(found.shipped(), begin.size))
        if len(lines) < begin.size:
            text = f"expected the leaves up to {begin.size}, found them up to {len(lines)}"
            raise Stalled(Reason.HISTORY_MISSING, "evidence repository", text)
        for broken in chain.check(lines, GENESIS, begin):
            raise Stalled(broken.code, f"evidence repository: {broken.subject}", broken.message)
        yield from lines[from_seq:]
