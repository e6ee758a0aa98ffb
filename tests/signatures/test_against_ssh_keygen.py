"""Ours against ``ssh-keygen -Y verify``, on good and mutated signatures by every kind of key.

Ours may differ by refusing more only, and only as the table says: each row is a thing that
ssh-keygen lets through, with an example that both programs are shown. ``SIGNATURE_FUZZ`` sets how
many mutations the real program is asked about (50,000 in ``make fuzz``), ``SIGNATURE_SEED`` which.
"""

import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from desired_state.key_kinds import kind_of
from desired_state.signatures import (
    MAX_SIGNATURE_BYTES,
    Presence,
    PublicKey,
    SignatureRefused,
    Why,
    verify,
)
from tests.fakes.software_token import WEBAUTHN, armour, mpint, to_sign, wire
from tests.signatures.hands import (
    MAKERS,
    MESSAGE,
    NAMESPACE,
    ORDER,
    Hand,
    Parts,
    hand,
    strings,
    taken_apart,
    unpacked,
)
from tests.signatures.mutations import mutated

RUNS = int(os.environ.get("SIGNATURE_FUZZ", "2000"))
SEED = int(os.environ.get("SIGNATURE_SEED", "0"))
BLOCKS = 4
PER_BLOCK = -(-RUNS // (BLOCKS * len(MAKERS)))


def ours(signature: bytes, key: PublicKey, message: bytes = MESSAGE) -> Presence | Why:
    try:
        return verify(signature, message, namespace=NAMESPACE.decode(), key=key)
    except SignatureRefused as refused:
        return refused.why


def theirs(folder: Path, signature: bytes, by: Hand, message: bytes = MESSAGE) -> bool:
    signers = folder / f"allowed_{by.name}"
    if not signers.exists():
        signers.write_text(f'ada namespaces="{NAMESPACE.decode()}" {by.line}\n')
    (folder / "given.sig").write_bytes(signature)
    done = subprocess.run(
        [
            *("ssh-keygen", "-Y", "verify", "-f", signers, "-I", "ada"),
            *("-n", NAMESPACE, "-s", folder / "given.sig"),
        ],
        input=message,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


# --- the table ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Difference:
    """What ssh-keygen lets through, how ours says no, and an example by one kind of key."""

    why: Why
    kind: str
    example: Callable[[Hand], bytes]


def _with_raw(by: Hand, change: Callable[[bytes, bytes], bytes]) -> bytes:
    parts = by.signs()
    one, two = strings(parts.raw)[0]
    return replace(parts, raw=change(one, two)).armoured


def _beyond_the_order(by: Hand) -> bytes:
    parts = by.signs()
    s = int.from_bytes(parts.raw[32:], "little") + ORDER
    return replace(parts, raw=parts.raw[:32] + s.to_bytes(32, "little")).armoured


def _zeros_in_the_key(by: Hand) -> bytes:
    kind, exponent, modulus = strings(by.key.blob)[0]
    return replace(by.signs(), key=wire(kind, b"\0" + exponent, modulus)).armoured


def _by_a_browser(by: Hand) -> bytes:
    assert by.token
    return by.token.webauthn(MESSAGE, NAMESPACE.decode())


def _edited(change: Callable[[bytes], bytes]) -> Callable[[Hand], bytes]:
    return lambda by: change(by.signs().armoured)


def _changed(**changes: Any) -> Callable[[Hand], bytes]:  # noqa: ANN401
    return lambda by: replace(by.signs(), **changes).armoured


DIFFERENCES = {
    "what follows the end line is not read": Difference(
        Why.TRAILING, "ed25519", _edited(lambda good: good + b"junk\n")
    ),
    "of several signatures the first is read": Difference(
        Why.SEVERAL, "ed25519", lambda by: by.signs().armoured + by.signs(b"another").armoured
    ),
    "carriage returns inside the base64": Difference(
        Why.LINE_ENDS, "ed25519", _edited(lambda good: good.replace(b"U1NI", b"U1NI\r\n"))
    ),
    "a NUL after the namespace": Difference(
        Why.NAMESPACE, "ed25519", _changed(namespace=NAMESPACE + b"\0")
    ),
    "a NUL after the name of the hash": Difference(Why.HASH, "ed25519", _changed(hash=b"sha512\0")),
    "a NUL after the name of the kind": Difference(
        Why.KIND, "ed25519", _changed(kind=b"ssh-ed25519\0")
    ),
    "lines of any length, or none": Difference(
        Why.ARMOUR, "ed25519", lambda by: armour(by.signs().blob, 64)
    ),
    "no line end after the end line": Difference(
        Why.ARMOUR, "ed25519", _edited(lambda good: good[:-1])
    ),
    "white space inside the base64": Difference(
        Why.BASE64, "ed25519", _edited(lambda good: good.replace(b"U1NI", b"U1 NI"))
    ),
    "more after it than a signature can be long": Difference(
        Why.SIZE, "ed25519", _edited(lambda good: good + b"\n" * MAX_SIGNATURE_BYTES)
    ),
    "version 0": Difference(Why.VERSION, "ed25519", _changed(version=0)),
    "a reserved field that is not signed": Difference(
        Why.RESERVED, "ed25519", _changed(reserved=b"x")
    ),
    "zeros before a number of the key inside": Difference(
        Why.KEY_MISMATCH, "rsa-sha2-512", _zeros_in_the_key
    ),
    "zeros before a number of the signature": Difference(
        Why.NUMBER, "nistp256", lambda by: _with_raw(by, lambda r, s: wire(b"\0\0" + r, s))
    ),
    "zeros before a number of a hardware key's signature": Difference(
        Why.NUMBER, "sk-ecdsa", lambda by: _with_raw(by, lambda r, s: wire(r, b"\0\0" + s))
    ),
    "the order of the group added to S": Difference(
        Why.WRONG_SIGNATURE, "ed25519", _beyond_the_order
    ),
    "the order of the group added to a hardware key's S": Difference(
        Why.WRONG_SIGNATURE, "sk-ed25519", _beyond_the_order
    ),
    "flags besides touch and PIN": Difference(
        Why.FLAGS, "sk-ed25519", lambda by: by.saying(flags=0x19).signs().armoured
    ),
    "flags besides touch and PIN, on P-256": Difference(
        Why.FLAGS, "sk-ecdsa", lambda by: by.saying(flags=0x81).signs().armoured
    ),
    "made by a browser": Difference(Why.KIND, "sk-ecdsa", _by_a_browser),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_difference_is_seen_and_refused_by_name(tmp_path: Path, name: str) -> None:
    row = DIFFERENCES[name]
    by = hand(row.kind)
    assert theirs(tmp_path, row.example(by), by)
    assert ours(row.example(by), by.key) is row.why
    assert known(row.example(by), by, row.why)


def test_an_rsa_signature_without_its_leading_zero_is_refused_by_name(tmp_path: Path) -> None:
    by = hand("rsa-sha2-512")
    message = next(m for m in (b"%d\n" % n for n in range(5000)) if by.signs(m).raw[0] == 0)
    whole = by.signs(message)
    short = replace(whole, raw=whole.raw[1:]).armoured
    assert ours(whole.armoured, by.key, message) == Presence()
    assert theirs(tmp_path, whole.armoured, by, message)
    assert theirs(tmp_path, short, by, message)
    assert ours(short, by.key, message) is Why.LENGTH


def test_a_hardware_key_without_touch_is_no_difference_but_told(tmp_path: Path) -> None:
    for name in ("sk-ed25519", "sk-ecdsa"):
        by = hand(name).saying(flags=0)
        signature = by.signs().armoured
        assert theirs(tmp_path, signature, by)
        assert ours(signature, by.key) == Presence(touch=False, pin=False)


def test_both_refuse_old_hashes_and_kinds(tmp_path: Path) -> None:
    by = hand("rsa-sha2-512")
    old = replace(by, algorithm="ssh-rsa").signs()
    for given, why in (
        (old.armoured, Why.KIND),
        (by.signs(hash=b"sha1").armoured, Why.HASH),
        (by.signs(hash=b"md5").armoured, Why.HASH),
        (by.signs(hash=b"sha384").armoured, Why.HASH),
    ):
        assert not theirs(tmp_path, given, by)
        assert ours(given, by.key) is why


# --- what a lenient reader makes of a signature -------------------------------------------------
def canonical(signature: bytes) -> Parts | None:
    """The parts that ssh-keygen found in it, written in the one form."""
    parts = taken_apart(unpacked(signature))
    if parts is None or parts.after:
        return None
    parts = replace(parts, reserved=b"")
    parts = replace(
        parts,
        namespace=parts.namespace.removesuffix(b"\0"),
        hash=parts.hash.removesuffix(b"\0"),
        kind=parts.kind.removesuffix(b"\0"),
    )
    inside = strings(parts.key)[0]
    if inside[0] == b"ssh-rsa":
        numbers = (mpint(int.from_bytes(part, "big")) for part in inside[1:])
        parts = replace(parts, key=wire(inside[0], *numbers))
    if b"ecdsa" in parts.kind:
        numbers = (mpint(int.from_bytes(part, "big")) for part in strings(parts.raw)[0])
        parts = replace(parts, raw=wire(*numbers))
    if b"ed25519" in parts.kind:
        s = int.from_bytes(parts.raw[32:], "little") % ORDER
        parts = replace(parts, raw=parts.raw[:32] + s.to_bytes(32, "little"))
    if parts.kind.startswith(b"rsa-sha2"):
        parts = replace(parts, raw=parts.raw.rjust(256, b"\0"))
    return parts


def known(signature: bytes, by: Hand, why: Why) -> bool:
    """Whether nothing but rows of the table stands between ours and this signature."""
    if why not in {row.why for row in DIFFERENCES.values()} | {Why.LENGTH}:
        return False
    parts = canonical(signature)
    if parts is None:
        return False
    last = ours(parts.armoured, by.key)
    if last is Why.FLAGS:  # all else about it is right
        signed = to_sign(MESSAGE, NAMESPACE, parts.hash)
        lock, kind = by.key.inside.lock, kind_of(by.key.kind)
        assert by.token
        handed = replace(by.token, flags=parts.said[0],
                         counter=int.from_bytes(parts.said[1:], "big")).handed(signed)  # fmt: skip
        return lock.fits(kind.algorithms[0], parts.raw, handed)
    if last is Why.KIND:
        return parts.kind == WEBAUTHN
    return isinstance(last, Presence)


# --- the comparison ----------------------------------------------------------------------------
@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("name", MAKERS)
def test_ours_differs_from_ssh_keygen_only_as_the_table_says(
    tmp_path: Path, name: str, block: int
) -> None:
    by = hand(name)
    assert isinstance(ours(by.signs().armoured, by.key), Presence)
    assert theirs(tmp_path, by.signs().armoured, by)
    chance = random.Random(f"{SEED} {name} {block}")  # noqa: S311  (a seed that repeats)
    for _ in range(PER_BLOCK):
        how, signature = mutated(by, chance)
        mine, real = ours(signature, by.key), theirs(tmp_path, signature, by)
        if isinstance(mine, Presence):
            assert real, f"{how}: ours alone accepts {signature!r}"
        else:
            assert not real or known(signature, by, mine), f"{how}: not in the table: {signature!r}"


@lru_cache(maxsize=16)
def _good(name: str) -> bytes:
    return hand(name).signs().armoured


@pytest.mark.fuzz
@pytest.mark.parametrize("name", MAKERS)
def test_of_many_mutations_ours_accepts_only_what_is_in_the_one_form(name: str) -> None:
    by = hand(name)
    chance = random.Random(f"{SEED} {name}")  # noqa: S311  (a seed that repeats)
    for _ in range(max(400, RUNS // 5)):
        how, signature = mutated(by, chance)
        if isinstance(ours(signature, by.key), Presence) and signature != _good(name):
            parts = taken_apart(unpacked(signature))
            assert parts is not None
            assert parts.armoured == signature, how
            assert parts.key == by.key.blob
