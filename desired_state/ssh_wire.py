"""SSH's wire format, read in its one canonical form, and the words in which it is refused.

RFC 4251, section 5: a string is its length and its bytes, an mpint is a string of a number. OpenSSH
reads an mpint with zeros before it too; here every value has one encoding (SIG-1).
"""

from enum import StrEnum
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason

SIGNATURE: Final = "signature"
PUBLIC_KEY: Final = "public key"
_NEGATIVE: Final = 0x80


class Why(StrEnum):
    """The machine word of a refusal; nothing is decided by it, people and tests read it."""

    SIZE = "size"
    ARMOUR = "armour"
    BEFORE = "before"
    TRAILING = "trailing"
    SEVERAL = "several"
    LINE_ENDS = "line_ends"
    BASE64 = "base64"
    TRUNCATED = "truncated"
    MAGIC = "magic"
    VERSION = "version"
    NAMESPACE = "namespace"
    RESERVED = "reserved"
    HASH = "hash"
    KIND = "kind"
    CURVE = "curve"
    APPLICATION = "application"
    KEY_FORM = "key_form"
    KEY_WEAK = "key_weak"
    KEY_MISMATCH = "key_mismatch"
    NUMBER = "number"
    LENGTH = "length"
    FLAGS = "flags"
    WRONG_SIGNATURE = "wrong_signature"


class SignatureRefused(Stalled, ValueError):  # noqa: N818  (named by the outcome)
    """A signature or public key that does not count, and ``why``.

    Also a ``ValueError``, so that a model may read its keys in a validator.
    """

    def __init__(self, why: Why, message: str, subject: str = SIGNATURE) -> None:
        """``message`` says what was expected and what was found."""
        self.why = why
        super().__init__(Reason.SIGNATURE, subject, f"{why}: {message}")


class Reader:
    """SSH wire format, from the front to exactly the end."""

    def __init__(self, data: bytes, subject: str) -> None:
        """``subject`` is what a refusal is about."""
        self._rest = data
        self._subject = subject

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if size > len(self._rest):
            raise SignatureRefused(
                Why.TRUNCATED, f"expected {size} bytes, found {len(self._rest)}", self._subject
            )
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def number(self) -> int:
        """A uint32."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """A string; lengths beyond the end are refused before anything is read."""
        return self.take(self.number())

    def natural(self) -> int:
        """An mpint that is not negative, without a byte more than it needs (SIG-1)."""
        data = self.string()
        if data and data[0] >= _NEGATIVE:
            raise SignatureRefused(
                Why.NUMBER, "expected a natural number, found a negative one", self._subject
            )
        value = int.from_bytes(data, "big")
        if len(data) != (value.bit_length() // 8 + 1 if value else 0):
            raise SignatureRefused(
                Why.NUMBER, "expected no zeros before a number, found some", self._subject
            )
        return value

    def end(self) -> None:
        """Return only if nothing is left."""
        if self._rest:
            raise SignatureRefused(
                Why.TRAILING, f"expected the end, found {len(self._rest)} bytes", self._subject
            )


def packed(*parts: bytes) -> bytes:
    """These strings on the wire, one after the other."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def key_refused(why: Why, message: str) -> SignatureRefused:
    """The refusal of a public key."""
    return SignatureRefused(why, message, PUBLIC_KEY)
