"""What trust.md, sections 4 to 7, permits on a small desk, in a page of integers.

Written from the text and not from the code: no authority, no git, no signature, only numbers. A
permission is a number a path, 0 where there is none; more is more.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

PATHS = ("mode", "trading", "notional", "eth")
HALTED, SHADOW, PAPER = 0, 2, 3
REDUCING, ACTIVE = 1, 2
Vector = dict[str, int]
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
NOTHING: Vector = dict.fromkeys(PATHS, 0)
THE_FOUR = {"rita", "sam", "otto"}


@dataclass
class Voted:
    person: str
    start: datetime
    end: datetime


@dataclass
class Asked:
    """One proposal of the model."""

    authority: Vector
    base: int
    not_before: datetime
    expires: datetime
    clears: frozenset[str]
    votes: list[Voted] = field(default_factory=list)
    vetoed: bool = False

    def complete(self, at: datetime, votes: list[Voted] | None = None) -> bool:
        cast = self.votes if votes is None else votes
        people = {v.person for v in cast if v.start <= at < v.end}
        return bool(people & THE_FOUR) and bool(people - THE_FOUR)

    def ever_complete(self, now: datetime) -> bool:
        starts = [v.start for v in self.votes if v.start <= now and v.start < self.expires]
        return any(self.complete(start) for start in starts)

    def end(self, now: datetime) -> datetime:
        """When the votes that are there stop being a quorum, or the proposal ends."""
        begun = [v for v in self.votes if v.start <= now]
        if self.complete(now):
            later = sorted(v.end for v in begun if v.end > now)
            lapse = next(end for end in later if not self.complete(end, begun))
        else:
            past = sorted((v.end for v in self.votes if v.end <= now), reverse=True)
            lapse = next((end for end in past if self.complete(end - TICK)), self.not_before)
        return min(lapse, self.expires)


@dataclass
class Model:
    """The state of the desk as the text has it."""

    line: list[Vector] = field(default_factory=list)  # every state of main, oldest first
    readable: bool = True  # the head
    armed: bool = True  # the head
    proposals: dict[int, Asked] = field(default_factory=dict)
    raised: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    # what the host remembers
    admitted: int = 0  # index of the last admissible head
    known: dict[int, Asked] = field(default_factory=dict)
    high: int = 0
    completed_at: datetime | None = None
    base: int = 0  # the newest base that people forgot falls up to
    unreadable_since: datetime | None = None
    events: set[str] = field(default_factory=set)  # of this cycle
    was_standing: bool = False
    was_readable: bool = True

    def fallen(self) -> Vector:
        """By path the least value fallen to since the base; only paths that fell."""
        found: Vector = {}
        since = self.line[self.base :]
        for path in PATHS:
            for i, later in enumerate(since):
                if any(later[path] < earlier[path] for earlier in since[:i]):
                    found[path] = min(found.get(path, later[path]), later[path])
        return found

    def desired(self) -> Vector:
        head, last = self.line[-1], self.line[self.admitted]
        return head if self.readable else {p: min(head[p], last[p]) for p in PATHS}

    def cycle(self, now: datetime) -> Vector:
        """One look; what is permitted after it."""
        self.events = set()
        if self.readable:
            self.admitted = len(self.line) - 1
            self.known = dict(self.proposals)
            self.unreadable_since = None
            if not self.was_readable:
                self.events.add("fact")
        else:
            self.unreadable_since = self.unreadable_since or now
        self.was_readable = self.readable
        self._complete(now)
        approved = self._approved(now)
        if self.raised - self.released or approved is None:
            return NOTHING
        found = {p: min(self.desired()[p], approved[p]) for p in PATHS}
        found = {p: min(found[p], self.fallen().get(p, found[p])) for p in PATHS}
        if self.unreadable_since is not None:
            if now >= self.unreadable_since + 5 * MINUTE:
                return NOTHING
            found["trading"] = min(found["trading"], REDUCING)
        sends = found["mode"] >= SHADOW and found["trading"] and found["notional"]
        return found if sends else NOTHING

    def _complete(self, now: datetime) -> None:
        for number in sorted(self.known):
            it = self.known[number]
            ready = it.ever_complete(now) and now >= it.not_before
            if number <= self.high or it.vetoed or not ready:
                continue
            self.high, self.completed_at = number, now
            self.events.add("completed")
            if now < it.end(now):
                self.base = max(self.base, it.base)

    def _approved(self, now: datetime) -> Vector | None:
        it = self.known.get(self.high)
        standing = bool(it) and not it.vetoed and now < it.end(now)  # type: ignore[union-attr]
        if standing and not self.was_standing:
            self.events.add("completed")
        self.was_standing = standing
        if it is None or it.vetoed or self.completed_at is None:
            return None
        if standing:
            if self.readable and self.armed and it.clears - self.released:
                self.released |= it.clears
                self.events.add("released")
            return it.authority
        end = it.end(now)
        if now >= end + 60 * MINUTE or end <= self.completed_at:
            return None
        return {**it.authority, "trading": min(it.authority["trading"], REDUCING)}
