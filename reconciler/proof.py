"""Memory proven anew: every verdict of the chain judged again, from the pin on (BOOT-1). Pure.

What a chain says was remembered is believed of nobody, not even of whoever held the log's key: it
counts where it comes out again from the state repository, verdict by verdict.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Final, Protocol

from desired_state.admission import Trust
from desired_state.errors import Stalled
from desired_state.ledger import Ledger
from desired_state.memory import EMPTY, Memory, from_snapshot, snapshot_digest
from desired_state.repository import StateRepository
from evidence_repo.chain import GENESIS, Head, advance, parse, walk
from evidence_repo.merkle import Frontier
from evidence_repo.note import Checkpoint
from reconciler.auditing import NEVER_FILED, Objects, Replay
from reconciler.contents import Lazy
from reconciler.recovery import RECOVERED, Proof
from reconciler.reobserving import Again, files_at
from reconciler.verdicts import LEAF_KIND

CACHED: Final = 4096  # objects


class Lines(Protocol):
    """The chain, both ways, and the bytes that it rests on."""

    def newest_first(self) -> Iterator[bytes]:
        """Every line. Raises ``Stalled``."""
        ...

    def oldest_first(self) -> Iterator[bytes]:
        """Every line, each once. Raises ``Stalled``."""
        ...

    def kept(self, digest: str) -> bytes:
        """The bytes of this digest. Raises ``Stalled``."""
        ...


class Unproven(Exception):  # noqa: N818  (a no, not a fault)
    """Why a chain's memory does not come out again."""


@dataclass(frozen=True)
class Prover:
    """Proves from one chain and one state repository."""

    chain: Lines
    state: StateRepository
    trust: Trust
    since: Checkpoint | None = None  # a head that people pinned: judged from there on

    def whole(self) -> Proof:
        """The memory that the whole chain leaves, or why nothing is proven.

        Raises:
            Waiting: ``FETCH`` where the state repository does not answer.
        """
        replay = self._replay()
        kept = lru_cache(maxsize=CACHED)(self.chain.kept)  # most verdicts rest on the same files
        try:
            lines = self.chain.oldest_first()
            head = self._skimmed(replay, lines) if self.since else GENESIS
            self._judged(replay, lines, head, kept)
            return Proof(self._memory(replay.memory))
        except Stalled as error:
            return Proof(None, f"{error.subject}: {error.message}")
        except (Unproven, ValueError) as error:  # pydantic's refusals are ValueErrors
            return Proof(None, str(error)[:300])

    def step(self, before: Memory) -> Memory | None:
        """The memory that the newest verdict leaves after this one; none if it does not (MEM-1).

        Raises:
            Waiting: ``FETCH`` where the state repository does not answer.
        """
        replay = replace(self._replay(), memory=snapshot_digest(before))
        judge = replay.judges[LEAF_KIND]
        try:
            for line in self.chain.newest_first():
                leaf = parse(line)
                if leaf.kind == LEAF_KIND:
                    proven = not list(judge(leaf, self.chain.kept))
                    return self._memory(replay.memory) if proven else None
        except (Stalled, ValueError):
            return None
        return None

    def _replay(self) -> Replay:
        self.state.tips()  # what it has is at hand from here on, or it does not answer
        return Replay(files_at(self.state), Again(self.state), self.trust.pin)

    def _skimmed(self, replay: Replay, lines: Iterator[bytes]) -> Head:
        head, frontier = GENESIS, Frontier()
        pinned = self.since or Checkpoint("", 0, b"")
        for line in islice(lines, pinned.size):
            head, frontier = advance(head, line), frontier.grow([line])
            replay.skim(parse(line), self.chain.kept)
        if (frontier.size, frontier.root()) != (pinned.size, pinned.root):
            raise Unproven(f"the pinned head of {pinned.size} leaves is none of this chain's")
        return head

    def _judged(self, replay: Replay, lines: Iterator[bytes], head: Head, kept: Objects) -> None:
        judges = {kind: replay.judges[kind] for kind in (LEAF_KIND, RECOVERED)}
        for _, leaf, broken in walk(lines, head):
            if leaf is None or broken is not None:
                raise Unproven(broken.message if broken else "a line is no leaf")
            judge = judges.get(leaf.kind)
            for wrong in judge(leaf, kept) if judge else ():
                raise Unproven(f"{wrong.subject}: {wrong.message}")

    def _memory(self, name: str) -> Memory:
        """With its whole ledger, so that no later cycle finds a byte of it missing."""

        def whole(root: str) -> Ledger:
            ledger = Ledger.of(Ledger.at(root, Lazy(self.chain.kept)))
            if ledger.digest != root:
                raise ValueError("the nodes are not those of the ledger that the snapshot names")
            return ledger

        return EMPTY if name == NEVER_FILED else from_snapshot(self.chain.kept(name), whole)
