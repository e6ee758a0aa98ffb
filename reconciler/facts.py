"""What each fact narrows to, and why. Pure (trust.md, sections 4 and 6).

A fact that is absent counts as no. Which of them lift by themselves says lifting.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from desired_state.admission import Admission
from desired_state.authority import BOTTOM, Authority, settle
from desired_state.errors import Finding, Severity, finding
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.trust_root import Bounds, Root
from desired_state.values import (
    Access,
    Account,
    Digest,
    Environment,
    Instant,
    Mode,
    Name,
    StopId,
    Trading,
    instant_text,
)
from reconciler.lifting import GOOD_CYCLES, Fact, Held, lifts

BEAT_PERIOD: Final = timedelta(seconds=1)  # a watcher writes its heartbeat so often
UNBOUNDED: Final = Bounds(
    source_stale_after=timedelta(),
    halted_after=timedelta(),
    permit=timedelta(),
    heartbeat=timedelta(),
    end_of_approval_reducing=timedelta(),
)


class Writer(StrEnum):
    """Whether this reconciler is the one writer, by its epoch at the evidence repository."""

    SOLE = "sole"
    UNCONFIRMED = "unconfirmed"  # its epoch is not there yet
    ANOTHER = "another"  # a higher one is
    KEYLESS = "keyless"  # its key is none that the root lists, or was revoked


class Facts(Frozen):
    """What the host knows besides the repository. Absent means not known, which counts as no."""

    answered_at: Instant | None  # when the remote last answered
    unreadable_since: Instant | None = None  # since when a governed file of the head does not read
    evidence_behind_since: Instant | None = None  # since when evidence could not be pushed
    writer: Writer | None = None  # none: this one reads and writes nothing
    clock_unsure: str = ""  # why the time of this cycle is not sure
    watched_since: Instant | None = None  # since when this run counts on a watcher; none: not
    beat_at: Instant | None = None  # when the watcher's number was last seen to rise
    elsewhere_since: Instant | None = None  # since when a watcher elsewhere knows more than this
    elsewhere_stops: tuple[StopId, ...] = ()  # those of what it knows that are stops
    heartbeats: tuple[Digest, ...] = ()  # the files that say so
    held: tuple[Held, ...] = ()  # facts that narrowed and are watched
    build: Digest | None = None  # of what runs here
    accounts: dict[Name, Account] = {}  # noqa: RUF012  (as venues report them: absent is unasked)
    rehearsed: tuple[Name, ...] = ()  # venues whose place a local exchange takes on this host
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How far one fact lets trading go, what to say, and when time alone changes it."""

    trading: Trading
    findings: tuple[Finding, ...] = ()
    changes: tuple[datetime, ...] = ()


def narrowings(
    admission: Admission, approved: Authority | None, facts: Facts, now: datetime
) -> tuple[Narrowing, ...]:
    """All of them, for this approval."""
    return (
        *_facts(admission, facts, now).values(),
        _held(admission, facts, now),
        _writer(facts),
        _clock(facts),
        _suspension(facts),
        _running(approved, facts),
        _rehearsal(admission.root, approved, facts),
    )


def levels(admission: Admission, facts: Facts, now: datetime) -> dict[Fact, Trading]:
    """What each fact that lifts by itself says at this instant."""
    return {fact: said.trading for fact, said in _facts(admission, facts, now).items()}


def _facts(admission: Admission, facts: Facts, now: datetime) -> dict[Fact, Narrowing]:
    bounds = admission.root.bounds if admission.root else UNBOUNDED
    source, elsewhere = _source(facts, bounds, now), _elsewhere(facts, bounds, now)
    return {
        Fact.SOURCE: Narrowing(
            min(source.trading, elsewhere.trading),
            (*source.findings, *elsewhere.findings),
            (*source.changes, *elsewhere.changes),
        ),
        Fact.READABLE: _unreadable(admission, facts, bounds, now),
        Fact.EVIDENCE: _evidence(facts, bounds, now),
        Fact.HEARTBEAT: _heartbeat(facts, bounds, now),
    }


