"""What ends soon: the root, the approval that stands, each person's keys, said well before.

Said 30, 14, 7 and 1 days before an end (trust.md, section 3); a day that lies before the beginning
of what ends says nothing, so a week's approval is not announced on its first day (EXPIRY-1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from desired_state.errors import Finding, Severity, finding
from desired_state.proposals import proposal_path
from desired_state.reasons import Reason
from desired_state.standing import Approval
from desired_state.trust_root import Root
from desired_state.values import instant_text

ANNOUNCED: Final = (  # days before the end, and how loudly
    (30, Severity.INFO),
    (14, Severity.INFO),
    (7, Severity.WARNING),
    (1, Severity.WARNING),
)


@dataclass(frozen=True, slots=True)
class _Ending:
    subject: str
    what: str
    start: datetime
    end: datetime


def announcements(
    root: Root | None, approval: Approval | None, now: datetime
) -> tuple[tuple[Finding, ...], tuple[datetime, ...]]:
    """What to say at this instant, and every later instant at which more is said."""
    found: list[Finding] = []
    changes: list[datetime] = []
    for ending in _endings(root, approval):
        said = _announced(ending, now)
        if said:
            found.append(said)
        changes += [at for at, _ in _days(ending) if at > now]
    return tuple(found), tuple(changes)


def _endings(root: Root | None, approval: Approval | None) -> Iterable[_Ending]:
    if root is not None:
        yield _Ending("trust root", f"trust root {root.version}", root.issued, root.expires)
        for key_id, key in sorted(root.keys.items(), key=lambda item: (item[1].person, item[0])):
            what = f"key {key_id} of {key.person}"
            yield _Ending(f"key of {key.person}", what, key.valid_from, key.valid_until)
    if approval is not None and approval.standing:
        number = approval.proposal.sequence
        what, start = f"the approval of proposal {number}", approval.proposal.starts
        yield _Ending(proposal_path(number), what, start, approval.until)


def _days(ending: _Ending) -> Iterable[tuple[datetime, tuple[int, Severity]]]:
    for days, severity in ANNOUNCED:
        at = ending.end - timedelta(days=days)
        if at > ending.start:
            yield at, (days, severity)


def _announced(ending: _Ending, now: datetime) -> Finding | None:
    """The nearest day that has come. No countdown: what is said changes on those days alone."""
    past = [said for at, said in _days(ending) if at <= now < ending.end]
    if not past:
        return None
    days, severity = min(past)
    unit = "day" if days == 1 else "days"
    text = f"{ending.what} ends at {instant_text(ending.end)}, in {days} {unit} or less"
    return finding(Reason.EXPIRES_SOON, ending.subject, text, severity=severity)
