"""Which finding of L6 raises a stop, and of which class (spec: trust, 7; risk, G and H)."""

from collections.abc import Iterable, Mapping
from typing import Final

from desired_state.errors import Finding
from desired_state.reasons import Reason
from desired_state.values import StopClass

STOPS: Final[Mapping[Reason, StopClass]] = {
    Reason.ORDER_UNRESOLVED: StopClass.TECHNICAL,  # G3
    Reason.VENUE_ERRORS: StopClass.TECHNICAL,  # G2
    Reason.RECON_DIFF: StopClass.INTEGRITY,  # G4
    Reason.FILL_IMPLAUSIBLE: StopClass.INTEGRITY,  # H3
    Reason.FOREIGN_ORDER: StopClass.INTEGRITY,  # H4
    Reason.VENUE_RESET: StopClass.INTEGRITY,
}


def stop_for(findings: Iterable[Finding]) -> tuple[StopClass, Finding] | None:
    """The stop that these findings raise, with its cause; integrity before technical."""
    raised = [(STOPS[found.code], found) for found in findings if found.code in STOPS]
    integrity = (pair for pair in raised if pair[0] is StopClass.INTEGRITY)
    return next(integrity, None) or next(iter(raised), None)
