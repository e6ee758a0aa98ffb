"""Judging one proposal: its own form, its sign-offs, and the times at which they are complete.

Nothing here decides by the order of files or by a time that a signer claims: a claimed time can
only shorten how long a vote counts (VOTE-1).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from desired_state.detached import verifies
from desired_state.document import load
from desired_state.errors import Finding, Severity, Stalled, finding
from desired_state.ledger import Ledger
from desired_state.proposals import Decision, Proposal, SignOff, proposal_path, signoff_place
from desired_state.quorum import Requirement, Vote, missing
from desired_state.reasons import Reason
from desired_state.signatures import Presence
from desired_state.trust_root import GateRule, KeyEntry, Root, Use

VERSIONS_READ = 16  # of one path: more versions than this are not looked at


@dataclass(frozen=True, slots=True)
class Counted:
    """A GO that counts from ``start`` until ``end``."""

    person: str
    role: str
    start: datetime
    end: datetime
    end_code: Reason


@dataclass(frozen=True, slots=True)
class Ballot:
    """Everything that was said to one proposal."""

    counted: tuple[Counted, ...]
    vetoes: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A proposal whose requester's signature verified."""

    proposal: Proposal
    digest: str
    signature: str
    key: KeyEntry


@dataclass(frozen=True, slots=True)
class Papers:
    """Every version of every ledger file ever seen, their bytes, and the root that judges them."""

    ledger: Ledger
    blobs: Mapping[str, bytes]
    root: Root
    revoked: frozenset[str] = frozenset()  # key ids that sign nothing any more


def read_proposal(sequence: int, papers: Papers) -> tuple[Signed | None, tuple[Finding, ...]]:
    """The proposal that its requester signed, from every version ever seen of its path.

    Unsigned bytes under the path are noise; two different signed ones void the number.
    """
    path = proposal_path(sequence)
    found: dict[str, Signed] = {}
    problems: list[Finding] = []
    for digest in papers.ledger.get(path, ())[:VERSIONS_READ]:
        try:
            proposal = load(Proposal, papers.blobs[digest], path)
        except Stalled as error:
            problems.append(finding(Reason.PROPOSAL_SCHEMA, error.subject, error.message))
            continue
        if proposal.sequence != sequence:
            text = f"expected sequence {sequence} as in the name, found {proposal.sequence}"
            problems.append(finding(Reason.PROPOSAL_SEQUENCE, path, text))
            continue
        signed = _signed_by(proposal.requester, papers.blobs[digest], path, papers)
        if signed is None:
            text = (
                f"expected a signature by {proposal.requester} beside it, found none that verifies"
            )
            problems.append(finding(Reason.PROPOSAL_SIGNATURE, path, text))
            continue
        found[digest] = Signed(proposal, digest, *signed)
    if len(found) > 1:
        text = "expected one signed form, found several"
        return None, (finding(Reason.PROPOSAL_CHANGED, path, text),)
    if found:
        return next(iter(found.values())), ()
    return None, tuple(problems)


def ballot(signed: Signed, rules: Sequence[GateRule], papers: Papers) -> Ballot:
    """All sign-offs to this proposal, judged apart from the present time."""
    counted: list[Counted] = []
    vetoes: list[str] = []
    findings: list[Finding] = []
    for path, versions in sorted(papers.ledger.under(signed.proposal.sequence).items()):
        place = signoff_place(path)
        if place is None or place[0] != signed.proposal.sequence:
            continue
        if _flooded(path, place, rules, papers):
            vetoes.append(place[1])
            continue
        for digest in versions[:VERSIONS_READ]:
            outcome = _judge(path, digest, signed, rules, papers)
            if isinstance(outcome, Counted):
                counted.append(outcome)
            elif isinstance(outcome, str):
                vetoes.append(outcome)
            else:
                findings.append(outcome)
    return Ballot(tuple(counted), tuple(vetoes), tuple(findings))


