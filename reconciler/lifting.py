"""Facts that narrow, and lift by themselves after three good cycles. Pure (trust.md, section 4).

What a fact narrowed to stays until three cycles in a row found it good under an admitted head
(FACT-1). It lives in the process alone: whoever starts anew knows nothing, which permits nothing.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from desired_state.frozen import Frozen
from desired_state.values import Trading

GOOD_CYCLES: Final = 3  # trust.md, section 4


class Fact(StrEnum):
    """What narrows and lifts by itself; nothing else does."""

    SOURCE = "source"
    READABLE = "readable"
    EVIDENCE = "evidence"
    HEARTBEAT = "heartbeat"


class Held(Frozen):
    """A fact that has narrowed and has not been good for long enough."""

    fact: Fact
    trading: Trading  # what it narrowed to
    good: Annotated[int, Field(ge=0, le=GOOD_CYCLES)] = 0  # cycles in a row before this one


def narrowed(held: Held, found: Trading) -> Trading:
    """What the fact permits in this cycle, where ``found`` is what it says by itself."""
    lifts = found is Trading.ACTIVE and held.good + 1 >= GOOD_CYCLES
    return found if lifts else min(found, held.trading)


def after(
    held: tuple[Held, ...], levels: Mapping[Fact, Trading], *, admitted: bool
) -> tuple[Held, ...]:
    """What is held for the next cycle, from what each fact said in this one."""
    known = {item.fact: item for item in held}
    found = []
    for fact in Fact:
        level, item = levels.get(fact, Trading.ACTIVE), known.get(fact)
        if level is not Trading.ACTIVE:
            found.append(Held(fact=fact, trading=level))
        elif item and not admitted:
            found.append(item.model_copy(update={"good": 0}))
        elif item and item.good + 1 < GOOD_CYCLES:
            found.append(item.model_copy(update={"good": item.good + 1}))
    return tuple(found)
