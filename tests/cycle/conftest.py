"""One mandated desk, made once and copied for each test."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.governed_desk import GovernedDesk, close_git, mandated_desk


@pytest.fixture(scope="session")
def mandated(tmp_path_factory: pytest.TempPathFactory) -> GovernedDesk:
    return mandated_desk(tmp_path_factory.mktemp("mandated") / "desk")


@pytest.fixture
def desk(mandated: GovernedDesk, tmp_path: Path) -> Iterator[GovernedDesk]:
    yield mandated.copy(tmp_path / "desk")
    close_git()


@pytest.fixture(scope="session")
def in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder where fsync costs nothing, where there is one: hundreds of cycles are run."""
    shared = Path("/dev/shm")  # noqa: S108
    if not os.access(shared, os.W_OK):
        yield tmp_path_factory.mktemp("cycles")
        return
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)
