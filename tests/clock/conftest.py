"""One mandated desk, made once and copied for each test; its kernel's word on time is left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.governed_desk import GovernedDesk, close_git, mandated_desk


@pytest.fixture(scope="session")
def mandated(tmp_path_factory: pytest.TempPathFactory) -> GovernedDesk:
    desk = mandated_desk(tmp_path_factory.mktemp("mandated") / "desk")
    path = desk.folder / "governor.yaml"
    path.write_text(path.read_text() + "clock: {kernel: false}\n")
    return desk


@pytest.fixture
def desk(mandated: GovernedDesk, tmp_path: Path) -> Iterator[GovernedDesk]:
    yield mandated.copy(tmp_path / "desk")
    close_git()
