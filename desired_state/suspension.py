"""A suspension: somebody narrowed on purpose, and says why and until when (trust.md, section 4).

It narrows through ``trading`` of the same file alone, which the ratchet keeps down; so resuming is
a restore, and the end named here resumes nothing: past it people are told, no more (SUSPEND-1).
"""

from datetime import datetime

from desired_state.errors import Finding, Severity, finding
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.values import Instant, Person, Text, instant_text


class Suspension(Frozen):
    """Why trading was taken down, by whom, and when somebody is to look again."""

    reason: Text
    by: Person
    until: Instant


def suspension_findings(
    suspension: Suspension | None, now: datetime
) -> tuple[tuple[Finding, ...], tuple[datetime, ...]]:
    """What to say of it at this instant, and when time alone says something else."""
    if suspension is None:
        return (), ()
    end = instant_text(suspension.until)
    told = f"by {suspension.by}, until {end}: {suspension.reason or 'no reason given'}"
    if now < suspension.until:
        shown = finding(Reason.SUSPENDED, "mode.yaml", told, severity=Severity.INFO)
        return (shown,), (suspension.until,)
    late = f"suspended {told}; that time is over and nothing resumes by itself"
    overdue = finding(Reason.SUSPENSION_OVERDUE, "mode.yaml", late, severity=Severity.WARNING)
    return (overdue,), ()
