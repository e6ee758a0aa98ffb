"""Judging a revision for somebody who only wants to know: nothing is remembered. Pure.

The steps are those of a cycle, without its plan, its actions and its record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from desired_state.admission import Admission, Trust, admit
from desired_state.errors import Stalled
from desired_state.memory import Memory, Stop
from desired_state.reasons import Reason
from desired_state.repository import Contents, StateRepository, SwitchHistory
from desired_state.survey import Survey
from reconciler.contents import Cached, InMemory, Recalled
from reconciler.facts import Facts
from reconciler.gate import Verdict, judge
from reconciler.stop_lane import stops_at


class StateReader(StateRepository, SwitchHistory, Protocol):
    """The state repository, whole."""

    @property
    def main(self) -> str:
        """Full name of the branch that holds the desired state."""
        ...


@dataclass
class Reader:
    """Answers from the repository and from what this host remembers, and writes neither."""

    state: StateReader
    memory: Memory
    trust: Trust
    repository: str  # its id, in stop ids
    objects: Contents | None = None  # what the host kept; none where it never ran
    latched: Mapping[str, Stop] = field(default_factory=dict)
    clean: tuple[str, ...] = ()  # stops after which every venue was proven clean
    build: str | None = None  # digest of what runs here
    rehearsed: tuple[str, ...] = ()  # venues whose place a local exchange takes here
    clock_unsure: str = ""

    def head(self) -> str:
        """Where main stands. Raises ``Waiting(FETCH)``, or ``Stalled(FETCH)`` without a main."""
        tip = self.state.tips().get(self.state.main)
        if tip is None:
            raise Stalled(Reason.FETCH, self.state.main, "the state repository has no such branch")
        return tip

    def verify(self, revision: str | None, now: datetime) -> tuple[Admission, Verdict]:
        """Admission and verdict of a revision, or of the head of main, at this instant.

        Stops count from every advertised tip, whichever revision is asked about. A revision before
        the remembered head is judged as by a host that had only ever seen up to there.

        Raises:
            Waiting: ``FETCH`` where the repository does not answer.
            Stalled: ``FETCH`` where it has no main, ``SHALLOW``, ``JOURNAL``.
        """
        tips = dict(self.state.tips())
        head = revision or self.head()
        memory = self._memory_at(head, tips.get(self.state.main))
        stops = self._stops([*tips.values(), head], now)
        recalled = Recalled(InMemory(self.objects), lambda: self._versions(head))
        contents = Cached(recalled)
        observation = Survey(self.state, contents).observe(head, memory, stops.values())
        observation = observation.model_copy(update={"clean": self.clean})
        admission = admit(observation, contents, memory, self.trust, now)
        if recalled.problem:
            raise recalled.problem
        unreadable_since = now if admission.unreadable else None
        facts = Facts(
            answered_at=now,
            unreadable_since=unreadable_since,
            clock_unsure=self.clock_unsure,
            build=self.build,
            rehearsed=self.rehearsed,
        )
        return admission, judge(admission, facts, now)

    def _memory_at(self, head: str, main: str | None) -> Memory:
        last = self.memory.head
        if last is None or head in {last, main} or not self.state.descends(last, head):
            return self.memory  # main itself behind what was seen is a rewrite, and judged as one
        # what was decided later does not count here; that it was ever stopped or released does
        kept = {"stops": self.memory.stops, "releases": self.memory.releases}
        return Memory().model_copy(update=kept)

    def _stops(self, tips: list[str], now: datetime) -> dict[str, Stop]:
        found = stops_at(self.state, self.repository, tips, ((), now))
        return {**{stop.id: stop for stop in found}, **self.latched, **self.memory.stops}

    def _versions(self, head: str) -> Iterator[bytes]:
        for step in self.state.steps(head, None):
            for _, oid in step.versions:
                yield self.state.blob(oid)
