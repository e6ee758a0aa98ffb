"""The one writer of conditions (style.md, rule 15). Runs on every path out of a cycle."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from desired_state.errors import Finding
from desired_state.reasons import Reason
from desired_state.values import Mode
from reconciler.conditions import Condition, Kind, Status, narrows, severe
from reconciler.gate import Verdict
from reconciler.plan import UNKNOWN, Actual

_SOURCE: Final = frozenset(
    code
    for code in Reason
    if code.startswith(("TREE_", "ROOT_", "STATE_", "HEAD_", "GATE_U"))
    or code in {Reason.SHALLOW, Reason.INTERNAL, Reason.CLOCK_UNSURE, Reason.MEMORY_UNREADABLE}
)
_APPROVED: Final = frozenset(
    {
        Reason.NOT_APPROVED,
        Reason.PROPOSAL_EXPIRED,
        Reason.BUILD_UNAPPROVED,
        Reason.ACCOUNT_UNAPPROVED,
        Reason.REHEARSAL_VENUE,
        Reason.CONFIGURATION_LOST,
    }
)
_FRESH: Final = frozenset({Reason.SOURCE_STALE, Reason.FETCH})
_ARMED: Final = frozenset({Reason.HEARTBEAT_MISSING})
_EVIDENCE: Final = frozenset(
    {Reason.JOURNAL, Reason.EVIDENCE_UNWRITABLE, Reason.ANOTHER_WRITER, Reason.EVIDENCE_KEY}
)
_VENUE: Final = frozenset({Reason.RECON_DIFF, Reason.FOREIGN_ORDER, Reason.VENUE_NOT_CLEAN})

Told = tuple[Status, Reason, str]
_GOOD: Final[Told] = (Status.TRUE, Reason.SUCCEEDED, "")


def summarize(
    verdict: Verdict,
    actual: Actual | None,
    findings: tuple[Finding, ...],
    last: Mapping[Kind, Condition],
    heartbeat_ms: int,
) -> tuple[Condition, ...]:
    """All eight conditions; ``since`` moves only when the status does."""
    told: dict[Kind, Told] = {
        Kind.SOURCE_VERIFIED: _source(verdict, findings),
        Kind.APPROVED: _approved(verdict),
        Kind.FRESH: _by(findings, _FRESH),
        Kind.KILL_SWITCH_ARMED: _armed(verdict, actual, heartbeat_ms),
        Kind.LAYERS_HEALTHY: _layers(actual),
        Kind.VENUE_RECONCILED: _venues(actual, findings),
        Kind.EVIDENCE_WRITABLE: _evidence(actual, findings),
    }
    worst = next((t for t in told.values() if t[0] is Status.FALSE), None) or _narrowed(findings)
    worst = worst or next((t for t in told.values() if t[0] is Status.UNKNOWN), _GOOD)
    ready = worst if worst[0] is Status.TRUE else (Status.FALSE, worst[1], worst[2])
    told[Kind.READY] = ready
    return tuple(
        _condition(kind, told[kind], verdict, last.get(kind), verdict.now) for kind in Kind
    )


def _condition(
    kind: Kind, told: Told, verdict: Verdict, last: Condition | None, now: datetime
) -> Condition:
    status, reason, message = told
    return Condition(
        kind=kind,
        status=status,
        reason=reason,
        message=message[:1000],
        observed_revision=verdict.revision,
        since=last.since if last and last.status is status else now,
    )


def _narrowed(findings: tuple[Finding, ...]) -> Told | None:
    """GATE-4: nothing that narrows is silent, whichever condition it belongs to."""
    found = next(filter(narrows, findings), None)
    return (Status.FALSE, found.code, f"{found.subject}: {found.message}") if found else None


def _by(findings: tuple[Finding, ...], codes: frozenset[Reason]) -> Told:
    found = severe(findings, codes)
    return (Status.FALSE, found.code, f"{found.subject}: {found.message}") if found else _GOOD


def _source(verdict: Verdict, findings: tuple[Finding, ...]) -> Told:
    told = _by(findings, _SOURCE)
    if told[0] is Status.FALSE or verdict.admitted:
        return told
    return (Status.UNKNOWN, Reason.FETCH, "no head was read")


def _approved(verdict: Verdict) -> Told:
    if verdict.approved is None:
        asks = verdict.desired is not None and verdict.desired.mode > Mode.HALTED
        if asks or verdict.desired is None:
            return (Status.FALSE, Reason.NOT_APPROVED, "nothing stands approved")
        return (Status.TRUE, Reason.SUCCEEDED, "nothing is asked for")
    return _by(verdict.findings, _APPROVED)


def _armed(verdict: Verdict, actual: Actual | None, heartbeat_ms: int) -> Told:
    if verdict.stops:
        stop = verdict.stops[0]
        return (Status.FALSE, Reason.KILL_ENGAGED, f"{stop.id}: {stop.reason}")
    if actual is None or actual.token_age_ms is None or actual.token_age_ms > heartbeat_ms:
        return (Status.UNKNOWN, Reason.HEARTBEAT_MISSING, "no fresh token: is the watcher running?")
    return _by(verdict.findings, _ARMED)


def _layers(actual: Actual | None) -> Told:
    if actual is None:
        return (Status.UNKNOWN, Reason.INTERNAL, "not observed")
    session = f"session {actual.session}" if actual.session else "no session is running"
    return (Status.TRUE, Reason.SUCCEEDED, session)


def _venues(actual: Actual | None, findings: tuple[Finding, ...]) -> Told:
    views = actual.venues if actual else ()
    silent = [view.venue for view in views if view.open_orders is None]
    if UNKNOWN in silent:  # STOP-12
        told = "which venues the chain before this host opened is not known here"
        return (Status.UNKNOWN, Reason.VENUES_UNKNOWN, told)
    if actual is None or silent:
        told = f"{', '.join(silent) or 'a venue'} cannot tell its open orders"
        return (Status.UNKNOWN, Reason.VENUE_UNREACHABLE, told)
    return _by(findings, _VENUE)


def _evidence(actual: Actual | None, findings: tuple[Finding, ...]) -> Told:
    told = _by(findings, _EVIDENCE)
    if told[0] is Status.TRUE and (actual is None or actual.journal_head is None):
        return (Status.UNKNOWN, Reason.EVIDENCE_UNWRITABLE, "the journal is not open here")
    return told
