"""An intent on disk before it leaves, beside the bare write and fsync of the same bytes."""

import os
from collections.abc import Iterator
from datetime import timedelta

from evidence_repo.adapters.file_journal import FileJournal
from layers.l6_execution.events import Intended
from tests.bench.measurement import Measured, Peer, Plan, microseconds
from tests.fakes.paper_desk import START, intent

FULL = 2_000


def rows(plan: Plan) -> Iterator[Measured]:
    """One row; both writers take turns, so that the disk is the same for both."""
    runs = plan.some(FULL)
    ours, bare = [], []
    body = Intended(intent=intent("bench"), permit="sha256:" + "0" * 64).model_dump(mode="json")
    bare_file = os.open(plan.folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with FileJournal(plan.folder / "journal") as journal:
        for number in range(runs):
            at = START + timedelta(seconds=number)
            ours.append(microseconds(lambda at=at: journal.append("order_intent", body, at)))
            line = next(iter(journal.lines(journal.head.size - 1))) + b"\n"
            bare.append(microseconds(lambda line=line: _write(bare_file, line)))
    os.close(bare_file)
    peer = Peer("bare write and fsync", tuple(bare))
    yield Measured("journal: append on disk", "µs", tuple(ours), peer, f"{len(line)} bytes")


def _write(descriptor: int, line: bytes) -> None:
    os.write(descriptor, line)
    os.fsync(descriptor)
