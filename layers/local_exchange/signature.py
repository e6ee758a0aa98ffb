"""Who sent a request, and when: key, HMAC over the raw text, timestamp inside its window.

X-16: the signature covers the query and the body as they came, without the signature itself; the
timestamp is compared with the exchange's own clock, never with the host's.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from layers.local_exchange.parameters import Parameters, Request
from layers.local_exchange.refusals import (
    BAD_KEY,
    BAD_KEY_FORM,
    BAD_SIGNATURE,
    BAD_TIMESTAMP,
    EARLY_TIMESTAMP,
    WIDE_WINDOW,
    RefusedError,
    missing,
)
from layers.local_exchange.terms import Key

_DEFAULT_WINDOW_MS: Final = 5000
_WIDEST_WINDOW_MS: Final = 60_000
_AHEAD_MS: Final = 1000


def signer(request: Request, parameters: Parameters, keys: Sequence[Key], now_ms: int) -> Key:
    """The key that signed ``request``; ends in the venue's refusal where none did."""
    if not request.key:
        raise RefusedError(BAD_KEY_FORM)
    key = next((k for k in keys if hmac.compare_digest(k.name, request.key)), None)
    if key is None:
        raise RefusedError(BAD_KEY)
    stamp = parameters.count("timestamp")
    if stamp is None:
        raise RefusedError(missing("timestamp"))
    given = parameters.text("signature")
    wanted = hmac.new(key.secret.encode(), _signed(request).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, given.lower()):
        raise RefusedError(BAD_SIGNATURE)
    _in_time(parameters, stamp, now_ms)
    return key


def _signed(request: Request) -> str:
    return _unsigned(request.query) + _unsigned(request.body)


def _unsigned(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))


def _in_time(parameters: Parameters, stamp: int, now_ms: int) -> None:
    window = parameters.count("recvWindow")
    window = _DEFAULT_WINDOW_MS if window is None else window
    if window > _WIDEST_WINDOW_MS:
        raise RefusedError(WIDE_WINDOW)
    if stamp >= now_ms + _AHEAD_MS:
        raise RefusedError(EARLY_TIMESTAMP)
    if now_ms - stamp > window:
        raise RefusedError(BAD_TIMESTAMP)
