"""A host with a past: a stop and its release, a fall, a veto, a rotation, revocations."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.governed_desk import ARMED, ENGAGED, GovernedDesk, close_git, mandated_desk

HOLDERS = ("olivia", "oscar", "rita")


def new_key(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(make, check=True, capture_output=True)
    return path


def key_id(path: Path) -> str:
    line = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{path}.pub"], check=True, capture_output=True, text=True
    )
    return line.stdout.split()[1]


def root_signed(desk: GovernedDesk, number: int, *edit: str) -> None:
    assert desk.verb("trust", "propose", "--as", "olivia", *edit, "--push") == 0
    for person in HOLDERS:
        arguments = ("--as", person, "--yes", "--push")
        assert desk.verb("trust", "sign", str(number), *arguments) == 0


def with_log_key(desk: GovernedDesk, number: int, key: Path) -> None:
    """The next root lists this key for evidence, beside those that it lists already."""
    listed = ("--add-person", "host:log", "--key", f"{key}.pub", "--uses", "evidence")
    root_signed(desk, number, *listed)


def takes(desk: GovernedDesk, key: Path) -> Path:
    """The host signs with this key from its next start on. Where the one before it went."""
    there = desk.var / "keys" / "evidence"
    before = there.with_name(f"evidence-{key_id(there)[-6:].replace('/', '_')}")
    for end in ("", ".pub"):
        Path(f"{there}{end}").rename(f"{before}{end}")
        shutil.copy(f"{key}{end}", f"{there}{end}")
    return before


def live(desk: GovernedDesk) -> GovernedDesk:
    assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    desk.push(kill_switch__yaml=ENGAGED)
    [stop] = desk.told("reconcile")["kill_switch"]["stops"]
    desk.push(kill_switch__yaml=ARMED)
    desk.propose_and_sign(2, "--clears", stop["id"])
    assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    desk.edit("mode.yaml", "mode: paper", "mode: shadow")
    desk.edit("mode.yaml", "mode: shadow", "mode: paper")
    assert desk.told("reconcile")["permitted"]["mode"] == "shadow"
    asked = ("propose", "--reason", "a reason", "--as", "olivia", "--push")
    assert desk.verb(*asked) == 0
    no = ("--as", "rita", "--decision", "NO_GO", "--yes", "--push")
    assert desk.verb("sign", "3", *no) == 0
    desk.told("reconcile")
    second = new_key(desk.folder / "keys" / "second")
    with_log_key(desk, 2, second)
    desk.told("reconcile")
    takes(desk, second)
    desk.told("reconcile")
    petra = desk.folder / "people" / "petra" / "id_ed25519"
    taken = ("--as", "petra", "--reason", "lost it", "--yes", "--push")
    assert desk.verb("trust", "revoke", f"{petra}.pub", *taken) == 0
    assert desk.told("reconcile")["permitted"]["mode"] == "shadow"
    return desk


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> GovernedDesk:
    return live(mandated_desk(tmp_path_factory.mktemp("past") / "desk"))


@pytest.fixture
def lived(past: GovernedDesk, tmp_path: Path) -> Iterator[GovernedDesk]:
    yield past.copy(tmp_path / "desk")
    close_git()


def successor(lived: GovernedDesk, name: str = "next") -> GovernedDesk:
    """A host of an empty folder: the same governor.yaml, and the key that the root lists."""
    folder = lived.folder.parent / name
    (folder / "var" / "keys").mkdir(parents=True)
    text = (lived.folder / "governor.yaml").read_text()
    for server in ("state.git", "evidence.git"):
        text = text.replace(f"./{server}", str(lived.folder / server))
    (folder / "governor.yaml").write_text(text)
    shutil.copy(lived.var / "keys" / "evidence", folder / "var" / "keys" / "evidence")
    return GovernedDesk(folder)
