"""Market data as the layers see it. Prices in quote currency, sizes in base units, UTC instants."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)  # whole units of time are counted from here


class Provenance(StrEnum):
    """Where data came from; L5's F8 compares it with the mode."""

    LIVE = "live"
    RECORDED = "recorded"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ``opened`` marks its beginning, it is known only at ``closed``."""

    symbol: str
    opened: datetime
    interval: timedelta
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def closed(self) -> datetime:
        """The first instant at which the bar may be known."""
        return self.opened + self.interval


@dataclass(frozen=True, slots=True)
class Level:
    """Price and size resting there."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """Two-sided book, best first. ``event_at`` is the venue's time, ``received_at`` ours."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    event_at: datetime
    received_at: datetime
    provenance: Provenance
    interval: timedelta  # of the feed: ages and windows count in these (risk.md); zero: ticks
