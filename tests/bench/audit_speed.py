"""Leaves a second through the audit of a real evidence repository, read with git."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from time import perf_counter_ns

from desired_state.adapters.ssh_keygen import generate
from evidence_repo import chain
from evidence_repo.adapters.git_evidence import GitEvidence
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.adapters.log_key import LogKey
from evidence_repo.adapters.position_file import PositionFile
from evidence_repo.audit import audit_chain
from evidence_repo.chain import GENESIS, Head
from evidence_repo.ledger import Ledger
from tests.bench.measurement import Measured, Plan
from tests.fakes.paper_desk import START

FULL = 20_000
RUNS = 5
BODY = {"order": "g" + "a" * 16, "price": "8700.01", "quantity": "0.00574", "why": "x" * 200}


class LinesInMemory:
    """A journal of synthetic leaves: what is measured is the audit, not the disk."""

    def __init__(self, count: int) -> None:
        self.head: Head = GENESIS
        self._lines: list[bytes] = []
        for number in range(count):
            at = START + timedelta(seconds=number)
            _, line = chain.following(self.head, "note", {"n": number, **BODY}, at)
            self._lines.append(line)
            self.head = chain.advance(self.head, line)

    def lines(self, from_seq: int = 0) -> Iterator[bytes]:
        return iter(self._lines[from_seq:])

    def kept(self, digest: str) -> bytes:
        raise KeyError(digest)


def rows(plan: Plan) -> Iterator[Measured]:
    """One row, of leaves a second."""
    folder, count = plan.folder / "audit", plan.some(FULL)
    folder.mkdir()
    generate(folder / "evidence_key", "bench")
    key = LogKey(folder / "evidence_key", "bench/evidence")
    with closing(GitEvidence.create(folder / "evidence", folder / "evidence.git")) as store:
        position = PositionFile(folder / "position.json")
        Ledger(LinesInMemory(count), store, key, position).ship()
    speeds = []
    for _ in range(plan.some(RUNS)):
        start = perf_counter_ns()
        with closing(GitReader(folder / "evidence.git")) as reader:
            found = audit_chain(reader, key.verifier)
        if not found.ok or found.leaves != count:
            raise RuntimeError(f"expected {count} sound leaves, found {found}")
        speeds.append(count / ((perf_counter_ns() - start) / 1e9))
    yield Measured("audit: leaves of a chain", "/s", tuple(speeds), note=f"{count:,} leaves, git")
