"""Public keys and detached signatures of OpenSSH, strictly.

``ssh-keygen -Y verify`` reads only the first of several signatures and ignores what stands after
the armour; other libraries accept MD5 and SHA-1 (spec: trust, 1.3). So the reader is our own and
may differ from ssh-keygen only by refusing more: there is one form, the one ssh-keygen writes.
The format is OpenSSH's PROTOCOL.sshsig. No function here reads a clock: what a signature says
about time never counts (spec: trust, 1.2).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from desired_state.errors import Stalled
from desired_state.reasons import Reason

MAX_SIGNATURE_BYTES: Final = 16 * 1024
MAX_KEY_LINE: Final = 4 * 1024


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
    KEY_FORM = "key_form"
    KEY_WEAK = "key_weak"
    KEY_MISMATCH = "key_mismatch"
    WRONG_SIGNATURE = "wrong_signature"


class SignatureRefused(Stalled, ValueError):  # noqa: N818  (named by the outcome)
    """A signature or public key that does not count, and ``why``.

    Also a ``ValueError``, so that a model may read its keys in a validator.
    """

    def __init__(self, why: Why, message: str, subject: str = "signature") -> None:
        """``message`` says what was expected and what was found."""
        self.why = why
        super().__init__(Reason.SIGNATURE, subject, f"{why}: {message}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key in the one form it is read in."""

    kind: str
    blob: bytes
    key_id: str
    """As ``ssh-keygen -l`` prints it."""
    material: bytes
    """Identity of the key itself: equal for the same key in another form."""

    @property
    def line(self) -> str:
        """``ssh-ed25519 BASE64``, as in a trust root, without comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


def public_key(line: str) -> PublicKey:
    """The key of one line ``ssh-ed25519 BASE64[ comment]``, without a line end.

    Raises:
        SignatureRefused: ``kind``, ``key_form``, ``base64``, ``truncated``, ``trailing``,
            ``key_weak`` or ``size``.
    """
    if len(line) > MAX_KEY_LINE:
        raise _key_refused(Why.SIZE, f"expected at most {MAX_KEY_LINE} characters")
    kind = line.split(" ", 1)[0]
    scheme = _scheme(kind)
    match = _KEY_LINE.match(line)
    if match is None:
        raise _key_refused(Why.KEY_FORM, f'expected "{scheme.kind} BASE64[ comment]" in one line')
    blob = _unbase64(match[2], "public key")
    reader = _Reader(blob, "public key")
    if (inner := reader.string()) != kind.encode():
        raise _key_refused(Why.KIND, f"expected {kind} inside the key, found {inner[:40]!r}")
    material = scheme.material(reader)
    reader.end()
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return PublicKey(kind, blob, f"SHA256:{digest}", material)


def verify(signature: bytes, message: bytes, *, namespace: str, key: PublicKey) -> None:
    """Return only if ``signature`` is by ``key`` over ``message`` in ``namespace``.

    Raises:
        SignatureRefused: with the first thing that is not as ssh-keygen writes it.
    """
    reader = _Reader(_unarmoured(signature), "signature")
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise SignatureRefused(Why.MAGIC, "expected SSHSIG at the start")
    if (version := reader.number()) != 1:
        raise SignatureRefused(Why.VERSION, f"expected version 1, found {version}")
    embedded, found_namespace, reserved = reader.string(), reader.string(), reader.string()
    algorithm, inner = reader.string(), reader.string()
    reader.end()
    if embedded != key.blob:
        raise SignatureRefused(Why.KEY_MISMATCH, f"expected the key {key.key_id}, found another")
    if not namespace or found_namespace != namespace.encode():
        raise SignatureRefused(
            Why.NAMESPACE, f"expected {namespace!r}, found {found_namespace[:40]!r}"
        )
    if reserved:
        raise SignatureRefused(Why.RESERVED, "expected the reserved field to be empty")
    digest = _HASHES.get(algorithm)
    if digest is None:
        raise SignatureRefused(Why.HASH, f"expected sha512 or sha256, found {algorithm[:40]!r}")
    signed = _MAGIC + b"".join(
        _string(part) for part in (found_namespace, reserved, algorithm, digest(message))
    )
    parts = _Reader(inner, "signature")
    if (kind := parts.string()) != key.kind.encode():
        raise SignatureRefused(Why.KIND, f"expected {key.kind}, found {kind[:40]!r}")
    _scheme(key.kind).check(key, parts, signed)


_MAGIC: Final = b"SSHSIG"
_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----\n"
_END: Final = b"-----END SSH SIGNATURE-----\n"
_COLUMNS: Final = 70
_KEY_LINE: Final = re.compile(r"([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})( [ -~\u00a0-\U0010ffff]*)?\Z")
_HASHES: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"sha512": lambda message: hashlib.sha512(message).digest(),
    b"sha256": lambda message: hashlib.sha256(message).digest(),
}


def _unarmoured(signature: bytes) -> bytes:
    """The blob inside the armour, if the whole is what ssh-keygen writes around that blob."""
    if len(signature) > MAX_SIGNATURE_BYTES:
        raise SignatureRefused(Why.SIZE, f"expected at most {MAX_SIGNATURE_BYTES} bytes")
    if b"\r" in signature:
        raise SignatureRefused(Why.LINE_ENDS, "expected LF line ends, found a carriage return")
    if signature.count(_BEGIN) > 1:
        raise SignatureRefused(Why.SEVERAL, "expected one signature, found several")
    if not signature.startswith(_BEGIN):
        inside = _BEGIN in signature
        told = "something before the begin line" if inside else "no begin line"
        raise SignatureRefused(Why.BEFORE if inside else Why.ARMOUR, f"found {told}")
    body, end, after = signature[len(_BEGIN) :].partition(b"\n" + _END)
    if not end:
        raise SignatureRefused(Why.ARMOUR, "expected the end line and a line end, found none")
    if after:
        raise SignatureRefused(Why.TRAILING, "expected nothing after the end line")
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise SignatureRefused(Why.BASE64, "expected base64, found other bytes") from None
    blob = _unbase64(text.replace("\n", ""), "signature")
    encoded = base64.b64encode(blob)
    lines = [encoded[at : at + _COLUMNS] for at in range(0, len(encoded), _COLUMNS)]
    if b"\n".join(lines) != body:
        raise SignatureRefused(Why.ARMOUR, f"expected lines of {_COLUMNS} columns")
    return blob


def _unbase64(text: str, subject: str) -> bytes:
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureRefused(Why.BASE64, "expected base64", subject) from None
    if base64.b64encode(blob).decode() != text:
        raise SignatureRefused(Why.BASE64, "expected canonical base64", subject)
    return blob


class _Reader:
    """SSH wire format, from the front to exactly the end."""

    def __init__(self, data: bytes, subject: str) -> None:
        self._rest = data
        self._subject = subject

    def take(self, size: int) -> bytes:
        if size > len(self._rest):
            raise SignatureRefused(
                Why.TRUNCATED, f"expected {size} bytes, found {len(self._rest)}", self._subject
            )
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        return self.take(self.number())

    def end(self) -> None:
        if self._rest:
            raise SignatureRefused(
                Why.TRAILING, f"expected the end, found {len(self._rest)} bytes", self._subject
            )


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _key_refused(why: Why, message: str) -> SignatureRefused:
    return SignatureRefused(why, message, "public key")


@dataclass(frozen=True, slots=True)
class _Scheme:
    """How one kind of key is read and its signatures are checked; both read to the end."""

    kind: str
    material: Callable[[_Reader], bytes]
    check: Callable[[PublicKey, _Reader, bytes], None]


_ED25519_PREFIX: Final = b"ed25519:"
_ED25519_BYTES: Final = 32
_ED25519_SIGNATURE_BYTES: Final = 64
_FIELD: Final = 2**255 - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})
"""The y of the points of order 1, 2, 4 and 8: under such a key anybody can sign."""


def _ed25519_material(reader: _Reader) -> bytes:
    raw = reader.string()
    if len(raw) != _ED25519_BYTES:
        raise _key_refused(Why.KEY_FORM, f"expected {_ED25519_BYTES} bytes, found {len(raw)}")
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _FIELD or y in _SMALL_ORDER:
        raise _key_refused(Why.KEY_WEAK, "expected a point of full order in its one encoding")
    return _ED25519_PREFIX + raw


def _ed25519_check(key: PublicKey, parts: _Reader, signed: bytes) -> None:
    raw = parts.string()
    parts.end()
    if len(raw) != _ED25519_SIGNATURE_BYTES:
        raise SignatureRefused(Why.TRUNCATED, f"expected 64 bytes, found {len(raw)}")
    try:
        public = Ed25519PublicKey.from_public_bytes(key.material.removeprefix(_ED25519_PREFIX))
        public.verify(raw, signed)
    except (InvalidSignature, ValueError):
        raise SignatureRefused(
            Why.WRONG_SIGNATURE, f"expected a signature of these bytes by {key.key_id}"
        ) from None


_SCHEMES: Final = {
    scheme.kind: scheme for scheme in (_Scheme("ssh-ed25519", _ed25519_material, _ed25519_check),)
}


def _scheme(kind: str) -> _Scheme:
    if (scheme := _SCHEMES.get(kind)) is None:
        known = ", ".join(_SCHEMES)
        raise _key_refused(Why.KIND, f"expected a key of kind {known}, found {kind[:40]!r}")
    return scheme
