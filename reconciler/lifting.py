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


def lifts(held: Held, found: Trading, *, admitted: bool) -> bool:
    """Whether this is the cycle in which it lifts, where ``found`` is what the fact says now."""
    return admitted and found is Trading.ACTIVE and held.good + 1 >= GOOD_CYCLES


def after(
    held: tuple[Held, ...], levels: Mapping[Fact, Trading], *, admitted: bool
) -> tuple[Held, ...]:
    """What is held for the next cycle, from what each fact said in this one."""
    known = {item.fact: item for item in held}
    found = []
    for fact in Fact:
        level, item = levels.get(fact, Trading.ACTIVE), known.get(fact)
        if level is not Trading.ACTIVE:
            found.append(Held(fact=fact, trading=min(level, item.trading if item else level)))
        elif item and not lifts(item, level, admitted=admitted):
            good = item.good + 1 if admitted else 0
            found.append(item.model_copy(update={"good": good}))
    return tuple(found)


def begun_again(held: tuple[Held, ...]) -> tuple[Held, ...]:
    """After a cycle that failed: none of the good ones before it counts."""
    return tuple(item.model_copy(update={"good": 0}) for item in held)
