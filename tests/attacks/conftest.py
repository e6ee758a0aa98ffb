"""A desk whose paper mandate stands and is remembered, made once and copied for each attack."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desired_state.document import parse
from tests.attacks.plain_desk import ROOT_1, THE_FOUR, PlainDesk, found, permitted

Make = Callable[[pytest.CaptureFixture[str]], Path]


def moved(folder: Path) -> None:
    """Clones of the host name the folder that they were made in."""
    for clone in ("read.git", "state.git", "watch.git"):
        shutil.rmtree(folder / "var" / clone, ignore_errors=True)


def mandate(desk: PlainDesk, *people: str) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose(1)
    for person in people:
        desk.sign(1, person)
    _, told = desk.reconcile()
    assert permitted(told) == "paper", told["findings"]
    moved(desk.folder)


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251


@pytest.fixture(scope="session")
def two_people(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> Make:
    folder = tmp_path_factory.mktemp("two") / "desk"

    def made(capture: pytest.CaptureFixture[str]) -> Path:
        if not folder.exists():
            found(folder, now)
            mandate(PlainDesk(folder, capture, now), "oscar", "rita")
        return folder

    return made


@pytest.fixture(scope="session")
def four_people(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> Make:
    """The same where the paper gate wants each of the four."""
    folder = tmp_path_factory.mktemp("four") / "desk"

    def made(capture: pytest.CaptureFixture[str]) -> Path:
        if not folder.exists():
            found(folder, now)
            gates = parse((folder / "state" / ROOT_1).read_bytes(), ROOT_1).data["gates"]
            gates["paper"] = {**gates["testnet"], "ceilings": gates["paper"]["ceilings"]}
            shutil.rmtree(folder)
            found(folder, now, {"gates": gates})
            mandate(PlainDesk(folder, capture, now), *THE_FOUR)
        return folder

    return made


@pytest.fixture
def desk(
    two_people: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], now: datetime
) -> PlainDesk:
    shutil.copytree(two_people(capsys), tmp_path / "desk", symlinks=True)
    return PlainDesk(tmp_path / "desk", capsys, now)


@pytest.fixture
def four(
    four_people: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], now: datetime
) -> PlainDesk:
    shutil.copytree(four_people(capsys), tmp_path / "desk", symlinks=True)
    return PlainDesk(tmp_path / "desk", capsys, now)
