"""What a control found, and what the gate says. Values stay exact; text is made when asked for.

A control answers with a plain row, a tuple in the order of ``ControlFinding``; the verdict keeps
every row, and a finding is made of a row when somebody looks at it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
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


def text(value: Quantity) -> str:
    """The one text of a value; equal values have equal texts."""
    write = _WRITTEN.get(type(value))
    return str(value) if write is None else write(value)


def _number(value: Decimal) -> str:
    return amount_text(value) if value else "0"


def _span(value: timedelta) -> str:
    return f"-{span_text(-value)}" if value < timedelta(0) else span_text(value)


def _parts(value: tuple[Any, ...]) -> str:
    if value and value[0] is SHARE and None not in value:
        _, part, whole, less = value
        return text(part / whole - less)
    return " ".join([text(part) for part in value])


# by the exact type, for speed: fifty-seven findings of every order are written
_WRITTEN: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: UNKNOWN,
    Decimal: _number,
    datetime: instant_text,
    timedelta: _span,
    tuple: _parts,
}


# A tuple each, for speed: (span asked for, the feed's interval), (since receipt, since event)
Window: TypeAlias = tuple[timedelta, timedelta]
Ages: TypeAlias = tuple[timedelta | None, timedelta | None]


@lru_cache(maxsize=256)  # a window for each limit
def window_text(window: Window) -> str:
    """The span, in bars where the feed has bars, and then why."""
    span, interval = window
    if not interval:
        return span_text(span)
    bars = -(-span // interval)
    return f"{bars} bar of {span_text(interval)} for {span_text(span)}: feed has bars"


@lru_cache(maxsize=64)  # the same few in all findings of one order
def ages_text(aged: Ages) -> str:
    """How old the market data was, as text."""
    received, event = aged
    return f"received {text(received)}, event {text(event)}"


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
        return "" if self.aged is None else ages_text(self.aged)

    def plain(self) -> dict[str, str]:
        """JSON data, every value a string."""
        named = {column: getattr(self, column) for column in COLUMNS}
        return {**named, "code": self.code.value, "outcome": self.outcome.value}


Row: TypeAlias = tuple[
    str, Reason, Outcome, Quantity, Quantity, str, str, Window | None, Ages | None
]


# of what was within its bound evidence holds these texts, in this order
COLUMNS: Final = ("control", "measured", "bound", "unit", "scope", "window", "ages")


def texts(row: Row) -> list[str]:
    """The row as evidence holds it; where there is no window or age, the row ends before it."""
    control, _, _, observed, limit, unit, scope, over, aged = row
    told = [control, text(observed), text(limit), unit, scope]
    if over is not None or aged is not None:
        told.append("" if over is None else window_text(over))
    if aged is not None:
        told.append(ages_text(aged))
    return told


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
        return tuple(finding(row) for row in self.rows if row[2] is not ALLOW)

    def plain(self) -> dict[str, Any]:
        """JSON data for evidence and replay: what is against the order, and what is within."""
        return {
            "outcome": self.outcome.value,
            "risk_increasing": self.risk_increasing,
            "stop_class": None if self.stop_class is None else self.stop_class.value,
            "against": [found.plain() for found in self.refusals],
            "columns": " ".join(COLUMNS),
            "within": [texts(row) for row in self.rows if row[2] is ALLOW],
        }
