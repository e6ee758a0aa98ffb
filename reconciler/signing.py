"""Writing a sign-off, and refusing one that would not count. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from desired_state.admission import Admission
from desired_state.canonical import digest_bytes, plain
from desired_state.document import dump
from desired_state.errors import Stalled
from desired_state.proposals import (
    STATEMENT,
    Decision,
    Proposal,
    SignOff,
    proposal_path,
    signoff_path,
)
from desired_state.reasons import Reason
from desired_state.standing import rules_of
from desired_state.trust_root import GateRule, Root, Use, usable
from desired_state.votes import Papers, read_proposal
from reconciler.proposal_checks import longest
from reconciler.proposing import ground


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person says: with which key, in which role, and why."""

    person: str
    key: str
    decision: Decision = Decision.GO
    role: str | None = None  # none: the first of theirs that the gate asks for
    reason: str = ""


def proposal_of(sequence: int, data: bytes, signature: bytes | None, root: Root) -> Proposal:
    """The proposal in these bytes, if its requester signed them.

    Raises:
        Stalled: the code under which the reconciler would refuse it.
    """
    path = proposal_path(sequence)
    digest = digest_bytes(data)
    ledger, blobs = {path: (digest,)}, {digest: data}
    if signature is not None:
        ledger[path + ".sig"] = (digest_bytes(signature),)
        blobs[digest_bytes(signature)] = signature
    signed, problems = read_proposal(sequence, Papers(ledger, blobs, root))
    if signed is None:
        raise Stalled(problems[0].code, problems[0].subject, problems[0].message)
    return signed.proposal


def sign_off(
    proposal: Proposal, digest: str, answer: Answer, admission: Admission, now: datetime
) -> SignOff:
    """One person's decision on one proposal, valid as long as its gate allows.

    Raises:
        Stalled: ``SIGNOFF_KEY_UNKNOWN``, ``SIGNOFF_KEY_REVOKED``, ``SIGNOFF_KEY_EXPIRED``,
            ``SIGNOFF_PERSON``, ``SIGNOFF_ROLE``, ``SIGNOFF_TOUCH`` or ``SIGNOFF_REQUESTER``: it
            would not count.
    """
    root, _ = ground(admission)
    entry = root.keys.get(answer.key)
    if entry is None or Use.SIGN_OFF not in entry.uses:
        raise Stalled(Reason.SIGNOFF_KEY_UNKNOWN, answer.key)
    if answer.key in admission.revoked:
        raise Stalled(Reason.SIGNOFF_KEY_REVOKED, answer.key)
    if entry.person != answer.person:
        text = f"expected {entry.person}, whose key it is, found {answer.person}"
        raise Stalled(Reason.SIGNOFF_PERSON, answer.person, text)
    if not usable(entry, Use.SIGN_OFF, now):
        raise Stalled(Reason.SIGNOFF_KEY_EXPIRED, answer.key)
    if answer.person == proposal.requester and answer.decision is Decision.GO:
        raise Stalled(Reason.SIGNOFF_REQUESTER, answer.person)
    rules = rules_of(proposal, root, admission.memory)
    wanted = answer.decision is Decision.GO and any(rule.touch for rule in rules)
    if wanted and not entry.hardware:
        raise Stalled(Reason.SIGNOFF_TOUCH, answer.key)
    issued = now.replace(microsecond=0)
    latest = issued + longest(rules)
    return SignOff(
        proposal=digest,
        sequence=proposal.sequence,
        person=answer.person,
        role=_role(answer, root, rules),
        key=answer.key,
        decision=answer.decision,
        clears=proposal.clears,
        issued=issued,
        expires=min(proposal.expires, latest),
        statement=STATEMENT,
        reason=answer.reason,
    )


def signoff_file(signoff: SignOff) -> bytes:
    """The sign-off in the written form."""
    header = "yaml-language-server: $schema=../../schema/signoff.json"
    name = signoff_path(signoff.sequence, signoff.person, signoff.decision)
    return dump(plain(signoff), header=header, name=name)


def _role(answer: Answer, root: Root, rules: Sequence[GateRule]) -> str:
    held = root.persons[answer.person].roles
    wanted = [name for rule in rules for slot in rule.all_of for name in slot.roles]
    fitting = [name for name in dict.fromkeys(wanted) if name in held]
    if answer.role is None and fitting:
        return fitting[0]
    if answer.role not in fitting:
        asked = ", ".join(dict.fromkeys(wanted))
        told = f"{answer.person} holds {', '.join(held)}; this gate asks for {asked}"
        raise Stalled(Reason.SIGNOFF_ROLE, answer.person, told)
    return str(answer.role)
