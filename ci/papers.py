"""Proposals and sign-offs in the files of a change, and the stops that they name. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from desired_state.admission import Admission
from desired_state.document import load
from desired_state.errors import Finding, Stalled, finding
from desired_state.memory import Stop
from desired_state.proposals import Decision, Proposal, proposal_sequence, signoff_place
from desired_state.reasons import Reason
from desired_state.repository import StateRepository
from desired_state.trees import Entry
from desired_state.trust_root import Root
from desired_state.values import StopClass
from reconciler.outstanding import Outstanding
from reconciler.proposal_checks import VENUES, foreseen

ROOT: Final = "trust/root/1.yaml"


def tree_of(state: StateRepository, commit: str | None) -> Mapping[str, Entry]:
    """Governed files of a commit; none where there is no commit, or its tree is refused."""
    if commit is None:
        return {}
    try:
        return state.tree(commit)
    except Stalled:
        return {}  # the judgement of that commit tells it


def touched_paths(state: StateRepository, before: str | None, after: str) -> frozenset[str]:
    """Governed paths that the change adds, alters or takes away."""
    old, new = tree_of(state, before), tree_of(state, after)
    return frozenset(
        path
        for path in old.keys() | new.keys()
        if path not in old or path not in new or old[path].oid != new[path].oid
    )


def warnings(state: StateRepository, admission: Admission, commit: str) -> Iterable[Finding]:
    """CI-13: what L5 will refuse under the proposals of a head, by the base that each would run."""
    standing = [admission.approval.proposal] if admission.approval else []
    for proposal in (*standing, *(item.signed.proposal for item in admission.pending)):
        if state.descends(commit, proposal.base):
            entry = tree_of(state, proposal.base).get(VENUES)
            yield from foreseen(proposal, state.blob(entry.oid) if entry else None)


def stray_papers(
    touched: Iterable[str], proposals: Iterable[Outstanding], told: Iterable[Finding]
) -> Iterable[Finding]:
    """Papers of the change that no step of admission looks at, because their number is over."""
    live = {item.sequence for item in proposals}
    said = {item.subject.partition(":")[0] for item in told}
    for path in sorted(touched):
        sequence, place = proposal_sequence(path), signoff_place(path)
        if sequence is not None and sequence not in live and path not in said:
            text = "expected a number above every one that was granted or voided"
            yield finding(Reason.PROPOSAL_SEQUENCE, path, text)
        if place and place[2] is Decision.GO and place[0] not in live:
            text = f"no proposal with number {place[0]} is open, so this counts for nothing"
            yield finding(Reason.PROPOSAL_SEQUENCE, path, text)


def host_stops(state: StateRepository, commit: str | None, now: datetime) -> dict[str, Stop]:
    """Stops that only a host can know and a proposal names: taken at the proposal's word (CI-10).

    A stop id of a host stands in no repository. The class is the one whose gate is stated; that
    decides nothing, for the reconciler knows better.
    """
    found: dict[str, Stop] = {}
    for path, entry in tree_of(state, commit).items():
        if proposal_sequence(path) is None:
            continue
        try:
            proposal = load(Proposal, state.blob(entry.oid), path)
        except Stalled:
            continue  # admission reports it, with the line at fault
        technical = proposal.gate == "release_technical"
        kind = StopClass.TECHNICAL if technical else StopClass.PERSON
        for name in proposal.clears:
            if not name.startswith("S-"):
                found[name] = Stop(
                    id=name, kind=kind, reason="", by="host", commit=None, seen_at=now
                )
    return found


def repository_id(state: StateRepository, commit: str | None) -> str:
    """As the first trust root names it; empty where none reads, and then nothing is admitted."""
    entry = tree_of(state, commit).get(ROOT)
    if entry is None:
        return ""
    try:
        return load(Root, state.blob(entry.oid), ROOT).repository
    except Stalled:
        return ""
