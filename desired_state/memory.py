"""What the reconciler never forgets (trust.md, section 6). Pure values; a store keeps the bytes."""

import json
from collections.abc import Callable

from desired_state.authority import Authority
from desired_state.canonical import canonical, digest_bytes, from_json
from desired_state.frozen import Frozen
from desired_state.ledger import NOTHING, Ledger
from desired_state.proposals import Sequence_
from desired_state.ratchet import Fall
from desired_state.values import (
    Commit,
    Digest,
    Instant,
    KeyId,
    Person,
    StopClass,
    StopId,
    Switch,
    Text,
)


class Stop(Frozen):
    """A stop that was raised; in force until it is released by name."""

    id: StopId
    kind: StopClass
    reason: Text
    by: Text
    commit: Commit | None
    seen_at: Instant
    switch: Switch = Switch.ENGAGED  # engaged or unreadable: shown as two things


class Release(Frozen):
    """Who released a stop. Nothing undoes it."""

    stop: StopId
    sequence: Sequence_
    people: tuple[Person, ...]
    at: Instant


class High(Frozen):
    """The highest sequence whose quorum was ever complete."""

    sequence: Sequence_
    proposal: Digest
    signature: Digest
    completed_at: Instant


class Memory(Frozen):
    """Head, roots, revocations, votes, ``high``, falls (``low``), stops, releases, clock floor."""

    head: Commit | None = None
    desired: Authority | None = None  # asked by the last admitted head, not yet lowered
    roots: dict[str, Digest] = {}  # noqa: RUF012  (frozen: pydantic copies it)
    revoked: dict[KeyId, Digest] = {}  # noqa: RUF012  (for ever; by which file)
    ledger: Ledger = NOTHING
    erased: tuple[str, ...] = ()  # ledger paths that are gone or changed at the head
    voided: tuple[Sequence_, ...] = ()
    high: High | None = None
    winding: High | None = None  # the highest wind-down that was ever complete; never `high`
    falls: tuple[Fall, ...] = ()
    stops: dict[StopId, Stop] = {}  # noqa: RUF012
    releases: dict[StopId, Release] = {}  # noqa: RUF012
    floor: Instant | None = None

    @property
    def in_force(self) -> tuple[Stop, ...]:
        """Stops that nobody has released, by id."""
        return tuple(self.stops[i] for i in sorted(self.stops) if i not in self.releases)


EMPTY = Memory()


def snapshot(memory: Memory) -> bytes:
    """Canonical bytes in which the ledger stands as its digest, so they do not grow with it."""
    plain = memory.model_dump(mode="json", exclude={"ledger"})
    return canonical({**plain, "ledger": memory.ledger.digest})


def snapshot_digest(memory: Memory) -> str:
    """Names a memory in evidence."""
    return digest_bytes(snapshot(memory))


def from_snapshot(data: bytes, ledger: Callable[[str], Ledger]) -> Memory:
    """The memory of a snapshot, with the ledger of that digest. Raises ``ValueError``."""
    plain = from_json(data)
    if not isinstance(plain, dict) or not isinstance(plain.get("ledger"), str):
        text = "expected a snapshot of a memory with the digest of its ledger"
        raise ValueError(text)  # noqa: TRY004  (outside bytes)
    found = ledger(plain.pop("ledger"))
    return Memory.model_validate_json(json.dumps(plain)).model_copy(update={"ledger": found})
