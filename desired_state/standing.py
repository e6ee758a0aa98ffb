"""Whether the highest approval stands at one instant, and under which rules (trust.md, 4 and 5).

Judged anew each time from every vote ever seen; what is remembered is only that it was complete.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from desired_state.authority import Authority
from desired_state.errors import Finding, finding
from desired_state.memory import Memory
from desired_state.proposals import Proposal, proposal_path
from desired_state.reasons import Reason
from desired_state.releases import release_gate
from desired_state.trust_root import GateRule, Root, within_ceilings
from desired_state.values import Mode, Trading, instant_text
from desired_state.votes import (
    Ballot,
    Papers,
    Signed,
    ballot,
    complete_until,
    open_slots,
    read_proposal,
    votes_at,
)

TICK = timedelta(microseconds=1)
UNREACHED: Final = "a rehearsal allows nothing above paper, but where its trust root is marked"


@dataclass(frozen=True, slots=True)
class Approval:
    """``high`` as it stands at one instant."""

    proposal: Proposal
    authority: Authority
    people: tuple[str, ...]
    until: datetime
    standing: bool  # false: its time is over and it only reduces until ``until``


def standing(
    memory: Memory, papers: Papers, now: datetime
) -> tuple[Approval | None, tuple[Finding, ...]]:
    """Whether ``high`` stands now: votes, validity, root, veto."""
    if memory.high is None:
        return None, ()
    subject = proposal_path(memory.high.sequence)
    signed, problems = read_proposal(memory.high.sequence, papers)
    if signed is None or signed.digest != memory.high.proposal:
        return None, problems or (finding(Reason.PROPOSAL_CHANGED, subject),)
    rules = rules_of(signed.proposal, papers.root, memory)
    lacking = lacking_gates(signed.proposal, papers.root, memory)
    over = [(Reason.PROPOSAL_GATE, lacking)] if lacking else [*beyond(signed.proposal, rules)]
    if not papers.root.reaches(signed.proposal.authority.mode):
        over.append((Reason.PROPOSAL_CEILING, UNREACHED))
    if over:  # APPROVAL-4: what a later root allows no more ends at once
        return None, tuple(finding(code, subject, text) for code, text in over)
    votes = ballot(signed, rules, papers)
    if votes.vetoes or memory.high.sequence in memory.voided:
        # APPROVAL-2: a completed one can be withdrawn as well
        text = f"by {', '.join(votes.vetoes)}" if votes.vetoes else ""
        return None, (finding(Reason.VETO, subject, text),)
    end, code = _end(signed, votes, rules, papers.root, now)
    people = tuple(sorted({vote.person for vote in votes_at(votes.counted, min(now, end - TICK))}))
    if now < end:
        authority = signed.proposal.granted.model_copy(update={"expires": end})
        return Approval(signed.proposal, authority, people, end, standing=True), ()
    problem = finding(code, subject, f"it ended at {instant_text(end)}")
    return _running_out(signed.proposal, people, end, (memory, papers.root, now)), (problem,)


def beyond(proposal: Proposal, rules: Sequence[GateRule]) -> Iterable[tuple[Reason, str]]:
    """Where the proposal asks for more than these rules may grant."""
    for rule in rules:
        if rule.at_most_days and proposal.lasts > timedelta(days=rule.at_most_days):
            yield Reason.PROPOSAL_CEILING, f"expected at most {rule.at_most_days} days"
        over = within_ceilings(proposal.authority.limits, rule.ceilings)
        if over:
            text = f"above the gate's ceiling, or missing: {', '.join(over)}"
            yield Reason.PROPOSAL_CEILING, text
        if lacking := unlisted(proposal, rule):
            text = f"no pack is listed for {', '.join(lacking)}"
            yield Reason.PROPOSAL_EVIDENCE, text


def unlisted(proposal: Proposal, rule: GateRule) -> tuple[str, ...]:
    """Claims of the gate for which the proposal lists no pack (EVIDENCE-1)."""
    listed = {pack.shows for pack in proposal.evidence}
    return tuple(claim for claim in rule.evidence if claim not in listed)


def _running_out(
    proposal: Proposal, people: tuple[str, ...], end: datetime, at: tuple[Memory, Root, datetime]
) -> Approval | None:
    """An approval that ends goes through reducing (trust.md, section 3)."""
    memory, root, now = at
    over = end + root.bounds.end_of_approval_reducing
    # APPROVAL-3: what was over before it was ever seen complete never stood, so nothing runs out
    if now >= over or memory.high is None or end <= memory.high.completed_at:
        return None
    granted = proposal.granted
    reducing = granted.model_copy(
        update={"expires": over, "trading": min(granted.trading, Trading.REDUCING)}
    )
    return Approval(proposal, reducing, people, over, standing=False)


def rules_of(proposal: Proposal, root: Root, memory: Memory) -> tuple[GateRule, ...]:
    """Every rule that this proposal's sign-offs must meet, under the gate that it states."""
    names = _gates(proposal, memory)
    return tuple(root.gates[name] for name in names if name in root.gates)


def _gates(proposal: Proposal, memory: Memory) -> tuple[str, ...]:
    names = [proposal.gate]
    if proposal.clears:
        names.append(release_gate(proposal.clears, memory))
        if proposal.authority.mode >= Mode.TESTNET:
            names.append(proposal.authority.mode.value)  # RELEASE-2: resuming testnet or live
    return tuple(dict.fromkeys(names))


def lacking_gates(proposal: Proposal, root: Root, memory: Memory) -> str:
    """What to say where the root lacks a gate that is needed: a missing one lets nobody through."""
    lacking = [name for name in _gates(proposal, memory) if name not in root.gates]
    return f"no such gate in the trust root: {', '.join(lacking)}" if lacking else ""


def _end(
    signed: Signed, votes: Ballot, rules: Sequence[GateRule], root: Root, now: datetime
) -> tuple[datetime, Reason]:
    """When the approval ends, or ended, and why."""
    lapse = complete_until(rules, votes.counted, now)
    if lapse is None:
        past = sorted((v.end for v in votes.counted if v.end <= now), reverse=True)
        stood = (end for end in past if not open_slots(rules, votes.counted, end - TICK))
        lapse = next(stood, signed.proposal.starts)
    ends = (
        (root.expires, Reason.ROOT_EXPIRED),
        (signed.proposal.ends, Reason.PROPOSAL_EXPIRED),
        (signed.key.valid_until, Reason.SIGNOFF_KEY_EXPIRED),
        (lapse, Reason.QUORUM_NOT_MET),
    )
    return min(ends, key=lambda pair: pair[0])
