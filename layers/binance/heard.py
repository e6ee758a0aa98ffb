"""What came of one request, as the transport saw it: bytes first, a library's opinion second."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from desired_state.errors import Finding, Waiting, redact
from desired_state.reasons import Reason
from layers.binance.protocol import RETRY_HEADER

MAX_WORDS: Final = 300
SUBJECT: Final = "binance"
AGAIN: Final = timedelta(seconds=1)
MAX_AGAIN: Final = timedelta(hours=1)
SUCCESSES: Final = range(200, 300)
CLIENT_ERRORS: Final = range(400, 500)
_SECONDS: Final = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Heard:
    """One request and its answer. No key, no secret, no signature is among it."""

    written: bool  # the first byte may have left this machine
    status: int | None = None  # of HTTP; none: no answer was read
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in small letters
    fault: str = ""  # ccxt's class of the error; empty: none
    kept: Finding | None = None  # why it was held back
    host: str | None = None  # of the signed request as it left; none: unsigned
    wait: timedelta | None = None  # how long the line keeps still after it (BIN-13)

    @property
    def data(self) -> Any:  # noqa: ANN401
        """The body as JSON with exact decimals; none where it is not JSON."""
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return None

    @property
    def code(self) -> int | None:
        """The venue's own error code."""
        data = self.data
        code = data.get("code") if isinstance(data, dict) else None
        return code if isinstance(code, int) and not isinstance(code, bool) else None

    def says(self, code: int) -> bool:
        """Whether the venue refused with this code; what a 5xx holds says nothing."""
        return self.status in CLIENT_ERRORS and self.code == code

    @property
    def words(self) -> str:
        """What a person may read of it: the venue's words where there are any."""
        data = self.data
        said = data.get("msg") if isinstance(data, dict) else None
        if isinstance(said, str) and self.code is not None:
            return redact(f"{self.code} {said}"[:MAX_WORDS])
        if self.kept is not None:
            return self.kept.message
        status = "no answer" if self.status is None else f"HTTP {self.status}"
        return " ".join(part for part in (status, self.fault) if part)

    @property
    def good(self) -> bool:
        """Whether the venue answered without any error."""
        return self.status in SUCCESSES and not self.fault


def _no_constant(name: str) -> Any:  # noqa: ANN401
    raise ValueError(f"{name} is no number")


def unanswered(heard: Heard, asked: str) -> Waiting:
    """The error for a question that the venue did not answer."""
    pause = heard.wait or min(asked_for(heard) or AGAIN, MAX_AGAIN)
    return Waiting(
        Reason.VENUE_UNREACHABLE, SUBJECT, f"{asked}: {heard.words}", retry_after=max(pause, AGAIN)
    )


def asked_for(heard: Heard) -> timedelta | None:
    """How long the venue asks to be left alone; none where it names no seconds."""
    text = heard.headers.get(RETRY_HEADER, "")
    return max(timedelta(seconds=int(text)), AGAIN) if _SECONDS.match(text) else None
