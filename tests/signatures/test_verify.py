"""Only the one form that ssh-keygen writes counts, and every other is refused by name."""

import base64
import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from desired_state.adapters.ssh_keygen import generate, sign
from desired_state.reasons import Reason
from desired_state.signatures import (
    MAX_SIGNATURE_BYTES,
    PublicKey,
    SignatureRefused,
    Why,
    public_key,
    verify,
)

NAMESPACE = "sign-off@governor"
MESSAGE = b"proposal: sha256:00\ndecision: GO\n"
SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = public_key(SECRET.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
ORDER = 2**252 + 27742317777372353535851937790883648493


def wire(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def armour(blob: bytes, width: int = 70) -> bytes:
    encoded = base64.b64encode(blob)
    lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
    body = b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----"])
    return body + b"\n"


@dataclass(frozen=True)
class Made:
    """A signature with any part of it changed, correctly signed over what it then says."""

    magic: bytes = b"SSHSIG"
    version: int = 1
    key: bytes = KEY.blob
    namespace: bytes = NAMESPACE.encode()
    reserved: bytes = b""
    hash: bytes = b"sha512"
    kind: bytes = b"ssh-ed25519"
    after: bytes = b""
    after_inner: bytes = b""
    message: bytes = MESSAGE

    def blob(self) -> bytes:
        digest = hashlib.new(self.hash.decode(), self.message).digest()
        signed = b"SSHSIG" + wire(self.namespace, self.reserved, self.hash, digest)
        inner = wire(self.kind, SECRET.sign(signed)) + self.after_inner
        head = self.magic + self.version.to_bytes(4, "big")
        return head + wire(self.key, self.namespace, self.reserved, self.hash, inner) + self.after

    def armoured(self) -> bytes:
        return armour(self.blob())


GOOD = Made().armoured()
BLOB = Made().blob()
BEGIN, END = GOOD.split(b"\n")[0], GOOD.split(b"\n")[-2]


def why(
    signature: bytes, message: bytes = MESSAGE, namespace: str = NAMESPACE, key: PublicKey = KEY
) -> Why:
    with pytest.raises(SignatureRefused) as refused:
        verify(signature, message, namespace=namespace, key=key)
    assert refused.value.code is Reason.SIGNATURE
    assert refused.value.message.startswith(refused.value.why)
    return refused.value.why


def malleable(blob: bytes) -> bytes:
    """The same signature with the group's order added to its second half."""
    s = int.from_bytes(blob[-32:], "little") + ORDER
    return blob[:-32] + s.to_bytes(32, "little")


def test_signatures_of_the_real_ssh_keygen_verify(tmp_path: Path) -> None:
    key = public_key(generate(tmp_path / "key", "ada"))
    for namespace in ("sign-off@governor", "proposal@governor", "trust-root@governor", "x"):
        signature = sign(MESSAGE, tmp_path / "key", namespace)
        verify(signature, MESSAGE, namespace=namespace, key=key)


def test_a_signature_of_the_real_ssh_keygen_over_sha256_verifies(tmp_path: Path) -> None:
    key = public_key(generate(tmp_path / "key", "ada"))
    made = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-O", "hashalg=sha256", "-n", "x", "-f", tmp_path / "key"],
        input=MESSAGE,
        capture_output=True,
        check=True,
    )
    verify(made.stdout, MESSAGE, namespace="x", key=key)


def test_what_this_file_makes_is_what_ssh_keygen_makes(tmp_path: Path) -> None:
    private = SECRET.private_bytes_raw()
    public = SECRET.public_key().public_bytes_raw()
    section = b"\0" * 8 + wire(b"ssh-ed25519", public, private + public, b"") + b"\1"
    section += bytes(range(2, 2 + -len(section) % 8))
    body = b"openssh-key-v1\0" + wire(b"none", b"none", b"") + (1).to_bytes(4, "big")
    body += wire(KEY.blob, section)
    text = base64.encodebytes(body).decode()
    path = tmp_path / "key"
    path.touch(mode=0o600)
    name = "OPENSSH PRIVATE " + "KEY"
    path.write_text(f"-----BEGIN {name}-----\n{text}-----END {name}-----\n")
    assert sign(MESSAGE, path, NAMESPACE) == GOOD


def test_the_good_one_verifies() -> None:
    verify(GOOD, MESSAGE, namespace=NAMESPACE, key=KEY)
    verify(Made(hash=b"sha256").armoured(), MESSAGE, namespace=NAMESPACE, key=KEY)


FORMS = {
    "empty": (b"", Why.ARMOUR),
    "not a signature": (b"hello\n", Why.ARMOUR),
    "binary without armour": (BLOB.replace(b"\r", b""), Why.ARMOUR),
    "another armour": (GOOD.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"), Why.ARMOUR),
    "junk before": (b"x\n" + GOOD, Why.BEFORE),
    "a line end before": (b"\n" + GOOD, Why.BEFORE),
    "junk after": (GOOD + b"x", Why.TRAILING),
    "a line end after": (GOOD + b"\n", Why.TRAILING),
    "two signatures": (GOOD + GOOD, Why.SEVERAL),
    "a bad one before": (Made(message=b"x").armoured() + GOOD, Why.SEVERAL),
    "one inside the other": (BEGIN + b"\n" + GOOD, Why.SEVERAL),
    "windows line ends": (GOOD.replace(b"\n", b"\r\n"), Why.LINE_ENDS),
    "one carriage return": (GOOD[:-1] + b"\r\n", Why.LINE_ENDS),
    "no final line end": (GOOD[:-1], Why.ARMOUR),
    "no end line": (GOOD[: GOOD.index(END)], Why.ARMOUR),
    "cut in the middle": (GOOD[:150], Why.ARMOUR),
    "only the armour": (BEGIN + b"\n" + END + b"\n", Why.ARMOUR),
    "nothing inside": (BEGIN + b"\n\n" + END + b"\n", Why.TRUNCATED),
    "76 columns": (armour(BLOB, 76), Why.ARMOUR),
    "one line": (armour(BLOB, 1000), Why.ARMOUR),
    "an empty line inside": (GOOD.replace(BEGIN, BEGIN + b"\n"), Why.ARMOUR),
    "an empty line before the end": (GOOD.replace(END, b"\n" + END), Why.ARMOUR),
    "spaces inside": (GOOD.replace(b"U1NI", b" U1NI"), Why.BASE64),
    "a header": (GOOD.replace(BEGIN, BEGIN + b"\nVersion: 1"), Why.BASE64),
    "url-safe alphabet": (GOOD.replace(b"U1NI", b"U1N_", 1), Why.BASE64),
    "other letters": (GOOD.replace(b"U1NI", "\u00fc1NI".encode(), 1), Why.BASE64),
    "padding inside": (GOOD.replace(b"U1NI", b"U1==", 1), Why.BASE64),
    "bits in the padding": (armour(BLOB + b"\0").replace(b"A=\n", b"B=\n"), Why.BASE64),
    "padding missing": (armour(BLOB + b"\0").replace(b"=\n", b"\n"), Why.BASE64),
    "endless": (b"A" * (MAX_SIGNATURE_BYTES + 1), Why.SIZE),
    "endless after": (GOOD + b"\n" * MAX_SIGNATURE_BYTES, Why.SIZE),
}  # fmt: skip


@pytest.mark.parametrize("case", FORMS)
def test_another_armour_is_refused_by_name(case: str) -> None:
    signature, expected = FORMS[case]
    assert why(signature) is expected


CONTENTS = {
    "magic": (Made(magic=b"SSHSIH"), Why.MAGIC),
    "version 0": (Made(version=0), Why.VERSION),
    "version 2": (Made(version=2), Why.VERSION),
    "trailing bytes": (Made(after=b"\0"), Why.TRAILING),
    "trailing bytes in the inner signature": (Made(after_inner=b"\0"), Why.TRAILING),
    "namespace of a proposal": (Made(namespace=b"proposal@governor"), Why.NAMESPACE),
    "namespace with a nul": (Made(namespace=NAMESPACE.encode() + b"\0"), Why.NAMESPACE),
    "namespace in capitals": (Made(namespace=NAMESPACE.upper().encode()), Why.NAMESPACE),
    "no namespace": (Made(namespace=b""), Why.NAMESPACE),
    "reserved": (Made(reserved=b"x"), Why.RESERVED),
    "sha1": (Made(hash=b"sha1"), Why.HASH),
    "md5": (Made(hash=b"md5"), Why.HASH),
    "sha384": (Made(hash=b"sha384"), Why.HASH),
    "sha512 in capitals": (Made(hash=b"SHA512"), Why.HASH),
    "inner kind": (Made(kind=b"ssh-rsa"), Why.KIND),
    "inner kind of hardware": (Made(kind=b"sk-ssh-ed25519@openssh.com"), Why.KIND),
    "another key inside": (Made(key=KEY.blob[:-1] + b"\0"), Why.KEY_MISMATCH),
    "no key inside": (Made(key=b""), Why.KEY_MISMATCH),
    "key with trailing bytes": (Made(key=KEY.blob + b"\0"), Why.KEY_MISMATCH),
    "another message": (Made(message=MESSAGE + b"\n"), Why.WRONG_SIGNATURE),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_other_contents_are_refused_by_name_although_signed(case: str) -> None:
    made, expected = CONTENTS[case]
    assert why(made.armoured()) is expected


def test_a_good_signature_does_not_count_elsewhere() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"\7" * 32).public_key()
    line = other.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert why(GOOD, key=public_key(line)) is Why.KEY_MISMATCH
    assert why(GOOD, namespace="proposal@governor") is Why.NAMESPACE
    assert why(GOOD, namespace="") is Why.NAMESPACE
    assert why(Made(namespace=b"").armoured(), namespace="") is Why.NAMESPACE
    assert why(GOOD, message=MESSAGE.replace(b"GO", b"NO_GO")) is Why.WRONG_SIGNATURE
    assert why(GOOD, message=MESSAGE.replace(b"\n", b"\r\n")) is Why.WRONG_SIGNATURE
    assert why(GOOD, message=b"") is Why.WRONG_SIGNATURE


def test_a_second_signature_made_from_a_good_one_is_refused() -> None:
    assert why(armour(malleable(BLOB))) is Why.WRONG_SIGNATURE


def test_a_blob_cut_anywhere_is_refused() -> None:
    for size in range(1, len(BLOB)):
        assert why(armour(BLOB[:size])) in {Why.TRUNCATED, Why.MAGIC}
