"""What the reconciler never forgets (trust.md, section 6). Pure values; a store keeps the bytes."""

from datetime import timedelta
from typing import Final

from desired_state.authority import Authority
from desired_state.frozen import Frozen
from desired_state.proposals import Sequence_
from desired_state.ratchet import Fall
from desired_state.values import (
    Commit,
    Digest,
    Instant,
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
    """Head, roots, votes, ``high``, falls (``low``), stops, releases and the clock floor."""

    head: Commit | None = None
    desired: Authority | None = None  # asked by the last admitted head, not yet lowered
    roots: dict[str, Digest] = {}  # noqa: RUF012  (frozen: pydantic copies it)
    ledger: dict[str, tuple[Digest, ...]] = {}  # noqa: RUF012
    voided: tuple[Sequence_, ...] = ()
    high: High | None = None
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

        STOP-11: counted by when each was raised here, released or not.
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

    def with_refusals_of(self, other: "Memory") -> "Memory":
        """This memory with every refusal that the other one remembers (MEM-3)."""
        return self.model_copy(
            update={
                "stops": {**other.stops, **self.stops},
                "voided": tuple(sorted({*self.voided, *other.voided})),
            }
        )


EMPTY = Memory()
RECURRING: Final = timedelta(hours=24)  # trust.md, section 5
RECURRENCES: Final = 3
