"""Every kind that may sign, as the real ssh-keygen makes it, and every key too weak or crooked."""

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from desired_state.signatures import Presence, PublicKey, SignatureRefused, Why, public_key, verify
from tests.fakes.software_token import SoftwareToken, mpint, wire

MESSAGE = b"proposal: sha256:00\n"
MADE = {
    "ed25519": ("ed25519", "256", "ssh-ed25519"),
    "nistp256": ("ecdsa", "256", "ecdsa-sha2-nistp256"),
    "nistp384": ("ecdsa", "384", "ecdsa-sha2-nistp384"),
    "nistp521": ("ecdsa", "521", "ecdsa-sha2-nistp521"),
    "rsa2048": ("rsa", "2048", "ssh-rsa"),
    "rsa3072": ("rsa", "3072", "ssh-rsa"),
}


def made(folder: Path, sort: str, bits: str) -> str:
    given = [
        "ssh-keygen",
        "-q",
        "-t",
        sort,
        "-b",
        bits,
        "-N",
        "",
        "-C",
        "ada",
        "-f",
        folder / "key",
    ]
    subprocess.run(given, check=True)
    return (folder / "key.pub").read_text().rstrip("\n")


@pytest.mark.parametrize("name", MADE)
def test_signatures_of_the_real_ssh_keygen_verify_with_either_hash(
    tmp_path: Path, name: str
) -> None:
    sort, bits, kind = MADE[name]
    key = public_key(made(tmp_path, sort, bits))
    assert (key.kind, key.hardware) == (kind, False)
    for algorithm in ("sha512", "sha256"):
        signature = subprocess.run(
            ["ssh-keygen", "-Y", "sign", "-O", f"hashalg={algorithm}", "-n", "x",
             "-f", tmp_path / "key"],
            input=MESSAGE, capture_output=True, check=True,
        ).stdout  # fmt: skip
        assert verify(signature, MESSAGE, namespace="x", key=key) == Presence()
        for message, namespace in ((MESSAGE + b" ", "x"), (MESSAGE, "y")):
            with pytest.raises(SignatureRefused):
                verify(signature, message, namespace=namespace, key=key)


@pytest.mark.parametrize(("sort", "bits"), [("rsa", "1024"), ("rsa", "2047")])
def test_a_short_rsa_key_of_the_real_ssh_keygen_is_refused(
    tmp_path: Path, sort: str, bits: str
) -> None:
    assert why(made(tmp_path, sort, bits)) is Why.KEY_WEAK


def line_of(kind: str, *parts: bytes) -> str:
    return f"{kind} {base64.b64encode(wire(kind.encode(), *parts)).decode()}"


def why(line: str) -> Why:
    with pytest.raises(SignatureRefused) as refused:
        public_key(line)
    return refused.value.why


def point(x: int, y: int, width: int = 32) -> bytes:
    return b"\4" + x.to_bytes(width, "big") + y.to_bytes(width, "big")


