"""Signing with what people really have: an agent, a passphrase, and no demonstration key."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.people_desk import Desk


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real ssh-agent of this test alone; the socket's path must be short."""
    socket = tmp_path_factory.mktemp("a") / "s"
    told = subprocess.run(
        ["ssh-agent", "-s", "-a", str(socket)], check=True, capture_output=True, text=True
    ).stdout
    pid = int(told.split("SSH_AGENT_PID=")[1].split(";")[0])
    yield str(socket)
    os.kill(pid, signal.SIGTERM)


@pytest.fixture
def asked(desk: Desk) -> Desk:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose()
    return desk


def test_a_key_in_an_agent_signs_when_its_public_half_is_given(
    asked: Desk, agent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = asked.folder / "people/oscar/id_ed25519"
    monkeypatch.setenv("SSH_AUTH_SOCK", agent)
    subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
    key.unlink()  # the private half is in the agent alone now
    asked.sign(1, "oscar", "--key", f"{key}.pub")
    asked.sign(1, "rita")
    assert asked.mode() == "paper"


def test_without_the_agent_nothing_is_signed_and_nothing_is_left(asked: Desk) -> None:
    key = asked.folder / "people/oscar/id_ed25519"
    key.unlink()
    code, _, err = asked.run("sign", "1", "--as", "oscar", "--yes", "--key", f"{key}.pub")
    assert code == 2
    assert "SIGNING_FAILED" in err
    assert not (asked.state / "signoffs").exists()


def test_a_key_with_a_passphrase_asks_its_person(
    asked: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "oscar"
    for half in ("", ".pub"):
        shutil.copy(f"{asked.folder}/people/oscar/id_ed25519{half}", f"{key}{half}")
    change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "a passphrase", "-f", str(key)]
    subprocess.run(change, check=True, capture_output=True)
    answers = tmp_path / "answers"
    answers.write_text("#!/bin/sh\necho a passphrase\n")
    answers.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(answers))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    asked.sign(1, "oscar", "--key", str(key))
    asked.sign(1, "rita")
    assert asked.mode() == "paper"


def test_the_plain_line_that_is_printed_makes_the_same_signature(asked: Desk) -> None:
    code, _, err = asked.run("sign", "1", "--as", "oscar", "--yes")
    assert code == 0
    [line] = [x.partition(": ")[2] for x in err.splitlines() if x.startswith("Signed as by")]
    made = asked.state / "signoffs/0001/oscar.GO.yaml.sig"
    first = made.read_bytes()
    made.unlink()
    subprocess.run(line, shell=True, cwd=asked.folder, check=True, capture_output=True)  # noqa: S602
    assert made.read_bytes() == first  # Ed25519 signs the same bytes the same way


def test_a_person_who_says_no_to_the_question_signs_nothing(
    asked: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "no").write_text("n\n")
    with (tmp_path / "no").open() as answer:
        monkeypatch.setattr("sys.stdin", answer)
        code, _, err = asked.run("sign", "1", "--as", "oscar")
    assert code == 1
    assert "Signed file: sha256:" in err
    assert not (asked.state / "signoffs").exists()
