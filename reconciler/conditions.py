"""Conditions: what stands, in eight words, all positive: true is good (design.md, words)."""

from enum import StrEnum
from typing import Final

from desired_state.errors import Finding, Severity
from desired_state.frozen import Frozen
from desired_state.reasons import NOTHING_DONE, REFUSED, UNCHANGED, Reason
from desired_state.values import Commit, Instant, Text

_LEAVES_BE: Final = frozenset({UNCHANGED, REFUSED, NOTHING_DONE})


class Kind(StrEnum):
    """The conditions there are; ``Ready`` is all the others."""

    SOURCE_VERIFIED = "SourceVerified"
    APPROVED = "Approved"
    FRESH = "Fresh"
    KILL_SWITCH_ARMED = "KillSwitchArmed"
    LAYERS_HEALTHY = "LayersHealthy"
    VENUE_RECONCILED = "VenueReconciled"
    EVIDENCE_WRITABLE = "EvidenceWritable"
    READY = "Ready"


class Status(StrEnum):
    """Unknown is never good."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class Condition(Frozen):
    """One condition as it stands since ``since``."""

    kind: Kind
    status: Status
    reason: Reason
    message: Text
    observed_revision: Commit | None
    since: Instant


def severe(findings: tuple[Finding, ...], codes: frozenset[Reason]) -> Finding | None:
    """The first finding with one of these codes that is more than information."""
    return next((f for f in findings if f.code in codes and f.severity is not Severity.INFO), None)


def narrows(found: Finding) -> bool:
    """Whether less is permitted while it stands; then no page may leave it out (GATE-4)."""
    if found.code is Reason.LIFTING:  # announced, and it holds down what it names
        return True
    return found.severity is Severity.ERROR and found.code.explanation.afterwards not in _LEAVES_BE
