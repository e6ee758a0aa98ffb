"""The exact values that the risk gate's snapshot is made of, and how they go to JSON and back."""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, PlainSerializer

from desired_state.values import parse_span, span_text

NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
TICKS: Final = timedelta(0)  # interval of a feed that has no bars
STRICT: Final = ConfigDict(extra="forbid", strict=True)


def window(span: timedelta, interval: timedelta) -> timedelta:
    """How long ``span`` lasts on a feed: itself on ticks, rounded up to whole bars on bars.

    Whoever counts messages, ages or equal orders for a snapshot counts them in this window
    (spec/risk.md: on bars, ages and windows count in bars).
    """
    return span if not interval else -(-span // interval) * interval


_PLAIN_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?\Z", re.ASCII)


def _number(value: Any) -> Decimal:  # noqa: ANN401
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _PLAIN_DECIMAL.match(value):
        return Decimal(value)
    raise ValueError(f'expected a quoted decimal such as "-0.5", found {value!r}')


def _number_text(value: Decimal) -> str:
    return format(value, "f")


Number = Annotated[
    Decimal, BeforeValidator(_number), PlainSerializer(_number_text, return_type=str)
]


def _offset(value: Any) -> timedelta:  # noqa: ANN401
    if isinstance(value, str) and value.startswith("-"):
        return -parse_span(value[1:])
    return parse_span(value)


def _offset_text(value: timedelta) -> str:
    return f"-{span_text(-value)}" if value < TICKS else span_text(value)


# a span with a sign, in whole milliseconds
Offset = Annotated[
    timedelta, BeforeValidator(_offset), PlainSerializer(_offset_text, return_type=str)
]


class VenueClass(StrEnum):
    """What kind of venue the wired adapter really reaches."""

    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"


def forget_what_is_not_finite(value: object) -> None:
    """A NaN or an infinity is no observation: it counts as not known."""
    for name in _numbers(value):
        number = getattr(value, name)
        if number is not None and not number.is_finite():
            object.__setattr__(value, name, None)


_NUMBERS: Final[dict[type, tuple[str, ...]]] = {}  # what fields() says of a class, once


def _numbers(value: Any) -> tuple[str, ...]:  # noqa: ANN401
    kind = type(value)
    if kind not in _NUMBERS:
        _NUMBERS[kind] = tuple(f.name for f in fields(value) if f.type == Number | None)
    return _NUMBERS[kind]
