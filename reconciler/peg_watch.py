"""Looks now and then at what the quote currency is worth, at the session's own venue (L5, F9).

Where its pair is quoted the other way round, the price is turned over, away from our favour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, TypeAlias

from desired_state.errors import GovernanceError
from layers.configuration import ASSUMED, PegRow
from layers.market_data.ticks import Quote
from layers.risk_facts import Peg

EVERY: Final = timedelta(seconds=10)  # well inside max_venue_check_age; costs a request each
_GRAIN: Final = Decimal("0.00000001")
Ask: TypeAlias = Callable[[str], Quote | None]
"""The touch of any pair of the venue's; may raise whatever a venue's silence raises."""


@dataclass
class PegWatch:
    """One quote currency. ``steady`` never jumps: time since boot."""

    currency: str
    row: PegRow | None  # none: not configured
    ask: Ask
    wall_clock: Callable[[], datetime]
    steady: Callable[[], timedelta]
    every: timedelta = EVERY
    _looked: timedelta | None = None
    _seen: Peg | None = None

    def look(self) -> Peg:
        """The peg beside its last price, or a new one where that is due. Never raises."""
        steady = self.steady()
        due = self._looked is None or steady - self._looked >= self.every
        if self._seen is None or (due and self.row is not None and self.row.watched != ASSUMED):
            self._looked = steady
            self._seen = self._peg()
        return self._seen

    def _peg(self) -> Peg:
        row = self.row
        watched = None if row is None or row.watched == ASSUMED else row.watched
        bid, ask = self._price(watched) if watched else (None, None)
        return Peg(
            quote=self.currency,
            currency=row.currency if row else None,
            rate=row.rate if row else None,
            assumed=row is not None and watched is None,
            bid=bid,
            ask=ask,
            asked_at=self.wall_clock() if watched else None,
        )

    def _price(self, pair: str) -> tuple[Decimal | None, Decimal | None]:
        """Bid and ask of our currency. A venue that does not answer has said nothing."""
        try:
            touch = self.ask(pair)
        except GovernanceError:
            return None, None
        if touch is None or touch.bid.price <= 0 or touch.ask.price <= 0:
            return None, None
        if pair.startswith(f"{self.currency}/"):
            return touch.bid.price, touch.ask.price
        low = (1 / touch.ask.price).quantize(_GRAIN, ROUND_FLOOR)
        return low, (1 / touch.bid.price).quantize(_GRAIN, ROUND_CEILING)
