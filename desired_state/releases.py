"""Who may release a stop, and what a release waits for (trust.md, sections 5 and 7)."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from desired_state.memory import Memory
from desired_state.values import StopClass

TECHNICAL_GATE: Final = "release_technical"
GATE: Final = "release"


def release_gate(clears: Iterable[str], memory: Memory) -> str:
    """The gate that releasing these stops needs, beside the mode's own where it resumes."""
    kinds = {memory.kind_of(memory.stops[stop]) for stop in clears if stop in memory.stops}
    return TECHNICAL_GATE if kinds == {StopClass.TECHNICAL} else GATE


def beforehand(start: datetime, clears: Iterable[str], memory: Memory) -> tuple[str, ...]:
    """Stops that a sign-off of that time names before they were raised (RELEASE-5).

    Only a host's own stops have ids that somebody can guess: the others are named by their commit.
    """
    known = (memory.stops[stop] for stop in clears if stop in memory.stops)
    raised = (
        (stop.id, stop.seen_at.replace(microsecond=0)) for stop in known if stop.commit is None
    )
    return tuple(name for name, at in raised if start < at)  # sign-offs are dated by the second


def waiting(gate: str, clears: Iterable[str], clean: Collection[str]) -> tuple[str, ...]:
    """Stops whose venues are not proven clean yet: one operator alone releases none of those.

    RELEASE-3. More people may, for a venue that never answers again must not stop a desk for ever.
    """
    return tuple(s for s in clears if s not in clean) if gate == TECHNICAL_GATE else ()
