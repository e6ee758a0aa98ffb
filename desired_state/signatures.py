"""Public keys and detached signatures of OpenSSH, strictly.

``ssh-keygen -Y verify`` reads only the first of several signatures and ignores what stands after
the armour; other libraries accept MD5 and SHA-1 (spec: trust, 1.3). So the reader is our own and
may differ from ssh-keygen only by refusing more: there is one form, the one ssh-keygen writes.
The format is OpenSSH's PROTOCOL.sshsig; what a key is and what its signatures are, by kind, stands
apart. No function here reads a clock: what a signature says about time never counts (spec: trust,
1.2).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from desired_state.key_kinds import Opened, Presence, check, kind_of, opened
from desired_state.ssh_wire import (
    PUBLIC_KEY,
    SIGNATURE,
    Reader,
    SignatureRefused,
    Why,
    key_refused,
    packed,
)

__all__ = ["Presence", "PublicKey", "SignatureRefused", "Why", "public_key", "verify"]

MAX_SIGNATURE_BYTES: Final = 16 * 1024
MAX_KEY_LINE: Final = 4 * 1024


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key in the one form it is read in."""

    kind: str
    blob: bytes
    key_id: str
    """As ``ssh-keygen -l`` prints it."""
    material: bytes
    """Identity of the secret: equal for the same key in another form (SIG-2)."""
    hardware: bool
    """The secret stands in a device that can ask for a touch."""
    inside: Opened = field(repr=False)

    @property
    def line(self) -> str:
        """``ssh-ed25519 BASE64``, as in a trust root, without comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


def public_key(line: str) -> PublicKey:
    """The key of one line ``ssh-ed25519 BASE64[ comment]``, without a line end.

    Raises:
        SignatureRefused: ``kind``, ``key_form``, ``base64``, ``truncated``, ``trailing``,
            ``key_weak``, ``curve``, ``number``, ``application`` or ``size``.
    """
    if len(line) > MAX_KEY_LINE:
        raise key_refused(Why.SIZE, f"expected at most {MAX_KEY_LINE} characters")
    kind = kind_of(line.split(" ", 1)[0])
    match = _KEY_LINE.match(line)
    if match is None:
        raise key_refused(Why.KEY_FORM, f'expected "{kind.name} BASE64[ comment]" in one line')
    blob = _unbase64(match[2], PUBLIC_KEY)
    reader = Reader(blob, PUBLIC_KEY)
    if (inner := reader.string()) != kind.name.encode():
        raise key_refused(Why.KIND, f"expected {kind.name} inside the key, found {inner[:40]!r}")
    inside = opened(kind, reader)
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return PublicKey(
        kind=kind.name,
        blob=blob,
        key_id=f"SHA256:{digest}",
        material=inside.lock.material,
        hardware=kind.hardware,
        inside=inside,
    )


def verify(signature: bytes, message: bytes, *, namespace: str, key: PublicKey) -> Presence:
    """Return only if ``signature`` is by ``key`` over ``message`` in ``namespace``.

    What is returned says whether the person touched the key and gave it the PIN; whether that is
    wanted is not decided here. A hardware key's counter is signed and decides nothing.

    Raises:
        SignatureRefused: with the first thing that is not as ssh-keygen writes it.
    """
    reader = Reader(_unarmoured(signature), SIGNATURE)
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
    signed = _MAGIC + packed(found_namespace, reserved, algorithm, digest(message))
    return check(kind_of(key.kind), key.inside, inner, signed)


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
