"""What this host's journal and the evidence repository say together, the newest first."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from evidence_repo import layout
from evidence_repo.adapters.file_journal import newest_first as journaled
from evidence_repo.adapters.git_evidence import GitEvidence
from evidence_repo.backwards import goes_on_from, last_head, newest_first, oldest_first
from evidence_repo.chain import parse
from reconciler.adapters.kept_objects import KeptObjects


class EvidenceChain:
    """Reads without a lock. Where the journal does not go on from the repository, that counts."""

    def __init__(self, journal: Path, store: GitEvidence | None) -> None:
        """``store`` stands where the remote is, as far as it answered."""
        self._journal, self._store = journal, store
        self._objects = KeptObjects(journal)

    def continues(self) -> bool:
        """Whether the journal holds what the repository has, and may have more."""
        if self._store is None:
            return True
        lines = journaled(self._journal)
        if next(lines, None) is None:
            return True
        shipped = last_head(newest_first(self._store))
        return goes_on_from(journaled(self._journal), shipped)

    def newest_first(self) -> Iterator[bytes]:
        """Every line; those that both hold may come twice."""
        if self.continues():
            yield from journaled(self._journal)
        if self._store is not None:
            yield from newest_first(self._store)

    def shipped(self) -> Iterator[bytes]:
        """The repository's own lines in order; nothing is verified."""
        return oldest_first(self._store) if self._store is not None else iter(())

    def oldest_first(self) -> Iterator[bytes]:
        """Every line, each once: those of the repository, and what the journal adds to them."""
        size = 0
        for line in self.shipped():
            size += 1
            yield line
        beyond = takewhile(lambda line: parse(line).seq >= size, journaled(self._journal))
        yield from reversed(tuple(beyond) if self.continues() else ())

    def kept(self, digest: str) -> bytes:
        """From the journal, else from the repository. Raises ``Stalled(JOURNAL)``."""
        try:
            return self._objects.kept(digest)
        except Stalled:
            data = self._store.read(layout.object_path(digest)) if self._store else None
            if data is None or digest_bytes(data) != digest:
                raise
            return data

    def close(self) -> None:
        """End what was started to read the repository."""
        if self._store is not None:
            self._store.close()


def reading_store(clone: Path, remote: str, branch: str) -> GitEvidence | None:
    """The repository for those who only read: the remote itself where it is a path here."""
    there = Path(remote)
    for folder in (there, clone):
        if (folder / "HEAD").is_file() or (folder / ".git" / "HEAD").is_file():
            return GitEvidence(folder, remote, branch)
    return None
