import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo import note
from evidence_repo.adapters.log_key import LogKey, from_openssh, from_verifier_key
from evidence_repo.note import Checkpoint

HEAD = Checkpoint("localhost/evidence", 7, bytes(range(32)))
# The example of C2SP signed-note and the key of Go's sumdb/note, both published.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    b"If you think cryptography is the answer to your problem,\n"
    b"then you don't know what your problem is.\n\n"
    b"\xe2\x80\x94 PeterNeumann "
    b"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def make_key(folder: Path, name: str = "localhost/evidence") -> LogKey:
    path = folder / name.replace("/", "_")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return LogKey(path, name)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> LogKey:
    return make_key(tmp_path_factory.mktemp("keys"))


def test_a_signed_head_opens_with_the_key_that_ssh_keygen_made(key: LogKey) -> None:
    assert note.open_checkpoint(note.sign_checkpoint(HEAD, [key]), key.verifier) == HEAD


def test_the_note_of_another_implementation_verifies_with_its_published_key() -> None:
    key = from_verifier_key(GO_KEY)
    parsed = note.parse_note(GO_NOTE)
    (line,) = parsed.signatures
    assert (line.name, line.key_id) == (key.name, note.key_id(key.name, key.public))
    assert key.verify(parsed.text, line.signature)


def test_lines_of_other_keys_do_not_disturb_and_do_not_help(key: LogKey, tmp_path: Path) -> None:
    other = make_key(tmp_path, "other/log")
    both = note.sign_checkpoint(HEAD, [other, key])
    assert note.open_checkpoint(both, key) == HEAD
    with pytest.raises(Stalled, match="found none"):
        note.open_checkpoint(note.sign_checkpoint(HEAD, [other]), key)


def test_a_key_of_the_same_name_forges_nothing(key: LogKey, tmp_path: Path) -> None:
    forged = note.sign_checkpoint(HEAD, [make_key(tmp_path)])
    with pytest.raises(Stalled) as refused:
        note.open_checkpoint(forged, key)
    assert refused.value.code is Reason.CHECKPOINT_INVALID


def test_a_forged_signature_under_the_right_key_id_is_refused(key: LogKey) -> None:
    text = note.checkpoint_text(HEAD)
    raw = note.key_id(key.name, key.public) + key.sign(text.replace(b"\n7\n", b"\n8\n"))
    line = f"\u2014 {key.name} {base64.b64encode(raw).decode()}\n".encode()
    with pytest.raises(Stalled, match="does not fit"):
        note.open_checkpoint(text + b"\n" + line, key)


def test_the_origin_is_that_of_the_key(key: LogKey) -> None:
    foreign = Checkpoint("another/log", 7, HEAD.root)
    with pytest.raises(Stalled, match="origin"):
        note.open_checkpoint(note.sign_checkpoint(foreign, [key]), key)


@given(st.data())
def test_no_byte_of_a_note_can_be_changed_unseen(key: LogKey, data: st.DataObject) -> None:
    signed = bytearray(note.sign_checkpoint(HEAD, [key]))
    at = data.draw(st.integers(0, len(signed) - 1))
    signed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Stalled):
        note.open_checkpoint(bytes(signed), key)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_note_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(Stalled):
        note.parse_note(data)


MALFORMED = {
    "no blank line": lambda n: n.replace(b"\n\n", b"\n"),
    "a carriage return": lambda n: n.replace(b"\n", b"\r\n"),
    "no final newline": lambda n: n[:-1],
    "a hyphen for the dash": lambda n: n.replace("\u2014".encode(), b"-"),
    "a leading zero": lambda n: n.replace(b"\n7\n", b"\n07\n"),
    "a negative size": lambda n: n.replace(b"\n7\n", b"\n-7\n"),
    "other digits": lambda n: n.replace(b"\n7\n", "\n\u0667\n".encode()),
    "an extension line": lambda n: n.replace(b"\n\n", b"\nmore\n\n"),
    "seventeen signatures": lambda n: n + n.split(b"\n\n")[1] * 16,
    "too many bytes": lambda n: b"x" * 70_000 + n,
    "base64 in another spelling": lambda n: n.replace(b"=\n", b"\n"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_note_in_any_other_form_is_refused(case: str, key: LogKey) -> None:
    signed = note.sign_checkpoint(HEAD, [key])
    with pytest.raises(Stalled) as refused:
        note.open_checkpoint(MALFORMED[case](signed), key)
    assert refused.value.code is Reason.CHECKPOINT_INVALID


def test_the_three_spellings_of_a_public_key_are_one_key(tmp_path: Path) -> None:
    made = make_key(tmp_path, "a/log")
    line = (tmp_path / "a_log.pub").read_text()
    assert from_openssh(line, "a/log") == made.verifier
    assert from_verifier_key(note.verifier_key(made)) == made.verifier
    assert note.policy_text(made) == f"log {note.verifier_key(made)}\nquorum none\n".encode()


@pytest.mark.parametrize("kind", ["rsa", "passphrase", "no key", "missing"])
def test_what_is_not_an_open_ed25519_key_signs_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "k"
    if kind == "no key":
        path.write_text("not a key")
    elif kind != "missing":
        form = ["-t", "rsa", "-b", "2048"] if kind == "rsa" else ["-t", "ed25519"]
        secret = "a phrase" if kind == "passphrase" else ""
        subprocess.run(["ssh-keygen", "-q", *form, "-N", secret, "-f", path], check=True)
    with pytest.raises(Stalled) as refused:
        LogKey(path, "a/log")
    assert refused.value.code is Reason.EVIDENCE_UNWRITABLE
