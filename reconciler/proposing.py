"""Writing proposals, from what was admitted. Pure.

The gate is computed by the same function that will judge it, so what is written here is what the
reconciler expects; the words say what would change, path by path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from desired_state.admission import Admission
from desired_state.approvals import gate_for, incomplete, unlisted
from desired_state.authority import (
    BOTTOM,
    Authority,
    at_most,
    differences,
    meet,
    points,
    settle,
    tighter,
)
from desired_state.canonical import plain
from desired_state.document import dump
from desired_state.errors import Stalled
from desired_state.observation import Base
from desired_state.proposals import (
    WIND_DOWN,
    EvidenceReference,
    Proposal,
    proposal_path,
    proposal_sequence,
)
from desired_state.reasons import Reason
from desired_state.standing import Approval, rules_of
from desired_state.trust_root import GateRule, KeyEntry, Root, Use, satisfiable, usable
from desired_state.trust_root import within_ceilings as beyond_ceilings
from desired_state.values import Access, Environment, Mode, Trading
from desired_state.winding_down import LASTS, wind_down_refusals

UNBOUNDED: Final = timedelta(days=366)
HOUR: Final = LASTS // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for; what is left out is taken from the head and the gate."""

    requester: str
    reason: str
    clears: tuple[str, ...] = ()
    mode: Mode | None = None
    trading: Trading | None = None
    gate: str | None = None
    not_before: datetime | None = None
    expires: datetime | None = None
    evidence: tuple[EvidenceReference, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One path on which the machine could do more, or less, than now."""

    path: str
    now: str
    then: str
    looser: bool


@dataclass(frozen=True, slots=True)
class Composed:
    """A proposal, ready to be signed by its requester, and what it means."""

    proposal: Proposal
    changes: tuple[Change, ...]
    signers: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where it stands in the state repository."""
        return proposal_path(self.proposal.sequence)


def compose(
    request: Request,
    admission: Admission,
    permitted: Authority,
    taken: Iterable[str],
    now: datetime,
) -> Composed:
    """The proposal that this request makes at the head, under the next free number.

    Args:
        request: who asks, why, and what differs from the files at the head.
        admission: of the head of main, which must be admitted.
        permitted: what the machine may do now.
        taken: paths of proposals that exist outside main, such as in a working clone.
        now: to the second.

    Raises:
        Stalled: the code under which the reconciler would refuse the proposal.
    """
    root, base = ground(admission)
    _requester(request.requester, root, now)
    if request.gate == WIND_DOWN:
        return _winding(request, admission, taken, now)
    wanted = _asked(request, admission)
    start = (request.not_before or now).replace(microsecond=0)
    # within a standing approval people only give back what fell, or release: the smaller gate
    inside = _inside(request, wanted, admission)
    gate = request.gate or wanted.mode.value
    if inside:
        wanted = _without_time(meet(wanted, inside.authority))
        start = max(start, inside.proposal.not_before)
    draft = Proposal(
        sequence=_next_number(admission, taken),
        repository=root.repository,
        environment=root.environment,
        requester=request.requester,
        gate=gate,
        base=base.revision,
        authority=wanted,
        configuration=str(admission.configuration),
        evidence=request.evidence,
        clears=request.clears,
        not_before=start,
        expires=request.expires or _end(start, wanted, inside, root),
        reason=request.reason,
    )
    gate = gate_for(draft, admission.approval, admission.memory, base)
    if request.gate in {None, gate, draft.authority.mode.value}:
        draft = draft.model_copy(update={"gate": request.gate or gate})
    else:
        told = f"expected gate {gate} for what is asked, found {request.gate}"
        raise Stalled(Reason.PROPOSAL_GATE, draft.gate, told)
    rules = _checked(draft, admission, root)
    return Composed(draft, changes(permitted, draft.granted), signers(rules))


def _winding(
    request: Request, admission: Admission, taken: Iterable[str], now: datetime
) -> Composed:
    """People's own exits: what was approved last, reduce-only, under every stop in force."""
    root, base = ground(admission)
    rule, last = root.gates.get(WIND_DOWN), admission.last_approved
    start = (request.not_before or now).replace(microsecond=0)
    minutes = min((rule.at_most_minutes if rule else None) or HOUR, HOUR)
    draft = Proposal(
        sequence=_next_number(admission, taken),
        repository=root.repository,
        environment=root.environment,
        requester=request.requester,
        gate=WIND_DOWN,
        base=base.revision,
        authority=reducing(last or BOTTOM),
        configuration=str(admission.configuration),
        evidence=request.evidence,
        under=tuple(stop.id for stop in admission.memory.in_force),
        not_before=start,
        expires=request.expires or start + timedelta(minutes=minutes),
        reason=request.reason,
    )
    subject = proposal_path(draft.sequence)
    for code, told in wind_down_refusals(draft, rule, admission.memory, last):
        raise Stalled(code, subject, told)
    rules = (rule,) if rule else ()
    if not all(satisfiable(root, one, [draft.requester]) for one in rules):
        raise Stalled(Reason.GATE_UNSATISFIABLE, subject, f"nobody can without {draft.requester}")
    return Composed(draft, (), signers(rules))  # the machine may do nothing more or less by it


def reducing(authority: Authority) -> Authority:
    """The same with nothing left but reducing, and without its time."""
    symbols = {
        name: entry.model_copy(update={"access": min(entry.access, Access.REDUCE)})
        for name, entry in authority.symbols.items()
    }
    narrower = {"trading": min(authority.trading, Trading.REDUCING), "symbols": symbols}
    return authority.model_copy(update={**narrower, **_TIMELESS})


def changes(before: Authority, after: Authority) -> tuple[Change, ...]:
    """Path by path what would differ, the looser first."""
    old, new = points(settle(before)), points(settle(after))
    found = [
        Change(path, a, b, path in new and (path not in old or tighter(path, old[path], new[path])))
        for path, a, b in differences(settle(before), settle(after))
        if path != "not_before" and not (path == "expires" and before.expires is None)
    ]
    return tuple(sorted(found, key=lambda change: (not change.looser, change.path)))


def signers(rules: Sequence[GateRule]) -> tuple[str, ...]:
    """Who must sign, in words, over every rule that applies."""
    return tuple(dict.fromkeys(slot.words for rule in rules for slot in rule.all_of))


def proposal_file(proposal: Proposal) -> bytes:
    """The proposal in the written form."""
    data = plain(proposal)
    data["authority"] = authority_data(proposal.authority)
    header = (
        "yaml-language-server: $schema=../schema/proposal.json\n"
        "What is signed is what is read. These bytes never change once they are signed."
    )
    return dump(data, header=header, name=proposal_path(proposal.sequence))


def authority_data(authority: Authority) -> dict[str, object]:
    """Plain values without what is not set."""
    left_out = set() if authority.accounts else {"accounts"}
    return authority.model_dump(mode="json", exclude_none=True, exclude=left_out)


def ground(admission: Admission) -> tuple[Root, Base]:
    """Root and base to stand on. Raises ``Stalled(PROPOSAL_BASE)`` without an admitted head."""
    if admission.root is None or not admission.admitted or admission.revision is None:
        first = next(iter(admission.findings), None)
        told = f"the head is not admitted ({first.code}: {first.message})" if first else ""
        raise Stalled(Reason.PROPOSAL_BASE, "main", told)
    covers = tuple(sorted({fall.revision for fall in admission.memory.falls}))
    return admission.root, Base(
        revision=admission.revision, covers=covers, configuration=admission.configuration
    )


def _requester(name: str, root: Root, now: datetime) -> None:
    keys: list[KeyEntry] = [key for key in root.keys.values() if key.person == name]
    if not any(usable(key, Use.PROPOSAL, now) for key in keys):
        told = f"expected a person of the trust root who may propose, found {name}"
        raise Stalled(Reason.PROPOSAL_SIGNATURE, name, told)


def _asked(request: Request, admission: Admission) -> Authority:
    asked = admission.desired or BOTTOM
    given = {"mode": request.mode, "trading": request.trading}
    return asked.model_copy(update={k: v for k, v in given.items() if v is not None})


def _inside(request: Request, wanted: Authority, admission: Admission) -> Approval | None:
    """The standing approval within which the request stays, where it can."""
    approval = admission.approval
    if approval is None or not approval.standing:
        return None
    if request.clears:
        return approval if request.gate in {None, "release", "release_technical"} else None
    within = at_most(wanted, approval.authority.model_copy(update=_TIMELESS))
    restores = bool(admission.memory.falls) and request.gate in {None, "restore"}
    return approval if within and restores else None


def _without_time(authority: Authority) -> Authority:
    return authority.model_copy(update=_TIMELESS)


_TIMELESS: Final = {"not_before": None, "expires": None}


def _end(start: datetime, wanted: Authority, inside: Approval | None, root: Root) -> datetime:
    rule = root.gates.get(wanted.mode.value)
    ends = [start + longest([rule] if rule else []), root.expires]
    if inside:
        ends.append(inside.until)
    return min(ends)


def longest(rules: Sequence[GateRule]) -> timedelta:
    """How long these rules let a proposal or a sign-off last."""
    days = [rule.at_most_days for rule in rules if rule.at_most_days]
    return timedelta(days=min(days)) if days else UNBOUNDED


def _next_number(admission: Admission, taken: Iterable[str]) -> int:
    memory = admission.memory
    used = [proposal_sequence(path) or 0 for path in (*memory.ledger, *taken)]
    high = memory.high.sequence if memory.high else 0
    return max([high, *memory.voided, *used]) + 1


def _grants(draft: Proposal, subject: str) -> None:
    if settle(draft.authority) == BOTTOM:
        told = "it would grant nothing; say what is wanted in mode.yaml, or with --mode"
        raise Stalled(Reason.PROPOSAL_GATE, subject, told)


def _complete(draft: Proposal, subject: str) -> None:
    if lacking := incomplete(draft):
        raise Stalled(Reason.PROPOSAL_INCOMPLETE, subject, lacking)


def _checked(draft: Proposal, admission: Admission, root: Root) -> tuple[GateRule, ...]:
    subject = proposal_path(draft.sequence)
    _grants(draft, subject)
    if draft.gate not in root.gates:
        raise Stalled(Reason.PROPOSAL_GATE, subject, f"the trust root has no gate {draft.gate}")
    if root.environment is Environment.REHEARSAL and draft.authority.mode > Mode.PAPER:
        raise Stalled(Reason.PROPOSAL_CEILING, subject, "a rehearsal allows nothing above paper")
    if draft.expires > root.expires:
        raise Stalled(Reason.PROPOSAL_CEILING, subject, "it would outlive the trust root")
    unknown = [stop for stop in draft.clears if stop not in admission.memory.stops]
    if unknown:
        raise Stalled(Reason.STOP_UNKNOWN, subject, f"not known here: {', '.join(unknown)}")
    _complete(draft, subject)
    rules = rules_of(draft, root, admission.memory)
    for rule in rules:
        if lacking := unlisted(draft, rule):
            told = f"no pack is listed for {', '.join(lacking)}"
            raise Stalled(Reason.PROPOSAL_EVIDENCE, subject, told)
        over = beyond_ceilings(draft.authority.limits, rule.ceilings)
        if over:
            told = f"above the gate's ceiling, or missing: {', '.join(over)}"
            raise Stalled(Reason.PROPOSAL_CEILING, subject, told)
        if draft.lasts > longest([rule]):
            told = f"expected at most {rule.at_most_days} days"
            raise Stalled(Reason.PROPOSAL_CEILING, subject, told)
        if not satisfiable(root, rule, [draft.requester]):
            told = f"without {draft.requester}, who asks, nobody can complete it"
            raise Stalled(Reason.GATE_UNSATISFIABLE, subject, told)
    return rules
