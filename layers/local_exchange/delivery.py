"""How an answer leaves, or does not: what each fault makes of the truth on its way out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from layers.local_exchange.faults import Fault, FaultKind
from layers.local_exchange.refusals import (
    BAD_TIMESTAMP,
    DISCONNECTED,
    DUPLICATE,
    Refusal,
)
from layers.local_exchange.rest import Answer

_HTML: Final = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n"
)
_UNKNOWN: Final = Refusal(
    -1000, "Unknown error, please check your request or try again later.", 503
)
_OVERLOADED: Final = Refusal(
    -1008,
    "Server is currently overloaded with other requests. Please try again in a few minutes.",
    503,
)
_TIMEOUT: Final = Refusal(
    -1007,
    "Timeout waiting for response from backend server."
    " Send status unknown; execution status unknown.",
    504,
)
_UNEXPECTED: Final = Refusal(
    -1006,
    "An unexpected response was received from the message bus. Execution status unknown.",
)
_TOO_MANY: Final = Refusal(-1003, "Too much request weight used; please use fewer requests.", 429)
_BANNED: Final = Refusal(-1003, "Way too much request weight used; IP banned.", 418)
_WAITS: Final = frozenset({FaultKind.RATE_LIMITED, FaultKind.BANNED})
_INSTEAD: Final[Mapping[FaultKind, Refusal]] = {
    FaultKind.UNKNOWN_BEFORE: _UNKNOWN,
    FaultKind.UNKNOWN_AFTER: _UNKNOWN,
    FaultKind.OVERLOADED: _OVERLOADED,
    FaultKind.INTERNAL: DISCONNECTED,
    FaultKind.RATE_LIMITED: _TOO_MANY,
    FaultKind.BANNED: _BANNED,
    FaultKind.TIMESTAMP: BAD_TIMESTAMP,
    FaultKind.TIMEOUT_AFTER: _TIMEOUT,
    FaultKind.UNEXPECTED_AFTER: _UNEXPECTED,
    FaultKind.DUPLICATE: DUPLICATE,
}
_OK: Final = 200


class Manner(StrEnum):
    """What the line does."""

    ANSWER = "answer"
    HANG = "hang"  # nothing for a while, then the line drops
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What goes out, and how."""

    answer: Answer
    manner: Manner = Manner.ANSWER
    hold_ms: int = 0


_LINES: Final = {
    FaultKind.HANG_BEFORE: Manner.HANG,
    FaultKind.HANG_AFTER: Manner.HANG,
    FaultKind.RESET_BEFORE: Manner.RESET,
    FaultKind.RESET_AFTER: Manner.RESET,
}


def faulty(fault: Fault, truth: Answer) -> Delivery:
    """What the client gets instead of ``truth``."""
    manner = _LINES.get(fault.kind)
    if manner is not None:
        return Delivery(truth, manner, fault.hold_ms)
    answer = _garbled(fault.kind, truth)
    if fault.kind in _WAITS:
        wait = ("Retry-After", str(fault.wait_s))
        answer = replace(answer, headers=(*answer.headers, wait))
    return Delivery(answer)


def _garbled(kind: FaultKind, truth: Answer) -> Answer:
    if kind in {FaultKind.BAD_GATEWAY_BEFORE, FaultKind.BAD_GATEWAY_AFTER}:
        return Answer(502, _HTML, (("Content-Type", "text/html"),))
    if kind is FaultKind.EMPTY:
        return replace(truth, status=_OK, body="{}")
    if kind is FaultKind.TRUNCATED:
        return replace(truth, status=_OK, body=truth.body[: len(truth.body) // 2])
    if kind is FaultKind.CROSSED_BOOK:
        return replace(truth, body=_crossed(truth.body))
    instead = _INSTEAD.get(kind)
    # a refused order is not on the book, so nothing can be a repetition of it
    if instead is None or (kind is FaultKind.DUPLICATE and truth.status != _OK):
        return truth
    return _told(instead, truth)


def _told(refusal: Refusal, truth: Answer) -> Answer:
    body = json.dumps({"code": refusal.code, "msg": refusal.text}, separators=(",", ":"))
    return Answer(refusal.status, body, truth.headers)


def _crossed(body: str) -> str:
    """The same book with its sides exchanged, so that bids stand above asks."""
    found = json.loads(body)
    rows = found if isinstance(found, list) else [found]
    for row in rows:
        _exchange(row, "bids", "asks")
        _exchange(row, "bidPrice", "askPrice")
    return json.dumps(found, separators=(",", ":"))


def _exchange(row: dict[str, Any], one: str, other: str) -> None:
    if one in row and other in row:
        row[one], row[other] = row[other], row[one]