def _held(admission: Admission, facts: Facts, now: datetime) -> Narrowing:
    """FACT-1: what a fact narrowed to stays until three good cycles in a row."""
    said = levels(admission, facts, now)
    held = [
        item for item in facts.held if not lifts(item, said[item.fact], admitted=admission.admitted)
    ]
    trading = min((item.trading for item in held), default=Trading.ACTIVE)
    found = tuple(
        finding(
            Reason.LIFTING,
            item.fact,
            f"{item.trading} until {GOOD_CYCLES} good cycles in a row, {item.good} so far",
            severity=Severity.WARNING,
        )
        for item in held
    )
    return Narrowing(trading, found)


def _elsewhere(facts: Facts, bounds: Bounds, now: datetime) -> Narrowing:
    """BEAT-4: a watcher elsewhere knows a stop or a head that the remote does not show here."""
    since = facts.elsewhere_since
    if since is None:
        return Narrowing(Trading.ACTIVE)
    over = since + bounds.halted_after
    what = ", ".join(facts.elsewhere_stops) or "a newer head"
    text = f"a watcher elsewhere knows {what}; the remote does not show it here"
    found = (finding(Reason.SOURCE_STALE, "main", text),)
    if facts.elsewhere_stops or now >= over:
        return Narrowing(Trading.HALTED, found)
    return Narrowing(Trading.REDUCING, found, (over,))


def _heartbeat(facts: Facts, bounds: Bounds, now: datetime) -> Narrowing:
    """BEAT-3: reducing where the watcher is silent beyond the bound and its period; then halted."""
    since = facts.beat_at or facts.watched_since
    if facts.watched_since is None or since is None:
        return Narrowing(Trading.ACTIVE)
    late, over = since + bounds.heartbeat + BEAT_PERIOD, since + bounds.halted_after
    found = (finding(Reason.HEARTBEAT_MISSING, "watcher", f"silent since {instant_text(since)}"),)
    if now >= over:
        return Narrowing(Trading.HALTED, found)
    if now >= late:
        return Narrowing(Trading.REDUCING, found, (over,))
    return Narrowing(Trading.ACTIVE, (), (late,))


def _source(facts: Facts, bounds: Bounds, now: datetime) -> Narrowing:
    """Step 8: how long the remote has not answered."""
    return _by_age(facts.answered_at, bounds, now, Reason.SOURCE_STALE, "main")


def _by_age(
    since: datetime | None, bounds: Bounds, now: datetime, code: Reason, subject: str
) -> Narrowing:
    if since is None:
        return Narrowing(Trading.HALTED, (finding(code, subject, "it never answered"),))
    stale, over = since + bounds.source_stale_after, since + bounds.halted_after
    text = f"no answer since {instant_text(since)}"
    if now >= over:
        return Narrowing(Trading.HALTED, (finding(code, subject, text),))
    if now >= stale:
        return Narrowing(Trading.REDUCING, (finding(code, subject, text),), (over,))
    return Narrowing(Trading.ACTIVE, (), (stale,))


def _unreadable(admission: Admission, facts: Facts, bounds: Bounds, now: datetime) -> Narrowing:
    """A governed file of the head that does not read: reducing, and halted after the bound."""
    if not admission.unreadable:
        return Narrowing(Trading.ACTIVE)
    over = (facts.unreadable_since or now) + bounds.halted_after
    if now >= over:
        return Narrowing(Trading.HALTED)
    return Narrowing(Trading.REDUCING, (), (over,))


def _evidence(facts: Facts, bounds: Bounds, now: datetime) -> Narrowing:
    """No evidence, no action: past the bound nothing is permitted (evidence.md)."""
    since = facts.evidence_behind_since
    if since is None:
        return Narrowing(Trading.ACTIVE)
    over = since + bounds.source_stale_after
    if now < over:
        return Narrowing(Trading.ACTIVE, (), (over,))
    text = f"not pushed since {instant_text(since)}"
    return Narrowing(
        Trading.HALTED, (finding(Reason.EVIDENCE_UNWRITABLE, "evidence repository", text),)
    )


