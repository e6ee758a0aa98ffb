"""What trust.md, sections 3 to 7, permits on a small desk, in two pages of integers.

Written from the text and not from the code: no authority, no git, no signature, only numbers. A
permission is a number a path, 0 where there is none; more is more. What people write is taken in
its order on main, so it never matters how often anybody looked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

PATHS = ("mode", "trading", "notional", "eth")
HALTED, SHADOW, PAPER = 0, 2, 3
REDUCING, ACTIVE = 1, 2
Vector = dict[str, int]
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
NOTHING: Vector = dict.fromkeys(PATHS, 0)
THE_FOUR = frozenset({"rita", "sam", "otto", "nora", "nils"})
ROOT_HOLDERS = THE_FOUR | {"sybil"}
THRESHOLD = 3


@dataclass(frozen=True)
class Voted:
    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Rooted:
    """One version of the trust root, and who signed it."""

    number: int
    listed: frozenset[str]  # voters
    end: datetime
    signers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Asked:
    """One proposal of the model, with what was said to it."""

    authority: Vector
    base: int
    not_before: datetime
    expires: datetime
    clears: frozenset[str]
    exits: bool = False  # a wind-down: a track of its own
    votes: tuple[Voted, ...] = ()
    vetoes: frozenset[str] = frozenset()
    changed: bool = False  # its requester signed another form of it

    def heard(self, listed: Iterable[str], end: datetime) -> "Asked":
        """As a root hears it that lists these voters until its end."""
        votes = [replace(v, end=min(v.end, end)) for v in self.votes if v.person in listed]
        return replace(self, votes=tuple(votes))

    def complete(self, at: datetime) -> bool:
        people = {v.person for v in self.votes if v.start <= at < v.end}
        return bool(people & THE_FOUR) and bool(people - THE_FOUR)

    def ever_complete(self, now: datetime, limit: datetime) -> bool:
        return any(self.complete(v.start) for v in self.votes if v.start <= now and v.start < limit)

    def end(self, now: datetime) -> datetime:
        """When the votes that are there stop being a quorum, or the proposal ends."""
        begun = replace(self, votes=tuple(v for v in self.votes if v.start <= now))
        if self.complete(now):
            later = sorted(v.end for v in begun.votes if v.end > now)
            lapse = next(end for end in later if not begun.complete(end))
        else:
            past = sorted((v.end for v in self.votes if v.end <= now), reverse=True)
            lapse = next((end for end in past if self.complete(end - TICK)), self.not_before)
        return min(lapse, self.expires)


@dataclass
class Model:
    """The state of the desk as the text has it."""

    line: list[Vector]  # every state of main, oldest first
    roots: list[Rooted]  # accepted ones
    reads: list[bool] = field(default_factory=lambda: [True])  # whether each state's files read
    armed: bool = True  # the head
    gone: bool = False  # main was rewritten or deleted
    gone_reads: bool = True  # whether what stands there instead reads
    raised: set[str] = field(default_factory=set)
    reachable: set[str] = field(default_factory=set)  # of those, what main has for ever
    released: set[str] = field(default_factory=set)
    unread: list[tuple[str, int, object]] = field(default_factory=list)  # papers, in their order
    # what the host remembers
    admitted: int = 0  # index of the last admissible head
    known: dict[int, Asked] = field(default_factory=dict)
    voided: set[int] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    high: int = 0
    completed_at: datetime | None = None
    base: int = 0  # the newest base that people forgot falls up to
    unreadable_since: datetime | None = None
    events: set[str] = field(default_factory=set)  # of this cycle
    was_standing: bool = False
    was_gone: bool = False

    @property
    def readable(self) -> bool:
        return self.reads[-1]

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
        self.events = {"fact"} if self.was_gone and not self.gone else set()
        self.was_gone = self.gone
        if self.readable and not self.gone:
            self.admitted = len(self.line) - 1
            self._read(now)
        if self.gone_reads if self.gone else self.readable:
            self.events |= {"fact"} if self.unreadable_since else set()
            self.unreadable_since = None
        else:
            self.unreadable_since = self.unreadable_since or now
        if not self.gone:
            self._complete(now)
        approved = self._approved(now)
        if self.raised - self.released or approved is None or self.gone:
            return NOTHING
        found = {p: min(self.desired()[p], approved[p]) for p in PATHS}
        found = {p: min(found[p], self.fallen().get(p, found[p])) for p in PATHS}
        if self.unreadable_since is not None:
            if now >= self.unreadable_since + 5 * MINUTE:
                return NOTHING
            found["trading"] = min(found["trading"], REDUCING)
        sends = found["mode"] >= SHADOW and found["trading"] and found["notional"]
        return found if sends else NOTHING

    # --- who says what ---------------------------------------------------------------------
    def _read(self, now: datetime) -> None:
        for word, number, said in self.unread:
            it = self.known.get(number)
            if isinstance(said, Asked):
                self.known[number] = said
            elif isinstance(said, Voted) and it:
                self.known[number] = replace(it, votes=(*it.votes, said))
            elif isinstance(said, Rooted):
                if self._is_next(said):
                    self._complete(now)  # by those who were trusted until here
                    self.roots.append(said)
            elif word == "revoke" and said not in self.revoked:
                self._complete(now)
                self.revoked.add(str(said))
            elif word == "veto" and it:
                listed = self.roots[-1].listed
                if said in listed and not it.vetoes & listed and number not in self.voided:
                    self._complete(now)  # what was complete before it was complete once
                self.known[number] = replace(it, vetoes=it.vetoes | {str(said)})
            elif word == "changed" and it and not it.changed:
                self._complete(now)
                self.known[number] = replace(it, changed=True)
        self.unread = []

    def _is_next(self, root: Rooted) -> bool:
        signers = (root.signers & ROOT_HOLDERS) - self.revoked
        old = len(signers & self.roots[-1].listed) >= THRESHOLD
        new = len(signers & root.listed) >= THRESHOLD
        return root.number == self.roots[-1].number + 1 and old and new

    def _heard(self, number: int) -> Asked:
        root = self.roots[-1]
        return self.known[number].heard(root.listed - self.revoked, root.end)

    def _complete(self, now: datetime) -> None:
        root = self.roots[-1]
        for number in sorted(n for n, it in self.known.items() if n >= self.high and not it.exits):
            it = self._heard(number)
            if it.changed:
                continue
            if it.vetoes & root.listed:  # by a revoked key as well
                self.voided.add(number)
            ready = it.ever_complete(now, min(it.expires, root.end)) and now >= it.not_before
            if number == self.high or number in self.voided or it.expires > root.end or not ready:
                continue
            self.high, self.completed_at = number, now
            self.events.add("completed")
            if now < it.end(now):
                self.base = max(self.base, it.base)

    def _approved(self, now: datetime) -> Vector | None:
        it = self._heard(self.high) if self.high else None
        if not it or it.changed or self.high in self.voided or self.completed_at is None:
            self.was_standing = False
            return None
        end = min(it.end(now), self.roots[-1].end)
        standing = now < end
        self.events |= {"completed"} if standing and not self.was_standing else set()
        self.was_standing = standing
        if standing:
            if self.readable and self.armed and not self.gone and it.clears - self.released:
                self.released |= it.clears
                self.events.add("released")
            return it.authority
        if now >= end + 60 * MINUTE or end <= self.completed_at:
            return None
        return {**it.authority, "trading": min(it.authority["trading"], REDUCING)}
