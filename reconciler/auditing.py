"""Replaying what the chain says was judged, decided and sent. Pure; the chain itself is evidence's.

A stranger's question in three parts: was every verdict the one that the committed state gives
(AUDIT-2), was every order decided as L5 decides (AUDIT-3), and does each order, fill and stop
belong to exactly one thing before it (AUDIT-4)?
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from desired_state.errors import Finding, finding
from desired_state.memory import EMPTY, Stop, snapshot_digest
from desired_state.observation import Observation
from desired_state.reasons import Reason
from desired_state.state_files import PAPER_FOLDERS
from desired_state.values import parse_instant
from evidence_repo.chain import Leaf
from layers.l5_risk_gate.finding import Outcome
from reconciler import decisions, verdicts
from reconciler.contents import Lazy
from reconciler.gate import Verdict
from reconciler.recovery import RECOVERED
from reconciler.verdicts import VerdictRecord

Objects = Callable[[str], bytes]
FilesAt = Callable[[str], Mapping[str, str] | None]  # digests by path at a revision; none: unknown


@dataclass
class Replay:
    """Goes through the leaves once, oldest first, and remembers what later ones must rest on."""

    files_at: FilesAt
    _memory: str = field(default_factory=lambda: snapshot_digest(EMPTY))
    _lost: str = ""  # the stop that the next verdict must hold
    _ends: dict[str, datetime | None] = field(default_factory=dict)  # verdict: valid until
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

    def _verdict(self, leaf: Leaf, objects: Objects) -> Iterable[Finding]:
        try:
            body = VerdictRecord.model_validate_json(json.dumps(dict(leaf.body)))
        except ValidationError:
            return (_mismatch(leaf, "the record of the verdict does not read"),)
        found = list(verdicts.replay(body, Lazy(objects)))
        if body.memory_before != self._memory:
            found.append(_mismatch(leaf, "its memory is not the one that the verdict before left"))
        self._memory = body.memory_after
        verdict = Verdict.model_validate_json(objects(body.verdict))
        self._ends[body.verdict] = verdict.valid_until
        observation = Observation.model_validate_json(objects(body.observation))
        found += self._held(leaf, verdict.stops)
        return [*found, *self._state(leaf, observation)]

    def _recovery(self, leaf: Leaf, objects: Objects) -> Iterable[Finding]:
        """MEM-2: memory may begin anew only under a stop that people must release by name."""
        self._memory, self._lost = str(leaf.body.get("memory")), str(leaf.body.get("stop"))
        objects(self._memory)
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

    def _decision(self, leaf: Leaf, _objects: Objects) -> Iterable[Finding]:
        body = leaf.body
        found = list(decisions.replay(body))
        cited, at = str(body.get("verdict")), _instant(body.get("now"))
        end = self._ends.get(cited)
        if cited not in self._ends:
            found.append(_mismatch(leaf, "it cites a verdict that no leaf before holds"))
        elif at is None or (end is not None and at >= end):
            found.append(_mismatch(leaf, "it cites a verdict that had ended"))
        if _outcome(body) == Outcome.ALLOW.value:
            self._allowed.add(str(body["intent"]["intent_id"]))
        return found

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
