"""Sealing and checking permits: leave for one order, made by the gate and tried by the door.

The seal is an HMAC-SHA256 over the canonical bytes of every other field. Its key lives in memory
only; gate and door share it and nobody else has it.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from desired_state.canonical import canonical, digest
from desired_state.values import instant_text
from layers.orders import OrderRequest, Permit

MAX_LIFETIME: Final = timedelta(seconds=5)  # design.md, words: single use, at most 5 s
MIN_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PermitFields:
    """What a permit says, before it is sealed."""

    request: str  # digest of the exact request
    verdict: str
    epoch: int
    nonce: int
    expires_at: datetime  # wall clock


def request_digest(request: OrderRequest) -> str:
    """The digest that binds a permit to exactly this request."""
    return digest(request)


def seal(fields: PermitFields, key: bytes) -> Permit:
    """The permit with its seal. Raises ``ValueError`` for a key shorter than 32 bytes."""
    return Permit(
        request=fields.request,
        verdict=fields.verdict,
        epoch=fields.epoch,
        nonce=fields.nonce,
        expires_at=fields.expires_at,
        seal=_mac(fields, key),
    )


def is_sealed(permit: Permit, key: bytes) -> bool:
    """Whether the holder of ``key`` made the permit, every field as it stands."""
    fields = PermitFields(
        permit.request, permit.verdict, permit.epoch, permit.nonce, permit.expires_at
    )
    return hmac.compare_digest(_mac(fields, key).encode(), permit.seal.encode())


def _mac(fields: PermitFields, key: bytes) -> str:
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"a seal key has at least {MIN_KEY_BYTES} bytes")
    message = canonical(
        {
            "request": fields.request,
            "verdict": fields.verdict,
            "epoch": fields.epoch,
            "nonce": fields.nonce,
            "expires_at": instant_text(fields.expires_at),
        }
    )
    return hmac.new(key, message, hashlib.sha256).hexdigest()