NUMBERS = ec.derive_private_key(12345, ec.SECP256R1()).public_key().public_numbers()
X, Y = NUMBERS.x, NUMBERS.y
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
CURVE_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
ODD = 2**2047 + 2**1000 + 1
P256, RSA = "ecdsa-sha2-nistp256", "ssh-rsa"
SK, SK_P256 = "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"
RAW = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def point_from(start: int) -> bytes:
    """The first point of the curve whose x is at least this."""
    for x in range(start, start + 100):
        square = (x**3 - 3 * x + CURVE_B) % FIELD
        y = pow(square, (FIELD + 1) // 4, FIELD)
        if y * y % FIELD == square:
            return point(x, y)
    raise AssertionError


SMALL = point_from(2**100)
GREAT = point_from(ec.SECP256R1().group_order)  # below the field's prime, which is greater

REFUSED = {
    "another curve inside": (line_of(P256, b"nistp384", point(X, Y)), Why.CURVE),
    "a curve of its own": (line_of(P256, b"secp256k1", point(X, Y)), Why.CURVE),
    "compressed": (line_of(P256, b"nistp256", b"\2" + X.to_bytes(32, "big")), Why.KEY_FORM),
    "hybrid": (line_of(P256, b"nistp256", b"\6" + point(X, Y)[1:]), Why.KEY_FORM),
    "infinity": (line_of(P256, b"nistp256", b"\0"), Why.KEY_FORM),
    "no point": (line_of(P256, b"nistp256", b""), Why.KEY_FORM),
    "off the curve": (line_of(P256, b"nistp256", point(X, Y + 1)), Why.KEY_FORM),
    "beyond the field": (line_of(P256, b"nistp256", point(FIELD + 1, Y)), Why.KEY_FORM),
    "a zero more": (line_of(P256, b"nistp256", point(X, Y, 33)), Why.KEY_FORM),
    "small x": (line_of(P256, b"nistp256", SMALL), Why.KEY_WEAK),
    "great x": (line_of(P256, b"nistp256", GREAT), Why.KEY_WEAK),
    "trailing bytes": (line_of(P256, b"nistp256", point(X, Y), b""), Why.TRAILING),
    "rsa 2047 bits": (line_of(RSA, mpint(65537), mpint(ODD // 2 | 1)), Why.KEY_WEAK),
    "rsa 8193 bits": (line_of(RSA, mpint(65537), mpint(2**8192 + 1)), Why.KEY_WEAK),
    "rsa exponent 0": (line_of(RSA, mpint(0), mpint(ODD)), Why.KEY_WEAK),
    "rsa exponent 1": (line_of(RSA, mpint(1), mpint(ODD)), Why.KEY_WEAK),
    "rsa even exponent": (line_of(RSA, mpint(65536), mpint(ODD)), Why.KEY_WEAK),
    "rsa endless exponent": (line_of(RSA, mpint(2**32 + 1), mpint(ODD)), Why.KEY_WEAK),
    "rsa even modulus": (line_of(RSA, mpint(65537), mpint(ODD + 1)), Why.KEY_WEAK),
    "rsa negative modulus": (line_of(RSA, mpint(65537), mpint(ODD)[1:]), Why.NUMBER),
    "rsa zeros before": (line_of(RSA, b"\0" + mpint(65537), mpint(ODD)), Why.NUMBER),
    "rsa a written zero": (line_of(RSA, b"\0", mpint(ODD)), Why.NUMBER),
    "hardware without application": (line_of(SK, RAW), Why.TRUNCATED),
    "hardware, empty application": (line_of(SK, RAW, b""), Why.APPLICATION),
    "hardware, a web site's": (line_of(SK, RAW, b"https://example.invalid"), Why.APPLICATION),
    "hardware, spaces": (line_of(SK, RAW, b"ssh: a"), Why.APPLICATION),
    "hardware, a line end": (line_of(SK, RAW, b"ssh:a\n"), Why.APPLICATION),
    "hardware, endless": (line_of(SK, RAW, b"ssh:" + b"a" * 125), Why.APPLICATION),
    "hardware, trailing": (line_of(SK, RAW, b"ssh:", b""), Why.TRAILING),
    "hardware on another curve": (
        line_of(SK_P256, b"nistp384", point(X, Y), b"ssh:"), Why.CURVE,
    ),
    "webauthn": (line_of("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256"), Why.KIND),
    "dsa": (line_of("ssh-dss", mpint(3)), Why.KIND),
    "ed448": (line_of("ssh-ed448", RAW), Why.KIND),
    "rsa under the name of its signature": (
        line_of("rsa-sha2-512", mpint(65537), mpint(ODD)), Why.KIND,
    ),
    "hardware certificate": (line_of("sk-ssh-ed25519-cert-v01@openssh.com", RAW), Why.KIND),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_key_that_is_weak_or_crooked_is_refused_by_name(case: str) -> None:
    line, expected = REFUSED[case]
    assert why(line) is expected


def test_the_good_ones_beside_them_are_read() -> None:
    for line in (
        line_of(P256, b"nistp256", point(X, Y)),
        line_of(RSA, mpint(3), mpint(ODD)),
        line_of(RSA, mpint(65537), mpint(2**8191 + 1)),
        line_of(SK, RAW, b"ssh:" + b"a" * 124),
        line_of(SK_P256, b"nistp256", point(X, Y), b"ssh:"),
    ):
        key: PublicKey = public_key(line)
        assert key.line == line


def test_keys_of_one_secret_have_one_material() -> None:
    of = [
        (line_of(P256, b"nistp256", point(X, Y)), line_of(P256, b"nistp256", point(X, FIELD - Y))),
        (line_of(RSA, mpint(3), mpint(ODD)), line_of(RSA, mpint(65537), mpint(ODD))),
        (line_of(SK, RAW, b"ssh:"), line_of(SK, RAW[:-1] + bytes([RAW[-1] | 128]), b"ssh:")),
    ]
    for one, other in of:
        assert public_key(one).material == public_key(other).material
        assert public_key(one) != public_key(other)
    every = {public_key(line).material for pair in of for line in pair}
    assert len(every) == 3


@pytest.mark.parametrize("given", [SMALL, GREAT])
def test_openssh_refuses_small_and_great_coordinates_too(tmp_path: Path, given: bytes) -> None:
    (tmp_path / "key.pub").write_text(line_of(P256, b"nistp256", given) + "\n")
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], capture_output=True, check=False
    )
    assert listed.returncode != 0


def test_openssh_reads_the_keys_that_ours_reads(tmp_path: Path) -> None:
    lines = [SoftwareToken("ada").public, SoftwareToken("ada", "ecdsa").public]
    lines += [line_of(RSA, mpint(3), mpint(ODD)), line_of(P256, b"nistp256", point(X, Y))]
    for line in lines:
        (tmp_path / "key.pub").write_text(line + "\n")
        listed = subprocess.run(
            ["ssh-keygen", "-l", "-f", tmp_path / "key.pub"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert listed.stdout.split()[1] == public_key(line).key_id
