"""Whatever is handed in: a key, a signature, or SignatureRefused, and soon."""

import base64
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from desired_state.key_kinds import KINDS
from desired_state.signatures import (
    MAX_KEY_LINE,
    MAX_SIGNATURE_BYTES,
    Presence,
    SignatureRefused,
    public_key,
    verify,
)
from tests.fakes.software_token import armour, mpint, wire
from tests.signatures.hands import MAKERS, MESSAGE, NAMESPACE, Parts, hand

pytestmark = pytest.mark.fuzz
SOON_SECONDS = 0.25  # far above what it takes, far below what a stuck loop takes

names = st.sampled_from([name.encode() for name in KINDS]) | st.binary(max_size=12)
numbers = st.integers(min_value=0, max_value=2**2100).map(mpint)


def point(secret: int) -> bytes:
    public = ec.derive_private_key(secret, ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


points = st.integers(min_value=1, max_value=2**200).map(point)
fields = st.one_of(
    st.binary(max_size=80),
    numbers,
    points,
    names,
    st.sampled_from([b"nistp256", b"nistp384", b"nistp521", b"ssh:", b"sha512", b"sha256"]),
)
wires = st.lists(fields, max_size=6).map(lambda parts: wire(*parts))


def refused_or_good(signature: bytes, name: str) -> None:
    try:
        found = verify(signature, MESSAGE, namespace=NAMESPACE.decode(), key=hand(name).key)
    except SignatureRefused:
        return
    assert isinstance(found, Presence)
    assert signature == hand(name).signs().armoured


@given(st.binary(max_size=600), st.sampled_from(tuple(MAKERS)), st.integers(0, 2))
def test_any_bytes_are_refused_and_nothing_else_is_raised(
    data: bytes, name: str, form: int
) -> None:
    refused_or_good([data, armour(data), armour(b"SSHSIG\0\0\0\1" + data)][form], name)


@given(st.sampled_from(tuple(MAKERS)), st.data())
def test_any_contents_are_refused_and_nothing_else_is_raised(
    name: str, data: st.DataObject
) -> None:
    good = hand(name).signs()
    either = lambda part, other: data.draw(st.just(part) | other)  # noqa: E731
    made = Parts(
        key=either(good.key, wires),
        kind=either(good.kind, names),
        raw=either(good.raw, wires | st.binary(min_size=60, max_size=70)),
        said=either(good.said, st.binary(max_size=8)),
        namespace=either(good.namespace, fields),
        reserved=either(b"", fields),
        hash=either(good.hash, fields),
        after=either(b"", fields),
    )
    refused_or_good(made.armoured, name)


@given(names, wires, st.binary(max_size=4))
def test_any_key_is_read_in_its_one_form_or_refused(
    name: bytes, inside: bytes, rest: bytes
) -> None:
    blob = wire(name) + inside + rest
    line = f"{name.decode('latin-1')} {base64.b64encode(blob).decode()}"
    try:
        key = public_key(line)
    except SignatureRefused:
        return
    assert key.line == line
    assert key.blob == blob
    assert key.material


GREAT_RSA = wire(b"ssh-rsa", mpint(2**32 - 1), mpint(2**8191 + 12345))
ROOM = MAX_SIGNATURE_BYTES * 70 // 71 * 3 // 4 - 3000
WORST = {
    "all begin lines": b"-----BEGIN SSH SIGNATURE-----\n" * (MAX_SIGNATURE_BYTES // 30),
    "all line ends": b"-----BEGIN SSH SIGNATURE-----\n" + b"\n" * (MAX_SIGNATURE_BYTES - 40),
    "all padding": b"-----BEGIN SSH SIGNATURE-----\n" + b"=" * (MAX_SIGNATURE_BYTES - 40),
    "great lengths": armour(b"SSHSIG\0\0\0\1" + b"\xff" * ROOM),
    "no strings": armour(b"SSHSIG\0\0\0\1" + b"\0" * ROOM),
    "a great number": armour(
        Parts(hand("nistp521").key.blob, b"ecdsa-sha2-nistp521",
              wire(mpint(2 ** (8 * (ROOM - 100))), b"\1")).blob
    ),
    "one byte too many": b"A" * (MAX_SIGNATURE_BYTES + 1),
    "endless": b"-----BEGIN SSH SIGNATURE-----\n" * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("case", WORST)
@pytest.mark.parametrize("name", ["ed25519", "nistp521", "rsa-sha2-512"])
def test_the_worst_signatures_are_refused_soon(case: str, name: str) -> None:
    key = hand(name).key
    start = time.process_time()
    with pytest.raises(SignatureRefused):
        verify(WORST[case], MESSAGE, namespace=NAMESPACE.decode(), key=key)
    assert time.process_time() - start < SOON_SECONDS


def test_the_greatest_rsa_key_is_used_soon() -> None:
    key = public_key(f"ssh-rsa {base64.b64encode(GREAT_RSA).decode()}")
    given_to_it = Parts(GREAT_RSA, b"rsa-sha2-512", b"\x7f" + b"\xff" * 1023).armoured
    start = time.process_time()
    with pytest.raises(SignatureRefused, match="wrong_signature"):
        verify(given_to_it, MESSAGE, namespace=NAMESPACE.decode(), key=key)
    assert time.process_time() - start < SOON_SECONDS


@pytest.mark.parametrize(
    "line",
    ["ssh-rsa " + "A" * (MAX_KEY_LINE - 8), "ssh-rsa " + "A" * 10**7, "x" * 10**7, " " * 10**7],
)
def test_the_worst_keys_are_refused_soon(line: str) -> None:
    start = time.process_time()
    with pytest.raises(SignatureRefused):
        public_key(line)
    assert time.process_time() - start < SOON_SECONDS
