"""What stands approved: candidates that become ``high``, and whether ``high`` stands now.

The numbered rules are those of trust.md, sections 4 and 5. Everything is judged anew each time; the
one thing remembered is which sequence was ever complete, so nothing older returns (APPROVAL-1).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from desired_state.authority import at_most, unaccounted
from desired_state.errors import Finding, Severity, finding
from desired_state.memory import High, Memory, Release
from desired_state.observation import Base
from desired_state.proposals import MAX_AHEAD, WIND_DOWN, Proposal, proposal_path
from desired_state.ratchet import forget
from desired_state.reasons import Reason
from desired_state.releases import beforehand, release_gate, waiting
from desired_state.standing import UNREACHED, Approval, beyond, lacking_gates, rules_of, standing
from desired_state.trust_root import GateRule, Root
from desired_state.values import Mode, instant_text
from desired_state.votes import (
    Ballot,
    Papers,
    Signed,
    ballot,
    ever_complete,
    open_slots,
    read_proposal,
    time_findings,
)

FAR_SHOWN = 5  # proposals out of reach that are named


@dataclass(frozen=True, slots=True)
class Pending:
    """A proposal above ``high`` and why it is not ``high``; for people."""

    signed: Signed
    gates: tuple[str, ...]
    ballot: Ballot
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Approved:
    """Outcome of judging all proposals once."""

    memory: Memory
    approval: Approval | None
    pending: tuple[Pending, ...]
    findings: tuple[Finding, ...]
    changes: tuple[datetime, ...]  # later instants at which time alone changes this


def approve(
    memory: Memory,
    papers: Papers,
    bases: Sequence[Base],
    now: datetime,
    *,
    armed: bool,
    clean: Collection[str] = (),
) -> Approved:
    """Judge every proposal above ``high`` in order, then ``high`` itself, then its releases."""
    known_stops = frozenset(memory.stops)
    found: list[Finding] = []
    pending: list[Pending] = []
    changes: list[datetime] = []
    at = {base.revision: base for base in bases}
    last = memory.high.sequence if memory.high else 0
    while (sequence := _candidate(memory, last)) is not None:
        last = sequence
        signed, problems = read_proposal(sequence, papers)
        found.extend(problems)
        if signed is None or signed.proposal.gate == WIND_DOWN:  # a track of its own (WIND-1)
            continue
        approval, _ = standing(memory, papers, now)
        judged = _judge(signed, approval, memory, papers, at.get(signed.proposal.base))
        changes.extend(_instants(judged, now))
        memory, item = _outcome(memory, judged, papers, at, now)
        if item is None:
            continue
        found.extend(item.findings)
        pending.append(item)
    found.extend(_too_far(memory, last))
    approval, problems = standing(memory, papers, now)
    found.extend(problems)
    memory = _void(memory, problems)
    if approval:
        changes.append(approval.until)
        waits = _waits(memory, approval, known_stops, clean)
        found += [finding(Reason.RELEASE_WAITS, stop, severity=Severity.WARNING) for stop in waits]
        memory = _release(memory, approval, known_stops - set(waits), now, armed=armed)
    return Approved(memory, approval, tuple(pending), tuple(found), tuple(changes))


def gate_for(
    proposal: Proposal, approval: Approval | None, memory: Memory, base: Base | None
) -> str:
    """The gate that this proposal needs: computed, not chosen (trust.md, section 5)."""
    beyond = approval is None or not at_most(proposal.granted, approval.authority)
    if beyond or approval is None or not approval.standing:
        return proposal.authority.mode.value
    if proposal.clears:
        return release_gate(proposal.clears, memory)
    return "restore" if base and base.covers else proposal.authority.mode.value


@dataclass(frozen=True, slots=True)
class _Judged:
    signed: Signed
    gates: tuple[str, ...]
    rules: tuple[GateRule, ...]
    ballot: Ballot
    refusals: tuple[Finding, ...]


def _candidate(memory: Memory, last: int) -> int | None:
    """The next number to judge; each that becomes ``high`` brings further ones into reach."""
    limit = (memory.high.sequence if memory.high else 0) + MAX_AHEAD
    for sequence in memory.ledger.after(last):
        if sequence > limit:
            return None
        if sequence not in memory.voided:
            return sequence
    return None


def _too_far(memory: Memory, last: int) -> list[Finding]:
    """Numbers out of reach are named, the first of them, and not judged."""
    limit = (memory.high.sequence if memory.high else 0) + MAX_AHEAD
    numbers = islice((n for n in memory.ledger.after(last) if n > limit), FAR_SHOWN)
    text = f"expected at most {limit}"
    return [finding(Reason.PROPOSAL_SEQUENCE, proposal_path(number), text) for number in numbers]


def _judge(
    signed: Signed, approval: Approval | None, memory: Memory, papers: Papers, base: Base | None
) -> _Judged:
    proposal, root = signed.proposal, papers.root
    subject = proposal_path(proposal.sequence)
    gate = gate_for(proposal, approval, memory, base)
    refusals = [
        finding(code, subject, text) for code, text in _refusals(proposal, root, memory, base)
    ]
    # asking for the mode's own gate where less would do asks for more people: accepted (GATE-2)
    if (
        proposal.gate not in {gate, proposal.authority.mode.value}
        or proposal.gate not in root.gates
    ):
        text = f"expected gate {gate}, found {proposal.gate}"
        refusals.append(finding(Reason.PROPOSAL_GATE, subject, text))
        return _Judged(signed, (gate,), (), Ballot((), (), ()), tuple(refusals))
    rules = rules_of(proposal, root, memory)
    if lacking := lacking_gates(proposal, root, memory):
        refusals.append(finding(Reason.PROPOSAL_GATE, subject, lacking))
    refusals += [finding(c, subject, text) for c, text in beyond(proposal, rules)]
    votes = after_stops(ballot(signed, rules, papers), proposal, memory)
    return _Judged(signed, (proposal.gate,), rules, votes, tuple(refusals))


def after_stops(votes: Ballot, proposal: Proposal, memory: Memory) -> Ballot:
    """Without the sign-offs that named a stop before it existed (RELEASE-5)."""
    early = {
        v: beforehand(v.start, (*proposal.clears, *proposal.under), memory) for v in votes.counted
    }
    told = tuple(
        finding(
            Reason.SIGNOFF_CLEARS,
            f"{proposal_path(proposal.sequence)}: {vote.person}",
            f"made before there was {', '.join(stops)}",
            severity=Severity.WARNING,
        )
        for vote, stops in early.items()
        if stops
    )
    kept = tuple(vote for vote in votes.counted if not early[vote])
    return replace(votes, counted=kept, findings=(*votes.findings, *told))


def _refusals(
    proposal: Proposal, root: Root, memory: Memory, base: Base | None
) -> list[tuple[Reason, str]]:
    found: list[tuple[Reason, str]] = []
    place = f"{root.repository} ({root.environment})"
    if (proposal.repository, proposal.environment) != (root.repository, root.environment):
        text = f"expected {place}, found {proposal.repository} ({proposal.environment})"
        found.append((Reason.PROPOSAL_FOREIGN, text))
    if base is None:
        found.append((Reason.PROPOSAL_BASE, f"{proposal.base} is not in the history of main"))
    elif base.configuration != proposal.configuration:
        text = f"expected {base.configuration} as at the base, found {proposal.configuration}"
        found.append((Reason.PROPOSAL_CONFIGURATION, text))
    if proposal.expires > root.expires:
        text = f"expected an end no later than the trust root's, {instant_text(root.expires)}"
        found.append((Reason.PROPOSAL_CEILING, text))
    if not root.reaches(proposal.authority.mode):
        found.append((Reason.PROPOSAL_CEILING, UNREACHED))
    if lacking := incomplete(proposal):
        found.append((Reason.PROPOSAL_INCOMPLETE, lacking))
    unknown = [stop for stop in proposal.clears if stop not in memory.stops]
    if unknown:
        found.append((Reason.STOP_UNKNOWN, f"not known here: {', '.join(unknown)}"))
    return found


def incomplete(proposal: Proposal) -> str:
    """What a proposal from testnet up does not say of build and accounts (AUTH-4); empty: all."""
    authority = proposal.authority
    if authority.mode < Mode.TESTNET:
        return ""
    found = [] if authority.build else ["no build"]
    found += [f"no account at {venue}" for venue in unaccounted(authority)]
    return ", ".join(found)


def _outcome(
    memory: Memory, judged: _Judged, papers: Papers, bases: dict[str, Base], now: datetime
) -> tuple[Memory, Pending | None]:
    proposal = judged.signed.proposal
    subject = proposal_path(proposal.sequence)
    limit = min(proposal.ends, judged.signed.key.valid_until, papers.root.expires)
    ever = ever_complete(judged.rules, judged.ballot.counted, limit, now)
    found = [*judged.refusals, *judged.ballot.findings]
    found += time_findings(subject, judged.ballot.counted, now)
    if judged.ballot.vetoes and judged.rules:
        text = f"by {', '.join(judged.ballot.vetoes)}"
        memory = memory.voiding(proposal.sequence)
        found.append(finding(Reason.VETO, subject, text))
    elif not judged.refusals and not ever:
        left = open_slots(judged.rules, judged.ballot.counted, now)
        text = f"still missing: {'; '.join(slot.words for slot in left) or 'votes at one time'}"
        found.append(finding(Reason.QUORUM_NOT_MET, subject, text, severity=Severity.WARNING))
    elif not judged.refusals and now < (start := _start(judged.signed)):
        text = f"it starts at {instant_text(start)}"
        found.append(finding(Reason.PROPOSAL_NOT_YET, subject, text, severity=Severity.INFO))
    elif not judged.refusals:
        return _complete(memory, judged, papers, bases[proposal.base], now), None
    return memory, Pending(judged.signed, judged.gates, judged.ballot, tuple(found))


def _complete(memory: Memory, judged: _Judged, papers: Papers, base: Base, now: datetime) -> Memory:
    high = High(
        sequence=judged.signed.proposal.sequence,
        proposal=judged.signed.digest,
        signature=judged.signed.signature,
        completed_at=now,
    )
    memory = memory.model_copy(update={"high": high})
    approval, _ = standing(memory, papers, now)
    if approval is None or not approval.standing:
        return memory
    if not _restores(judged, papers.root, now):
        return memory
    # RATCHET-2: only falls that the base already contained are forgotten, and only if it stands
    return memory.model_copy(update={"falls": forget(memory.falls, base.covers)})


def _restores(judged: _Judged, root: Root, now: datetime) -> bool:
    """RATCHET-4: a release alone undoes no tightening, unless those who restore signed it too."""
    proposal, rule = judged.signed.proposal, root.gates.get("restore")
    if proposal.gate in {"restore", proposal.authority.mode.value}:
        return True
    return rule is not None and not open_slots((rule,), judged.ballot.counted, now)


def _void(memory: Memory, problems: Sequence[Finding]) -> Memory:
    if memory.high is None or not any(p.code is Reason.VETO for p in problems):
        return memory
    return memory.voiding(memory.high.sequence)


def _waits(
    memory: Memory, approval: Approval, known: Collection[str], clean: Collection[str]
) -> tuple[str, ...]:
    """Stops that would be released now were their venues proven clean."""
    open_ = [s for s in approval.proposal.clears if s in known and s not in memory.releases]
    return waiting(approval.proposal.gate, open_, clean) if approval.standing else ()


def _release(
    memory: Memory, approval: Approval, known: frozenset[str], now: datetime, *, armed: bool
) -> Memory:
    """RELEASE-1: an event, stored at the first complete gate with ``armed`` at that head."""
    if not armed or not approval.standing:
        return memory
    new = {
        stop: Release(
            stop=stop, sequence=approval.proposal.sequence, people=approval.people, at=now
        )
        for stop in approval.proposal.clears
        if stop in known and stop not in memory.releases
    }
    return memory.model_copy(update={"releases": {**memory.releases, **new}}) if new else memory


def _start(signed: Signed) -> datetime:
    return max(signed.proposal.starts, signed.key.valid_from)


def _instants(judged: _Judged, now: datetime) -> list[datetime]:
    instants = [_start(judged.signed)]
    instants += [t for vote in judged.ballot.counted for t in (vote.start, vote.end)]
    return [instant for instant in instants if instant > now]