def _clock(facts: Facts) -> Narrowing:
    """CLOCK-2: no stop, nothing remembered; it lifts when the clock is right again."""
    if not facts.clock_unsure:
        return Narrowing(Trading.ACTIVE)
    unsure = finding(Reason.CLOCK_UNSURE, "wall clock", facts.clock_unsure)
    return Narrowing(Trading.HALTED, (unsure,))


def _writer(facts: Facts) -> Narrowing:
    """EPOCH-1, EPOCH-2: nothing before the epoch was pushed, and nothing after a higher one was."""
    if facts.writer in {None, Writer.SOLE}:
        return Narrowing(Trading.ACTIVE)
    subject = "evidence repository"
    if facts.writer is Writer.KEYLESS:
        text = "the key that signs the log's heads is not listed in the trust root, or was revoked"
        return Narrowing(Trading.HALTED, (finding(Reason.EVIDENCE_KEY, subject, text),))
    if facts.writer is Writer.ANOTHER:
        text = "another writer has pushed there since"
        return Narrowing(Trading.HALTED, (finding(Reason.ANOTHER_WRITER, subject, text),))
    text = "this start's epoch was not pushed yet"
    return Narrowing(Trading.HALTED, (finding(Reason.EVIDENCE_UNWRITABLE, subject, text),))


def _suspension(facts: Facts) -> Narrowing:
    if not facts.suspended:
        return Narrowing(Trading.ACTIVE)
    return Narrowing(Trading.REDUCING, (finding(Reason.SUSPENDED, "reconciler"),))


def _running(approved: Authority | None, facts: Facts) -> Narrowing:
    """GATE-3: what runs is what people named, from testnet up; asked of what stands approved.

    Not of what is permitted: then lowering ``mode`` would permit more. A build that is not known is
    another one. An account is known once its venue was asked, and L5 refuses every order till then.
    """
    settled = settle(approved) if approved else BOTTOM
    if settled.mode < Mode.TESTNET:
        return Narrowing(Trading.ACTIVE)
    found = []
    if facts.build != settled.build:
        text = f"expected {settled.build} as approved, found {facts.build or 'none'}"
        found.append(finding(Reason.BUILD_UNAPPROVED, "build", text))
    for venue, name in sorted(facts.accounts.items()):
        expected = settled.accounts.get(venue)
        if expected is not None and name != expected:
            text = f"expected {expected} as approved, found {name}"
            found.append(finding(Reason.ACCOUNT_UNAPPROVED, venue, text))
    return Narrowing(Trading.HALTED if found else Trading.ACTIVE, tuple(found))


def _rehearsal(root: Root | None, approved: Authority | None, facts: Facts) -> Narrowing:
    """REHEARSAL-2: above paper a rehearsal knows local exchanges alone, and production none.

    Asked of what stands approved, as GATE-3 is, so that asking for less never permits more.
    """
    settled = settle(approved) if approved else BOTTOM
    if root is None or settled.mode < Mode.TESTNET:
        return Narrowing(Trading.ACTIVE)
    entries = settled.symbols.values()
    named = {entry.venue for entry in entries if entry.access is not Access.NONE}
    local = named & set(facts.rehearsed)
    rehearsal = root.environment is Environment.REHEARSAL
    wrong = (named - local) if rehearsal else local
    words = "a local exchange" if rehearsal else "the venue itself"
    found = tuple(
        finding(
            Reason.REHEARSAL_VENUE, venue, f"expected {words} to be wired in a {root.environment}"
        )
        for venue in sorted(wrong)
    )
    return Narrowing(Trading.HALTED if found else Trading.ACTIVE, found)
