"""Whether a detached signature is good, asked once for the same bytes."""

from functools import lru_cache

from desired_state.signatures import SignatureRefused, public_key, verify


@lru_cache(maxsize=4096)
def verifies(signature: bytes, message: bytes, namespace: str, public: str) -> bool:
    """Whether ``signature`` over ``message`` in ``namespace`` is by the key of this line."""
    try:
        verify(signature, message, namespace=namespace, key=public_key(public))
    except SignatureRefused:
        return False
    return True
