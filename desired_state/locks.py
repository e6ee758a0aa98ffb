"""Public keys as numbers: Ed25519, ECDSA and RSA, and whether a signature fits one.

The arithmetic is the package ``cryptography``'s, which is imported here and nowhere else in this
package. Keys are read so that ours is never laxer than OpenSSH (RFC 8709, 5656 and 8332).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from desired_state.ssh_wire import SIGNATURE, Reader, SignatureRefused, Why, key_refused

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192  # one verification stays within a millisecond or two
MIN_RSA_EXPONENT: Final = 3
MAX_RSA_EXPONENT_BITS: Final = 32


class Lock(Protocol):
    """A public key as numbers, of one kind of arithmetic."""

    @property
    def material(self) -> bytes:
        """Identity of the secret behind it: equal for every form that one secret signs for."""

    def fits(self, algorithm: bytes, raw: bytes, signed: bytes) -> bool:
        """Whether ``raw`` is a signature of ``signed``.

        Raises:
            SignatureRefused: ``raw`` is not even in the form of one.
        """


# --- Ed25519 (RFC 8032, RFC 8709) --------------------------------------------------------------
_ED25519_BYTES: Final = 32
_ED25519_SIGNATURE_BYTES: Final = 64
_FIELD: Final = 2**255 - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})
"""The y of the points of order 1, 2, 4 and 8: under such a key anybody can sign."""


@dataclass(frozen=True, slots=True)
class Ed25519:
    """A point of edwards25519."""

    raw: bytes

    @property
    def material(self) -> bytes:
        """The kind and y."""
        return b"ed25519:" + _y(self.raw).to_bytes(_ED25519_BYTES, "little")

    def fits(self, algorithm: bytes, raw: bytes, signed: bytes) -> bool:
        """R and S as 64 bytes."""
        del algorithm  # there is one
        if len(raw) != _ED25519_SIGNATURE_BYTES:
            raise SignatureRefused(Why.LENGTH, f"expected 64 bytes, found {len(raw)}")
        return _verifies(lambda: Ed25519PublicKey.from_public_bytes(self.raw).verify(raw, signed))


def read_ed25519(reader: Reader) -> Lock:
    """The 32 bytes of a point of full order."""
    raw = reader.string()
    if len(raw) != _ED25519_BYTES:
        raise key_refused(Why.KEY_FORM, f"expected {_ED25519_BYTES} bytes, found {len(raw)}")
    if _y(raw) >= _FIELD or _y(raw) in _SMALL_ORDER:
        raise key_refused(Why.KEY_WEAK, "expected a point of full order in its one encoding")
    return Ed25519(raw)


def _y(raw: bytes) -> int:
    """Without the sign of x: whoever has a point's secret has its negative's too (SIG-2)."""
    return int.from_bytes(raw, "little") & (2**255 - 1)


# --- ECDSA (RFC 5656) --------------------------------------------------------------------------
_UNCOMPRESSED: Final = 4


@dataclass(frozen=True, slots=True)
class Curve:
    """One of the NIST curves, with the hash that ECDSA takes on it."""

    name: bytes
    curve: ec.EllipticCurve
    digest: hashes.HashAlgorithm

    @property
    def order(self) -> int:
        """How many points there are."""
        return self.curve.group_order

    @property
    def width(self) -> int:
        """Bytes of one coordinate."""
        return (self.curve.key_size + 7) // 8


P256: Final = Curve(b"nistp256", ec.SECP256R1(), hashes.SHA256())
P384: Final = Curve(b"nistp384", ec.SECP384R1(), hashes.SHA384())
P521: Final = Curve(b"nistp521", ec.SECP521R1(), hashes.SHA512())


@dataclass(frozen=True, slots=True)
class Ecdsa:
    """A point of a NIST curve."""

    on: Curve
    x: int
    y: int

    @property
    def material(self) -> bytes:
        """The curve and x."""
        # SIG-2: x alone, since a point and its negative have one secret
        return self.on.name + b":" + self.x.to_bytes(self.on.width, "big")

    def fits(self, algorithm: bytes, raw: bytes, signed: bytes) -> bool:
        """The numbers r and s."""
        del algorithm  # it is that of the curve
        parts = Reader(raw, SIGNATURE)
        r, s = parts.natural(), parts.natural()
        parts.end()
        if not (0 < r < self.on.order and 0 < s < self.on.order):
            raise SignatureRefused(Why.NUMBER, "expected r and s between 1 and the group's order")
        public = ec.EllipticCurvePublicNumbers(self.x, self.y, self.on.curve).public_key()
        der = encode_dss_signature(r, s)
        return _verifies(lambda: public.verify(der, signed, ec.ECDSA(self.on.digest)))


def read_ecdsa(on: Curve) -> Callable[[Reader], Lock]:
    """What reads the curve's name and an uncompressed point on it."""

    def read(reader: Reader) -> Lock:
        if (found := reader.string()) != on.name:
            told = f"expected {on.name.decode()} inside the key, found {found[:40]!r}"
            raise key_refused(Why.CURVE, told)
        point = reader.string()
        if len(point) != 1 + 2 * on.width or point[0] != _UNCOMPRESSED:
            raise key_refused(Why.KEY_FORM, "expected a point of the curve, uncompressed")
        x, y = (int.from_bytes(p, "big") for p in (point[1 : 1 + on.width], point[1 + on.width :]))
        try:
            ec.EllipticCurvePublicNumbers(x, y, on.curve).public_key()
        except ValueError:
            raise key_refused(Why.KEY_FORM, "expected a point on the curve") from None
        # OpenSSH's own bounds (sshkey_ec_validate_public), so that ours is never the laxer
        small = min(x, y).bit_length() <= on.order.bit_length() // 2
        if small or max(x, y) >= on.order - 1:
            raise key_refused(Why.KEY_WEAK, "expected coordinates that are neither small nor great")
        return Ecdsa(on, x, y)

    return read


