"""Reading one head: everything that admission needs, gathered through the port, judged nowhere.

What is looked up twice is named by its content, so an unchanged head costs almost nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from desired_state.configuration import configuration_digest
from desired_state.document import load
from desired_state.errors import Finding, Stalled, Waiting
from desired_state.memory import Memory, Stop
from desired_state.observation import Base, LedgerFile, LineRevision, Observation
from desired_state.proposals import Proposal, proposal_sequence
from desired_state.repository import Contents, Entry, LedgerHistory, StateRepository
from desired_state.state_files import KILL_SWITCH, is_configuration
from desired_state.stops import PLAIN_FILE, SwitchBlob, read_switch
from desired_state.values import Switch
from desired_state.votes import VERSIONS_READ


class Repository(StateRepository, LedgerHistory, Protocol):
    """What a survey reads."""


@dataclass
class Survey:
    """Observes a state repository; keeps what it read by digest in ``contents``."""

    repository: Repository
    contents: Contents
    _digests: dict[str, str] = field(default_factory=dict)
    _covers: dict[tuple[str, str], bool] = field(default_factory=dict)
    _configurations: dict[str, str | None] = field(default_factory=dict)
    _trees: dict[str, dict[str, str]] = field(default_factory=dict)

    def observe(self, head: str | None, memory: Memory, stops: Iterable[Stop]) -> Observation:
        """What stands at ``head`` and what is new since memory's head."""
        stops = tuple(stops)
        if head is None:
            return _nothing(stops)
        descends = memory.head is None or self._is_ancestor(memory.head, head)
        files, problems = self._files(head)
        line: tuple[LineRevision, ...] = ()
        ledger: tuple[LedgerFile, ...] = ()
        if descends and head != memory.head:
            line = tuple(self._line(head, memory.head))
            ledger = tuple(self._ledger(head, memory))
        return Observation(
            revision=head,
            descends=descends,
            files=files,
            problems=problems,
            line=line,
            ledger=ledger,
            bases=tuple(self._bases(head, memory, line, ledger)) if descends else (),
            stops=stops,
            switch_armed=self._armed(files),
        )

    def _files(self, head: str) -> tuple[dict[str, str], tuple[Finding, ...]]:
        if head not in self._trees:
            try:
                tree = self.repository.tree(head)
            except Stalled as error:
                return {}, (error.finding,)
            self._trees = {head: {path: self._digest(entry.oid) for path, entry in tree.items()}}
        return self._trees[head], ()

    def _line(self, head: str, since: str | None) -> Iterable[LineRevision]:
        for step in self.repository.line(head, since):
            yield LineRevision(
                revision=step.revision,
                mode=self._digest(step.mode) if step.mode else None,
                limits=self._digest(step.limits) if step.limits else None,
            )

    def _ledger(self, head: str, memory: Memory) -> Iterable[LedgerFile]:
        seen: dict[str, int] = {}
        for path, oid in self.repository.ledger(head, memory.head):
            seen[path] = seen.get(path, len(memory.ledger.get(path, ()))) + 1
            if seen[path] <= VERSIONS_READ:
                yield LedgerFile(path=path, digest=self._digest(oid))

    def _bases(
        self,
        head: str,
        memory: Memory,
        line: Iterable[LineRevision],
        ledger: Iterable[LedgerFile],
    ) -> Iterable[Base]:
        fallen = {fall.revision for fall in memory.falls} | {step.revision for step in line}
        for base in sorted(self._open_bases(memory, ledger)):
            if not self._is_ancestor(base, head):
                continue
            covers = tuple(sorted(r for r in fallen if self._is_ancestor(r, base)))
            yield Base(revision=base, covers=covers, configuration=self._configuration(base))

    def _open_bases(self, memory: Memory, ledger: Iterable[LedgerFile]) -> set[str]:
        high = memory.high.sequence if memory.high else 0
        files = [(path, digest) for path, found in memory.ledger.items() for digest in found]
        files += [(file.path, file.digest) for file in ledger]
        bases = set()
        for path, digest in files:
            sequence = proposal_sequence(path) if path.startswith("proposals/") else None
            # that of `high` as well: what runs is the configuration at its base (CONFIG-1)
            if sequence is None or sequence < high or sequence in memory.voided:
                continue
            try:
                bases.add(load(Proposal, self.contents.kept(digest), path).base)
            except Stalled:
                continue  # admission reports it, with the line at fault
        return bases

    def _configuration(self, base: str) -> str | None:
        if base not in self._configurations:
            try:
                tree = self.repository.tree(base)
                self._configurations[base] = configuration_digest(self._read(tree))
            except Stalled:
                return None  # not kept: it may read again
        return self._configurations[base]

    def _read(self, tree: Mapping[str, Entry]) -> dict[str, bytes]:
        return {
            path: self.repository.blob(entry.oid)
            for path, entry in tree.items()
            if is_configuration(path)
        }

    def _digest(self, oid: str) -> str:
        if oid not in self._digests:
            self._digests[oid] = self.contents.keep(self.repository.blob(oid))
        return self._digests[oid]

    def _is_ancestor(self, ancestor: str, commit: str) -> bool:
        key = (ancestor, commit)
        if key not in self._covers:
            self._covers[key] = self.repository.descends(commit, ancestor)
        return self._covers[key]

    def _armed(self, files: Mapping[str, str]) -> bool:
        digest = files.get(KILL_SWITCH)
        if digest is None:
            return False
        return read_switch(SwitchBlob(PLAIN_FILE, self.contents.kept(digest))).state is Switch.ARMED


def unread(problem: Waiting, stops: Iterable[Stop]) -> Observation:
    """What is observed where the repository does not answer: nothing, and why."""
    return _nothing(tuple(stops)).model_copy(update={"problems": (problem.finding,)})


def _nothing(stops: tuple[Stop, ...]) -> Observation:
    return Observation(
        revision=None,
        descends=False,
        files={},
        problems=(),
        line=(),
        ledger=(),
        bases=(),
        stops=stops,
        switch_armed=False,
    )
