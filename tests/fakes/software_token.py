"""A hardware key in software: sk-ssh-ed25519 and sk-ecdsa with any flags, as ssh-keygen reads them.

The secret comes from a name, so that the same name is the same key in every test, plain or as a
token. What a token signs is OpenSSH's PROTOCOL.u2f; tests/signatures shows it to ssh-keygen.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TOUCH: Final = 0x01
PIN: Final = 0x04
WEBAUTHN: Final = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
P256_ORDER: Final = ec.SECP256R1().group_order


def wire(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def mpint(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b""


def armour(blob: bytes, width: int = 70) -> bytes:
    encoded = base64.b64encode(blob)
    lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
    body = b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----"])
    return body + b"\n"


def to_sign(message: bytes, namespace: bytes, algorithm: bytes, reserved: bytes = b"") -> bytes:
    """What an SSHSIG is a signature of."""
    digest = hashlib.new(algorithm.decode(), message).digest()
    return b"SSHSIG" + wire(namespace, reserved, algorithm, digest)


@dataclass(frozen=True)
class SoftwareToken:
    """One key in one token; ``flags`` and ``counter`` are what it says with each signature."""

    seed: str
    sort: Literal["ed25519", "ecdsa"] = "ed25519"
    application: bytes = b"ssh:"
    flags: int = TOUCH
    counter: int = 7

    @property
    def secret(self) -> Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
        digest = hashlib.sha256(self.seed.encode()).digest()
        if self.sort == "ed25519":
            return Ed25519PrivateKey.from_private_bytes(digest)
        number = int.from_bytes(digest, "big") % (P256_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())

    @property
    def kind(self) -> bytes:
        return {
            "ed25519": b"sk-ssh-ed25519@openssh.com",
            "ecdsa": b"sk-ecdsa-sha2-nistp256@openssh.com",
        }[self.sort]

    @property
    def plain(self) -> str:
        """The same point as a key without hardware."""
        return (
            self.secret.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        )

    @property
    def blob(self) -> bytes:
        inside = base64.b64decode(self.plain.split()[1])
        length = int.from_bytes(inside[:4], "big")  # of the plain kind's name, which is replaced
        return wire(self.kind) + inside[4 + length :] + wire(self.application)

    @property
    def public(self) -> str:
        """As in a ``.pub`` file."""
        return f"{self.kind.decode()} {base64.b64encode(self.blob).decode()}"

    @property
    def said(self) -> bytes:
        return bytes([self.flags]) + self.counter.to_bytes(4, "big")

    def sign(self, message: bytes, namespace: str, algorithm: bytes = b"sha512") -> bytes:
        """Armoured, as ``ssh-keygen -Y sign`` would write it with this key plugged in."""
        name = namespace.encode()
        inner = wire(self.kind, self.raw(to_sign(message, name, algorithm))) + self.said
        head = b"SSHSIG" + (1).to_bytes(4, "big")
        return armour(head + wire(self.blob, name, b"", algorithm, inner))

    def raw(self, signed: bytes) -> bytes:
        """The signature proper, of what the token is handed and what it says itself."""
        return self._raw(self.handed(signed))

    def handed(self, signed: bytes) -> bytes:
        """What the token itself puts its signature to."""
        application, digest = (hashlib.sha256(d).digest() for d in (self.application, signed))
        return application + self.said + digest

    def _raw(self, data: bytes) -> bytes:
        secret = self.secret
        if isinstance(secret, Ed25519PrivateKey):
            return secret.sign(data)
        r, s = decode_dss_signature(
            secret.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        )
        return wire(mpint(r), mpint(s))

    def webauthn(self, message: bytes, namespace: str) -> bytes:
        """Armoured, as a browser would have it made; ssh-keygen accepts it."""
        name, origin = namespace.encode(), b"https://example.invalid"
        challenge = base64.urlsafe_b64encode(to_sign(message, name, b"sha512")).rstrip(b"=")
        client = json.dumps(
            {"type": "webauthn.get", "challenge": challenge.decode(), "origin": origin.decode()},
            separators=(",", ":"),
        ).encode()
        inner = wire(WEBAUTHN, self.raw(client)) + self.said + wire(origin, client, b"")
        head = b"SSHSIG" + (1).to_bytes(4, "big")
        return armour(head + wire(self.blob, name, b"", b"sha512", inner))
