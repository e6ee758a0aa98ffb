"""Authorities, changes and proposals in words that a stranger reads."""

from collections.abc import Iterable
from itertools import groupby

from desired_state.canonical import plain
from desired_state.proposals import WIND_DOWN, Proposal
from desired_state.values import instant_text
from reconciler.authority_words import authority_words
from reconciler.change_words import change_words
from reconciler.gate import Verdict
from reconciler.outstanding import Deadline, Ends, GateState, Outstanding, State
from reconciler.proposing import Change, Composed, authority_data


def verdict_data(verdict: Verdict) -> dict[str, object]:
    """The object of ``governor verify --json`` (design.md, section 5); keys are only ever added."""
    return {
        "revision": f"main@sha1:{verdict.revision}" if verdict.revision else None,
        "now": instant_text(verdict.now),
        "admitted": verdict.admitted,
        "as_asked": verdict.as_asked,
        "desired": authority_data(verdict.desired) if verdict.desired else None,
        "approved": authority_data(verdict.approved) if verdict.approved else None,
        "permitted": authority_data(verdict.permitted),
        "kill_switch": {
            "state": verdict.switch.value,
            "stops": [plain(stop) for stop in verdict.stops],
        },
        "findings": [plain(found) for found in verdict.findings],
        "wind_down": authority_data(verdict.wind_down) if verdict.wind_down else None,
        "sequence": verdict.sequence,
        "people": list(verdict.people),
        "configuration": verdict.configuration,
        "valid_until": instant_text(verdict.valid_until) if verdict.valid_until else None,
    }


def change_lines(changes: Iterable[Change]) -> Iterable[str]:
    """``+`` what the machine could do that it cannot now, ``-`` what it no longer could."""
    for change in changes:
        sign, word = ("+", "looser") if change.looser else ("-", "tighter")
        told = f"{change.path}: {change.now} -> {change.then}, {word}"
        yield f"  {sign} {change_words(change.path, change.then)}  [{told}]"


def proposal_lines(proposal: Proposal, changes: Iterable[Change]) -> Iterable[str]:
    """What somebody who signs it should have read."""
    yield (
        f"Proposal {proposal.sequence} by {proposal.requester}, gate {proposal.gate},"
        f" {proposal.repository} ({proposal.environment})"
    )
    yield f"  reason: {proposal.reason}"
    yield f"  grants: {authority_words(proposal.authority)}"
    yield f"  from {instant_text(proposal.not_before)} until {instant_text(proposal.expires)}"
    yield f"  base main@sha1:{proposal.base}, configuration {proposal.configuration}"
    for pack in proposal.evidence:
        yield f"  evidence {pack.id} {pack.sha256}: {pack.claim}"
    if proposal.gate == WIND_DOWN:
        under = ", ".join(proposal.under) or "none"
        yield f"  for people's own orders alone, never the machine's; stops in force: {under}"
    if proposal.clears:
        yield f"  releases the stops {', '.join(proposal.clears)}"
    yield "Compared with what is permitted now:"
    shown = list(change_lines(changes))
    yield from shown or ["  nothing changes"]


def composed_data(made: Composed, digest: str, commit: str | None) -> dict[str, object]:
    """What ``governor propose --json`` prints; keys are only ever added."""
    return {
        "sequence": made.proposal.sequence,
        "path": made.path,
        "sha256": digest,
        "gate": made.proposal.gate,
        "changes": [
            {
                "path": c.path,
                "now": c.now,
                "then": c.then,
                "looser": c.looser,
                "words": change_words(c.path, c.then),
            }
            for c in made.changes
        ],
        "signers": list(made.signers),
        "commit": commit,
    }


def composed_lines(made: Composed) -> Iterable[str]:
    """A proposal just written: what it says, who must sign it, and what comes next."""
    yield from proposal_lines(made.proposal, made.changes)
    who = " and ".join(made.signers)
    yield f"To be signed by {who}, not counting {made.proposal.requester}."
    yield f"Next: governor sign {made.proposal.sequence} --as PERSON --push"


def outstanding_lines(item: Outstanding) -> Iterable[str]:
    """Who signed one proposal, who is missing, and what ends when."""
    yield (
        f"{item.sequence:04d} {item.state}, gate {item.gate}, by {item.requester}: {item.reason}"
    )
    for vote in item.signed:
        role = f" as {vote.role}" if vote.role else ""
        yield f"  signed by {vote.person}{role}, counts until {instant_text(vote.until)}"
    for slot in item.missing:
        yield f"  missing {slot.words}: {', '.join(slot.people) or 'nobody could'}"
    word = "ends" if item.state is not State.OPEN else "would end"
    yield f"  {word} {instant_text(item.expires)}"
    for found in item.findings:
        yield f"  {found.code}: {found.message}"


def deadline_lines(deadlines: Iterable[Deadline]) -> Iterable[str]:
    """What ends when, the next first; what ends at one time in one line."""
    for (at, kind, ended), group in groupby(deadlines, key=lambda d: (d.at, d.kind, d.ended)):
        # of a key the person says enough here; its id stands in --json
        subjects = dict.fromkeys(
            d.subject.partition(" ")[0] if kind is Ends.KEY else d.subject for d in group
        )
        word = "ENDED" if ended else "ends"
        yield f"  {instant_text(at)} {word}: {kind} {', '.join(subjects)}"


def gate_line(state: GateState) -> str:
    """Whether the people there are could complete one gate, and without whom not."""
    word = "can be completed" if state.satisfiable else "CANNOT BE COMPLETED by anybody"
    alone = f"; not without {', '.join(state.needs)}" if state.needs else ""
    return f"gate {state.gate}: {word}{alone}"
