"""The one instant of a cycle, from clocks that nobody has to trust alone (trust.md, 6, step 0).

An anchor is an instant that was believed, with the boot and the nanoseconds since that boot at
which it was. What the boot clock says has elapsed since moves it on; the wall clock may differ
from that by the tolerance, in all and not each time, unless a second source agrees (CLOCK-2).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from desired_state.frozen import Frozen
from desired_state.values import Instant, Text, instant_text

TOLERANCE: Final = timedelta(seconds=5)  # trust.md, section 6, step 0
_Count = Annotated[int, Field(ge=0, lt=2**63)]


class Anchor(Frozen):
    """An instant that was believed, and where the boot clock stood."""

    at: Instant
    boot: Text
    since_boot_ns: _Count


@dataclass(frozen=True, slots=True)
class Clocks:
    """What this host's clocks show at one moment."""

    wall: datetime
    boot: str  # another one after each boot
    since_boot_ns: int
    agreeing: tuple[str, ...] = ()  # second sources that agree with the wall clock now


@dataclass(frozen=True, slots=True)
class Reading:
    """The instant to judge at; what to remember; why it is not sure, empty where it is."""

    now: datetime
    anchor: Anchor | None
    unsure: str = ""


def read(clocks: Clocks, anchor: Anchor | None, floor: datetime | None) -> Reading:
    """The instant of this moment. ``floor`` is memory's: what was judged at before.

    Where it is not sure, time goes on as the boot clock counts it and nothing is remembered, so a
    clock that is set right again finds everything as it was (CLOCK-3).
    """
    anchor = _standing(clocks, anchor, floor)
    if anchor is None:  # nothing was ever judged here: the first instant is as it is told
        return Reading(clocks.wall, _anchor(clocks.wall, clocks))
    expected = anchor.at + _since(clocks, anchor)
    least = max(expected, floor or expected)
    told = f"expected {instant_text(expected)}, found {instant_text(clocks.wall)}"
    if clocks.wall < expected - TOLERANCE:  # going back is believed of nobody (CLOCK-1)
        return Reading(least, anchor, f"set back: {told}")
    if clocks.agreeing:
        now = max(clocks.wall, least)
        return Reading(now, _anchor(now, clocks))
    if clocks.wall > expected + TOLERANCE:
        return Reading(least, anchor, f"ahead, and no second source agrees: {told}")
    return Reading(max(clocks.wall, least), anchor)


def _standing(clocks: Clocks, anchor: Anchor | None, floor: datetime | None) -> Anchor | None:
    """An anchor of this boot: the one given, or the least that must have passed since."""
    if anchor is None:
        return None if floor is None else _anchor(floor, clocks)
    if anchor.boot != clocks.boot:
        # CLOCK-4: how long the host was off nobody knows; it was up for so long since
        up = timedelta(microseconds=clocks.since_boot_ns // 1000)
        return _anchor(max(anchor.at, floor or anchor.at) + up, clocks)
    # the floor follows within the tolerance; one that is further on comes from elsewhere
    if floor and floor > anchor.at + _since(clocks, anchor) + TOLERANCE:
        return _anchor(floor, clocks)
    return anchor


def _since(clocks: Clocks, anchor: Anchor) -> timedelta:
    passed = (clocks.since_boot_ns - anchor.since_boot_ns) // 1000
    return max(timedelta(microseconds=passed), timedelta())


def _anchor(at: datetime, clocks: Clocks) -> Anchor:
    return Anchor(at=at, boot=clocks.boot, since_boot_ns=clocks.since_boot_ns)
