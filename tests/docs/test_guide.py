"""The stakeholder's guide, run as it stands: git, ssh-keygen, and nothing of ours on the path."""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.wiring.founding import init
from tests.fakes.people_desk import Desk

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "stakeholder-guide.md").read_text(encoding="utf-8")
PACKAGE = (ROOT / "desired_state" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PERSON = "rita"


def commands(text: str) -> str:
    return "\n".join(BLOCKS.findall(text))


def section(heading: str) -> str:
    found = re.split(r"^## ", GUIDE, flags=re.MULTILINE)
    return next(part for part in found if part.startswith(heading))


def shell(script: str, folder: Path, home: Path) -> str:
    """What a person types, with the plain tools alone; the first command that fails ends it."""
    tools = folder / "bin"
    if not tools.exists():
        tools.mkdir(parents=True)
        for name in TOOLS:
            (tools / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={**os.environ, "PATH": str(tools), "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


TOOLS = (
    *("awk", "basename", "bash", "cat", "cut", "date", "git", "grep", "ls", "mkdir", "sed"),
    *("sha256sum", "ssh", "ssh-keygen", "git-upload-pack", "git-receive-pack"),
)


@pytest.fixture(scope="module")
def asked_for(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide") / "desk"
    init(folder, now=datetime.now(UTC), demo_keys=True)  # noqa: TID251
    for key, value in (("user.name", "anyone"), ("user.email", "anyone@example.invalid")):
        subprocess.run(["git", "config", key, value], cwd=folder / "state", check=True)
    return folder


@pytest.fixture
def desk(asked_for: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Paper is asked for, proposed by olivia and signed by oscar; rita has not answered yet."""
    shutil.copytree(asked_for, tmp_path / "desk")
    desk = Desk(tmp_path / "desk", capsys)
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose()
    desk.sign(1, "oscar")
    return desk


def settings(desk: Desk) -> str:
    """The first block, with this test's own server and key."""
    text = commands(GUIDE.split("\n## ")[0])
    text = re.sub(r"^SERVER=.*$", f"SERVER={desk.folder}/state.git", text, flags=re.MULTILINE)
    key = desk.folder / "people" / PERSON / "id_ed25519"
    return re.sub(r"^KEY=.*$", f"KEY={key}", text, flags=re.MULTILINE)


def squashed(desk: Desk, branch: str) -> None:
    """What a forge's merge button does with the pull request."""
    desk.git("fetch", "-q", "origin", branch)
    desk.git("merge", "-q", "--squash", "FETCH_HEAD")
    desk.push()


def test_a_sign_off_made_by_the_guide_counts_until_the_guide_takes_it_back(
    desk: Desk, tmp_path: Path
) -> None:
    place = tmp_path / "stakeholder"
    home = tmp_path / "home"
    for folder in (place, home):
        folder.mkdir()
    start = settings(desk)
    until_pushed, after = GUIDE.split("## Take it back")
    assert after.count("```sh") == 2  # taking back and stopping are run below, one by one
    said = shell(start + commands(until_pushed.split("\n## ", 1)[1]), place, home)
    assert 'Good "sign-off@governor" signature for oscar' in said
    assert 'Good "proposal@governor" signature for olivia' in said
    assert desk.mode() == "halted"  # a pull request that nobody merged decides nothing
    squashed(desk, f"sign-off-0001-{PERSON}")
    code, told = desk.verify()
    assert (code, told["permitted"]["mode"], told["people"]) == (0, "paper", ["oscar", PERSON])

    again = f"{start}\ncd state\nFILE=signoffs/0001/{PERSON}.GO.yaml\n"
    shell(again + "git fetch -q\n" + commands(section("Take it back")), place, home)
    squashed(desk, f"withdraw-0001-{PERSON}")
    assert desk.mode() == "halted"
    assert "VETO" in desk.codes()


def test_a_stop_pushed_by_the_guide_stops(desk: Desk, tmp_path: Path) -> None:
    desk.sign(1, "rita")
    assert desk.mode() == "paper"
    (tmp_path / "home").mkdir()
    script = 'git clone -q "$SERVER" state && cd state\n' + commands(section("Stop the machine"))
    shell(f"{settings(desk)}\n{script}", tmp_path, tmp_path / "home")
    told = desk.verify()[1]
    assert told["permitted"]["mode"] == "halted"
    assert [stop["reason"] for stop in told["kill_switch"]["stops"]] == ["what I saw"]


def test_a_sign_off_that_was_touched_afterwards_ends_the_guides_check(
    desk: Desk, tmp_path: Path
) -> None:
    file = desk.state / "signoffs/0001/oscar.GO.yaml"
    file.write_text(file.read_text().replace("role: operator", "role: root"))
    desk.push()
    (tmp_path / "home").mkdir()
    parts = [section(name) for name in ("See what is", "Know whose keys", "Verify somebody")]
    script = settings(desk) + commands("\n".join(parts))
    with pytest.raises(AssertionError, match="Could not verify signature"):
        shell(script, tmp_path, tmp_path / "home")


def test_the_packages_own_lines_verify_a_sign_off_and_a_root(desk: Desk, tmp_path: Path) -> None:
    desk.sign(1, "rita")
    (tmp_path / "home").mkdir()
    lines = PACKAGE.split("## Verify a sign-off with ssh-keygen alone")[1].split("\n## ")[0]
    script = f"git clone -q {desk.folder}/state.git state\ncd state\n{commands(lines)}"
    said = shell(script, tmp_path, tmp_path / "home")
    assert said.count('Good "sign-off@governor" signature for rita') == 1
    assert said.count('Good "trust-root@governor" signature for rita') == 1
    assert said.count('Good "proposal@governor" signature for olivia') == 1
