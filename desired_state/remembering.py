"""What was complete before something took it away is remembered, whenever anybody looks.

New papers are taken in the order in which history shows them. Before each that takes something
away (a change of trust, a veto, a second signed form) everything until there is judged, so that
what stood complete takes an older approval's place for good (ROOT-7, APPROVAL-5). Otherwise a host
that looks seldom, or a stranger who reads all at once, would let the older one stand again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from desired_state.approvals import approve
from desired_state.memory import Memory
from desired_state.observation import LedgerFile, Observation
from desired_state.proposals import Decision, proposal_path, proposal_sequence, signoff_place
from desired_state.root_chain import Trusted
from desired_state.standing import rules_of
from desired_state.trust_history import Seen, Turn
from desired_state.votes import Papers, ballot, read_proposal
from desired_state.winding_down import winding_down

SIGNATURE = ".sig"
Blobs = Mapping[str, bytes]


def through(
    trusted: Trusted,
    turns: Iterable[Turn],
    memory: Memory,
    seen: tuple[Observation, Blobs],
    now: datetime,
) -> Memory:
    """Memory with what the new papers completed before others of them took it away.

    ``trusted`` is who is trusted before the first of them. The papers after the last such one are
    not in the memory yet.
    """
    observation, blobs = seen
    new, done = observation.ledger, 0
    turned = {turn.index: turn for turn in turns}
    versions = Seen(memory.ledger)
    for index, file in enumerate(new):
        versions.take(file)
        turn = turned.get(index)
        if turn is None and not _may_void(file.path, versions, memory, trusted):
            continue
        memory, done = with_papers(memory, new[done:index]), index
        papers = Papers(memory.ledger, blobs, trusted.root, trusted.taken)
        if turn or _voids(file, memory, papers):
            memory = approve(memory, papers, observation.bases, now, armed=False).memory
            memory = winding_down(memory, papers, now).memory
        trusted = turn.after if turn else trusted
    return memory


def with_papers(memory: Memory, files: Iterable[LedgerFile]) -> Memory:
    """Memory that has seen these versions as well."""
    ledger = memory.ledger.grown((file.path, file.digest) for file in files)
    return memory.model_copy(update={"ledger": ledger})


def _may_void(path: str, versions: Seen, memory: Memory, trusted: Trusted) -> bool:
    """By its name alone: somebody's veto, or one more form of a proposal that was seen."""
    sequence, place = _sequence(path), signoff_place(path.removesuffix(SIGNATURE))
    if sequence is None or sequence in memory.voided:
        return False
    if place is None:
        return len(versions.get(proposal_path(sequence), ())) > 1
    return place[2] is not Decision.GO and place[1] in trusted.root.persons


def _sequence(path: str) -> int | None:
    name = path.removesuffix(SIGNATURE)
    place = signoff_place(name)
    return place[0] if place else proposal_sequence(name)


def _voids(file: LedgerFile, memory: Memory, papers: Papers) -> bool:
    """Whether the proposal could be completed until this file, and cannot be with it."""
    sequence = _sequence(file.path)
    before = read_proposal(sequence, papers)[0] if sequence is not None else None
    if sequence is None or before is None:
        return False
    then = replace(papers, ledger=with_papers(memory, [file]).ledger)
    after = read_proposal(sequence, then)[0]
    if after is None:
        return True
    rules = rules_of(before.proposal, papers.root, memory)
    return not ballot(before, rules, papers).vetoes and bool(ballot(after, rules, then).vetoes)
