"""Long lists of Binance: executions and orders since an instant, each row once, few requests.

BIN-15: the newest page comes first. It costs one request however long the account has lived, holds
all that was asked for unless more than a page has happened since, and needs no memory of numbers,
which a wipe would make wrong. What is longer is read from its beginning on, up to a bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.adapters.ccxt_line import Line
from layers.binance.heard import MAX_AGAIN, SUBJECT, unanswered
from layers.binance.protocol import (
    ALL_ORDERS,
    MY_TRADES,
    PAGE,
    TRADE_WINDOW,
    Endpoint,
    market_id,
)
from layers.binance.rows import MILLISECOND, made_at, millis, numbered, rows, unreadable

MAX_PAGES: Final = 100  # of one look; a dedicated account has far fewer
WINDOWS: Final = 7  # days without a row that are walked before all is read from its start

Page = list[Any]


@dataclass(frozen=True, slots=True)
class Series:
    """A list whose rows are numbered per symbol."""

    endpoint: Endpoint
    begins: str  # the parameter that begins a page at a number
    number: str  # where a row has its own
    what: str


EXECUTIONS: Final = Series(MY_TRADES, "fromId", "id", "executions")
ORDERS: Final = Series(ALL_ORDERS, "orderId", "orderId", "orders")


@dataclass(frozen=True, slots=True)
class History:
    """One list of one symbol; every call may raise ``Waiting``."""

    line: Line
    series: Series
    symbol: str
    size: int = PAGE
    most: int = MAX_PAGES  # pages of one look

    def since(self, at: datetime) -> Page:
        """Rows dated at or after ``at``, by their number; what one page shows twice stands twice.

        ``VENUE_HISTORY`` where there are more than one look may read.
        """
        return [row for row in self._from(at) if made_at(row) >= at]

    def page(self, number: int) -> Page:
        """One page of rows from this number on."""
        found = self._ask({self.series.begins: number})
        if found and self.number(found[0]) < number:
            raise unreadable(f"{self.series.what}, a page that was there before")
        return found

    def number(self, row: Any) -> int:  # noqa: ANN401
        """The row's own."""
        return numbered(row, self.series.number)

    def _from(self, at: datetime) -> Page:
        now = self.line.time()
        if now - at >= TRADE_WINDOW:
            newest = self._ask({})
            if len(newest) < self.size or min(map(made_at, newest)) < at:
                return newest
        return self._walk(at, now)

    def _walk(self, at: datetime, now: datetime) -> Page:
        """Days without any are passed over; from the first row on it goes by number."""
        for day in range(WINDOWS):
            start = at + day * TRADE_WINDOW
            last = now - start < TRADE_WINDOW
            end = {} if last else {"endTime": millis(start + TRADE_WINDOW - MILLISECOND)}
            found = self._ask({"startTime": millis(start), **end})
            if last and len(found) < self.size:
                return found
            if found:
                return found + self._onwards(1 + self.number(found[-1]))
        return self._onwards(0)

    def _onwards(self, number: int) -> Page:
        found: Page = []
        for _ in range(self.most):
            page = self.page(number)
            found += page
            if len(page) < self.size:
                return found
            number = 1 + self.number(page[-1])
        text = f"more than {self.most * self.size} {self.series.what} of {self.symbol}"
        raise Waiting(Reason.VENUE_HISTORY, SUBJECT, text, retry_after=MAX_AGAIN)

    def _ask(self, asked: Mapping[str, int]) -> Page:
        told = {"symbol": market_id(self.symbol), "limit": self.size, **asked}
        heard = self.line.ask(self.series.endpoint, told)
        if not heard.good:
            raise unanswered(heard, self.series.endpoint.path)
        return sorted(rows(heard.data, self.series.what), key=self.number)
