"""What a verdict says it read, read again from the state repository (AUDIT-5)."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from desired_state.canonical import digest_bytes
from desired_state.errors import GovernanceError, Waiting
from desired_state.memory import Memory
from desired_state.observation import Observation
from desired_state.repository import StateRepository
from desired_state.survey import Survey
from reconciler.contents import Cached, InMemory

HOST_FACTS: Final = ("clean",)  # what the host alone can know


class Again:
    """Observes each revision as the host did that remembered so much."""

    def __init__(self, state: StateRepository) -> None:
        """``state`` was asked for its tips."""
        self._survey = Survey(state, Cached(InMemory()))

    def __call__(self, told: Observation, before: Memory) -> Observation | None:
        """The same revision after the same memory; none where the repository has it no more."""
        if told.revision is None:
            return told
        try:
            found = self._survey.observe(told.revision, before, told.stops)
        except Waiting:
            return None
        return found.model_copy(update={name: getattr(told, name) for name in HOST_FACTS})


def files_at(state: StateRepository) -> Callable[[str], Mapping[str, str] | None]:
    """Digests of the governed files of a revision, by path; none where there is no such one."""

    @lru_cache(maxsize=4096)
    def content(oid: str) -> str:
        return digest_bytes(state.blob(oid))

    @lru_cache(maxsize=1024)
    def files(revision: str) -> Mapping[str, str] | None:
        try:
            tree = state.tree(revision)
        except Waiting:
            return None
        except GovernanceError:
            return {}  # a tree that no reader may believe: nothing was read of it
        return {path: content(entry.oid) for path, entry in tree.items()}

    return files
