"""One desk with demonstration people, made once and copied for each test."""

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.wiring.founding import init
from tests.fakes.people_desk import Desk


def make_push_identity(folder: Path) -> None:
    for key, value in (("user.name", "anyone"), ("user.email", "anyone@example.invalid")):
        subprocess.run(["git", "config", key, value], cwd=folder / "state", check=True)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk") / "desk"
    init(folder, now=datetime.now(UTC), demo_keys=True)  # noqa: TID251
    make_push_identity(folder)
    return folder


@pytest.fixture(scope="session")
def mandated(
    founded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[pytest.CaptureFixture[str]], Path]:
    """The same with a paper mandate standing, made at its first use."""
    folder = tmp_path_factory.mktemp("mandated") / "desk"

    def made(capture: pytest.CaptureFixture[str]) -> Path:
        if not folder.exists():
            shutil.copytree(founded, folder)
            Desk(folder, capture).mandate()
            shutil.rmtree(folder / "var" / "read.git")  # it names the folder it was made in
        return folder

    return made


@pytest.fixture
def desk(founded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    shutil.copytree(founded, tmp_path / "desk")
    return Desk(tmp_path / "desk", capsys)


@pytest.fixture
def paper_desk(
    mandated: Callable[[pytest.CaptureFixture[str]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    shutil.copytree(mandated(capsys), tmp_path / "desk")
    return Desk(tmp_path / "desk", capsys)
