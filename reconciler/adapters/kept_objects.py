"""The bytes that the reconciler of this host kept, for those who only read: no lock, no writing."""

import os
from pathlib import Path

from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo.adapters.kept_segments import KeptSegments


class KeptObjects:
    """Objects below the journal's folder."""

    def __init__(self, journal: Path) -> None:
        """``journal`` need not be there."""
        self._objects = KeptSegments(journal / "objects")

    def keep(self, data: bytes, *_more: bytes) -> str:
        """A reader keeps nothing."""
        raise Stalled(Reason.JOURNAL, digest_bytes(data), "opened for reading alone")

    def kept(self, digest: str) -> bytes:
        """The bytes, checked. Raises ``Stalled(JOURNAL)`` where they are not here."""
        try:
            data = self._objects.read(digest.removeprefix("sha256:"))
        except (OSError, KeyError) as error:
            raise Stalled(Reason.JOURNAL, digest, f"not kept here: {error!r}") from error
        if digest_bytes(data) != digest:
            raise Stalled(Reason.JOURNAL, digest, "the kept bytes have another digest")
        return data


def journal_size(journal: Path) -> int | None:
    """Leaves in the journal, counted without taking its lock; none where it cannot be read."""
    try:
        segments = sorted(int(path.stem) for path in journal.glob("*.jsonl"))
        if not segments:
            return 0 if os.access(journal.parent, os.W_OK) else None
        newest = next(p for p in journal.glob("*.jsonl") if int(p.stem) == segments[-1])
        return segments[-1] + newest.read_bytes().count(b"\n")
    except (OSError, ValueError):
        return None
