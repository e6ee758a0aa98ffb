"""A verdict with everything it takes to come to it again (evidence.md): pure, and replayed here."""

from collections.abc import Container, Iterator, Mapping
from typing import Final

from desired_state.admission import Admission, Trust, admit
from desired_state.build import __version__
from desired_state.canonical import canonical, digest, digest_bytes
from desired_state.errors import Finding, Stalled, finding
from desired_state.frozen import Frozen
from desired_state.ledger import Ledger
from desired_state.memory import Memory, from_snapshot, snapshot, snapshot_digest
from desired_state.observation import Observation
from desired_state.reasons import Reason
from desired_state.trust_root import RepositoryId
from desired_state.values import Digest, Instant
from reconciler.facts import Facts
from reconciler.gate import SEMANTICS, Verdict, judge

LEAF_KIND: Final = "verdict"


class VerdictRecord(Frozen):
    """The body of a verdict's leaf. Digests name objects that are shipped with it."""

    now: Instant
    observation: Digest
    memory_before: Digest
    memory_after: Digest
    verdict: Digest
    facts: Facts
    pin: Digest
    repository: RepositoryId | None
    host: Digest  # of governor.yaml
    build: str = __version__
    semantics: int = SEMANTICS


def verdict_digest(verdict: Verdict) -> str:
    """Names one verdict; intents and permits cite it."""
    return digest(verdict)


def substance(verdict: Verdict) -> str:
    """Digest of what the verdict says apart from when: a new leaf is owed when it changes."""
    plain = verdict.model_dump(mode="json")
    return digest({k: v for k, v in plain.items() if k not in {"now", "valid_until"}})


def record(
    admission: Admission,
    verdict: Verdict,
    given: tuple[Observation, Memory, Facts],
    trust: Trust,
    host: str,
) -> tuple[VerdictRecord, dict[str, bytes]]:
    """The leaf's body, and the bytes it names beyond the governed files and the ledgers."""
    observation, before, facts = given
    first, second = snapshot(before), snapshot(admission.memory)
    told = (canonical(observation), first, second, canonical(verdict))
    objects = {digest_bytes(data): data for data in told}
    body = VerdictRecord(
        now=verdict.now,
        observation=digest_bytes(told[0]),
        memory_before=digest_bytes(told[1]),
        memory_after=digest_bytes(told[2]),
        verdict=digest_bytes(told[3]),
        facts=facts,
        pin=trust.pin,
        repository=trust.repository,
        host=host,
    )
    return body, objects


def ledger_nodes(
    memories: tuple[Memory, ...], known: Container[str]
) -> tuple[dict[str, bytes], frozenset[str]]:
    """Nodes of their ledgers that are not known yet, and the versions that these name."""
    nodes: dict[str, bytes] = {}
    versions: set[str] = set()
    for memory in memories:
        for name, data, named in memory.ledger.nodes(known):
            nodes[name] = data
            versions |= named
    return nodes, frozenset(versions)


def read_files(observation: Observation, memory: Memory) -> frozenset[str]:
    """Digests of the governed files that the judgement may have read, but for older papers."""
    found = set(observation.files.values()) | {file.digest for file in observation.ledger}
    found |= {d for step in observation.line for d in (step.mode, step.limits) if d}
    return frozenset(found | set(memory.roots.values()))


class _Checked(Mapping[str, bytes]):
    """Bytes by digest, each checked against its digest before it counts."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self._objects = objects

    def __getitem__(self, name: str) -> bytes:
        data = self._objects[name]
        if digest_bytes(data) != name:
            raise ValueError(f"the bytes under {name} have another digest")
        return data

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)


def _again(body: VerdictRecord, objects: Mapping[str, bytes]) -> tuple[Admission, Verdict]:
    for name in (body.verdict, body.memory_after):  # not needed for judging, but named by the leaf
        objects[name]
    observation = Observation.model_validate_json(objects[body.observation])
    before = from_snapshot(objects[body.memory_before], lambda name: Ledger.at(name, objects))
    for name in sorted(read_files(observation, before)):
        objects[name]
    trust = Trust(pin=body.pin, repository=body.repository)
    admission = admit(observation, objects, before, trust, body.now)
    return admission, judge(admission, body.facts, body.now)


def replay(body: VerdictRecord, objects: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """Judge again from the record alone; what does not come out the same is said (AUDIT-2)."""
    if body.semantics != SEMANTICS:
        text = f"expected semantics {SEMANTICS} of this build, found {body.semantics}"
        return (finding(Reason.REPLAY_MISMATCH, "verdict", text),)
    try:
        admission, verdict = _again(body, _Checked(objects))
    except (KeyError, ValueError, Stalled) as error:  # pydantic's refusals are ValueErrors
        text = f"the record does not read: {type(error).__name__}: {error}"[:500]
        return (finding(Reason.REPLAY_MISMATCH, "verdict", text),)
    found = []
    for name, expected, again in (
        ("verdict", body.verdict, digest(verdict)),
        ("memory", body.memory_after, snapshot_digest(admission.memory)),
    ):
        if expected != again:
            text = f"the leaf says {expected}, judged again it is {again}"
            found.append(finding(Reason.REPLAY_MISMATCH, name, text))
    return tuple(found)
