"""A state repository with people, and pull requests against it by plain git."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.wiring.founding import init
from tests.fakes.people_desk import Desk
from tests.fakes.pull_requests import PullRequests


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paper is asked for and stands approved by proposal 1."""
    folder = tmp_path_factory.mktemp("founded") / "desk"
    init(folder, now=datetime.now(UTC) - timedelta(minutes=5), demo_keys=True)  # noqa: TID251
    for key, value in (("user.name", "anyone"), ("user.email", "anyone@example.invalid")):
        subprocess.run(["git", "config", key, value], cwd=folder / "state", check=True)
    return folder


@pytest.fixture(scope="session")
def approved(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("approved") / "desk"

    def made(capture: pytest.CaptureFixture[str]) -> Path:
        if not folder.exists():
            shutil.copytree(founded, folder)
            Desk(folder, capture).mandate()
            shutil.rmtree(folder / "var" / "read.git")  # it names the folder it was made in
        return folder

    return made


@pytest.fixture
def requests(
    approved: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> PullRequests:
    shutil.copytree(approved(capsys), tmp_path / "desk")
    return PullRequests(tmp_path / "desk", capsys)


@pytest.fixture
def unasked(founded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> PullRequests:
    """Nothing is asked for yet, and nothing approved."""
    shutil.copytree(founded, tmp_path / "desk")
    return PullRequests(tmp_path / "desk", capsys)
