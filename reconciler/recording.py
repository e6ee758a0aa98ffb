"""Step 9 of a cycle: what was judged is told by leaves, then remembered, before anything widens.

Every leaf rests on bytes that are kept here already, so a replay finds all that it names. A verdict
is told when it says something else than the last one; an idle cycle writes nothing.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from desired_state.admission import Admission
from desired_state.memory import Memory, snapshot
from desired_state.observation import Observation
from reconciler.contents import Cached
from reconciler.facts import Facts
from reconciler.gate import Verdict
from reconciler.plan import Action
from reconciler.ports import Ports
from reconciler.recovery import RECOVERED, STORED, Recovered
from reconciler.verdicts import LEAF_KIND, ledger_nodes, read_files, record, substance

FILES_A_LEAF: Final = 500
RENEW_BEFORE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one cycle was given, and what came of it."""

    observation: Observation
    before: Memory
    facts: Facts
    admission: Admission
    verdict: Verdict


@dataclass
class Recording:
    """The leaves of one run: knows what it has told already."""

    ports: Ports
    contents: Cached
    standing: Verdict | None = None  # as the last leaf has it
    _last: tuple[str, Memory] | None = None
    _recorded: set[str] = field(default_factory=set)
    _recovered: Recovered | None = None  # from a loss that no leaf tells yet

    def begin(self, recovered: Recovered) -> None:
        """Memory was loaded: the next verdict is told, and the loss if there was one (MEM-2)."""
        self._recovered = recovered if recovered.stop else None
        self._last = None

    def tell(self, judged: Judged, heartbeats: tuple[bytes, ...]) -> bool:
        """Evidence, then memory, each on disk when this returns; whether it was owed.

        ``heartbeats`` are the files that the facts name by digest.
        """
        verdict = judged.verdict
        changed = (substance(verdict), judged.admission.memory)
        if changed == self._last and not self._ends_soon(verdict):
            return False
        self._record_stops(verdict)
        self._record_recovery(judged)
        self._record_verdict(judged, heartbeats)
        self._last, self.standing = changed, verdict
        return True

    def tell_acts(self, verdict: Verdict, actions: tuple[Action, ...]) -> None:
        """Who acknowledged which stop, and what this cycle does at the venues."""
        self._record_acknowledgements(verdict)
        for action in actions:
            self._leaf("action", action.model_dump(mode="json"), verdict)

    def _record_verdict(self, judged: Judged, heartbeats: tuple[bytes, ...]) -> None:
        before, after = judged.before, judged.admission.memory
        given = (judged.observation, before, judged.facts)
        trust, host = self.ports.trust, self.ports.host
        body, objects = record(judged.admission, judged.verdict, given, trust, host)
        objects |= dict(zip(judged.facts.heartbeats, heartbeats, strict=True))
        nodes, papers = ledger_nodes((before, after), self._recorded)
        for data in (*objects.values(), *nodes.values()):
            self.contents.keep(data)
        self.contents.settle()
        files = read_files(judged.observation, after) | papers | nodes.keys()
        room = max(0, FILES_A_LEAF - len(objects))
        rest = self._record_files(files, judged.verdict, room)
        named = sorted({*objects, *rest})
        self._leaf(LEAF_KIND, body.model_dump(mode="json"), judged.verdict, named)
        self._recorded.update(rest)
        if after != before:
            self.ports.store.store(after)
            self._leaf(STORED, {"memory": body.memory_after}, judged.verdict)

    def _record_recovery(self, judged: Judged) -> None:
        lost = self._recovered
        if lost is None or lost.stop is None:
            return
        nodes, _ = ledger_nodes((judged.before,), ())
        name = self.contents.keep(snapshot(judged.before), *nodes.values())
        self.contents.settle()
        told = {"stop": lost.stop.id, "code": lost.code, "memory": name, "found": lost.found}
        self._leaf(RECOVERED, told, judged.verdict, [name, *sorted(nodes)])
        self._recovered = None

    def _ends_soon(self, verdict: Verdict) -> bool:
        """RECORD-2: every intent cites a leaf that was valid then, so a session's is renewed."""
        standing = self.standing
        if self.ports.session() is None or standing is None or standing.valid_until is None:
            return False
        return verdict.now >= standing.valid_until - RENEW_BEFORE

    def _record_files(self, files: frozenset[str], verdict: Verdict, room: int) -> list[str]:
        """The governed files that a replay will read, each named by one leaf of this run.

        Handed back are the last ones, which find room in the verdict's own leaf: one leaf more is
        one more wait for the disk.
        """
        new = sorted(files - self._recorded)
        for name in new:
            self.contents.kept(name)  # MEM-4: a leaf rests on what is kept here
        many = max(0, len(new) - room)
        for start in range(0, many, FILES_A_LEAF):
            batch = new[start : min(start + FILES_A_LEAF, many)]
            self._leaf("governed_files", {"count": len(batch)}, verdict, batch)
            self._recorded.update(batch)
        return new[many:]

    def _record_stops(self, verdict: Verdict) -> None:
        for stop in verdict.stops:
            if stop.id not in self._recorded:
                self._leaf("stop", stop.model_dump(mode="json"), verdict)
                self._recorded.add(stop.id)

    def _record_acknowledgements(self, verdict: Verdict) -> None:
        for ack in self.ports.records.acknowledgements().values():
            name = f"{ack.stop}:acknowledged"
            if ack.verified_clean and name not in self._recorded:
                self._leaf("acknowledgement", ack.model_dump(mode="json"), verdict)
                self._recorded.add(name)

    def _leaf(
        self, kind: str, body: dict[str, Any], verdict: Verdict, objects: list[str] | None = None
    ) -> None:
        self.ports.journal.append(kind, body, verdict.now, verdict.revision, objects or ())