def _flooded(
    path: str, place: tuple[int, str, Decision], rules: Sequence[GateRule], papers: Papers
) -> bool:
    """A veto buried under more versions than are looked at counts as one (VOTE-2).

    Otherwise whoever can push could keep somebody's NO_GO from ever being read.
    """
    if place[2] is Decision.GO or place[1] not in papers.root.persons:
        return False
    if not set(papers.root.persons[place[1]].roles) & _roles(rules):
        return False
    versions = (papers.ledger.get(name, ()) for name in (path, path + ".sig"))
    return any(len(found) >= VERSIONS_READ for found in versions)


def _roles(rules: Iterable[GateRule]) -> set[str]:
    return {role for rule in rules for slot in rule.all_of for role in slot.roles}


def votes_at(counted: Iterable[Counted], at: datetime) -> tuple[Vote, ...]:
    """The votes that count at this instant."""
    return tuple(Vote(person=c.person, role=c.role) for c in counted if c.start <= at < c.end)


def open_slots(
    rules: Sequence[GateRule], counted: Sequence[Counted], at: datetime
) -> tuple[Requirement, ...]:
    """What is still missing at this instant, over every rule that applies."""
    votes = votes_at(counted, at)
    return tuple(r for rule in rules for r in missing(rule.all_of, rule.distinct, votes))


def ever_complete(
    rules: Sequence[GateRule], counted: Sequence[Counted], limit: datetime, now: datetime
) -> bool:
    """Whether some instant up to now and before ``limit`` had every vote at once.

    A memory rebuilt from history must not bring back what a later, now expired approval replaced.
    """
    starts = {vote.start for vote in counted if vote.start <= now}
    return any(start < limit and not open_slots(rules, counted, start) for start in starts)


def complete_until(
    rules: Sequence[GateRule], counted: Sequence[Counted], at: datetime
) -> datetime | None:
    """When the quorum that stands at ``at`` lapses by time alone; none if it does not stand."""
    if open_slots(rules, counted, at):
        return None
    for end in sorted({c.end for c in counted if c.start <= at < c.end}):
        staying = [c for c in counted if c.start <= at and c.end > end]
        if open_slots(rules, staying, at):
            return end
    return None


def time_findings(path: str, counted: Iterable[Counted], at: datetime) -> Iterable[Finding]:
    """Why a good sign-off does not count at this instant."""
    for vote in counted:
        if at < vote.start:
            yield finding(
                Reason.SIGNOFF_NOT_YET, f"{path}: {vote.person}", severity=Severity.WARNING
            )
        elif at >= vote.end:
            yield finding(vote.end_code, f"{path}: {vote.person}", severity=Severity.WARNING)


def _judge(
    path: str,
    digest: str,
    signed: Signed,
    rules: Sequence[GateRule],
    papers: Papers,
) -> Counted | str | Finding:
    place = signoff_place(path)
    try:
        signoff = load(SignOff, papers.blobs[digest], path)
    except Stalled as error:
        return finding(Reason.SIGNOFF_SCHEMA, error.subject, error.message)
    refusal = _misplaced(signoff, place, signed) or _by_whom(signoff, papers.root)
    if refusal:
        code, text = refusal
        return finding(code, path, text)
    key = papers.root.keys[signoff.key]
    found = _signature(papers.blobs[digest], path, key, Use.SIGN_OFF, papers)
    if found is None:
        return finding(Reason.SIGNOFF_SIGNATURE, path)
    if unheard := _unheard(signoff, rules, papers):
        return finding(unheard[0], path, unheard[1])
    if signoff.decision is not Decision.GO:
        return signoff.person
    return _counted(path, signoff, signed.proposal, rules, (key, found[1]))


