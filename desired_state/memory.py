"""What the reconciler never forgets (trust.md, section 6). Pure values; a store keeps the bytes."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from desired_state.authority import Authority
from desired_state.canonical import canonical, digest_bytes, from_json
from desired_state.frozen import Frozen
from desired_state.ledger import NOTHING, Ledger
from desired_state.proposals import Sequence_
from desired_state.ratchet import Fall, merge
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
        """Stops that nobody has released, by id, each under the class that releases it."""
        standing = (self.stops[i] for i in sorted(self.stops) if i not in self.releases)
        return tuple(stop.model_copy(update={"kind": self.kind_of(stop)}) for stop in standing)

    def kind_of(self, stop: Stop) -> StopClass:
        """The class by which a stop is released: the third technical one in 24 h is of integrity.

        RELEASE-4: counted by when each was raised here, released or not.
        """
        if stop.kind is not StopClass.TECHNICAL:
            return stop.kind
        since = stop.seen_at - RECURRING
        earlier = [
            other
            for other in self.stops.values()
            if other.kind is StopClass.TECHNICAL
            and since < other.seen_at
            and (other.seen_at, other.id) < (stop.seen_at, stop.id)
        ]
        return StopClass.INTEGRITY if len(earlier) + 1 >= RECURRENCES else stop.kind

    def voiding(self, sequence: int) -> "Memory":
        """This memory with the number of one proposal that will never be judged again."""
        return self.model_copy(update={"voided": tuple(sorted({*self.voided, sequence}))})

    def with_refusals_of(self, other: "Memory") -> "Memory":
        """This memory with every refusal that the other one remembers (MEM-3)."""
        windings = [found for found in (self.winding, other.winding) if found]
        return self.model_copy(
            update={
                "revoked": {**other.revoked, **self.revoked},
                "erased": tuple(sorted({*self.erased, *other.erased})),
                "voided": tuple(sorted({*self.voided, *other.voided})),
                "winding": max(windings, key=lambda found: found.sequence, default=None),
                "falls": merge(self.falls, other.falls),
                "stops": {**other.stops, **self.stops},
            }
        )


EMPTY = Memory()
RECURRING: Final = timedelta(hours=24)  # trust.md, section 5
RECURRENCES: Final = 3


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
