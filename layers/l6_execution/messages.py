"""When messages left for the venue. A window costs the same however many it holds (E1)."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

KEPT: Final = 100_000  # far above any window's limit; bounds memory


@dataclass(slots=True)
class Messages:
    """New orders and cancels, on the market clock. At least the last ``KEPT`` are known."""

    _at: list[datetime] = field(default_factory=list)  # never falling

    def add(self, at: datetime) -> None:
        """One more. A clock that ran back is taken to stand: no window may lose one by it."""
        self._at.append(max(at, self._at[-1]) if self._at else at)
        if len(self._at) >= 2 * KEPT:
            del self._at[:-KEPT]

    def since(self, at: datetime) -> int:
        """How many left at or after ``at``."""
        return len(self._at) - bisect_left(self._at, at)
