"""Who has signed, who is still missing, and whether each gate can be satisfied at all. Pure."""

from collections.abc import Container
from datetime import datetime
from enum import StrEnum

from desired_state.admission import Admission
from desired_state.approvals import Pending
from desired_state.errors import Finding
from desired_state.frozen import Frozen
from desired_state.memory import Memory
from desired_state.quorum import Requirement
from desired_state.standing import Approval, rules_of
from desired_state.trust_root import GateRule, Root, Use, satisfiable
from desired_state.values import Instant
from desired_state.votes import open_slots


class State(StrEnum):
    """Where a proposal is."""

    OPEN = "open"
    STANDING = "standing"
    ENDED = "ended"  # it only reduces until its bound, then nothing


class Ends(StrEnum):
    """What can end by time alone."""

    ROOT = "trust root"
    KEY = "key"
    PROPOSAL = "proposal"
    SIGN_OFF = "sign-off"


class Signature(Frozen):
    """One sign-off that counts."""

    person: str
    role: str | None  # none where only the person is still of interest
    until: Instant


class Slot(Frozen):
    """What is missing, and who could fill it."""

    words: str
    people: tuple[str, ...]


class Outstanding(Frozen):
    """One proposal, as people ask about it."""

    sequence: int
    gate: str
    requester: str
    reason: str
    state: State
    signed: tuple[Signature, ...]
    missing: tuple[Slot, ...]
    not_before: Instant
    expires: Instant
    findings: tuple[Finding, ...]


class GateState(Frozen):
    """Whether the people there are could complete a gate, and without whom they could not."""

    gate: str
    satisfiable: bool
    needs: tuple[str, ...]  # each of them alone can keep it from being completed


class Deadline(Frozen):
    """Something that ends by time alone."""

    at: Instant
    kind: Ends
    subject: str  # whose, or which
    ended: bool


def outstanding(admission: Admission, now: datetime) -> tuple[Outstanding, ...]:
    """The approval that stands, then every proposal above it that is still open."""
    found = [_standing(admission.approval)] if admission.approval else []
    if admission.root:
        found += [_open(p, admission.root, admission.memory, now) for p in admission.pending]
    return tuple(found)


def gates(root: Root, now: datetime, revoked: Container[str] = ()) -> tuple[GateState, ...]:
    """Every gate of the root, by name, for the people whose keys are good now."""
    keys = {
        key_id: key
        for key_id, key in root.keys.items()
        if key_id not in revoked and key.valid_from <= now < key.valid_until
    }
    able = root.model_copy(update={"keys": keys})
    return tuple(_gate(name, rule, able) for name, rule in sorted(root.gates.items()))


def deadlines(admission: Admission, now: datetime) -> tuple[Deadline, ...]:
    """Everything that ends by time alone, the next first."""
    found: list[tuple[datetime, Ends, str]] = []
    if admission.root:
        root = admission.root
        found.append((root.expires, Ends.ROOT, f"version {root.version}"))
        found += [
            (key.valid_until, Ends.KEY, f"{key.person} {key_id}")
            for key_id, key in root.keys.items()
        ]
    for item in outstanding(admission, now):
        found.append((item.expires, Ends.PROPOSAL, f"{item.sequence:04d} {item.state}"))
        found += [
            (vote.until, Ends.SIGN_OFF, f"{item.sequence:04d} by {vote.person}")
            for vote in item.signed
            if vote.role is not None
        ]
    return tuple(
        Deadline(at=at, kind=kind, subject=subject, ended=at <= now)
        for at, kind, subject in sorted(found)
    )


def _standing(approval: Approval) -> Outstanding:
    proposal = approval.proposal
    return Outstanding(
        sequence=proposal.sequence,
        gate=proposal.gate,
        requester=proposal.requester,
        reason=proposal.reason,
        state=State.STANDING if approval.standing else State.ENDED,
        signed=tuple(Signature(person=p, role=None, until=approval.until) for p in approval.people),
        missing=(),
        not_before=proposal.not_before,
        expires=approval.until,
        findings=(),
    )


def _open(pending: Pending, root: Root, memory: Memory, now: datetime) -> Outstanding:
    proposal, counted = pending.signed.proposal, pending.ballot.counted
    counts = [vote for vote in counted if vote.start <= now < vote.end]
    rules = rules_of(proposal, root, memory)
    busy = {proposal.requester, *(vote.person for vote in counts)}
    return Outstanding(
        sequence=proposal.sequence,
        gate=proposal.gate,
        requester=proposal.requester,
        reason=proposal.reason,
        state=State.OPEN,
        signed=tuple(Signature(person=v.person, role=v.role, until=v.end) for v in counts),
        missing=tuple(_slot(slot, root, busy) for slot in open_slots(rules, counted, now)),
        not_before=proposal.not_before,
        expires=proposal.expires,
        findings=pending.findings,
    )


def _slot(slot: Requirement, root: Root, busy: set[str]) -> Slot:
    able = sorted(
        name
        for name, entry in root.persons.items()
        if name not in busy and set(entry.roles) & set(slot.roles)
    )
    return Slot(words=slot.words, people=tuple(able))


def _gate(name: str, rule: GateRule, root: Root) -> GateState:
    askers = sorted({key.person for key in root.keys.values() if Use.PROPOSAL in key.uses})
    able = [person for person in askers if satisfiable(root, rule, [person])]
    needs = [
        person
        for person in root.persons
        if not any(p != person and satisfiable(root, rule, [p, person]) for p in able)
    ]
    return GateState(gate=name, satisfiable=bool(able), needs=tuple(sorted(needs)) if able else ())
