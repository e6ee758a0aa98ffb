"""A cycle over a desk's real adapters, with a fault at the n-th call of any port."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from desired_state.adapters.git_state import GitState
from desired_state.canonical import canonical, from_json
from desired_state.errors import GovernanceError, Stalled, Waiting
from desired_state.memory import Memory
from desired_state.reasons import Reason
from evidence_repo.adapters.file_journal import FileJournal
from reconciler.adapters.evidence_chain import EvidenceChain
from reconciler.adapters.file_memory import FileMemory
from reconciler.cycle import Cycle
from reconciler.gate import Verdict
from reconciler.ports import Ports, Report
from reconciler.verdicts import LEAF_KIND, VerdictRecord
from reconciler.wiring import host_parts as wiring
from tests.fakes.governed_desk import GovernedDesk

Rejudge = Callable[[str, Verdict], tuple[str, ...] | None]
Fault = Callable[[str], object]
DECLARED: Mapping[str, Callable[[], GovernanceError]] = {
    "state": lambda: Waiting(Reason.FETCH, "fault", retry_after=timedelta(seconds=1)),
    "records": lambda: Stalled(Reason.EVIDENCE_UNWRITABLE, "fault"),
    "store": lambda: Stalled(Reason.EVIDENCE_UNWRITABLE, "fault"),
    "journal": lambda: Stalled(Reason.JOURNAL, "fault"),
    "venue": lambda: Waiting(Reason.VENUE_UNREACHABLE, "fault", retry_after=timedelta(seconds=1)),
}


class Calls:
    """Counts every call of every port, and lets the n-th one fail."""

    def __init__(self, nth: int = 0, fault: Fault | None = None) -> None:
        self.count = 0
        self.hit = ""
        self._nth, self._fault = nth, fault

    def wrap(self, name: str, inner: Any) -> Any:  # noqa: ANN401
        return _Port(name, inner, self)

    def tick(self, port: str, method: str) -> None:
        self.count += 1
        if self.count == self._nth and self._fault:
            self.hit = f"{port}.{method}"
            self._fault(port)


class _Port:
    def __init__(self, name: str, inner: Any, calls: Calls) -> None:  # noqa: ANN401
        self._name, self._inner, self._calls = name, inner, calls

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401
        found = getattr(self._inner, method)
        if not callable(found):
            return found

        def counted(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            self._calls.tick(self._name, method)
            return found(*given, **named)

        return counted


def raise_declared(port: str) -> None:
    error = DECLARED[port]()
    raise error


@dataclass
class CycleDesk:
    """The desk whose cycle is run; ``var`` is put back before every try."""

    desk: GovernedDesk
    state: GitState
    rejudge: Rejudge = lambda _venue, _verdict: None

    @classmethod
    def over(cls, desk: GovernedDesk) -> "CycleDesk":
        return cls(desk, wiring.state_repository(desk.host))

    @contextmanager
    def cycle(self, calls: Calls | None = None) -> Iterator[Cycle]:
        host, calls = self.desk.host, calls or Calls()
        journal = FileJournal(host.var / "journal")
        venues = wiring.venues(host)()
        wrapped = {name: calls.wrap("venue", venue) for name, venue in venues.items()}
        ports = Ports(
            state=calls.wrap("state", self.state),
            records=calls.wrap("records", wiring.latch(host)),
            store=calls.wrap("store", FileMemory(wiring.memory_path(host))),
            journal=calls.wrap("journal", journal),
            chain=calls.wrap("journal", EvidenceChain(host.var / "journal", None)),
            venues=lambda: wrapped,
            token_age_ns=wiring.token_reader(host).age_ns,
            trust=wiring.trust_of(host),
            repository="peak/state",
            host=host.digest,
            rejudge=self.rejudge,
        )
        try:
            yield Cycle(ports)
        finally:
            journal.close()

    def run(self, now: datetime, calls: Calls | None = None) -> Report:
        """One cycle of a process that starts for it."""
        with self.cycle(calls) as cycle:
            return cycle.run(now)

    def close(self) -> None:
        self.state.close()

    # --- what is on disk ---------------------------------------------------------------------
    def keep_var(self) -> None:
        kept = self.desk.folder / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for name in KEPT:
            if (self.desk.var / name).exists():
                shutil.copytree(self.desk.var / name, kept / name)

    def put_var_back(self) -> None:
        for name in KEPT:
            shutil.rmtree(self.desk.var / name, ignore_errors=True)
            if (self.desk.folder / "kept" / name).exists():
                shutil.copytree(self.desk.folder / "kept" / name, self.desk.var / name)

    def memory(self) -> Memory | None:
        return FileMemory(wiring.memory_path(self.desk.host)).load()

    def leaves(self) -> list[dict[str, Any]]:
        lines = sorted((self.desk.var / "journal").glob("*.jsonl"))
        return [from_json(line) for path in lines for line in path.read_bytes().splitlines()]

    def objects(self) -> dict[str, bytes]:
        found = sorted((self.desk.var / "journal" / "objects").glob("*.kept"))
        return {name: data for path in found for name, data in kept(path.read_bytes())}

    def verdict_records(self) -> list[VerdictRecord]:
        return [
            VerdictRecord.model_validate_json(canonical(leaf["body"]))
            for leaf in self.leaves()
            if leaf["kind"] == LEAF_KIND
        ]


def kept(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The records of one file of kept bytes."""
    while data:
        header, _, rest = data.partition(b"\n")
        name, length = header.decode().split()
        yield f"sha256:{name}", rest[: int(length)]
        data = rest[int(length) + 1 :]


KEPT = ("journal", "trusted", "stops", "releases", "acknowledgements", "venues")
