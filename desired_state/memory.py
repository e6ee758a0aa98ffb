"""What the reconciler never forgets (trust.md, section 6). Pure values; a store keeps the bytes."""

from desired_state.authority import Authority
from desired_state.frozen import Frozen
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
    ledger: dict[str, tuple[Digest, ...]] = {}  # noqa: RUF012
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
