from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.trust_desk import TrustDesk


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Callable[..., TrustDesk]]:
    """Makes desks, and ends their git processes."""
    made: list[TrustDesk] = []

    def make(**options: object) -> TrustDesk:
        made.append(TrustDesk(tmp_path / f"desk{len(made)}", **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def paper(found: Callable[..., TrustDesk]) -> TrustDesk:
    """A desk on which paper trading is permitted by proposal 1."""
    desk = found()
    desk.cycle()
    desk.approve(1)
    assert desk.cycle().permitted.mode == "paper"
    return desk
