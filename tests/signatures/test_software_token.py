"""What the software token makes is what the real ssh-keygen accepts, and ours reads its flags."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from desired_state.signatures import Presence, SignatureRefused, Why, public_key, verify
from tests.fakes.software_token import PIN, TOUCH, SoftwareToken

NAMESPACE = "sign-off@governor"
MESSAGE = b"proposal: sha256:00\ndecision: GO\n"
TOKENS = {
    "ed25519": SoftwareToken("ada"),
    "ecdsa": SoftwareToken("ada", "ecdsa"),
    "ed25519 with an application": SoftwareToken("ada", application=b"ssh:peak-governor"),
    "ecdsa with an application": SoftwareToken("ada", "ecdsa", application=b"ssh:peak-governor"),
}
PRESENCE = {
    0: Presence(),
    TOUCH: Presence(touch=True),
    PIN: Presence(pin=True),
    TOUCH | PIN: Presence(touch=True, pin=True),
}


def accepted_by_ssh_keygen(folder: Path, public: str, signature: bytes) -> bool:
    (folder / "allowed_signers").write_text(f"ada {public}\n")
    (folder / "given.sig").write_bytes(signature)
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", folder / "allowed_signers", "-I", "ada",
         "-n", NAMESPACE, "-s", folder / "given.sig"],
        input=MESSAGE, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


@pytest.mark.parametrize("flags", PRESENCE)
@pytest.mark.parametrize("name", TOKENS)
def test_ssh_keygen_accepts_a_token_and_ours_tells_touch_and_pin(
    tmp_path: Path, name: str, flags: int
) -> None:
    token = replace(TOKENS[name], flags=flags, counter=2**32 - 1)
    signature = token.sign(MESSAGE, NAMESPACE)
    assert accepted_by_ssh_keygen(tmp_path, token.public, signature)
    key = public_key(token.public)
    assert key.hardware
    assert verify(signature, MESSAGE, namespace=NAMESPACE, key=key) == PRESENCE[flags]


@pytest.mark.parametrize("bit", [0x02, 0x08, 0x10, 0x20, 0x40, 0x80])
@pytest.mark.parametrize("name", TOKENS)
def test_a_flag_that_is_not_touch_or_pin_is_refused_by_name(
    tmp_path: Path, name: str, bit: int
) -> None:
    token = replace(TOKENS[name], flags=TOUCH | bit)
    signature = token.sign(MESSAGE, NAMESPACE)
    assert accepted_by_ssh_keygen(tmp_path, token.public, signature)
    with pytest.raises(SignatureRefused) as refused:
        verify(signature, MESSAGE, namespace=NAMESPACE, key=public_key(token.public))
    assert refused.value.why is Why.FLAGS


def test_one_point_is_one_material_plain_or_in_hardware_under_any_application() -> None:
    for sort in ("ed25519", "ecdsa"):
        token = SoftwareToken("ada", sort)
        forms = [token.plain, token.public, replace(token, application=b"ssh:other").public]
        keys = [public_key(line) for line in forms]
        assert len({key.material for key in keys}) == 1
        assert len({key.key_id for key in keys}) == 3
        assert [key.hardware for key in keys] == [False, True, True]
        other = public_key(SoftwareToken("eve", sort).public)
        assert other.material != keys[0].material


def test_a_browsers_signature_is_refused_by_name(tmp_path: Path) -> None:
    token = SoftwareToken("ada", "ecdsa")
    signature = token.webauthn(MESSAGE, NAMESPACE)
    assert accepted_by_ssh_keygen(tmp_path, token.public, signature)
    with pytest.raises(SignatureRefused) as refused:
        verify(signature, MESSAGE, namespace=NAMESPACE, key=public_key(token.public))
    assert refused.value.why is Why.KIND


def test_a_signature_for_another_application_or_without_hardware_is_refused() -> None:
    token = SoftwareToken("ada")
    key, plain = public_key(token.public), public_key(token.plain)
    other = replace(token, application=b"ssh:other").sign(MESSAGE, NAMESPACE)
    for given, by in ((other, key), (token.sign(MESSAGE, NAMESPACE), plain)):
        with pytest.raises(SignatureRefused) as refused:
            verify(given, MESSAGE, namespace=NAMESPACE, key=by)
        assert refused.value.why is Why.KEY_MISMATCH
