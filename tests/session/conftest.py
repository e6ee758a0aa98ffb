"""One mandated desk, made once and copied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.governed_desk import GovernedDesk, close_git, mandated_desk
from tests.fakes.rehearsal_desk import RehearsalDesk, exchange, rehearsal_desk, wire


@pytest.fixture(scope="session")
def mandated(tmp_path_factory: pytest.TempPathFactory) -> GovernedDesk:
    return mandated_desk(tmp_path_factory.mktemp("mandated") / "desk")


@pytest.fixture
def desk(mandated: GovernedDesk, tmp_path: Path) -> Iterator[GovernedDesk]:
    yield mandated.copy(tmp_path / "desk")
    close_git()


@pytest.fixture
def testnet(tmp_path: Path) -> Iterator[RehearsalDesk]:
    """A mandate for testnet, and a local exchange that is wired in the venue's place."""
    made = rehearsal_desk(tmp_path)
    with exchange(made.store) as url:
        made.url = url
        wire(made)
        made.ask_for("testnet")
        made.grant()
        yield made
