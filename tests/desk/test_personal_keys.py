"""Signing with what people really have: an agent, a passphrase, and no demonstration key."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from reconciler.founding import person
from reconciler.wiring.founding import DEMO_PEOPLE, init
from tests.fakes.people_desk import Desk
from tests.fakes.software_token import SoftwareToken
from tests.fakes.token_agent import token_agent


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


@pytest.mark.parametrize("sort", ["ed25519", "ecdsa"])
def test_a_hardware_key_in_an_agent_signs_and_counts(
    founded: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    sort: Literal["ed25519", "ecdsa"],
) -> None:
    token = SoftwareToken("walter", sort)
    desk = with_token(founded, tmp_path, capsys, token)
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose()
    desk.sign(1, "oscar")
    public = tmp_path / "walter.pub"
    public.write_text(f"{token.public}\n")
    with token_agent(tmp_path / "agent", [token]) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        desk.sign(1, "walter", "--key", str(public))
    assert desk.mode() == "paper"
    assert desk.verify()[1]["people"] == ["oscar", "walter"]


def with_token(
    founded: Path, folder: Path, capsys: pytest.CaptureFixture[str], token: SoftwareToken
) -> Desk:
    """A desk of the same people, on which walter's one key is the token."""
    publics = {
        name: (founded / "people" / name / "id_ed25519.pub").read_text() for name in DEMO_PEOPLE
    }
    publics["walter"] = token.public
    people = [person(name, DEMO_PEOPLE[name], public) for name, public in publics.items()]
    init(folder / "tokens", now=datetime.now(UTC), people=people)  # noqa: TID251
    for key, value in (("user.name", "anyone"), ("user.email", "anyone@example.invalid")):
        command = ["git", "config", key, value]
        subprocess.run(command, cwd=folder / "tokens" / "state", check=True)
    shutil.copytree(founded / "people", folder / "tokens" / "people")
    return Desk(folder / "tokens", capsys)
