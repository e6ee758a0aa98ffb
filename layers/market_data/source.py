"""Where market data comes from: the port to a venue's public data, and the label of what is kept.

DATA-1: every input has a provenance. What is asked of a venue now is live, what was stored is
recorded, what no market ever made is synthetic; L5's F8 compares it with the mode.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, TypeVar

from desired_state.errors import Waiting
from desired_state.frozen import Frozen
from desired_state.values import Instant, Span, Symbol
from layers.market import Bar, Provenance
from layers.market_data.ticks import Quote, Trade

T = TypeVar("T")
Sleep = Callable[[timedelta], bool]
"""Waits so long; false if whoever waits is to end."""

TRIES: Final = 6
LONGEST_PAUSE: Final = timedelta(seconds=60)


class PublicMarket(Protocol):
    """What a venue tells everybody. Each call is one request, bounded in rows and time."""

    def bars(
        self, symbol: str, interval: timedelta, start: datetime, limit: int
    ) -> tuple[Bar, ...]:
        """At most ``limit`` bars that opened at or after ``start``, oldest first.

        The last may still be running. Raises ``Waiting(VENUE_UNREACHABLE)``, or ``Stalled(USAGE)``
        for an interval or symbol that the venue does not have.
        """
        ...

    def trades(self, symbol: str, first: int | None, limit: int) -> tuple[Trade, ...]:
        """At most ``limit`` trades from number ``first``, oldest first; none: the latest."""
        ...

    def trade_at(self, symbol: str, start: datetime) -> int | None:
        """Number of the first trade at or after ``start``; none where there is none yet."""
        ...

    def quote(self, symbol: str) -> Quote | None:
        """Best bid and ask now, dated by when the question left; none where a side is empty."""
        ...


class Label(Frozen):
    """Companion of a file of market data: what it holds and where that came from."""

    format: Literal[1]
    kind: Literal["bars", "trades"]
    venue: str
    market: str  # of the venue: live, testnet, local
    symbol: Symbol
    interval: Span | None  # none: single trades
    start: Instant  # from where it was asked for
    provenance: Provenance


def persistently(ask: Callable[[], T], sleep: Sleep) -> T:
    """Ask again while the venue does not answer, each time after a longer pause (DATA-6).

    Reading may be repeated at will; the last refusal is raised.
    """
    for attempt in range(TRIES - 1):
        try:
            return ask()
        except Waiting as fault:
            pause = max(fault.retry_after, timedelta(seconds=1)) * 2**attempt
            if not sleep(min(pause, LONGEST_PAUSE)):
                raise
    return ask()
