"""Small ordered words and exact scalars that the YAML files are made of.

Amounts, ratios, times and durations are quoted strings in every file (spec: state-files); here
they become ``Decimal``, aware UTC ``datetime`` and ``timedelta``, and go back to the same text.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, PlainSerializer, StringConstraints


class Ranked(StrEnum):
    """A string enum in which definition order is the order of authority, tightest first."""

    rank: int

    def __new__(cls, value: str) -> Self:
        """Give each member its position from the tightest, 0 upwards."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.rank = len(cls.__members__)
        return member

    def __lt__(self, other: Self) -> bool:  # type: ignore[override]
        return self.rank < other.rank

    def __le__(self, other: Self) -> bool:  # type: ignore[override]
        return self.rank <= other.rank

    def __gt__(self, other: Self) -> bool:  # type: ignore[override]
        return self.rank > other.rank

    def __ge__(self, other: Self) -> bool:  # type: ignore[override]
        return self.rank >= other.rank


class Mode(Ranked):
    """Operating mode, a total order."""

    HALTED = "halted"
    ADVISORY = "advisory"
    SHADOW = "shadow"
    PAPER = "paper"
    TESTNET = "testnet"
    BOUNDED_LIVE = "bounded_live"


class Trading(Ranked):
    """Trading state inside a mode."""

    HALTED = "halted"
    REDUCING = "reducing"
    ACTIVE = "active"


class Access(Ranked):
    """What may be done with one symbol at one venue."""

    NONE = "none"
    REDUCE = "reduce"
    TRADE = "trade"


class Switch(StrEnum):
    """State of the kill switch as read; ``unreadable`` is never written by anybody."""

    ARMED = "armed"
    ENGAGED = "engaged"
    UNREADABLE = "unreadable"


class StopClass(StrEnum):
    """Why a stop was raised; decides who may release it (spec: trust, gates)."""

    PERSON = "person"
    LOSS = "loss"
    INTEGRITY = "integrity"
    TECHNICAL = "technical"


class Environment(StrEnum):
    """``rehearsal`` reports phases, ``production`` enforces; what each reaches says the root."""

    REHEARSAL = "rehearsal"
    PRODUCTION = "production"


_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z\Z")
_SPAN = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)\Z")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_amount(value: Any) -> Decimal:  # noqa: ANN401
    """A non-negative decimal from its quoted string; a ``Decimal`` passes if it is finite."""
    if isinstance(value, Decimal):
        if not value.is_finite() or value < 0:
            raise ValueError(f"expected a finite amount of 0 or more, found {value}")
        return value
    if not isinstance(value, str) or not _AMOUNT.match(value):
        raise ValueError(f'expected a quoted decimal such as "50" or "0.005", found {value!r}')
    return Decimal(value)


def amount_text(value: Decimal) -> str:
    """Plain notation without exponent or trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_instant(value: Any) -> datetime:  # noqa: ANN401
    """An aware UTC instant from ``"2026-11-22T10:00:00Z"``; an aware ``datetime`` passes."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("expected an aware datetime, found a naive one")
        return value.astimezone(UTC)
    if not isinstance(value, str) or not _INSTANT.match(value):
        raise ValueError(
            f'expected a quoted UTC time such as "2026-11-22T10:00:00Z", found {value!r}'
        )
    return datetime.fromisoformat(value)


def instant_text(value: datetime) -> str:
    """ISO 8601 with ``Z``; microseconds only where there are any."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_span(value: Any) -> timedelta:  # noqa: ANN401
    """A duration from ``"60s"``, ``"250ms"``, ``"5m"``, ``"1h"`` or ``"30d"``."""
    if isinstance(value, timedelta):
        return value
    match = _SPAN.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'expected a quoted duration such as "60s" or "30d", found {value!r}')
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def span_text(value: timedelta) -> str:
    """The duration in the largest unit that needs no fraction."""
    millis = value // timedelta(milliseconds=1)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if millis and millis % size == 0:
            return f"{millis // size}{unit}"
    return f"{millis}ms" if millis else "0s"


Amount = Annotated[
    Decimal,
    BeforeValidator(parse_amount, json_schema_input_type=str),
    PlainSerializer(amount_text, return_type=str),
]
Instant = Annotated[
    datetime,
    BeforeValidator(parse_instant, json_schema_input_type=str),
    PlainSerializer(instant_text, return_type=str),
]
Span = Annotated[
    timedelta,
    BeforeValidator(parse_span, json_schema_input_type=str),
    PlainSerializer(span_text, return_type=str),
]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,15}/[A-Z0-9]{1,15}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Person = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")]
StopId = Annotated[
    str, StringConstraints(pattern=r"^(S-[0-9a-f]{16}|(L|LOST)-[A-Za-z0-9.-]{1,64}-[0-9]{1,12})$")
]
Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
LayerId = Annotated[str, StringConstraints(pattern=r"^L[0-6]$")]
Text = Annotated[str, StringConstraints(max_length=4000)]
