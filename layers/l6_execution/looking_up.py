"""When an order of unknown fate is looked up, and when it counts as absent (L6-5). Pure.

The schedule is data (``terms.LOOKUPS``); every instant is one of the wall clock.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from layers.l6_execution.terms import LOOKUPS, PATIENCE, SWEEPS, Propagation

SOON: Final = LOOKUPS[0]  # between two look-ups at least
LONGEST: Final = LOOKUPS[-1] - LOOKUPS[-2]  # between them once the schedule is over


class Trace(StrEnum):
    """What one sweep over everything the venue can be asked said of one order."""

    FOUND = "found"
    NEGATIVE = "negative"  # every source answered, and none knows it
    UNSURE = "unsure"  # none knows it, but money moved that nothing explains
    SILENT = "silent"  # a source did not answer


@dataclass(frozen=True, slots=True)
class Search:
    """One order's look-ups so far; ``since`` is when it was sent, or when a restart met it."""

    since: datetime
    looked: int = 0
    last: datetime | None = None
    silent: bool = False  # the last one was not answered
    negatives: int = 0
    first_negative: datetime | None = None
    last_negative: datetime | None = None

    def is_due(self, wall: datetime) -> bool:
        """Whether the next look-up's time has come; never two of them in one burst.

        One that was not answered is repeated soon, and takes no place in the schedule; those after
        it keep their instants, since the time until a person is called does not wait for them.
        """
        rest = LONGEST if self.is_spent(wall) and not self.silent else SOON
        if self.last is not None and wall - self.last < rest:
            return False
        return self.silent or self._is_over or wall - self.since >= LOOKUPS[self.looked]

    def after(self, trace: Trace, wall: datetime) -> "Search":
        """The search with one more sweep; negatives count while nothing speaks against."""
        if trace is Trace.SILENT:
            return replace(self, last=wall, silent=True)
        seen = replace(self, looked=self.looked + 1, last=wall, silent=False)
        if trace is not Trace.NEGATIVE:  # consistent negatives: unsure counts as no
            return replace(seen, negatives=0, first_negative=None, last_negative=None)
        first = self.first_negative or wall
        return replace(seen, negatives=self.negatives + 1, first_negative=first, last_negative=wall)

    def is_absent(self, late: Propagation) -> bool:
        """Two sweeps at least, spanning *more* than the venue may be late."""
        if self.first_negative is None or self.last_negative is None:
            return False
        return self.negatives >= SWEEPS and self.last_negative - self.first_negative > late.total

    def is_spent(self, wall: datetime) -> bool:
        """Whether a person is called (G3); look-ups go on.

        After the schedule at once, unless every sweep of late was a negative: those may still come
        to span enough while there is patience.
        """
        return (self._is_over and not self.negatives) or wall - self.since > PATIENCE

    @property
    def _is_over(self) -> bool:
        return self.looked >= len(LOOKUPS)
