"""Winding down: people take positions home while the machine may do nothing (trust.md, section 5).

A track of its own beside ``high``: what stands here permits the machine nothing, releases no stop
and lasts an hour. It holds under a stop, a silent source, an expired approval or root; its papers
are, as all papers, never taken from a head that was not admitted (WIND-1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from desired_state.approvals import Pending, after_stops, incomplete
from desired_state.authority import Authority, at_most
from desired_state.errors import Finding, Severity, finding
from desired_state.memory import High, Memory
from desired_state.proposals import (
    MAX_AHEAD,
    WIND_DOWN,
    Proposal,
    proposal_path,
)
from desired_state.reasons import Reason
from desired_state.trust_root import GateRule
from desired_state.values import Access, Trading, instant_text
from desired_state.votes import (
    Ballot,
    Papers,
    Signed,
    ballot,
    complete_until,
    ever_complete,
    open_slots,
    read_proposal,
    time_findings,
)

LASTS: Final = timedelta(minutes=60)  # trust.md, section 5; a root may say less and not more
TIMELESS: Final = {"not_before": None, "expires": None}


@dataclass(frozen=True, slots=True)
class WindDown:
    """Outcome of judging every wind-down once."""

    memory: Memory
    authority: Authority | None  # what people may send by hand now
    last_approved: Authority | None  # its bound: what was approved last, standing or not
    pending: tuple[Pending, ...] = ()
    findings: tuple[Finding, ...] = ()
    changes: tuple[datetime, ...] = ()


def winding_down(memory: Memory, papers: Papers, now: datetime) -> WindDown:
    """Judge every open wind-down in order, then the highest that was ever complete."""
    last = _last_approved(memory, papers)
    pending: list[Pending] = []
    changes: list[datetime] = []
    for sequence in _candidates(memory):
        signed, _ = read_proposal(sequence, papers)  # what does not read is said with the others
        if signed is None or signed.proposal.gate != WIND_DOWN:
            continue
        memory, item = _outcome(memory, _judged(signed, memory, papers, last), now)
        changes += [signed.proposal.starts, signed.proposal.ends]
        pending += [item] if item else []
    authority, problems, ends = _standing(memory, papers, last, now)
    if any(problem.code is Reason.VETO for problem in problems) and memory.winding:
        memory = memory.voiding(memory.winding.sequence)
    found = [*problems, *(f for item in pending for f in item.findings)]
    later = tuple(t for t in (*changes, *ends) if t > now)
    return WindDown(memory, authority, last, tuple(pending), tuple(found), later)


def wind_down_refusals(
    proposal: Proposal, rule: GateRule | None, memory: Memory, last: Authority | None
) -> tuple[tuple[Reason, str], ...]:
    """Why this is no wind-down that people could sign; empty where it is one."""
    found: list[tuple[Reason, str]] = []
    if rule is None:
        found.append((Reason.PROPOSAL_GATE, f"no such gate in the trust root: {WIND_DOWN}"))
    bound = LASTS
    if rule is not None and rule.at_most_minutes:
        bound = min(bound, timedelta(minutes=rule.at_most_minutes))
    if proposal.lasts > bound:
        text = f"expected at most {bound // timedelta(minutes=1)} minutes"
        found.append((Reason.PROPOSAL_CEILING, text))
    if lacking := incomplete(proposal):
        found.append((Reason.PROPOSAL_INCOMPLETE, lacking))
    found += [(Reason.WIND_DOWN_BEYOND, text) for text in _beyond(proposal.authority, last)]
    unknown = [stop for stop in proposal.under if stop not in memory.stops]
    if unknown:
        found.append((Reason.STOP_UNKNOWN, f"not known here: {', '.join(unknown)}"))
    found += _unnamed(proposal, memory)
    return tuple(found)


def _beyond(authority: Authority, last: Authority | None) -> list[str]:
    """WIND-2: reduce-only, and inside what was approved last, its exit collar with it."""
    found = []
    if authority.trading > Trading.REDUCING:
        found.append("expected trading reducing at most, found active")
    trading = [s for s, entry in authority.symbols.items() if entry.access > Access.REDUCE]
    if trading:
        found.append(f"expected access reduce at most, found trade for {', '.join(trading)}")
    if last is None:
        found.append("nothing was ever approved here, so nothing bounds it")
    elif not at_most(_timeless(authority), _timeless(last)):
        found.append("it goes beyond what was approved last")
    return found


def _timeless(authority: Authority) -> Authority:
    return authority.model_copy(update=TIMELESS)


def _unnamed(proposal: Proposal, memory: Memory) -> list[tuple[Reason, str]]:
    """WIND-3: it names every stop in force, so that nobody winds down past one they never saw."""
    missing = [stop.id for stop in memory.in_force if stop.id not in proposal.under]
    text = f"expected it to name every stop in force, not named: {', '.join(missing)}"
    return [(Reason.WIND_DOWN_UNDER, text)] if missing else []


@dataclass(frozen=True, slots=True)
class _Judged:
    signed: Signed
    rules: tuple[GateRule, ...]
    votes: Ballot
    refusals: tuple[Finding, ...]


def _candidates(memory: Memory) -> list[int]:
    """Numbers above both tracks, so that a long history costs nothing."""
    floor = max(h.sequence if h else 0 for h in (memory.high, memory.winding))
    near = takewhile(lambda number: number <= floor + MAX_AHEAD, memory.ledger.after(floor))
    return [number for number in near if number not in memory.voided]


def _judged(signed: Signed, memory: Memory, papers: Papers, last: Authority | None) -> _Judged:
    proposal, root = signed.proposal, papers.root
    subject = proposal_path(proposal.sequence)
    rule = root.gates.get(WIND_DOWN)
    rules = (rule,) if rule else ()
    problems = list(wind_down_refusals(proposal, rule, memory, last))
    if proposal.sequence > (memory.high.sequence if memory.high else 0) + MAX_AHEAD:
        problems.append((Reason.PROPOSAL_SEQUENCE, ""))
    if (proposal.repository, proposal.environment) != (root.repository, root.environment):
        problems.append((Reason.PROPOSAL_FOREIGN, ""))
    votes = after_stops(ballot(signed, rules, papers), proposal, memory)
    refusals = tuple(finding(code, subject, text) for code, text in problems)
    return _Judged(signed, rules, votes, refusals)


def _outcome(memory: Memory, judged: _Judged, now: datetime) -> tuple[Memory, Pending | None]:
    proposal, counted = judged.signed.proposal, judged.votes.counted
    subject = proposal_path(proposal.sequence)
    found = [*judged.refusals, *judged.votes.findings, *time_findings(subject, counted, now)]
    limit = min(proposal.ends, judged.signed.key.valid_until)
    ever = ever_complete(judged.rules, counted, limit, now)
    if judged.votes.vetoes and judged.rules:
        memory = memory.voiding(proposal.sequence)
        found.append(finding(Reason.VETO, subject, f"by {', '.join(judged.votes.vetoes)}"))
    elif not judged.refusals and not ever:
        found.append(_not_signed(judged, subject, now))
    elif not judged.refusals and now < proposal.starts:
        text = f"it starts at {instant_text(proposal.starts)}"
        found.append(finding(Reason.PROPOSAL_NOT_YET, subject, text, severity=Severity.INFO))
    elif not judged.refusals:
        high = High(
            sequence=proposal.sequence,
            proposal=judged.signed.digest,
            signature=judged.signed.signature,
            completed_at=now,
        )
        return memory.model_copy(update={"winding": high}), None
    return memory, Pending(judged.signed, (WIND_DOWN,), judged.votes, tuple(found))


def _not_signed(judged: _Judged, subject: str, now: datetime) -> Finding:
    if now >= judged.signed.proposal.ends:
        return finding(Reason.PROPOSAL_EXPIRED, subject, severity=Severity.INFO)
    left = open_slots(judged.rules, judged.votes.counted, now)
    text = f"still missing: {'; '.join(slot.words for slot in left) or 'votes at one time'}"
    return finding(Reason.QUORUM_NOT_MET, subject, text, severity=Severity.WARNING)


def _standing(
    memory: Memory, papers: Papers, last: Authority | None, now: datetime
) -> tuple[Authority | None, Sequence[Finding], Sequence[datetime]]:
    """What people may send now: judged anew, so that a new stop or a veto ends it at once."""
    signed = _remembered(memory.winding, memory, papers)
    if signed is None or now >= signed.proposal.ends:
        return None, (), ()  # nothing is said of it for ever after
    judged = _judged(signed, memory, papers, last)
    if judged.votes.vetoes:
        text = f"by {', '.join(judged.votes.vetoes)}"
        subject = proposal_path(signed.proposal.sequence)
        return None, (finding(Reason.VETO, subject, text),), ()
    counted = judged.votes.counted
    lapse = None if judged.refusals else complete_until(judged.rules, counted, now)
    end = min(lapse, signed.proposal.ends, signed.key.valid_until) if lapse else now
    if now < signed.proposal.starts or now >= end:
        return None, judged.refusals, ()
    return signed.proposal.granted.model_copy(update={"expires": end}), (), (end,)


def _last_approved(memory: Memory, papers: Papers) -> Authority | None:
    """What was approved last, whether it stands, ended or was withdrawn."""
    high = memory.high
    signed = read_proposal(high.sequence, papers)[0] if high else None
    return signed.proposal.granted if signed and high and signed.digest == high.proposal else None


def _remembered(high: High | None, memory: Memory, papers: Papers) -> Signed | None:
    if high is None or high.sequence in memory.voided:
        return None
    signed, _ = read_proposal(high.sequence, papers)
    return signed if signed and signed.digest == high.proposal else None
