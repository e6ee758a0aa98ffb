"""Client order ids that a restart derives again: a function of the intent and the attempt."""

import base64
import hashlib


def client_order_id(intent_id: str, attempt: int) -> str:
    """``g`` and 16 base32 characters: portable to every venue's limit (spec: venues).

    ``attempt`` counts from 0 and rises only after the absence of the one before is proven.
    """
    if attempt < 0:
        raise ValueError(f"attempts count from 0, found {attempt}")
    hashed = hashlib.sha256(f"{intent_id}|{attempt}".encode()).digest()
    return "g" + base64.b32encode(hashed)[:16].decode().lower()
