"""Writing proposals, from what was admitted. Pure.

The gate is computed by the same function that will judge it, so what is written here is what the
reconciler expects; the words say what would change, path by path.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from desired_state.admission import Admission
from desired_state.approvals import gate_for
from desired_state.authority import Authority, differences, points, settle, tighter
from desired_state.canonical import plain
from desired_state.document import dump
from desired_state.errors import Stalled
from desired_state.observation import Base
from desired_state.proposals import (
    MAX_AHEAD,
    WIND_DOWN,
    Proposal,
    proposal_path,
    proposal_sequence,
)
from desired_state.reasons import Reason
from desired_state.trust_root import GateRule, KeyEntry, Root, Use, usable
from desired_state.values import instant_text
from reconciler.proposal_checks import checked, checked_wind_down
from reconciler.proposal_terms import (
    Request,
    Terms,
    asked_terms,
    renewed_terms,
    wind_down_terms,
)

_FIRST: Final = ("mode", "trading", "expires", "symbols", "accounts", "build", "limits")


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
    _requester(request.requester, root, admission.revoked, now)
    terms = _terms(request, admission, root, now)
    if terms.end <= terms.start:
        told = f"it would end at {instant_text(terms.end)}, before it starts"
        raise Stalled(Reason.PROPOSAL_CEILING, request.requester, told)
    draft = _draft(request, admission, root, terms, _next_number(admission, taken))
    if request.gate == WIND_DOWN:
        exits = draft.model_copy(update={"gate": WIND_DOWN, "under": in_force(admission)})
        rules = checked_wind_down(exits, admission, root)
        return Composed(exits, (), signers(rules))  # the machine may do nothing more or less by it
    gate = gate_for(draft, admission.approval, admission.memory, base)
    if request.gate not in {None, gate, draft.authority.mode.value}:
        told = f"expected gate {gate} for what is asked, found {request.gate}"
        raise Stalled(Reason.PROPOSAL_GATE, request.gate or gate, told)
    draft = draft.model_copy(update={"gate": request.gate or gate})
    rules = checked(draft, admission, root)
    return Composed(draft, changes(permitted, draft.granted), signers(rules))


def _terms(request: Request, admission: Admission, root: Root, now: datetime) -> Terms:
    if request.gate == WIND_DOWN:
        return wind_down_terms(request, admission, root, now)
    if request.renew:
        return renewed_terms(request, admission, root, now)
    return asked_terms(request, admission, root, now)


def in_force(admission: Admission) -> tuple[str, ...]:
    """Ids of the stops under which people would wind down."""
    return tuple(stop.id for stop in admission.memory.in_force)


def changes(before: Authority, after: Authority) -> tuple[Change, ...]:
    """Path by path what would differ: the looser first, and of them what weighs most."""
    old, new = points(settle(before)), points(settle(after))
    found = [
        Change(path, a, b, path in new and (path not in old or tighter(path, old[path], new[path])))
        for path, a, b in differences(settle(before), settle(after))
        if path != "not_before" and not (path == "expires" and before.expires is None)
    ]
    return tuple(sorted(found, key=lambda change: (not change.looser, *_weight(change.path))))


def _weight(path: str) -> tuple[int, str]:
    """What people must see first comes first."""
    head = path.partition(".")[0]
    return (_FIRST.index(head) if head in _FIRST else len(_FIRST)), path


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


def _requester(name: str, root: Root, revoked: Container[str], now: datetime) -> None:
    keys: list[KeyEntry] = [
        key for key_id, key in root.keys.items() if key.person == name and key_id not in revoked
    ]
    if not any(usable(key, Use.PROPOSAL, now) for key in keys):
        told = f"expected a person of the trust root who may propose, found {name}"
        raise Stalled(Reason.PROPOSAL_SIGNATURE, name, told)


def _draft(
    request: Request, admission: Admission, root: Root, terms: Terms, sequence: int
) -> Proposal:
    return Proposal(
        sequence=sequence,
        repository=root.repository,
        environment=root.environment,
        requester=request.requester,
        gate=request.gate or terms.authority.mode.value,
        base=str(admission.revision),
        authority=terms.authority,
        configuration=str(admission.configuration),
        evidence=request.evidence,
        clears=request.clears,
        not_before=terms.start,
        expires=terms.end,
        reason=request.reason,
    )


def _next_number(admission: Admission, taken: Iterable[str]) -> int:
    memory = admission.memory
    used = {proposal_sequence(path) for path in (*memory.ledger, *taken)} | set(memory.voided)
    high = memory.high.sequence if memory.high else 0
    # the next free one: a number far ahead, pushed by whoever likes to, must not be followed there
    free = (n for n in range(high + 1, high + MAX_AHEAD + 1) if n not in used)
    return next(free, high + MAX_AHEAD)
