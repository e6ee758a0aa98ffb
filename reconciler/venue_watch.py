"""Looks at the venue itself now and then, and at our two clocks beside it (G1, G7 to G9, F6)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from layers.ports import Standing, VenueProbe

EVERY: Final = timedelta(seconds=10)  # well inside max_venue_check_age; costs a request each


@dataclass(frozen=True, slots=True)
class VenueSeen:
    """The venue's last word of itself, and how far our clocks moved apart before it."""

    standing: Standing
    clock_jump: timedelta  # wall clock less steady clock, since the look before


@dataclass
class VenueWatch:
    """``steady`` never jumps: time since boot. Asked at most every ``every`` on that clock."""

    probe: VenueProbe
    wall_clock: Callable[[], datetime]
    steady: Callable[[], timedelta]
    every: timedelta = EVERY
    _looked: tuple[datetime, timedelta] = field(init=False)
    _seen: VenueSeen | None = None

    def __post_init__(self) -> None:
        """From here on a jump is noticed."""
        self._looked = (self.wall_clock(), self.steady())

    def look(self) -> VenueSeen:
        """The last answer, or a new one where that is due."""
        wall, steady = self.wall_clock(), self.steady()
        before_wall, before_steady = self._looked
        jump = (wall - before_wall) - (steady - before_steady)
        if self._seen is None or steady - before_steady >= self.every:
            self._looked = (wall, steady)
            self._seen = VenueSeen(self.probe.standing(), jump)
        elif abs(jump) > abs(self._seen.clock_jump):
            return VenueSeen(self._seen.standing, jump)
        return self._seen
