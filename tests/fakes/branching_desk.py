"""A desk whose papers may be written aside for a branch, and whose host may lose its memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from desired_state.memory import EMPTY, Memory
from desired_state.values import instant_text
from reconciler.contents import Cached, InMemory
from reconciler.gate import Verdict
from tests.fakes.trust_desk import MAIN, PEOPLE, ROOT, Change, Signer, TrustDesk
from tests.fakes.trust_papers import NEWCOMERS, after, people

EVERYBODY: dict[str, Signer] = {**PEOPLE, **{who.name: who for who in NEWCOMERS}}
ALWAYS = frozenset({"olivia", "dora", "otto", "sybil"})


def root_that_lists(before: bytes, voters: frozenset[str], end: datetime) -> bytes:
    """The root after ``before`` with these voters; it and every key of it end then."""
    add = [who for who in NEWCOMERS if who.name in voters]
    drop = [name for name in PEOPLE if name not in voters | ALWAYS]
    change = people(ROOT, add=add, drop=drop)
    ends = {"valid_until": instant_text(end)}
    keys = {key_id: {**key, **ends} for key_id, key in change["keys"].items()}
    return after(before, persons=change["persons"], keys=keys, expires=instant_text(end))


@dataclass
class BranchingDesk(TrustDesk):
    """What is pushed while ``aside`` is a list is kept there instead, a commit an entry."""

    aside: list[dict[str, Change]] | None = None

    def push(self, *commits: Mapping[str, Change], merge: str | None = None) -> list[str]:
        if self.aside is None:
            return super().push(*commits, merge=merge)
        self.aside += [dict(files) for files in commits]
        for files in commits:
            self._note(files)
        return []

    def force(self, commit: str | None) -> None:
        """Main is another commit from now on, or gone."""
        self.remote.git("update-ref", *([MAIN, commit] if commit else ["-d", MAIN]))

    def rebuilt(self) -> tuple[Memory, Verdict]:
        """What a host comes to that starts from the pin at this instant; facts it asks anew."""
        lived = (self.memory, self.admission, self.contents, self.latched, self._tips)
        self.memory, self.contents, self.latched, self._tips = EMPTY, Cached(InMemory()), {}, set()
        self.restart()
        verdict = self.cycle(timedelta())
        rebuilt = self.memory
        self.memory, self.admission, self.contents, self.latched, self._tips = lived
        self.restart()
        return rebuilt, verdict

    def again(self, memory: Memory) -> Verdict:
        """The same instant, judged by a new process that found this memory on its disk."""
        self.restart()
        self.memory = memory
        return self.cycle(timedelta())
