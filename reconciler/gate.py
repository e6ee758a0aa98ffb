"""The gate: from what was admitted, facts and the time to what is permitted. Pure (trust.md, 4).

    permitted = meet(desired, approved, low), narrowed by stops and by facts

Adding a problem, a stop or a missing fact can only make the result tighter (GATE-1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from desired_state.admission import Admission
from desired_state.authority import (
    BOTTOM,
    Authority,
    differences,
    meet,
    parse_point,
    points,
    settle,
    tighter,
)
from desired_state.errors import Finding, Severity, finding
from desired_state.frozen import Frozen
from desired_state.memory import Stop
from desired_state.proposals import proposal_path
from desired_state.ratchet import lower
from desired_state.reasons import HALTED, Reason
from desired_state.stops import LOST, loss_code
from desired_state.trust_root import Bounds, Root
from desired_state.values import (
    Account,
    Commit,
    Digest,
    Instant,
    Mode,
    Name,
    StopId,
    Switch,
    Trading,
    instant_text,
)
from reconciler.lifting import GOOD_CYCLES, Fact, Held, lifts

SEMANTICS: Final = 2  # raised when the same inputs may give another verdict (evidence.md)
BEAT_PERIOD: Final = timedelta(seconds=1)  # a watcher writes its heartbeat so often
_VALIDITY: Final = frozenset({"not_before", "expires"})
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
    suspended: bool = False


class Verdict(Frozen):
    """What is permitted, why not more, and until when time alone cannot change it."""

    now: Instant
    revision: Commit | None
    admitted: bool
    desired: Authority | None
    approved: Authority | None
    permitted: Authority
    switch: Switch
    stops: tuple[Stop, ...]  # in force
    sequence: int | None  # of the approval that grants it
    people: tuple[str, ...]
    configuration: Digest | None  # the approved one, which is what runs
    findings: tuple[Finding, ...]
    valid_until: Instant | None
    wind_down: Authority | None = None  # people's own orders alone: it permits the machine nothing
    semantics: int = SEMANTICS

    @property
    def as_asked(self) -> bool:
        """Whether everything asked for is permitted and nothing is wrong."""
        errors = any(f.severity is Severity.ERROR for f in self.findings)
        if self.desired is None or not self.admitted or errors:
            return False
        asked, held = points(settle(self.desired)), points(self.permitted)
        return all(
            path in held and not tighter(path, held[path], wanted)
            for path, wanted in asked.items()
            if path not in _VALIDITY
        )


@dataclass(frozen=True, slots=True)
class _Narrowing:
    trading: Trading
    findings: tuple[Finding, ...] = ()
    changes: tuple[datetime, ...] = ()


def judge(admission: Admission, facts: Facts, now: datetime) -> Verdict:
    """The verdict of this instant."""
    approval = admission.approval
    approved = approval.authority if approval else None
    stops = admission.memory.in_force
    narrowings = [
        *_facts(admission, facts, now).values(),
        _held(admission, facts, now),
        _writer(facts),
        _clock(facts),
        _suspension(facts),
        _refusals(admission),
        _running(approved, facts),
    ]
    trading = min(n.trading for n in narrowings)
    permitted = BOTTOM
    if admission.desired and approved and trading is not Trading.HALTED and not stops:
        permitted = lower(meet(admission.desired, approved), admission.memory.falls)
        permitted = meet(permitted, _capped(permitted, trading))
    found = [*admission.findings, *(f for n in narrowings for f in n.findings)]
    found += _stop_findings(stops)
    found += _shortfalls(admission, approved)
    changes = [*admission.changes, *(t for n in narrowings for t in n.changes)]
    return Verdict(
        now=now,
        revision=admission.revision,
        admitted=admission.admitted,
        desired=admission.desired,
        approved=approved,
        permitted=permitted,
        switch=switch_of(stops),
        stops=stops,
        sequence=approval.proposal.sequence if approval else None,
        people=approval.people if approval else (),
        configuration=approval.proposal.configuration if approval else None,
        findings=tuple(dict.fromkeys(found)),
        valid_until=min((t for t in changes if t > now), default=None),
        wind_down=admission.wind_down,
    )


def levels(admission: Admission, facts: Facts, now: datetime) -> dict[Fact, Trading]:
    """What each fact that lifts by itself says at this instant."""
    return {fact: said.trading for fact, said in _facts(admission, facts, now).items()}


def _facts(admission: Admission, facts: Facts, now: datetime) -> dict[Fact, _Narrowing]:
    bounds = admission.root.bounds if admission.root else UNBOUNDED
    source, elsewhere = _source(facts, bounds, now), _elsewhere(facts, bounds, now)
    return {
        Fact.SOURCE: _Narrowing(
            min(source.trading, elsewhere.trading),
            (*source.findings, *elsewhere.findings),
            (*source.changes, *elsewhere.changes),
        ),
        Fact.READABLE: _unreadable(admission, facts, bounds, now),
        Fact.EVIDENCE: _evidence(facts, bounds, now),
        Fact.HEARTBEAT: _heartbeat(facts, bounds, now),
    }


def _held(admission: Admission, facts: Facts, now: datetime) -> _Narrowing:
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
    return _Narrowing(trading, found)


def _elsewhere(facts: Facts, bounds: Bounds, now: datetime) -> _Narrowing:
    """BEAT-4: a watcher elsewhere knows a stop or a head that the remote does not show here."""
    since = facts.elsewhere_since
    if since is None:
        return _Narrowing(Trading.ACTIVE)
    over = since + bounds.halted_after
    what = ", ".join(facts.elsewhere_stops) or "a newer head"
    text = f"a watcher elsewhere knows {what}; the remote does not show it here"
    found = (finding(Reason.SOURCE_STALE, "main", text),)
    if facts.elsewhere_stops or now >= over:
        return _Narrowing(Trading.HALTED, found)
    return _Narrowing(Trading.REDUCING, found, (over,))


def _heartbeat(facts: Facts, bounds: Bounds, now: datetime) -> _Narrowing:
    """BEAT-3: reducing where the watcher is silent beyond the bound and its period; then halted."""
    since = facts.beat_at or facts.watched_since
    if facts.watched_since is None or since is None:
        return _Narrowing(Trading.ACTIVE)
    late, over = since + bounds.heartbeat + BEAT_PERIOD, since + bounds.halted_after
    found = (finding(Reason.HEARTBEAT_MISSING, "watcher", f"silent since {instant_text(since)}"),)
    if now >= over:
        return _Narrowing(Trading.HALTED, found)
    if now >= late:
        return _Narrowing(Trading.REDUCING, found, (over,))
    return _Narrowing(Trading.ACTIVE, (), (late,))


def _capped(authority: Authority, trading: Trading) -> Authority:
    return authority.model_copy(update={"trading": min(authority.trading, trading)})


def _source(facts: Facts, bounds: Bounds, now: datetime) -> _Narrowing:
    """Step 8: how long the remote has not answered."""
    return _by_age(facts.answered_at, bounds, now, Reason.SOURCE_STALE, "main")


def _by_age(
    since: datetime | None, bounds: Bounds, now: datetime, code: Reason, subject: str
) -> _Narrowing:
    if since is None:
        return _Narrowing(Trading.HALTED, (finding(code, subject, "it never answered"),))
    stale, over = since + bounds.source_stale_after, since + bounds.halted_after
    text = f"no answer since {instant_text(since)}"
    if now >= over:
        return _Narrowing(Trading.HALTED, (finding(code, subject, text),))
    if now >= stale:
        return _Narrowing(Trading.REDUCING, (finding(code, subject, text),), (over,))
    return _Narrowing(Trading.ACTIVE, (), (stale,))


def _unreadable(admission: Admission, facts: Facts, bounds: Bounds, now: datetime) -> _Narrowing:
    """A governed file of the head that does not read: reducing, and halted after the bound."""
    if not admission.unreadable:
        return _Narrowing(Trading.ACTIVE)
    over = (facts.unreadable_since or now) + bounds.halted_after
    if now >= over:
        return _Narrowing(Trading.HALTED)
    return _Narrowing(Trading.REDUCING, (), (over,))


def _evidence(facts: Facts, bounds: Bounds, now: datetime) -> _Narrowing:
    """No evidence, no action: past the bound nothing is permitted (evidence.md)."""
    since = facts.evidence_behind_since
    if since is None:
        return _Narrowing(Trading.ACTIVE)
    over = since + bounds.source_stale_after
    if now < over:
        return _Narrowing(Trading.ACTIVE, (), (over,))
    text = f"not pushed since {instant_text(since)}"
    return _Narrowing(
        Trading.HALTED, (finding(Reason.EVIDENCE_UNWRITABLE, "evidence repository", text),)
    )


def _clock(facts: Facts) -> _Narrowing:
    """CLOCK-2: no stop, nothing remembered; it lifts when the clock is right again."""
    if not facts.clock_unsure:
        return _Narrowing(Trading.ACTIVE)
    unsure = finding(Reason.CLOCK_UNSURE, "wall clock", facts.clock_unsure)
    return _Narrowing(Trading.HALTED, (unsure,))


def _writer(facts: Facts) -> _Narrowing:
    """EPOCH-1, EPOCH-2: nothing before the epoch was pushed, and nothing after a higher one was."""
    if facts.writer in {None, Writer.SOLE}:
        return _Narrowing(Trading.ACTIVE)
    subject = "evidence repository"
    if facts.writer is Writer.ANOTHER:
        text = "another writer has pushed there since"
        return _Narrowing(Trading.HALTED, (finding(Reason.ANOTHER_WRITER, subject, text),))
    text = "this start's epoch was not pushed yet"
    return _Narrowing(Trading.HALTED, (finding(Reason.EVIDENCE_UNWRITABLE, subject, text),))


def _suspension(facts: Facts) -> _Narrowing:
    if not facts.suspended:
        return _Narrowing(Trading.ACTIVE)
    return _Narrowing(Trading.REDUCING, (finding(Reason.SUSPENDED, "reconciler"),))


def _running(approved: Authority | None, facts: Facts) -> _Narrowing:
    """GATE-3: what runs is what people named, from testnet up; asked of what stands approved.

    Not of what is permitted: then lowering ``mode`` would permit more. A build that is not known is
    another one. An account is known once its venue was asked, and L5 refuses every order till then.
    """
    settled = settle(approved) if approved else BOTTOM
    if settled.mode < Mode.TESTNET:
        return _Narrowing(Trading.ACTIVE)
    found = []
    if facts.build != settled.build:
        text = f"expected {settled.build} as approved, found {facts.build or 'none'}"
        found.append(finding(Reason.BUILD_UNAPPROVED, "build", text))
    for venue, name in sorted(facts.accounts.items()):
        expected = settled.accounts.get(venue)
        if expected is not None and name != expected:
            text = f"expected {expected} as approved, found {name}"
            found.append(finding(Reason.ACCOUNT_UNAPPROVED, venue, text))
    return _Narrowing(Trading.HALTED if found else Trading.ACTIVE, tuple(found))


def _refusals(admission: Admission) -> _Narrowing:
    """Codes whose own explanation says that nothing is permitted afterwards."""
    halting = any(
        f.severity is Severity.ERROR and f.code.explanation.afterwards == HALTED
        for f in admission.findings
    )
    return _Narrowing(Trading.HALTED if halting or admission.root is None else Trading.ACTIVE)


def switch_of(stops: Iterable[Stop]) -> Switch:
    """What the stops in force say of the switch; engaged and unreadable are two things."""
    states = {stop.switch for stop in stops}
    if not states:
        return Switch.ARMED
    return Switch.ENGAGED if Switch.ENGAGED in states else Switch.UNREADABLE


def _stop_findings(stops: Iterable[Stop]) -> Iterable[Finding]:
    for stop in stops:
        unreadable = stop.switch is Switch.UNREADABLE
        code = Reason.KILL_UNREADABLE if unreadable else Reason.KILL_ENGAGED
        text = f"{stop.reason or 'no reason given'} ({stop.kind}, by {stop.by or 'unknown'})"
        yield finding(code, stop.id, text)
        if stop.id.startswith(LOST):  # MEM-2: for as long as nobody released it
            yield finding(loss_code(stop), "memory", stop.reason)


def _shortfalls(admission: Admission, approved: Authority | None) -> Iterable[Finding]:
    """What is asked for and not granted, path by path, and who could grant it."""
    desired, root = admission.desired, admission.root
    if desired is None:
        return
    asked = points(settle(desired))
    granted = points(approved) if approved else {}
    gate = desired.mode.value
    needs = f"needs gate {gate}: {_signers(root, gate)}; not signed"
    if asked and approved is None:
        text = f"mode {gate} is asked for, nothing stands approved; {needs}"
        yield finding(Reason.NOT_APPROVED, "authority", text, severity=Severity.WARNING)
    for path, wanted, held in differences(settle(desired), approved or BOTTOM):
        looser = path not in granted or tighter(path, granted[path], asked.get(path, granted[path]))
        if approved is None or path in _VALIDITY or path not in asked or not looser:
            continue
        text = f"asked {wanted}, approved {held}; {needs}"
        yield finding(Reason.NOT_APPROVED, path, text, severity=Severity.WARNING)
    restore = _signers(root, "restore")
    for fall in admission.memory.falls:
        if fall.path not in asked:
            continue
        if fall.value and not tighter(
            fall.path, parse_point(fall.path, fall.value), asked[fall.path]
        ):
            continue  # what is asked is no more than what it fell to
        text = (
            f"fell to {fall.value or 'nothing'} at main@sha1:{fall.revision};"
            f" needs gate restore: {restore}; not signed"
        )
        yield finding(Reason.FALLEN, fall.path, text, severity=Severity.INFO)
    approval = admission.approval
    if approval and admission.configuration not in {None, approval.proposal.configuration}:
        text = f"the head has {admission.configuration}, {approval.proposal.configuration} runs"
        subject = proposal_path(approval.proposal.sequence)
        yield finding(Reason.CONFIGURATION_UNAPPROVED, subject, text, severity=Severity.WARNING)


def _signers(root: Root | None, gate: str) -> str:
    rule = root.gates.get(gate) if root else None
    if rule is None:
        return "no such gate in the trust root"
    return " and ".join(slot.words for slot in rule.all_of)
