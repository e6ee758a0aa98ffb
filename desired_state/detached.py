"""Whether a detached signature is good, asked once for the same bytes."""

from functools import lru_cache

from desired_state.signatures import Presence, SignatureRefused, public_key, verify


@lru_cache(maxsize=4096)
def verifies(signature: bytes, message: bytes, namespace: str, public: str) -> Presence | None:
    """How ``signature`` was made, if the key of this line made it over ``message``; else none."""
    try:
        return verify(signature, message, namespace=namespace, key=public_key(public))
    except SignatureRefused:
        return None
