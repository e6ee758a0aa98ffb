"""What is remembered of a path is forgotten before each test."""

import pytest

from desired_state import authority


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Else a changed function would go unasked: what it was before stands in memory (mutation)."""
    for remembered in (authority._paths_in, authority._way):  # noqa: SLF001
        remembered.cache_clear()
