"""Whether a venue answers well enough to be sent orders (G2). Pure; the wall clock comes in.

Open, it lets nothing but reads and cancels through; reads that are answered close it again, so
that it probes itself without any risk.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from layers.l6_execution.terms import CircuitTerms

NOTHING: Final = Decimal(0)
HALF: Final = Decimal("0.5")
KEPT: Final = 1_000  # lost answers; far above any limit
FADED: Final = 20  # halved so often, it weighs nothing
_PLACES: Final = Decimal("0.000001")


@dataclass(slots=True)
class Circuit:
    """One venue's. ``rate`` is the moving average of failures, 0 to 1."""

    terms: CircuitTerms = field(default_factory=CircuitTerms)
    rate: Decimal = NOTHING
    opened_at: datetime | None = None
    _silences: deque[datetime] = field(default_factory=deque)
    _lost: deque[datetime] = field(default_factory=lambda: deque(maxlen=KEPT))  # market clock
    _in_a_row: int = 0

    @property
    def is_open(self) -> bool:
        """Whether nothing but reads and cancels may go out."""
        return self.opened_at is not None

    def note(self, at: datetime, wall: datetime, *, answered: bool) -> None:
        """Take in how one request went; a refusal is an answer, what proves nothing is none.

        ``at`` is the market clock, on which people's limits count; ``wall`` opens and closes.
        """
        failed = not answered
        weight = self.terms.weight
        self.rate = ((1 - weight) * self.rate + weight * failed).quantize(_PLACES)
        if failed:
            self._silences.append(wall)
            self._lost.append(at)
            while len(self._silences) > self.terms.silences:
                self._silences.popleft()
        self._in_a_row = 0 if failed else self._in_a_row + 1
        if failed and self._is_bad(wall):
            self.opened_at = self.opened_at or wall
        elif self.is_open and self._in_a_row >= self.terms.closes_after:
            self._close()

    def silences(self, wall: datetime) -> int:
        """Requests without an answer within the window, up to the number that opens it."""
        return sum(1 for when in self._silences if wall - when < self.terms.window)

    def lost(self, at: datetime, span: timedelta) -> tuple[Decimal, int]:
        """G2: answers lost, the weight of each halved every ``span``; and those of the last one.

        While it is open nothing of this fades: only answered reads end it.
        """
        ages = [0 if self.is_open else max(0, (at - when) // span) for when in self._lost]
        return sum((HALF**age for age in ages if age < FADED), NOTHING), ages.count(0)

    def _is_bad(self, wall: datetime) -> bool:
        return self.rate > self.terms.open_above or self.silences(wall) >= self.terms.silences

    def _close(self) -> None:
        self.opened_at, self.rate, self._in_a_row = None, NOTHING, 0
        self._silences.clear()
        self._lost.clear()
