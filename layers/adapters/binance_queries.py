"""What Binance spot says of itself, in the words of the desk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.binance_history import EXECUTIONS, ORDERS, History
from layers.adapters.ccxt_line import Line
from layers.binance.heard import unanswered
from layers.binance.listing import Fees, account_fees, fees_of, listed, rules_of
from layers.binance.protocol import (
    ACCOUNT,
    ARCHIVED_AFTER,
    COMMISSION,
    DEPTH,
    DEPTH_LEVELS,
    LISTING,
    LOOK_UP,
    ORDER_ABSENT,
    ORDER_ARCHIVED,
    UNLISTED,
    Endpoint,
    market_id,
)
from layers.binance.rows import (
    balances_of,
    fill_of,
    levels_of,
    numbered,
    order_of,
    unreadable,
    whole,
)
from layers.market import Book
from layers.orders import Archived, Balance, Fill, SymbolRules, VenueOrder
from layers.risk_snapshot import VenueClass

NO_SUCH_PATH: Final = 404
NAMES_KEPT: Final = 2_000
SEVERAL: Final = 5  # so many look-ups weigh as much as a page of orders (4 each, and 20)
RENUMBERED: Final = timedelta(seconds=30)  # no book that is merely late goes on for so long


@dataclass(frozen=True, slots=True)
class Renumbered:
    """Books with lower ids than the newest, one after the other and none of them falling."""

    first: int
    last: int
    since: datetime


class BinanceQueries:
    """``VenueQueries``; each call may raise ``Waiting(VENUE_UNREACHABLE)``."""

    def __init__(self, line: Line, fees: Fees | None = None) -> None:
        """``fees`` where they are configured; else the account's own are asked for."""
        self._line = line
        self._fees = fees
        self._names: dict[tuple[str, int], str] = {}  # (symbol, venue's order id) -> client id
        self._newest: dict[str, tuple[int, datetime]] = {}  # lastUpdateId, first asked for when
        self._lower: dict[str, Renumbered] = {}

    def order(self, symbol: str, client_order_id: str) -> VenueOrder | Archived | None:
        """The order with this client id in any state, or none where the venue says it has none.

        BIN-16: what it archived it remembers and does not show; that is not none.
        """
        asked = {"symbol": market_id(symbol), "origClientOrderId": client_order_id}
        heard = self._line.ask(LOOK_UP, asked)
        if heard.says(ORDER_ABSENT):
            return None
        if heard.says(ORDER_ARCHIVED):
            return Archived(before=self._line.time() - ARCHIVED_AFTER)
        if not heard.good:
            raise unanswered(heard, "an order")
        found = order_of(heard.data, self._line.terms.place.symbols)
        if (found.symbol, found.client_order_id) != (symbol, client_order_id):
            raise unreadable("an order")  # an answer about another order is no answer
        self._keep_name((symbol, int(found.venue_order_id)), client_order_id)
        return found

    def orders(self, symbol: str, since: datetime) -> tuple[VenueOrder, ...]:
        """Orders made at or after ``since`` in any state, as allOrders lists them (BIN-15)."""
        found = History(self._line, ORDERS, symbol).since(since)
        return tuple(self._listed(row, symbol) for row in found)

    def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        """Executions at or after ``since``, oldest first, each with its order's client id."""
        found = History(self._line, EXECUTIONS, symbol).since(since)
        names = self._named({_order_number(row) for row in found}, symbol)
        fills = (fill_of(row, symbol, names[_order_number(row)]) for row in found)
        return tuple(sorted(fills, key=lambda fill: fill.at))

    def balances(self) -> tuple[Balance, ...]:
        """All balances of the account."""
        return balances_of(self._asked(ACCOUNT, {}))

    def book(self, symbol: str) -> Book | None:
        """The present book, or none while nobody offers anything.

        BIN-11: Binance's depth carries no time. Its last event is dated by the moment the question
        left that first brought this ``lastUpdateId``, so a book served twice grows old.
        """
        wall = self._line.clock.wall
        sent = wall()
        data = self._asked(DEPTH, {"symbol": market_id(symbol), "limit": DEPTH_LEVELS})
        if not isinstance(data, dict):
            raise unreadable("a book")
        bids, asks = levels_of(data.get("bids")), levels_of(data.get("asks"))
        event_at = self._dated(symbol, data.get("lastUpdateId"), sent)
        if not bids and not asks:
            return None
        return Book(
            symbol=symbol,
            bids=bids,
            asks=asks,
            event_at=event_at,
            received_at=wall(),
            provenance=self._line.terms.provenance,
            interval=timedelta(0),
        )

    def _dated(self, symbol: str, update: object, sent: datetime) -> datetime:
        """When this state of the book was first asked for; one older than the newest is refused."""
        try:
            number = whole(update)
        except ValueError:
            number = -1
        newest, first_sent = self._newest.get(symbol, (0, sent))
        if number < newest and not self._begun_again(symbol, number, sent):
            raise unreadable("a book, older than the last one")
        self._lower.pop(symbol, None)
        if number != newest:
            self._newest[symbol] = (number, sent)
            return sent
        return first_sent

    def _begun_again(self, symbol: str, number: int, sent: datetime) -> bool:
        """Whether a wiped testnet counts its books from the start again (BIN-11)."""
        if number < 0 or self._line.terms.venue_class is not VenueClass.TESTNET:
            return False
        before = self._lower.get(symbol)
        if before is None or number < before.last:
            before = Renumbered(number, number, sent)
        self._lower[symbol] = replace(before, last=number)
        return number > before.first and sent - before.since >= RENUMBERED

    def rules(self, symbol: str) -> SymbolRules:
        """Filters and fees. Raises ``Stalled(FEED_INVALID)`` for an unlisted symbol."""
        heard = self._line.ask(LISTING, {"symbol": market_id(symbol)})
        if heard.says(UNLISTED):
            raise _unlisted(symbol)
        if not heard.good:
            raise unanswered(heard, "exchangeInfo")
        row = listed(heard.data, symbol)
        if row is None:
            raise _unlisted(symbol)
        return rules_of(row, symbol, self._fees or self._commission(symbol))

    def _commission(self, symbol: str) -> Fees:
        heard = self._line.ask(COMMISSION, {"symbol": market_id(symbol)})
        if heard.status == NO_SUCH_PATH:
            return account_fees(self._asked(ACCOUNT, {}))
        if not heard.good:
            raise unanswered(heard, "commission")
        return fees_of(heard.data)

    def _listed(self, row: Any, symbol: str) -> VenueOrder:  # noqa: ANN401
        found = order_of(row, self._line.terms.place.symbols)
        self._keep_name((symbol, int(found.venue_order_id)), found.client_order_id)
        return found

    def _keep_name(self, order: tuple[str, int], name: str) -> None:
        self._names[order] = name
        if len(self._names) > NAMES_KEPT:  # what is asked for again is looked up again
            del self._names[next(iter(self._names))]

    def _named(self, numbers: set[int], symbol: str) -> dict[int, str]:
        """Client ids by order number: of many unknown ones by the page, of the rest one by one.

        The venue gives an execution its own order id alone.
        """
        named = {n: self._names[symbol, n] for n in numbers if (symbol, n) in self._names}
        history, left = History(self._line, ORDERS, symbol), sorted(numbers - named.keys())
        while len(left) >= SEVERAL:
            page = {history.number(row): row for row in history.page(left[0])}
            for number, row in page.items():
                named[number] = self._listed(row, symbol).client_order_id
            left = [n for n in left if n > max(page, default=left[-1])]
        for number in numbers - named.keys():
            named[number] = self._name(symbol, number)
            self._keep_name((symbol, number), named[number])
        return named

    def _name(self, symbol: str, number: int) -> str:
        data = self._asked(LOOK_UP, {"symbol": market_id(symbol), "orderId": number})
        found = order_of(data, self._line.terms.place.symbols)
        if (found.symbol, found.venue_order_id) != (symbol, str(number)):
            raise unreadable("an order")
        return found.client_order_id

    def _asked(self, endpoint: Endpoint, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401
        heard = self._line.ask(endpoint, parameters)
        if not heard.good:
            raise unanswered(heard, endpoint.path)
        return heard.data


def _order_number(row: Any) -> int:  # noqa: ANN401
    return numbered(row, "orderId")


def _unlisted(symbol: str) -> Stalled:
    return Stalled(Reason.FEED_INVALID, symbol, "the venue does not list this symbol")
