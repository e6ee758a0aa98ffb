"""Reading one head: everything that admission needs, gathered through the port, judged nowhere.

What is looked up twice is named by its content, so an unchanged head costs almost nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from desired_state.configuration import configuration_digest
from desired_state.document import load
from desired_state.errors import Finding, Stalled, Waiting, finding
from desired_state.ledger import Ledger
from desired_state.memory import Memory, Stop
from desired_state.observation import Base, LedgerFile, LineRevision, Observation
from desired_state.proposals import MAX_AHEAD, Proposal, proposal_path
from desired_state.reasons import Reason
from desired_state.repository import Contents, LineStep, StateRepository
from desired_state.state_files import KILL_SWITCH, LEDGER_FOLDERS, PAPER_FOLDERS, is_configuration
from desired_state.stops import PLAIN_FILE, SwitchBlob, read_switch
from desired_state.trees import Entry, Tree
from desired_state.values import Switch
from desired_state.votes import VERSIONS_READ


@dataclass
class Survey:
    """Observes a state repository; keeps what it read by digest in ``contents``."""

    repository: StateRepository
    contents: Contents
    _digests: dict[str, str] = field(default_factory=dict)
    _covers: dict[tuple[str, str], bool] = field(default_factory=dict)
    _configurations: dict[str, str | None] = field(default_factory=dict)
    _trees: dict[str, tuple[Tree, dict[str, str]]] = field(default_factory=dict)
    _asked: dict[str, str | None] = field(default_factory=dict)  # base by digest of a proposal

    def observe(self, head: str | None, memory: Memory, stops: Iterable[Stop]) -> Observation:
        """What stands at ``head`` and what is new since memory's head."""
        stops = tuple(stops)
        if head is None:
            return _gone(memory, stops)
        descends = memory.head is None or self._is_ancestor(memory.head, head)
        tree, files, problems = self._files(head)
        steps: tuple[LineStep, ...] = ()
        if descends and head != memory.head:
            try:
                steps = self.repository.steps(head, memory.head)
            except Stalled as error:
                problems = (*problems, error.finding)
        line = tuple(self._line(steps))
        ledger = tuple(self._ledger(steps, memory))
        grown = memory.ledger.grown((file.path, file.digest) for file in ledger)
        return Observation(
            revision=head,
            descends=descends,
            files=files,
            problems=problems,
            line=line,
            ledger=ledger,
            standing=self._standing(tree, memory, ledger) if steps and tree else {},
            bases=tuple(self._bases(head, memory, line, grown)) if descends else (),
            stops=stops,
            switch_armed=self._armed(files),
        )

    def _files(self, head: str) -> tuple[Tree | None, dict[str, str], tuple[Finding, ...]]:
        if head not in self._trees:
            try:
                tree = self.repository.tree(head)
            except Stalled as error:
                return None, {}, (error.finding,)
            there = tree.outside(PAPER_FOLDERS)
            files = {path: self._digest(entry.oid) for path, entry in there}
            self._trees = {head: (tree, files)}
        return *self._trees[head], ()

    def _line(self, steps: Iterable[LineStep]) -> Iterable[LineRevision]:
        for step in steps:
            if step.asks:
                yield LineRevision(
                    revision=step.revision,
                    mode=self._digest(step.mode) if step.mode else None,
                    limits=self._digest(step.limits) if step.limits else None,
                )

    def _ledger(self, steps: Iterable[LineStep], memory: Memory) -> Iterable[LedgerFile]:
        """Versions that memory lacks, as many of one path as are looked at (VOTE-2)."""
        seen: dict[str, dict[str, None]] = {}
        for path, oid in (version for step in steps for version in step.versions):
            known = seen.setdefault(path, dict.fromkeys(memory.ledger.get(path, ())))
            if len(known) < VERSIONS_READ and (digest := self._digest(oid)) not in known:
                known[digest] = None
                yield LedgerFile(path=path, digest=digest)

    def _standing(
        self, tree: Tree, memory: Memory, ledger: Iterable[LedgerFile]
    ) -> dict[str, str | None]:
        """What stands at the head of every ledger path that may stand otherwise than before."""
        before = None
        if memory.head is not None:
            try:
                before = self.repository.tree(memory.head)
            except Stalled:
                before = None  # then every path is looked at
        found: dict[str, Entry | None] = dict.fromkeys(memory.ledger) if before is None else {}
        found.update((file.path, tree.get(file.path)) for file in ledger)
        found.update((path, tree.get(path)) for path in found)
        found.update(tree.changes(before, LEDGER_FOLDERS))
        return {path: self._digest(e.oid) if e else None for path, e in sorted(found.items())}

    def _bases(
        self, head: str, memory: Memory, line: Iterable[LineRevision], ledger: Ledger
    ) -> Iterable[Base]:
        fallen = {fall.revision for fall in memory.falls} | {step.revision for step in line}
        for base in sorted(self._open_bases(memory, ledger)):
            if not self._is_ancestor(base, head):
                continue
            covers = tuple(sorted(r for r in fallen if self._is_ancestor(r, base)))
            yield Base(revision=base, covers=covers, configuration=self._configuration(base))

    def _open_bases(self, memory: Memory, ledger: Ledger) -> set[str]:
        """Of every proposal that can be judged now, should all of those before it be complete."""
        last = memory.high.sequence if memory.high else 0
        bases = set()
        # that of `high` as well: what runs is the configuration at its base (CONFIG-1)
        for sequence in ledger.after(max(last - 1, 0)):
            if sequence > last + MAX_AHEAD:
                break
            if sequence in memory.voided:
                continue
            last, path = sequence, proposal_path(sequence)
            bases |= {self._base(path, digest) for digest in ledger[path]}
        return {base for base in bases if base is not None}

    def _base(self, path: str, digest: str) -> str | None:
        if digest not in self._asked:
            try:
                self._asked[digest] = load(Proposal, self.contents.kept(digest), path).base
            except Stalled:
                self._asked[digest] = None  # admission reports it, with the line at fault
        return self._asked[digest]

    def _configuration(self, base: str) -> str | None:
        if base not in self._configurations:
            try:
                tree = self.repository.tree(base)
                self._configurations[base] = configuration_digest(self._read(tree))
            except Stalled:
                return None  # not kept: it may read again
        return self._configurations[base]

    def _read(self, tree: Tree) -> dict[str, bytes]:
        return {
            path: self.repository.blob(entry.oid)
            for path, entry in tree.outside(LEDGER_FOLDERS)
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


def _gone(memory: Memory, stops: tuple[Stop, ...]) -> Observation:
    """The remote answers and has no main: of a head that was admitted, a rewrite to nothing."""
    if memory.head is None:
        return _nothing(stops)
    text = f"expected a descendant of {memory.head}, found no such branch"
    problem = finding(Reason.HEAD_REWRITE, "main", text)
    return _nothing(stops).model_copy(update={"problems": (problem,)})


def _nothing(stops: tuple[Stop, ...]) -> Observation:
    return Observation(
        revision=None,
        descends=False,
        files={},
        problems=(),
        line=(),
        ledger=(),
        standing={},
        bases=(),
        stops=stops,
        switch_armed=False,
    )
