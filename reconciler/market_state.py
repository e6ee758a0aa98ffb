"""What the market says of one symbol now, in the form in which L5 takes it. Pure."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Final

from layers.feed import Series
from layers.market import Bar, Book, Level
from layers.risk_snapshot import Quote

DEPTH_LEVELS: Final = 5  # B6
REFERENCE_BARS: Final = 5  # B7's second reference: a mean over the last five bars' closes
BARS_KEPT: Final = 500


@dataclass
class MarketState:
    """Bars and mids so far. ``max_jump`` is F3's bound; a jump starts the count of good ticks."""

    series: Series
    bars: deque[Bar] = field(default_factory=lambda: deque(maxlen=BARS_KEPT))
    book: Book | None = None
    previous_mid: Decimal | None = None
    good_ticks: int = 0
    _mid: Decimal | None = None

    def add(self, bar: Bar) -> None:
        """One more bar that has closed."""
        self.bars.append(bar)

    def see(self, book: Book | None, max_jump: Decimal | None) -> None:
        """The book after that bar."""
        self.book = book
        self.previous_mid = self._mid
        mid = (book.bids[0].price + book.asks[0].price) / 2 if book and _two_sided(book) else None
        if (
            mid is None
            or max_jump is None
            or (self.previous_mid is not None and abs(mid / self.previous_mid - 1) > max_jump)
        ):
            self.good_ticks = 0
        else:
            self.good_ticks += 1
        self._mid = mid if mid is not None else self._mid

    def quote(self) -> Quote | None:
        """For L5; none before there is a book."""
        book = self.book
        if book is None:
            return None
        last = [bar for _, bar in zip(range(REFERENCE_BARS), reversed(self.bars), strict=False)]
        closes = [bar.close for bar in last]
        return Quote(
            bid=book.bids[0].price if book.bids else None,
            ask=book.asks[0].price if book.asks else None,
            event_at=book.event_at,
            received_at=book.received_at,
            interval=book.interval,
            provenance=book.provenance,
            alive=True,  # a recorded feed that yields its next bar is alive
            previous_mid=self.previous_mid if self.previous_mid is not None else self._mid,
            reference=sum(closes, Decimal(0)) / len(closes) if closes else None,
            good_ticks=self.good_ticks,
            bid_depth=_depth(book.bids),
            ask_depth=_depth(book.asks),
            low=last[0].low if last else None,  # F7: on bars, a minute is the last bar
            high=last[0].high if last else None,
            elsewhere=closes[0] if closes else None,  # F5: the feed's price beside the venue's book
            whole=all(after.opened == bar.closed for after, bar in pairwise(last[:2])),  # F4
        )


def _depth(levels: Sequence[Level]) -> Decimal:
    return sum((level.size for level in levels[:DEPTH_LEVELS]), Decimal(0))


def _two_sided(book: Book) -> bool:
    return bool(book.bids and book.asks)
