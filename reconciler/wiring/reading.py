"""Builds what a reading verb needs: repository and memory of this host, and no way to write."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from desired_state.adapters.git_state import GitState
from desired_state.errors import Stalled
from desired_state.memory import Memory
from desired_state.reasons import Reason
from reconciler.acknowledgement import clean_stops
from reconciler.adapters.clock import wall_clock
from reconciler.adapters.evidence_chain import EvidenceChain, reading_store
from reconciler.adapters.file_memory import FileMemory
from reconciler.adapters.git_desk import GitDesk
from reconciler.adapters.kept_objects import KeptObjects, journal_size
from reconciler.adapters.latch import Latch
from reconciler.adapters.running_build import running_build
from reconciler.contents import InMemory, Mended
from reconciler.host import Host
from reconciler.proof import Prover
from reconciler.reading import Reader
from reconciler.recovery import Here, Recovered, newest, recover
from reconciler.wiring.host_parts import memory_path, repository_id, trust_of
from reconciler.wiring.log_keys import pinned_head
from reconciler.wiring.timekeeping import host_time

_REVISION: Final = re.compile(r"(?:[A-Za-z0-9._/-]+@sha1:)?([0-9a-f]{4,40})\Z")
CLONE: Final = "read.git"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reader, and the clone in which names of commits have a meaning."""

    reader: Reader
    clone: Path
    journal_head: int | None  # leaves journaled on this host; none where none are

    def revision(self, text: str) -> str:
        """The commit that ``main``, ``main@sha1:…`` or the beginning of an id names.

        Raises:
            Stalled: ``USAGE`` where it names none.
        """
        tip = self.reader.head()
        if text in {"main", "HEAD"}:
            return tip
        match = _REVISION.match(text)
        found = GitDesk(self.clone).resolve(match[1]) if match else None
        if found is None:
            told = f"expected main, main@sha1:<40 hex> or the id of a commit, found {text!r}"
            raise Stalled(Reason.USAGE, "--rev", told)
        return found


@contextmanager
def open_reading(host: Host) -> Iterator[Reading]:
    """What this host can tell; from a clone that is thrown away where ``var`` is closed to us.

    Raises:
        Waiting: ``FETCH``. Stalled: ``MEMORY_UNREADABLE``.
    """
    with tempfile.TemporaryDirectory(prefix="governor-") as spare:
        writable = os.access(host.var, os.W_OK | os.X_OK)
        clone = (host.var if writable else Path(spare)) / CLONE
        state = GitState(clone, host.state_url, host.file.state.branch)
        records = Latch(host.var)
        found, chain = _memory(host, records, state)
        try:
            lost = {found.stop.id: found.stop} if found.stop else {}
            reader = Reader(
                state=state,
                memory=found.memory,
                trust=trust_of(host),
                repository=repository_id(host, state),
                objects=Mended(InMemory(KeptObjects(host.var / "journal")), chain),
                latched={**records.stops(), **lost},
                clock_unsure=host_time(host, memory_path(host)).look(found.memory.floor).unsure,
                clean=clean_stops(records.acknowledgements().values()),
                build=running_build(),
                rehearsed=host.rehearsed,
            )
            yield Reading(reader, clone, journal_size(host.var / "journal"))
        finally:
            state.close()
            chain.close()


def _memory(host: Host, records: Latch, state: GitState) -> tuple[Recovered, EvidenceChain]:
    """Memory as a start would find it; a loss that nobody raised yet is judged as raised."""
    evidence = host.file.evidence
    store = reading_store(host.path(evidence.clone), host.evidence_url, evidence.branch)
    chain = EvidenceChain(host.var / "journal", store)
    found: Memory | Stalled | None
    try:
        found = FileMemory(memory_path(host)).load()
    except Stalled as error:
        found = error
    here = Here(host.file.host, records.stops(), records.releases(), wall_clock())
    prover = Prover(chain, state, trust_of(host), pinned_head(host))
    return recover(found, newest(chain.newest_first()), prover, here), chain