# --- RSA (RFC 8332) ----------------------------------------------------------------------------
RSA_DIGESTS: Final[dict[bytes, hashes.HashAlgorithm]] = {
    b"rsa-sha2-256": hashes.SHA256(),
    b"rsa-sha2-512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Rsa:
    """A modulus and an exponent."""

    e: int
    n: int

    @property
    def material(self) -> bytes:
        """The kind and the modulus."""
        # SIG-2: the modulus alone, since its factors give the secret of every exponent
        return b"rsa:" + self.n.to_bytes((self.n.bit_length() + 7) // 8, "big")

    def fits(self, algorithm: bytes, raw: bytes, signed: bytes) -> bool:
        """PKCS #1 v1.5, as many bytes as the modulus."""
        width = (self.n.bit_length() + 7) // 8
        if len(raw) != width:
            raise SignatureRefused(Why.LENGTH, f"expected {width} bytes, found {len(raw)}")
        public, digest = RSAPublicNumbers(self.e, self.n).public_key(), RSA_DIGESTS[algorithm]
        return _verifies(lambda: public.verify(raw, signed, PKCS1v15(), digest))


def read_rsa(reader: Reader) -> Lock:
    """The exponent and the modulus."""
    e, n = reader.natural(), reader.natural()
    if not MIN_RSA_BITS <= n.bit_length() <= MAX_RSA_BITS:
        told = f"expected {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, found {n.bit_length()}"
        raise key_refused(Why.KEY_WEAK, told)
    usual = MIN_RSA_EXPONENT <= e < 2**MAX_RSA_EXPONENT_BITS
    if not usual or e % 2 == 0 or n % 2 == 0:
        raise key_refused(Why.KEY_WEAK, "expected an odd modulus and an odd exponent from 3 up")
    return Rsa(e, n)


def _verifies(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except (InvalidSignature, ValueError):  # ValueError: a point that does not decode
        return False
    return True
