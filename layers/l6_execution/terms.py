"""What L6 is told of a venue and of its own patience; every number of it stands here."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

# spec/venues.md, "Resolve UNKNOWN": looked up this long after the order was sent, wall clock
LOOKUPS: Final = tuple(timedelta(seconds=s) for s in (0.5, 1, 2, 4, 8))
PATIENCE: Final = timedelta(seconds=10)  # an order unknown for longer halts (risk.md, G3)
SWEEPS: Final = 2  # consistent negative sweeps before an order counts as absent
# so many orders that are open no more cost as much to look up one by one as the list of all orders
# (Binance: weight 4 each and 20); only what is so young stands on a list that is short
SEVERAL: Final = 5
YOUNG: Final = timedelta(minutes=2)
LIST_OVERLAP: Final = timedelta(seconds=1)  # the venue's clock may be a little behind ours
FILL_OVERLAP: Final = timedelta(seconds=60)  # fills are asked for again this far back
# L6-10: what ended so long before a full comparison that agreed need not be in memory any more
LET_GO: Final = timedelta(minutes=2)
FILLS_KEPT: Final = timedelta(days=1)  # executions stay longer: a wiped venue is told by them


@dataclass(frozen=True, slots=True)
class Propagation:
    """How late a venue may be. Raises ``ValueError`` for what the look-ups could never span.

    ``bound``: until everything that it accepted shows in its queries. ``receive_window``: until it
    refuses a request that was on its way (Binance: recvWindow, at most 5 s for orders here).
    """

    bound: timedelta
    receive_window: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        """Nobody may configure an order into never being resolved."""
        if not timedelta(0) <= self.total < LOOKUPS[-1] - LOOKUPS[0]:
            raise ValueError(f"look-ups span {LOOKUPS[-1] - LOOKUPS[0]}, found {self.total}")

    @property
    def total(self) -> timedelta:
        """Negative sweeps count as proof only when they span more than this."""
        return self.bound + self.receive_window


@dataclass(frozen=True, slots=True)
class FillBounds:
    """What an execution of a limit order may look like (H3). Shares: 0.01 is one per cent.

    A price beyond ``improvement`` of the limit is no luck but an error: L5's collar keeps every
    limit within a few per cent of the market. ``fee`` is ten times the usual taker fee.
    """

    improvement: Decimal = Decimal("0.5")
    fee: Decimal = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class CircuitTerms:
    """When a venue counts as failing (G2). Chosen so that 2 % of failures never open it.

    ``weight`` is that of the newest request in the moving average (span about 19 requests);
    at ``open_above`` five failures in a row open it. ``closes_after``: reads answered in a row.
    """

    weight: Decimal = Decimal("0.1")
    open_above: Decimal = Decimal("0.4")
    silences: int = 10
    window: timedelta = timedelta(seconds=60)
    closes_after: int = 3


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often books and venue are compared, wall clock (spec: venues, "Continuous")."""

    open_orders: timedelta = timedelta(seconds=5)  # while any order is live
    holdings: timedelta = timedelta(seconds=30)  # balances and fills
    full: timedelta = timedelta(minutes=5)
