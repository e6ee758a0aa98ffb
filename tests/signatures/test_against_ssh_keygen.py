"""Whatever ours accepts, ``ssh-keygen -Y verify`` accepts too: we differ by refusing more only.

``SIGNATURE_RUNS`` sets how many mutated signatures the normal run gives to the real program.
"""

import base64
import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.adapters.ssh_keygen import generate, sign
from desired_state.signatures import PublicKey, SignatureRefused, public_key, verify

NAMESPACE = "sign-off@governor"
MESSAGE = b"proposal: sha256:00\n"
RUNS = int(os.environ.get("SIGNATURE_RUNS", "60"))
JUNK = (b"", b"\n", b"\r\n", b" ", b"x", b"A", b"=", b"-----END SSH SIGNATURE-----\n", b"\0")


def armour(blob: bytes) -> bytes:
    encoded = base64.b64encode(blob)
    lines = [encoded[at : at + 70] for at in range(0, len(encoded), 70)]
    head, tail = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
    return b"\n".join([head, *lines, tail]) + b"\n"


def ours(signature: bytes, message: bytes, key: PublicKey) -> bool:
    try:
        verify(signature, message, namespace=NAMESPACE, key=key)
    except SignatureRefused:
        return False
    return True


def theirs(folder: Path, signature: bytes, message: bytes) -> bool:
    (folder / "given.sig").write_bytes(signature)
    done = subprocess.run(
        [
            *("ssh-keygen", "-Y", "verify", "-f", folder / "allowed_signers", "-I", "ada"),
            *("-n", NAMESPACE, "-s", folder / "given.sig"),
        ],
        input=message,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def mutated(good: bytes, chance: random.Random) -> bytes:
    """A bit of the blob turned, bytes of it put or taken, or junk somewhere in the text."""
    blob = bytearray(base64.b64decode(b"".join(good.split(b"\n")[1:-2])))
    at = chance.randrange(len(blob))
    way = chance.randrange(6)
    if way == 0:
        blob[at] ^= 1 << chance.randrange(8)
        return armour(bytes(blob))
    if way == 1:
        return armour(bytes(blob[:at] + blob[at + chance.randrange(1, 5) :]))
    if way == 2:
        return armour(bytes(blob) + chance.randbytes(chance.randrange(1, 4)))
    at = chance.randrange(len(good) + 1) if way == 3 else chance.choice((0, len(good), len(good)))
    gone = chance.randrange(3)
    return good[:at] + chance.choice(JUNK) + good[at + gone :]


def prepared(folder: Path) -> tuple[PublicKey, bytes]:
    line = generate(folder / "key", "ada")
    (folder / "allowed_signers").write_text(f'ada namespaces="{NAMESPACE}" {line}\n')
    good = sign(MESSAGE, folder / "key", NAMESPACE)
    key = public_key(line)
    assert ours(good, MESSAGE, key)
    assert theirs(folder, good, MESSAGE)
    return key, good


def assert_refuses_more(folder: Path, runs: int, seed: int) -> None:
    key, good = prepared(folder)
    chance = random.Random(seed)  # noqa: S311  (a seed that repeats)
    known = {
        "junk after": good + b"junk\n",
        "two signatures": good + good,
        "windows": good.replace(b"\n", b"\r\n"),
    }
    refused_more = [name for name, s in known.items() if not ours(s, MESSAGE, key)]
    assert refused_more == list(known)
    assert any(theirs(folder, s, MESSAGE) for s in known.values())
    for _ in range(runs):
        signature = mutated(good, chance)
        assert theirs(folder, signature, MESSAGE) or not ours(signature, MESSAGE, key)
    for message in (b"", MESSAGE + b"\n", MESSAGE[:-1], MESSAGE.upper()):
        assert not ours(good, message, key)
        assert not theirs(folder, good, message)


def test_ours_accepts_nothing_that_ssh_keygen_refuses(tmp_path: Path) -> None:
    assert_refuses_more(tmp_path, RUNS, seed=0)


@pytest.mark.slow
def test_ours_accepts_nothing_that_ssh_keygen_refuses_at_full_depth(tmp_path: Path) -> None:
    assert_refuses_more(tmp_path, 3000, seed=1)


def test_of_many_mutations_ours_accepts_the_unchanged_alone(tmp_path: Path) -> None:
    key, good = prepared(tmp_path)
    chance = random.Random(2)  # noqa: S311  (a seed that repeats)
    for _ in range(4000):
        signature = mutated(good, chance)
        assert ours(signature, MESSAGE, key) == (signature == good)


@settings(max_examples=200)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_and_nothing_else_is_raised(data: bytes, armoured: bool) -> None:  # noqa: FBT001
    key = public_key(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
    )
    assert not ours(armour(b"SSHSIG\0\0\0\1" + data) if armoured else data, MESSAGE, key)
