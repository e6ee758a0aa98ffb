"""Which keys may have signed the log: asked of the trust root, and never of the log. Pure.

Roots and revocations are followed from the pinned root through the whole history of main (LOG-1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from desired_state.errors import GovernanceError, Stalled
from desired_state.memory import EMPTY, Memory
from desired_state.reasons import Reason
from desired_state.repository import StateRepository
from desired_state.revocations import all_revoked
from desired_state.root_chain import Trusted
from desired_state.survey import Survey
from desired_state.trust_history import FIRST, follow, pinned
from desired_state.trust_root import Root, Use
from reconciler.contents import Cached, InMemory


def trusted_from(state: StateRepository, head: str, pin: str) -> Trusted:
    """Everybody whom the history up to ``head`` made trusted, from the pin on.

    Raises:
        Stalled: ``ROOT_PIN`` where history holds no root of that digest, or what is wrong with it.
        Waiting: ``FETCH``.
    """
    contents = Cached(InMemory())
    seen = Survey(state, contents).observe(head, EMPTY, ())
    for problem in seen.problems:
        if problem.code in {Reason.SHALLOW, Reason.FETCH}:
            raise Stalled(problem.code, problem.subject, problem.message)
    # the bytes count by their digest alone: whether they still stand at the head is not asked
    there = next((f.digest for f in seen.ledger if f.path == FIRST and f.digest == pin), None)
    files = {FIRST: there} if there else {}
    trusted, problems = pinned(EMPTY, files, contents, pin, None)
    for problem in problems if trusted is None else ():
        raise Stalled(problem.code, problem.subject, problem.message)
    if trusted is None:
        raise Stalled(Reason.ROOT_PIN, FIRST)
    turns = follow(trusted, {}, seen.ledger, contents)
    return turns[-1].after if turns else trusted


def remembered(memory: Memory, blobs: Mapping[str, bytes], pin: str) -> Trusted | None:
    """Those whom a memory trusts; none where it does not say, or not from this pin on."""
    try:
        return pinned(memory, {}, blobs, pin, None)[0]
    except (GovernanceError, KeyError):
        return None


def evidence_keys(roots: tuple[Root, ...]) -> dict[str, str]:
    """Public halves of every key that these roots list for evidence, by key id."""
    return {
        key_id: entry.public
        for root in reversed(roots)
        for key_id, entry in root.keys.items()
        if Use.EVIDENCE in entry.uses
    }


def counting(trusted: Trusted) -> frozenset[str]:
    """Ids of the keys that may sign heads now: of the last root, and not revoked (LOG-2)."""
    return frozenset(evidence_keys(trusted.roots[-1:])) - trusted.taken


@dataclass
class KeysInTurn:
    """Which keys counted when, as the verdicts in the chain itself tell it."""

    trusted: Trusted
    _told: list[tuple[int, frozenset[str], frozenset[str]]] = field(default_factory=list)
    _last: tuple[object, object] = (None, None)

    def tell(self, seq: int, memory: Memory) -> None:
        """A verdict left this memory."""
        said = (memory.roots, memory.revoked)
        if said == self._last:
            return
        self._last = said
        roots = self.trusted.roots[: len(memory.roots)]
        taken = all_revoked(roots, memory.revoked) if roots else frozenset()
        listed = frozenset(evidence_keys(roots))
        now = frozenset(evidence_keys(roots[-1:])) - taken
        self._told.append((seq, listed | taken, now))

    def against(self, key_id: str, size: int) -> str:
        """Why this key does not count for the head of so many leaves; empty where it does.

        LOG-2: what the host knew when it wrote decides. A key that it had not heard of yet may be
        one of a root that came while it was down.
        """
        for seq, known, counted in reversed(self._told):
            if seq < size:
                late = key_id in known and key_id not in counted
                return f"signed by {key_id} after leaf {seq} took it away" if late else ""
        return ""
