"""One mandated desk, made once and copied for each test."""

from pathlib import Path

import pytest

from tests.fakes.governed_desk import GovernedDesk, mandated_desk


@pytest.fixture(scope="session")
def mandated(tmp_path_factory: pytest.TempPathFactory) -> GovernedDesk:
    return mandated_desk(tmp_path_factory.mktemp("mandated") / "desk")


@pytest.fixture
def desk(mandated: GovernedDesk, tmp_path: Path) -> GovernedDesk:
    return mandated.copy(tmp_path / "desk")
