"""Somebody with a key of each kind, and their signatures with any part of it changed."""

import base64
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from desired_state.signatures import PublicKey, public_key
from tests.fakes.software_token import SoftwareToken, armour, mpint, to_sign, wire

NAMESPACE = b"sign-off@governor"
MESSAGE = b"proposal: sha256:00\ndecision: GO\n"
ORDER = 2**252 + 27742317777372353535851937790883648493  # of edwards25519
CURVES = {"nistp256": ec.SECP256R1(), "nistp384": ec.SECP384R1(), "nistp521": ec.SECP521R1()}
DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "nistp256": hashes.SHA256(),
    "nistp384": hashes.SHA384(),
    "nistp521": hashes.SHA512(),
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
    "ssh-rsa": hashes.SHA1(),  # noqa: S303  (a signature that must be refused)
}


@dataclass(frozen=True)
class Parts:
    """An SSHSIG taken apart."""

    key: bytes
    kind: bytes
    raw: bytes
    said: bytes = b""
    """What follows the signature proper: flags and counter, or what does not belong there."""
    namespace: bytes = NAMESPACE
    reserved: bytes = b""
    hash: bytes = b"sha512"
    magic: bytes = b"SSHSIG"
    version: int = 1
    after: bytes = b""

    @property
    def blob(self) -> bytes:
        inner = wire(self.kind, self.raw) + self.said
        head = self.magic + self.version.to_bytes(4, "big")
        return head + wire(self.key, self.namespace, self.reserved, self.hash, inner) + self.after

    @property
    def armoured(self) -> bytes:
        return armour(self.blob)


def strings(data: bytes) -> tuple[list[bytes], bytes]:
    """As many strings of the wire as there are, and what is left."""
    found = []
    while len(data) >= 4 and len(data) - 4 >= (size := int.from_bytes(data[:4], "big")):
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found, data


def taken_apart(blob: bytes) -> Parts | None:
    """The parts of a blob, read leniently."""
    outer, after = strings(blob[10:])
    if len(outer) != 5 or blob[:10] not in (b"SSHSIG\0\0\0\0", b"SSHSIG\0\0\0\1"):
        return None
    key, namespace, reserved, algorithm, inner = outer
    size = int.from_bytes(inner[:4], "big")
    kind, rest = inner[4 : 4 + size], inner[4 + size :]
    size = int.from_bytes(rest[:4], "big")
    raw, said = rest[4 : 4 + size], rest[4 + size :]
    return Parts(key, kind, raw, said, namespace, reserved, algorithm, after=after)


@dataclass(frozen=True)
class Hand:
    """One key, and how it signs."""

    name: str
    algorithm: str
    secret: Any
    token: SoftwareToken | None = None

    @cached_property
    def line(self) -> str:
        if self.token:
            return self.token.public
        public = self.secret.public_key()
        return str(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())

    @property
    def blob(self) -> bytes:
        return base64.b64decode(self.line.split()[1])

    @cached_property
    def key(self) -> PublicKey:
        return public_key(self.line)

    def raw(self, signed: bytes) -> bytes:
        if self.token:
            return self.token.raw(signed)
        if isinstance(self.secret, Ed25519PrivateKey):
            return self.secret.sign(signed)
        if isinstance(self.secret, rsa.RSAPrivateKey):
            return self.secret.sign(signed, PKCS1v15(), DIGESTS[self.algorithm])
        r, s = decode_dss_signature(
            self.secret.sign(signed, ec.ECDSA(DIGESTS[self.name], deterministic_signing=True))
        )
        return wire(mpint(r), mpint(s))

    def signs(self, message: bytes = MESSAGE, **changes: Any) -> Parts:  # noqa: ANN401
        """A signature over what it says, whatever that is."""
        said = self.token.said if self.token else b""
        parts = replace(Parts(self.blob, self.algorithm.encode(), b"", said), **changes)
        signed = to_sign(message, parts.namespace, parts.hash, parts.reserved)
        return replace(parts, raw=self.raw(signed))

    def saying(self, **changes: Any) -> "Hand":  # noqa: ANN401
        """The same token with other flags, counter or application."""
        assert self.token
        return replace(self, token=replace(self.token, **changes))


def prime(seed: int) -> int:
    """A prime of 1024 bits, always the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  (a test's key, made again each time)
    found = chance.getrandbits(1024) | 3 << 1022 | 1
    small = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
    while any(found % n == 0 for n in small) or pow(2, found - 1, found) != 1:
        found += 2
    return found


def _rsa() -> rsa.RSAPrivateKey:
    p, q, e = prime(1), prime(7), 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    crt = (d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, *crt, rsa.RSAPublicNumbers(e, p * q)).private_key()


def _plain(name: str, secret: Any, algorithm: str) -> Hand:  # noqa: ANN401
    return Hand(name, algorithm, secret)


def _in_token(name: str, token: SoftwareToken) -> Hand:
    return Hand(name, token.kind.decode(), token.secret, token)


def _number(seed: str) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:31], "big")


MAKERS: dict[str, Callable[[str], Hand]] = {
    "ed25519": lambda who: _plain("ed25519", SoftwareToken(who).secret, "ssh-ed25519"),
    **{
        name: lambda who, name=name: _plain(
            name, ec.derive_private_key(_number(who), CURVES[name]), f"ecdsa-sha2-{name}"
        )
        for name in CURVES
    },
    "rsa-sha2-256": lambda _: _plain("rsa-sha2-256", _rsa(), "rsa-sha2-256"),
    "rsa-sha2-512": lambda _: _plain("rsa-sha2-512", _rsa(), "rsa-sha2-512"),
    "sk-ed25519": lambda who: _in_token("sk-ed25519", SoftwareToken(who)),
    "sk-ecdsa": lambda who: _in_token("sk-ecdsa", SoftwareToken(who, "ecdsa")),
}


@lru_cache(maxsize=64)
def hand(name: str, who: str = "ada") -> Hand:
    return MAKERS[name](who)


def unpacked(signature: bytes) -> bytes:
    """The blob inside the first armour, however it is laid out."""
    body = signature.partition(b"-----BEGIN SSH SIGNATURE-----")[2]
    text = b"".join(body.partition(b"-----END SSH SIGNATURE-----")[0].split())
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""
