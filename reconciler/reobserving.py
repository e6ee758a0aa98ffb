"""What a verdict says it read, read again from the state repository (AUDIT-5)."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from desired_state.canonical import digest_bytes
from desired_state.errors import GovernanceError, Stalled, Waiting
from desired_state.memory import Memory
from desired_state.observation import Observation
from desired_state.reasons import Reason
from desired_state.repository import StateRepository
from desired_state.survey import Survey
from reconciler.contents import Cached, InMemory

HOST_FACTS: Final = ("clean",)  # what the host alone can know


class Again:
    """Observes each revision as the host did that remembered so much."""

    def __init__(self, state: StateRepository) -> None:
        """``state`` was asked for its tips."""
        self._state = state
        self._contents = Cached(InMemory())
        self._survey = Survey(state, self._contents)

    def __call__(self, told: Observation, before: Memory) -> Observation | None:
        """The same revision after the same memory; none where the repository has it no more.

        Raises:
            Stalled: ``EVIDENCE_MISSING`` where that memory knows papers that history never held.
        """
        if told.revision is None:
            return told
        try:
            found = self._observed(told.revision, told, before)
        except Waiting:
            return None
        return found.model_copy(update={name: getattr(told, name) for name in HOST_FACTS})

    def _observed(self, revision: str, told: Observation, before: Memory) -> Observation:
        try:
            return self._survey.observe(revision, before, told.stops)
        except KeyError:  # papers of revisions that were not gone through here
            for step in self._state.steps(revision, None):
                for _, oid in step.versions:
                    self._contents.keep(self._state.blob(oid))
        try:
            return self._survey.observe(revision, before, told.stops)
        except KeyError as error:
            text = "history up to there never held it"
            raise Stalled(Reason.EVIDENCE_MISSING, str(error), text) from error


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