def _misplaced(
    signoff: SignOff, place: tuple[int, str, Decision] | None, signed: Signed
) -> tuple[Reason, str] | None:
    if signoff.proposal != signed.digest or signoff.sequence != signed.proposal.sequence:
        text = f"expected {signed.digest}, found {signoff.proposal} (number {signoff.sequence})"
        return Reason.SIGNOFF_REPLAY, text
    if place is None or (signoff.person, signoff.decision) != place[1:]:
        return Reason.SIGNOFF_PERSON, "expected the person and decision that stand in its name"
    return None


def _by_whom(signoff: SignOff, root: Root) -> tuple[Reason, str] | None:
    key = root.keys.get(signoff.key)
    if key is None or Use.SIGN_OFF not in key.uses:
        return Reason.SIGNOFF_KEY_UNKNOWN, f"expected a key of the trust root, found {signoff.key}"
    if key.person != signoff.person:
        return (
            Reason.SIGNOFF_PERSON,
            f"expected {key.person}, whose key it is, found {signoff.person}",
        )
    if signoff.role not in root.persons[signoff.person].roles:
        return Reason.SIGNOFF_ROLE, f"{signoff.person} does not hold {signoff.role}"
    return None


def _unheard(
    signoff: SignOff, rules: Sequence[GateRule], papers: Papers
) -> tuple[Reason, str] | None:
    if signoff.role not in _roles(rules):
        return Reason.SIGNOFF_ROLE, f"{signoff.role} is not a role of this gate"
    if signoff.decision is Decision.GO and signoff.key in papers.revoked:
        return Reason.SIGNOFF_KEY_REVOKED, f"{signoff.key} is revoked"
    return None  # VOTE-3: a veto counts by a revoked key as well, for it can only tighten


def _counted(
    path: str,
    signoff: SignOff,
    proposal: Proposal,
    rules: Sequence[GateRule],
    by: tuple[KeyEntry, Presence],
) -> Counted | Finding:
    key, presence = by
    if signoff.person == proposal.requester:
        return finding(Reason.SIGNOFF_REQUESTER, path, severity=Severity.WARNING)
    if any(rule.touch for rule in rules) and not presence.touch:
        return finding(Reason.SIGNOFF_TOUCH, path)  # TOUCH-1
    if set(proposal.clears) - set(signoff.clears):
        return finding(Reason.SIGNOFF_CLEARS, path)
    days = min((rule.at_most_days for rule in rules if rule.at_most_days), default=None)
    if days is not None and signoff.expires - signoff.issued > timedelta(days=days):
        return finding(Reason.SIGNOFF_TOO_LONG, path, f"expected at most {days} days")
    by_key = key.valid_until <= signoff.expires
    return Counted(
        person=signoff.person,
        role=signoff.role,
        start=max(signoff.issued, key.valid_from),
        end=min(signoff.expires, key.valid_until),
        end_code=Reason.SIGNOFF_KEY_EXPIRED if by_key else Reason.SIGNOFF_EXPIRED,
    )


def _signed_by(
    person: str, message: bytes, path: str, papers: Papers
) -> tuple[str, KeyEntry] | None:
    """The signature by one of the person's keys, the one that stays valid longest first."""
    keys = sorted(papers.root.keys.items(), key=lambda item: (item[1].valid_until, item[0]))
    for key_id, entry in reversed(keys):
        if entry.person == person and key_id not in papers.revoked:
            found = _signature(message, path, entry, Use.PROPOSAL, papers)
            if found:
                return found[0], entry
    return None


def _signature(
    message: bytes, path: str, key: KeyEntry, use: Use, papers: Papers
) -> tuple[str, Presence] | None:
    """The first that verifies; a later one that was touched is better than one that was not."""
    best: tuple[str, Presence] | None = None
    versions = papers.ledger.get(path + ".sig", ())[:VERSIONS_READ] if use in key.uses else ()
    for digest in versions:
        presence = verifies(papers.blobs[digest], message, use.namespace, key.public)
        if presence is None or (best and not presence.touch):
            continue
        best = digest, presence
        if presence.touch or not key.hardware:
            break
    return best
