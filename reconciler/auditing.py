"""Replaying what the chain says was judged, decided and sent. Pure; the chain itself is evidence's.

A stranger's question in four parts: was every verdict the one that the committed state gives
(AUDIT-2), was every order decided as L5 decides (AUDIT-3), does each order, fill and stop belong
to exactly one thing before it (AUDIT-4), and was read what the history held (AUDIT-5)?
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from desired_state.errors import Finding, finding
from desired_state.ledger import Ledger
from desired_state.limits import Limits
from desired_state.memory import EMPTY, Memory, Stop, from_snapshot, snapshot_digest
from desired_state.observation import Observation
from desired_state.reasons import Reason
from desired_state.state_files import PAPER_FOLDERS
from desired_state.values import parse_instant
from evidence_repo.chain import Leaf
from layers.l5_risk_gate.finding import Outcome
from reconciler import decisions, verdicts
from reconciler.contents import Lazy
from reconciler.gate import Verdict
from reconciler.log_trust import KeysInTurn
from reconciler.recovery import RECOVERED, began_from
from reconciler.verdicts import VerdictRecord

Objects = Callable[[str], bytes]
FilesAt = Callable[[str], Mapping[str, str] | None]  # digests by path at a revision; none: unknown
Observe = Callable[[Observation, Memory], Observation | None]  # again; none: unknown revision
NEVER_FILED: Final = snapshot_digest(EMPTY)  # a chain begins with it, and no leaf names its bytes
READ_AGAIN: Final = ("descends", "problems", "line", "ledger", "bases", "switch_armed")


@dataclass(frozen=True, slots=True)
class _Basis:
    """What decisions that cite a verdict rest on."""

    end: datetime | None
    limits: Limits


def _basis(verdict: Verdict) -> _Basis:
    return _Basis(verdict.valid_until, verdict.permitted.limits)


@dataclass
class Replay:
    """Goes through the leaves once, oldest first, and remembers what later ones must rest on."""

    files_at: FilesAt
    observe: Observe | None = None
    pin: str | None = None  # of the first root that the auditor knows
    keys: KeysInTurn | None = None  # told who was trusted when
    memory: str = NEVER_FILED  # the snapshot that the newest verdict left
    _skimmed: int | None = None  # the last verdict before a pinned head
    _lost: str = ""  # the stop that the next verdict must hold
    _bases: dict[str, _Basis] = field(default_factory=dict)  # by the verdict's digest
    _unread: set[str] = field(default_factory=set)  # verdicts before a pinned head
    _allowed: set[str] = field(default_factory=set)  # intents that L5 allowed, not yet sent
    _orders: set[str] = field(default_factory=set)
    _fills: set[str] = field(default_factory=set)

    @property
    def judges(self) -> Mapping[str, Callable[[Leaf, Objects], Iterable[Finding]]]:
        """By kind of leaf, for the audit of the chain."""
        return {
            verdicts.LEAF_KIND: self._verdict,
            RECOVERED: self._recovery,
            decisions.LEAF_KIND: self._decision,
            "order_intent": self._intent,
            "order_fill": self._fill,
        }

    def remembered(self, name: str, objects: Objects) -> Memory:
        """The memory of this snapshot. Raises ``Stalled`` or ``ValueError``."""
        if name == NEVER_FILED:
            return EMPTY
        return from_snapshot(objects(name), lambda root: Ledger.at(root, Lazy(objects)))

    def skim(self, leaf: Leaf, objects: Objects) -> None:
        """What later leaves rest on, of a leaf that is not judged again (AUD-8)."""
        if leaf.kind == verdicts.LEAF_KIND:
            self.memory, self._skimmed = str(leaf.body.get("memory_after")), leaf.seq
            self._unread.add(str(leaf.body.get("verdict")))
            self._lost = ""
        elif leaf.kind == RECOVERED:
            self.memory, self._lost = str(leaf.body.get("memory")), str(leaf.body.get("stop"))
        elif leaf.kind == decisions.LEAF_KIND:
            self._note_allowed(leaf)
        elif judge := {"order_intent": self._intent, "order_fill": self._fill}.get(leaf.kind):
            deque(judge(leaf, objects), maxlen=0)

    def _verdict(self, leaf: Leaf, objects: Objects) -> Iterable[Finding]:
        try:
            body = VerdictRecord.model_validate_json(json.dumps(dict(leaf.body)))
        except ValidationError:
            return (_mismatch(leaf, "the record of the verdict does not read"),)
        found = list(verdicts.replay(body, Lazy(objects)))
        if self.pin is not None and body.pin != self.pin:
            found.append(_mismatch(leaf, f"it was judged from another root than {self.pin}"))
        if body.memory_before != self.memory:
            found.append(_mismatch(leaf, "its memory is not the one that the verdict before left"))
        self.memory = body.memory_after
        try:
            verdict = Verdict.model_validate_json(objects(body.verdict))
            observation = Observation.model_validate_json(objects(body.observation))
            before = self.remembered(body.memory_before, objects)
            self._tell(leaf.seq, before, self.remembered(body.memory_after, objects))
        except ValueError:  # pydantic's refusals are ValueErrors
            return (*found, _mismatch(leaf, "what the record names does not read"))
        self._bases[body.verdict] = _basis(verdict)
        found += self._held(leaf, verdict.stops)
        found += self._state(leaf, observation)
        return [*found, *self._read_again(leaf, observation, before)]

    def _tell(self, seq: int, before: Memory, after: Memory) -> None:
        if self.keys is None:
            return
        if self._skimmed is not None:
            self.keys.tell(self._skimmed, before)
            self._skimmed = None
        self.keys.tell(seq, after)

    def _recovery(self, leaf: Leaf, objects: Objects) -> Iterable[Finding]:
        """MEM-2: memory may begin anew only under a stop that people must release by name.

        MEM-6: and only from what it was, or from nothing, with every refusal there was.
        """
        name = str(leaf.body.get("memory"))
        try:
            proven, begun = self.remembered(self.memory, objects), self.remembered(name, objects)
        except ValueError:
            proven, begun = EMPTY, None
        self.memory, self._lost = name, str(leaf.body.get("stop"))
        if begun is None or not began_from(proven, begun):
            return (_mismatch(leaf, "memory began anew with what it had not been"),)
        return ()

    def _held(self, leaf: Leaf, stops: Iterable[Stop]) -> Iterable[Finding]:
        if self._lost and self._lost not in {stop.id for stop in stops}:
            yield _mismatch(leaf, f"memory was lost and its stop {self._lost} is not in force")
        self._lost = ""

    def _state(self, leaf: Leaf, observation: Observation) -> Iterable[Finding]:
        """What was read is what the state repository holds at that revision."""
        if observation.revision is None:
            return
        there = self.files_at(observation.revision)
        if there is None and not observation.descends:
            return  # a head that the verdict refused as rewritten; it may be gone since
        if there is None:
            yield _mismatch(leaf, f"the state repository has no revision {observation.revision}")
            return
        papers = {path for path in there if path.startswith(PAPER_FOLDERS)}
        files = {path: digest for path, digest in there.items() if path not in papers}
        if observation.files and files != observation.files:
            yield _mismatch(leaf, f"its files are not those of {observation.revision}")
        told = observation.standing.items()
        if any(there.get(path) != digest for path, digest in told):
            yield _mismatch(leaf, f"its papers are not those of {observation.revision}")

    def _read_again(self, leaf: Leaf, told: Observation, before: Memory) -> Iterable[Finding]:
        """AUDIT-5: nothing between memory's head and this revision was passed over."""
        again = self.observe(told, before) if self.observe else told
        if again is None:  # a revision that is gone is told by the files, where it matters
            return
        for name in READ_AGAIN:
            if getattr(told, name) != getattr(again, name):
                text = f"of {told.revision} it read another {name} than the repository holds"
                yield _mismatch(leaf, text)

    def _decision(self, leaf: Leaf, objects: Objects) -> Iterable[Finding]:
        body = leaf.body
        cited, at = str(body.get("verdict")), _instant(body.get("now"))
        if cited in self._unread:
            self._unread.discard(cited)
            self._bases[cited] = _basis(Verdict.model_validate_json(objects(cited)))
        judged = self._bases.get(cited)
        self._note_allowed(leaf)
        if judged is None:  # and with it the limits that L5 went by
            return (_mismatch(leaf, "it cites a verdict that no leaf before holds"),)
        found = list(decisions.replay(body, judged.limits))
        if at is None or (judged.end is not None and at >= judged.end):
            found.append(_mismatch(leaf, "it cites a verdict that had ended"))
        return found

    def _note_allowed(self, leaf: Leaf) -> None:
        if _outcome(leaf.body) == Outcome.ALLOW.value:
            self._allowed.add(str(leaf.body["intent"]["intent_id"]))

    def _intent(self, leaf: Leaf, _objects: Objects) -> Iterable[Finding]:
        intent = leaf.body.get("intent", {})
        name, order = str(intent.get("intent_id")), _order_id(intent)
        if name not in self._allowed:
            yield _mismatch(leaf, f"{name} was sent without a decision that allowed it")
        if order in self._orders:
            yield _mismatch(leaf, f"{order} was sent twice")
        self._allowed.discard(name)  # single use
        self._orders.add(order)

    def _fill(self, leaf: Leaf, _objects: Objects) -> Iterable[Finding]:
        fill = leaf.body.get("fill", {})
        name, order = str(fill.get("fill_id")), str(fill.get("client_order_id"))
        if order not in self._orders:
            yield _mismatch(leaf, f"fill {name} belongs to no order of ours")
        if name in self._fills:
            yield _mismatch(leaf, f"fill {name} stands twice")
        self._fills.add(name)


def _mismatch(leaf: Leaf, text: str) -> Finding:
    return finding(Reason.REPLAY_MISMATCH, f"leaf {leaf.seq}", text)


def _outcome(body: Mapping[str, Any]) -> str | None:
    risk = body.get("risk")
    return risk.get("outcome") if isinstance(risk, Mapping) else None


def _order_id(intent: Mapping[str, Any]) -> str:
    request = intent.get("request")
    return str(request.get("client_order_id")) if isinstance(request, Mapping) else ""


def _instant(text: object) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None
