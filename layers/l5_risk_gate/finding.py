"""What a control found, and what the gate says. Values stay exact; text is made when asked for.

A control answers with a plain row, a tuple in the order of ``ControlFinding``; the verdict keeps
every row, and a finding is made of a row when somebody looks at it.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeAlias

from desired_state.reasons import Reason
from desired_state.values import StopClass, amount_text, instant_text, span_text


class Outcome(StrEnum):
    """What follows from a finding, mildest first."""

    ALLOW = "allow"
    DENY = "deny"
    HALT = "halt"  # deny, and a stop is raised


ALLOW: Final = Outcome.ALLOW
DENY: Final = Outcome.DENY
HALT: Final = Outcome.HALT
WITHIN: Final = Reason.WITHIN
MISSING: Final = Reason.DATA_MISSING
NO_LIMIT: Final = Reason.LIMIT_MISSING

Quantity: TypeAlias = "Decimal | int | str | datetime | timedelta | tuple[Quantity, ...] | None"
# (SHARE, part, whole, less): part / whole - less, worked out only when somebody reads it
SHARE: Final = "share"
UNKNOWN: Final = "unknown"
NOT_HELD: Final = "not held against a reduction"


def text(value: Quantity) -> str:  # noqa: PLR0911  (a case each)
    """The one text of a value; equal values have equal texts."""
    match value:
        case None:
            return UNKNOWN
        case Decimal():
            return "0" if value == 0 else amount_text(value)
        case datetime():
            return instant_text(value)
        case timedelta():
            return f"-{span_text(-value)}" if value < timedelta(0) else span_text(value)
        case (str(word), Decimal() as part, Decimal() as whole, Decimal() as less) if word is SHARE:
            return text(part / whole - less)
        case tuple():
            return " ".join(text(part) for part in value)
        case _:
            return str(value)


# A tuple each, for speed: (span asked for, the feed's interval), (since receipt, since event)
Window: TypeAlias = tuple[timedelta, timedelta]
Ages: TypeAlias = tuple[timedelta | None, timedelta | None]


def window_text(window: Window) -> str:
    """The span, in bars where the feed has bars, and then why."""
    span, interval = window
    if not interval:
        return span_text(span)
    bars = -(-span // interval)
    return f"{bars} bar of {span_text(interval)} for {span_text(span)}: feed has bars"


class ControlFinding(NamedTuple):
    """One control's answer on one order; kept also when there is nothing against the order."""

    control: str
    code: Reason
    outcome: Outcome
    observed: Quantity
    limit: Quantity
    unit: str
    scope: str
    over: Window | None
    aged: Ages | None

    @property
    def measured(self) -> str:
        """What was measured, as text."""
        return text(self.observed)

    @property
    def bound(self) -> str:
        """What it was held against, as text; ``unknown`` where nothing is configured."""
        return text(self.limit)

    @property
    def window(self) -> str:
        """The time over which was measured, empty where there is none."""
        return "" if self.over is None else window_text(self.over)

    @property
    def ages(self) -> str:
        """Ages of the market data used, empty where none was."""
        if self.aged is None:
            return ""
        received, event = self.aged
        return f"received {text(received)}, event {text(event)}"

    def plain(self) -> dict[str, str]:
        """JSON data, every value a string."""
        return {
            "control": self.control,
            "code": self.code.value,
            "outcome": self.outcome.value,
            "measured": self.measured,
            "bound": self.bound,
            "unit": self.unit,
            "scope": self.scope,
            "window": self.window,
            "ages": self.ages,
        }


Row: TypeAlias = tuple[
    str, Reason, Outcome, Quantity, Quantity, str, str, Window | None, Ages | None
]


def finding(row: Row) -> ControlFinding:
    """The row as a finding."""
    return ControlFinding(*row)


def against(bound: object, value: object, refusal: Reason) -> Reason:
    """Why an order does not pass: nothing to hold it to, nothing known, or the control itself."""
    if bound is None:
        return NO_LIMIT
    return MISSING if value is None else refusal


class RiskVerdict(NamedTuple):
    """The gate's answer. ``outcome`` is the worst finding's; findings stand in table order."""

    outcome: Outcome
    rows: tuple[Row, ...]
    risk_increasing: bool
    stop_class: StopClass | None  # of the stop to raise, where the outcome is halt
    stopped_by: str = ""  # the control that raises it

    @property
    def findings(self) -> tuple[ControlFinding, ...]:
        """What each control found, in table order."""
        return tuple(finding(row) for row in self.rows)

    @property
    def halting(self) -> ControlFinding | None:
        """The finding that raises the stop."""
        return next((f for f in self.findings if f.control == self.stopped_by), None)

    @property
    def refusals(self) -> tuple[ControlFinding, ...]:
        """The findings that are against the order."""
        return tuple(f for f in self.findings if f.outcome is not Outcome.ALLOW)

    def plain(self) -> dict[str, Any]:
        """JSON data for evidence and replay."""
        return {
            "outcome": self.outcome.value,
            "risk_increasing": self.risk_increasing,
            "stop_class": None if self.stop_class is None else self.stop_class.value,
            "findings": [finding.plain() for finding in self.findings],
        }
