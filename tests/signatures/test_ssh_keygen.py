"""The real ssh-keygen makes keys and signatures, and fails in words."""

import shlex
import subprocess
from pathlib import Path

import pytest

from desired_state.adapters.ssh_keygen import command_line, generate, sign
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.signatures import public_key, verify

NAMESPACE = "sign-off@governor"
MESSAGE = b"proposal: sha256:00\n"


def test_a_made_key_has_the_id_that_ssh_keygen_prints(tmp_path: Path) -> None:
    line = generate(tmp_path / "key", "ada@desk with words")
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert line.endswith(" ada@desk with words")
    assert public_key(line).key_id == listed.stdout.split()[1]


def test_a_made_signature_verifies(tmp_path: Path) -> None:
    key = public_key(generate(tmp_path / "key", "ada"))
    for message in (b"", MESSAGE, b"\0" * 100_000):
        signature = sign(message, tmp_path / "key", NAMESPACE)
        verify(signature, message, namespace=NAMESPACE, key=key)


def test_the_line_for_a_person_makes_a_signature_beside_the_file(tmp_path: Path) -> None:
    key = public_key(generate(tmp_path / "a key", "ada"))
    file = tmp_path / "ada's GO.yaml"
    file.write_bytes(MESSAGE)
    line = command_line(file, tmp_path / "a key", NAMESPACE)
    subprocess.run(shlex.split(line), capture_output=True, check=True)
    written = Path(f"{file}.sig").read_bytes()
    verify(written, MESSAGE, namespace=NAMESPACE, key=key)


def test_an_existing_key_is_not_overwritten(tmp_path: Path) -> None:
    generate(tmp_path / "key", "ada")
    before = (tmp_path / "key").read_bytes(), (tmp_path / "key.pub").read_bytes()
    with pytest.raises(Stalled) as refused:
        generate(tmp_path / "key", "eve")
    assert refused.value.code is Reason.SIGNING_FAILED
    assert ((tmp_path / "key").read_bytes(), (tmp_path / "key.pub").read_bytes()) == before


def test_a_missing_key_and_a_locked_key_and_a_missing_folder_fail_in_words(tmp_path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(tmp_path / "locked")],
        check=True,
    )
    for attempt in (
        lambda: sign(MESSAGE, tmp_path / "none", NAMESPACE),
        lambda: sign(MESSAGE, tmp_path / "locked", NAMESPACE),
        lambda: generate(tmp_path / "none" / "key", "ada"),
        lambda: generate(tmp_path / "nul", "a\0b"),
    ):
        with pytest.raises(Stalled) as refused:
            attempt()
        assert refused.value.code is Reason.SIGNING_FAILED
        assert "ssh-keygen" in refused.value.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["locked", "locked.pub"]


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Stalled) as refused:
        sign(MESSAGE, tmp_path / "key", NAMESPACE)
    assert (refused.value.code, refused.value.subject) == (Reason.TOOL_MISSING, "ssh-keygen")


def test_nothing_of_the_callers_environment_reaches_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "ssh-keygen"
    told.write_text("#!/bin/sh\n/usr/bin/env\n")
    told.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", "/an/agent")
    monkeypatch.setenv("BINANCE_SECRET", "hidden")
    seen = sign(MESSAGE, tmp_path / "key", NAMESPACE).decode()
    assert {line.split("=")[0] for line in seen.splitlines()} <= {"PATH", "LC_ALL", "PWD", "_"}
