"""Chance without a generator: each draw is a hash of the seed and of what it is drawn for (P-1)."""

import hashlib
from decimal import Decimal
from typing import Final

_FULL: Final = 2**64


def draw(seed: int, *words: str) -> int:
    """A whole number from 0 to 2**64 - 1, the same for the same seed and words."""
    text = "|".join((str(seed), *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def happens(share: Decimal, seed: int, *words: str) -> bool:
    """Whether the event of this name falls into ``share`` of all cases."""
    return draw(seed, *words) < share * _FULL
