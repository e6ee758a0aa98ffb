"""The kinds of key that may sign: plain and in hardware, and under which names they do.

Ed25519, ECDSA on the three NIST curves, RSA from 2048 bits with SHA-2, and the two hardware forms
(sk-ssh-ed25519, sk-ecdsa). Everything else (DSA, certificates, webauthn, RSA with SHA-1) has no
entry in the table and is refused by name. The forms are OpenSSH's PROTOCOL and PROTOCOL.u2f.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from desired_state.locks import (
    P256,
    P384,
    P521,
    RSA_DIGESTS,
    Curve,
    Lock,
    read_ecdsa,
    read_ed25519,
    read_rsa,
)
from desired_state.ssh_wire import SIGNATURE, Reader, SignatureRefused, Why, key_refused

MAX_APPLICATION: Final = 128


@dataclass(frozen=True, slots=True)
class Presence:
    """What a hardware key says about the person before it; other keys can say nothing."""

    touch: bool = False
    pin: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of key."""

    name: str
    read: Callable[[Reader], Lock]
    algorithms: tuple[bytes, ...]
    """Names under which its signatures are made."""
    hardware: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What was read inside a key: its numbers, and the application of a hardware key."""

    lock: Lock
    application: bytes = b""


def kind_of(name: str) -> Kind:
    """The kind of this name.

    Raises:
        SignatureRefused: ``kind``.
    """
    if (kind := KINDS.get(name)) is None:
        known = ", ".join(KINDS)
        raise key_refused(Why.KIND, f"expected a key of kind {known}, found {name[:40]!r}")
    return kind


def opened(kind: Kind, reader: Reader) -> Opened:
    """The key that follows its kind's name, read to the end.

    Raises:
        SignatureRefused: ``key_form``, ``key_weak``, ``curve``, ``number``, ``application``,
            ``truncated`` or ``trailing``.
    """
    lock = kind.read(reader)
    application = _application(reader) if kind.hardware else b""
    reader.end()
    return Opened(lock, application)


def check(kind: Kind, key: Opened, inner: bytes, signed: bytes) -> Presence:
    """Return only if ``inner`` is this key's signature of ``signed``, with who was present.

    Raises:
        SignatureRefused: ``kind``, ``flags``, ``number``, ``length``, ``truncated``, ``trailing``
            or ``wrong_signature``.
    """
    parts = Reader(inner, SIGNATURE)
    if (algorithm := parts.string()) not in kind.algorithms:
        known = b" or ".join(kind.algorithms).decode()
        raise SignatureRefused(Why.KIND, f"expected {known}, found {algorithm[:40]!r}")
    raw, presence = parts.string(), Presence()
    if kind.hardware:
        said = parts.take(_SAID)
        presence = _presence(said[0])
        signed = _sha256(key.application) + said + _sha256(signed)
    parts.end()
    if not key.lock.fits(algorithm, raw, signed):
        raise SignatureRefused(
            Why.WRONG_SIGNATURE, "expected a signature of these bytes by the key inside it"
        )
    return presence


# --- hardware keys (OpenSSH's PROTOCOL.u2f) ----------------------------------------------------
_SAID: Final = 5  # one byte of flags, four of a counter
_TOUCH: Final = 0x01
_PIN: Final = 0x04
_APPLICATION: Final = re.compile(rb"ssh:[!-~]*")


def _presence(flags: int) -> Presence:
    """SIG-3: any other bit is refused by name.

    8 and 16 say that the secret can be, or is, copied to other devices, so nobody's touch of one
    thing is proven; 64 and 128 announce data that an SSH signature has no room for.
    """
    if unknown := flags & ~(_TOUCH | _PIN):
        raise SignatureRefused(
            Why.FLAGS, f"expected touch (1) and PIN (4) at most, found {unknown:#04x} besides"
        )
    return Presence(touch=bool(flags & _TOUCH), pin=bool(flags & _PIN))


def _application(reader: Reader) -> bytes:
    found = reader.string()
    if len(found) > MAX_APPLICATION or not _APPLICATION.fullmatch(found):
        told = f"expected ssh: and printable characters, found {found[:40]!r}"
        raise key_refused(Why.APPLICATION, told)
    return found


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _ecdsa(name: str, on: Curve) -> Kind:
    return Kind(name, read_ecdsa(on), (name.encode(),))


_SK_ED25519: Final = "sk-ssh-ed25519@openssh.com"
_SK_ECDSA: Final = "sk-ecdsa-sha2-nistp256@openssh.com"
KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("ssh-ed25519", read_ed25519, (b"ssh-ed25519",)),
        Kind(_SK_ED25519, read_ed25519, (_SK_ED25519.encode(),), hardware=True),
        _ecdsa("ecdsa-sha2-nistp256", P256),
        _ecdsa("ecdsa-sha2-nistp384", P384),
        _ecdsa("ecdsa-sha2-nistp521", P521),
        Kind(_SK_ECDSA, read_ecdsa(P256), (_SK_ECDSA.encode(),), hardware=True),
        Kind("ssh-rsa", read_rsa, tuple(RSA_DIGESTS)),
    )
}
