"""Memory at a start, compared with what the evidence chain says was remembered. Pure (trust.md, 6).

The newest verdict's leaf names memory by digest before and after it; a leaf behind it says that
memory was on disk. So a crash between leaf and disk (MEM-1) and a loss (MEM-2) are told apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from desired_state.errors import Stalled
from desired_state.memory import EMPTY, Memory, Stop, snapshot_digest
from desired_state.reasons import Reason
from desired_state.stops import LOST, loss_code
from desired_state.values import StopClass
from evidence_repo.chain import Leaf, parse
from reconciler.verdicts import LEAF_KIND

STORED: Final = "memory_stored"  # body: memory
RECOVERED: Final = "memory_recovered"  # body: stop, code, memory, found


@dataclass(frozen=True, slots=True)
class Proof:
    """The memory that the chain leaves, judged again from the pin; or why it does not come out."""

    memory: Memory | None
    why: str = ""


class Prover(Protocol):
    """Judges the chain again (BOOT-1)."""

    def whole(self) -> Proof:
        """From the pin on. Raises ``Waiting(FETCH)``."""
        ...

    def step(self, before: Memory) -> Memory | None:
        """The newest verdict alone, after this memory. Raises ``Waiting(FETCH)``."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What the chain says of memory."""

    size: int  # leaves up to here
    before: str  # digest that the newest verdict found; empty where memory was rebuilt
    after: str  # digest that it left
    stored: bool  # whether a later leaf says that it was on disk
    at: datetime


@dataclass(frozen=True, slots=True)
class Recovered:
    """The memory to go on with; where it was lost, the stop that nobody but people lift."""

    memory: Memory
    stop: Stop | None = None
    found: str = ""  # digest of what lay on the disk; empty where nothing read

    @property
    def code(self) -> Reason:
        """Why it was lost."""
        return loss_code(self.stop) if self.stop else Reason.SUCCEEDED


@dataclass(frozen=True, slots=True)
class Here:
    """This host, for the stop's id: its name, its latched stops, and the time."""

    name: str
    stops: Mapping[str, Stop]
    releases: Iterable[str]
    now: datetime


def newest(lines: Iterable[bytes]) -> Told | None:
    """What the chain says last; ``lines`` come newest first.

    Raises:
        Stalled: ``CHAIN_BROKEN`` where a line is no leaf.
    """
    stored: set[object] = set()
    for line in lines:
        leaf = parse(line)
        if leaf.kind == STORED:
            stored.add(leaf.body.get("memory"))
        elif leaf.kind == RECOVERED:
            return Told(leaf.seq + 1, "", _text(leaf, "memory"), stored=False, at=leaf.time)
        elif leaf.kind == LEAF_KIND:
            after = _text(leaf, "memory_after")
            before = _text(leaf, "memory_before")
            return Told(leaf.seq + 1, before, after, stored=after in stored, at=leaf.time)
    return None


def recover(
    found: Memory | Stalled | None, told: Told | None, prover: Prover, here: Here
) -> Recovered:
    """What to remember from here on.

    Raises:
        Waiting: ``FETCH`` where the chain must be judged again and the state does not answer.
    """
    name = snapshot_digest(found) if isinstance(found, Memory) else ""
    if told is None:
        if found is None:
            return Recovered(EMPTY)  # a first start
        text = f"memory {name or 'that does not read'} is here, and no verdict in the chain"
        return _lost(EMPTY, found, (Reason.STORE_ROLLBACK, text), here)
    if name == told.after:
        return Recovered(found if isinstance(found, Memory) else EMPTY)
    before = EMPTY if found is None else found
    if isinstance(before, Memory) and snapshot_digest(before) == told.before and not told.stored:
        known = prover.step(before)
        if known is not None:
            return Recovered(known)  # MEM-1: the crash lay between the leaf and the disk
    proof = prover.whole()  # BOOT-1
    base = proof.memory or EMPTY.model_copy(update={"floor": told.at})
    code, text = _why(found, told, name)
    if proof.memory is None:
        text += f"; nothing is taken from the chain, for it does not come out again: {proof.why}"
    return _lost(base, found, (code, text), here, told.size)


def began_from(proven: Memory, begun: Memory) -> bool:
    """Whether a memory that began anew is the proven one, or nothing, and refuses as much (MEM-6).

    Without this a stolen log key could name roots and releases that nobody signed.
    """
    nothing = EMPTY.model_copy(update={"floor": begun.floor})
    return any(base.with_refusals_of(begun) == begun for base in (proven, nothing))


def _why(found: Memory | Stalled | None, told: Told, name: str) -> tuple[Reason, str]:
    if isinstance(found, Stalled):
        return Reason.MEMORY_UNREADABLE, found.message
    if found is None:
        return Reason.MEMORY_UNREADABLE, f"expected {told.after}, found none"
    return Reason.STORE_ROLLBACK, f"expected {told.after}, found {name}"


def _lost(
    base: Memory,
    found: Memory | Stalled | None,
    why: tuple[Reason, str],
    here: Here,
    size: int = 0,
) -> Recovered:
    """MEM-2: what is narrowest and known, and a stop of class integrity."""
    known = found if isinstance(found, Memory) else EMPTY
    memory = base.with_refusals_of(known)
    code, text = why
    stop = Stop(
        id=_stop_id(memory, here, size),
        kind=StopClass.INTEGRITY,
        reason=f"{code}: {text}"[:1000],
        by="reconciler",
        commit=None,
        seen_at=here.now,
    )
    stop = here.stops.get(stop.id, stop)
    return Recovered(memory, stop, snapshot_digest(known) if isinstance(found, Memory) else "")


def _stop_id(memory: Memory, here: Here, size: int) -> str:
    """``LOST-<host>-<n>``: n is above every one before and at least the chain's size (STOP-2).

    A stop of a loss that no memory holds yet, in force here, is that of this very loss.
    """
    start = f"{LOST}{here.name}-"
    mine = {name for name in here.stops if name.startswith(start)}
    fresh = sorted(mine - set(memory.stops) - set(memory.releases) - set(here.releases))
    if fresh:
        return fresh[-1]
    used = [*mine, *here.releases, *memory.stops, *memory.releases]
    numbers = [
        int(n[len(start) :]) for n in used if n.startswith(start) and n[len(start) :].isdecimal()
    ]
    return f"{start}{max([size, *numbers], default=0) + 1}"


def _text(leaf: Leaf, name: str) -> str:
    return str(leaf.body.get(name, ""))
