"""Round trips: from flat to held and back to flat, and what each of them brought (D4). Pure."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from layers.l6_execution.symbol_book import taken_from
from layers.orders import Fill, Side

ZERO: Final = Decimal(0)
FLAT: Final = Decimal(1)  # quote currency: a rest worth less is one that no venue lets us sell
KEPT: Final = 1_000


@dataclass(slots=True)
class _Trip:
    held: Decimal = ZERO  # base units
    cash: Decimal = ZERO  # quote currency brought in less paid out since it began


@dataclass
class RoundTrips:
    """All symbols, by their executions."""

    _open: dict[str, _Trip] = field(default_factory=dict)
    _ended: deque[tuple[datetime, Decimal]] = field(default_factory=lambda: deque(maxlen=KEPT))
    _lacked: dict[str, Decimal] = field(default_factory=dict)  # the most that was ever explained

    def take(self, fill: Fill) -> None:
        """One execution more. What is left at the end counts at the price that ended it."""
        base, quote = fill.symbol.split("/")
        sign = 1 if fill.side is Side.BUY else -1
        trip = self._open.setdefault(fill.symbol, _Trip())
        trip.held += sign * fill.quantity - (fill.fee if fill.fee_currency == base else ZERO)
        trip.cash -= sign * fill.quantity * fill.price
        trip.cash -= fill.fee if fill.fee_currency == quote else ZERO
        rest = trip.held * fill.price
        if fill.side is Side.SELL and rest < FLAT:
            self._ended.append((fill.at, trip.cash + rest))
            # the rest goes on at the price at which it was counted
            self._open[fill.symbol] = _Trip(trip.held, -rest)

    def lack(self, currency: str, missing: Decimal, at: datetime) -> None:
        """So much is not there, as people explained it: as the books do (L6-13), for no money."""
        known = self._lacked.get(currency, ZERO)
        if missing <= known:
            return
        self._lacked[currency] = missing
        held = {s: t.held for s, t in self._open.items() if s.startswith(f"{currency}/")}
        for symbol, quantity in taken_from(held, missing - known).items():
            trip = self._open[symbol]
            trip.held -= quantity
            if not trip.held:  # nothing is left that could end it
                self._ended.append((at, trip.cash))
                del self._open[symbol]

    def begin_again(self) -> None:
        """Nothing is held any more: a venue was wiped. How trips ended before stays."""
        self._open.clear()
        self._lacked.clear()

    def losing_streak(self, since: datetime | None) -> int:
        """How many of the last ones in a row brought less than they cost."""
        count = 0
        for at, result in reversed(self._ended):
            if result >= ZERO or (since is not None and at <= since):
                break
            count += 1
        return count
