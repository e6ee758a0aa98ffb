"""The root of trust: persons, keys, roles, gates and bounds (trust.md, section 3).

Version 1 counts because its digest is pinned in the host's ``governor.yaml``, each later one
because the one before and itself signed it; nothing is ever trusted on first use.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from desired_state.errors import Finding, Severity, finding
from desired_state.frozen import Frozen
from desired_state.limits import DIRECTIONS, Limits, Tighter
from desired_state.quorum import Requirement, Vote, missing
from desired_state.reasons import Reason
from desired_state.signatures import PublicKey, SignatureRefused, public_key
from desired_state.values import Environment, Instant, KeyId, Mode, Name, Person, Span

RepositoryId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/-]{1,100}$")]
Role = Name
ROOT_ROLE: Final = "root"  # who signs the next root; their number is a threshold


class Use(StrEnum):
    """What a key may sign; each use has a signature namespace of its own."""

    SIGN_OFF = "sign-off"
    PROPOSAL = "proposal"
    TRUST_ROOT = "trust-root"
    REVOCATION = "revocation"
    EVIDENCE = "evidence"
    HEARTBEAT = "heartbeat"

    @property
    def namespace(self) -> str:
        """As given to ``ssh-keygen -n``."""
        return f"{self.value}@governor"


class PersonEntry(Frozen):
    """Roles, and the numeric user id at each forge."""

    roles: tuple[Role, ...]
    forge: dict[Name, int] = Field(default_factory=dict)


class KeyEntry(Frozen):
    """One public key and what it is good for."""

    public: str
    person: Person
    uses: tuple[Use, ...]
    valid_from: Instant
    valid_until: Instant
    hardware: bool = False  # as the kind of the key says; stands here for people to read


class GateRule(Frozen):
    """Who must sign, for how long at most, how much at most, and whether with a touch."""

    all_of: Annotated[tuple[Requirement, ...], Field(min_length=1)]
    distinct: Annotated[int, Field(ge=1, le=20)]
    at_most_days: Annotated[int, Field(ge=1, le=366)] | None = None
    at_most_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    ceilings: Limits = Limits()
    touch: bool = False  # TOUCH-1
    evidence: tuple[Name, ...] = ()  # claims whose packs the proposal must list


class Bounds(Frozen):
    """Times after which missing news narrows (trust.md, sections 3 and 6)."""

    source_stale_after: Span
    halted_after: Span
    permit: Span
    heartbeat: Span
    end_of_approval_reducing: Span


class Root(Frozen):
    """One version of the trust root."""

    version: Annotated[int, Field(ge=1)]
    prev: str
    repository: RepositoryId
    environment: Environment
    issued: Instant
    expires: Instant
    persons: dict[Person, PersonEntry]
    keys: dict[KeyId, KeyEntry]
    thresholds: dict[Role, Annotated[int, Field(ge=1)]]
    gates: dict[Name, GateRule]
    bounds: Bounds
    incompatible: tuple[tuple[Role, ...], ...] = ()
    rehearses: Literal["local_exchange"] | None = None  # REHEARSAL-1

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key_id, entry in self.keys.items():
            if entry.person not in self.persons:
                raise ValueError(
                    f"expected a person of this file for key {key_id}, found {entry.person}"
                )
            key = _parsed(entry.public, key_id)
            if key.key_id != key_id:
                raise ValueError(f"expected the public key of {key_id}, found another")
            if key.hardware != entry.hardware:
                told = str(key.hardware).lower()
                raise ValueError(
                    f"expected hardware: {told} for {key_id}, a key of kind {key.kind}"
                )
        for roles in self.incompatible:
            for name, person in self.persons.items():
                if len(set(roles) & set(person.roles)) > 1:
                    raise ValueError(f"expected {name} to hold at most one of {', '.join(roles)}")
        if self.rehearses and self.environment is not Environment.REHEARSAL:
            raise ValueError("expected no rehearses in a production root: it never rehearses")
        return self

    def reaches(self, mode: Mode) -> bool:
        """Whether an authority in this mode can be granted here at all (REHEARSAL-1)."""
        rehearsal = self.environment is Environment.REHEARSAL
        return mode <= Mode.PAPER or not rehearsal or self.rehearses is not None

    def key(self, key_id: str) -> PublicKey:
        """The parsed public key of one entry."""
        return public_key(self.keys[key_id].public)


def _parsed(line: str, key_id: str) -> PublicKey:
    try:
        return public_key(line)
    except SignatureRefused as error:
        raise ValueError(f"expected a public key for {key_id}, found none: {error}") from error


def root_findings(root: Root) -> tuple[Finding, ...]:
    """What makes a root that reads well invalid all the same, and what to warn about."""
    found = list(_duplicate_keys(root))
    for name, rule in sorted(root.gates.items()):
        found.extend(_gate_findings(root, name, rule))
    found.extend(_threshold_findings(root))
    return tuple(found)


def within_ceilings(limits: Limits, ceilings: Limits) -> tuple[str, ...]:
    """Names of the limits that are missing or looser than the ceiling."""
    over = []
    for name, direction in DIRECTIONS.items():
        bound, value = getattr(ceilings, name), getattr(limits, name)
        if bound is None:
            continue
        looser = value is not None and (
            value < bound if direction is Tighter.HIGHER else value > bound
        )
        if value is None or looser or (ceilings.currency or limits.currency) != limits.currency:
            over.append(name)
    return tuple(over)


def usable(entry: KeyEntry, use: Use, now: datetime) -> bool:
    """Whether the key may be used so at this time."""
    return use in entry.uses and entry.valid_from <= now < entry.valid_until


def satisfiable(root: Root, rule: GateRule, without: Iterable[str]) -> bool:
    """Whether the people of this root other than ``without`` could complete the gate."""
    absent = set(without)
    votes = [
        Vote(person=name, role=role)
        for name, person in root.persons.items()
        if name not in absent and _has_use(root, name, Use.SIGN_OFF, hardware=rule.touch)
        for role in person.roles
    ]
    return not missing(rule.all_of, rule.distinct, votes)


def _has_use(root: Root, person: str, use: Use, *, hardware: bool = False) -> bool:
    keys = (k for k in root.keys.values() if k.person == person and use in k.uses)
    return any(k.hardware or not hardware for k in keys)  # TOUCH-2


def _duplicate_keys(root: Root) -> Iterable[Finding]:
    seen: dict[bytes, str] = {}
    for key_id in sorted(root.keys):
        material = root.key(key_id).material
        if material in seen:
            text = f"expected each key material once, found {key_id} and {seen[material]}"
            yield finding(Reason.ROOT_DUPLICATE_KEY, key_id, text)
        seen[material] = key_id


def _gate_findings(root: Root, name: str, rule: GateRule) -> Iterable[Finding]:
    if rule.touch and _beyond(root, name) and not _able(root, rule):
        rule = rule.model_copy(update={"touch": False})
        text = "expected hardware keys enough to complete it, found too few"
        yield finding(Reason.GATE_TOUCH, f"gate {name}", text, severity=Severity.WARNING)
    able = _able(root, rule)
    if not able:
        text = (
            "expected at least one requester without whom the others complete the gate, found none"
        )
        yield finding(Reason.GATE_UNSATISFIABLE, f"gate {name}", text)
        return
    needed = [
        person
        for person in sorted(root.persons)
        if not any(p != person and satisfiable(root, rule, [p, person]) for p in able)
    ]
    if needed:
        text = f"it cannot be completed without each of {', '.join(needed)}"
        yield finding(Reason.GATE_FRAGILE, f"gate {name}", text, severity=Severity.WARNING)


def _able(root: Root, rule: GateRule) -> list[str]:
    """The requesters without whom the others complete the gate."""
    requesters = [p for p in root.persons if _has_use(root, p, Use.PROPOSAL)]
    return [p for p in requesters if satisfiable(root, rule, [p])]


def _beyond(root: Root, name: str) -> bool:
    """Whether the gate is of a mode that a rehearsal never comes to."""
    return name in [mode.value for mode in Mode if not root.reaches(mode)]


def _threshold_findings(root: Root) -> Iterable[Finding]:
    """ROOT-6: whether those who hold the role ``root`` can sign the next root at all."""
    subject, needed = "threshold root", root.thresholds.get(ROOT_ROLE)
    able = sorted(
        name
        for name, person in root.persons.items()
        if ROOT_ROLE in person.roles and _has_use(root, name, Use.TRUST_ROOT)
    )
    if needed is None:
        text = "it is not stated, so this root can never be replaced"
        yield finding(Reason.GATE_FRAGILE, subject, text, severity=Severity.WARNING)
    elif len(able) < needed:
        text = f"expected {needed} people with role root and a key for it, found {len(able)}"
        yield finding(Reason.GATE_UNSATISFIABLE, subject, text)
    elif len(able) == needed:
        text = f"it cannot be reached without each of {', '.join(able)}"
        yield finding(Reason.GATE_FRAGILE, subject, text, severity=Severity.WARNING)
