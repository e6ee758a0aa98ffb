"""Cancels at Binance spot, on an unthrottled line: nothing of ours makes a cancel wait."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from desired_state.errors import Waiting
from layers.adapters.ccxt_line import Line
from layers.binance.heard import Heard, unanswered
from layers.binance.protocol import (
    CANCEL,
    CANCEL_SYMBOL,
    CANCEL_UNKNOWN,
    LOOK_UP,
    OPEN_ORDERS,
    ORDER_ABSENT,
    ORDER_ARCHIVED,
    market_id,
)
from layers.binance.rows import order_of, rows
from layers.orders import CancelReport, OrderState, VenueOrder

ROUNDS: Final = 3  # sweeps after the first; what is open then stands in the report
_RESTING: Final = frozenset({OrderState.OPEN, OrderState.PARTIAL})


class BinanceCancels:
    """``Cancels``. BIN-9: gone is what a query shows as gone; "unknown order" alone is not."""

    def __init__(self, line: Line, traded: Callable[[], Iterable[str]]) -> None:
        """``line`` is its own and unthrottled; ``traded`` names every symbol ever traded here."""
        self._line = line
        self._traded = traded

    @property
    def _listed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._line.terms.place.symbols, *self._traded())))

    def cancel(self, symbol: str, client_order_id: str) -> CancelReport:
        """Ask for one order, then look at it: what the cancel itself was answered proves little."""
        asked = {"symbol": market_id(symbol), "origClientOrderId": client_order_id}
        heard = self._line.ask(CANCEL, asked)
        shown = self._line.ask(LOOK_UP, asked)
        ended = shown.says(ORDER_ABSENT) or shown.says(ORDER_ARCHIVED)
        if ended or self._ended(shown, client_order_id):
            return CancelReport(confirmed=(client_order_id,), still_open=())
        reached = shown.good and (heard.good or heard.says(CANCEL_UNKNOWN))
        return CancelReport(confirmed=(), still_open=(client_order_id,), unreachable=not reached)

    def cancel_all(self) -> CancelReport:
        """Cancel symbol by symbol, then sweep the account and cancel what is left of anybody."""
        confirmed: dict[str, None] = {}
        for symbol in self._listed:
            heard = self._line.ask(CANCEL_SYMBOL, {"symbol": market_id(symbol)})
            confirmed.update(dict.fromkeys(self._cancelled(heard)))
        left: list[Any] = []
        for last in range(ROUNDS + 1):
            try:
                left = self._sweep()
            except Waiting:
                return CancelReport(confirmed=tuple(confirmed), still_open=(), unreachable=True)
            if not left or last == ROUNDS:
                break
            confirmed.update(dict.fromkeys(self._stragglers(left)))
        still = tuple(order_of(row, ()).client_order_id for row in left)
        ended = tuple(name for name in confirmed if name not in still)
        return CancelReport(confirmed=ended, still_open=still)

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """Every open order of the account. Raises ``Waiting(VENUE_UNREACHABLE)``."""
        listed = self._listed
        return tuple(order_of(row, listed) for row in self._sweep())

    def _sweep(self) -> list[Any]:
        heard = self._line.ask(OPEN_ORDERS, {})
        if not heard.good:
            raise unanswered(heard, "open orders")
        found = rows(heard.data, "open orders")
        for row in found:
            order_of(row, ())  # a row that does not read is no sweep
        return found

    def _stragglers(self, left: list[Any]) -> list[str]:
        confirmed = []
        for row in left:
            asked = {"symbol": row["symbol"], "orderId": row["orderId"]}
            confirmed += self._cancelled(self._line.ask(CANCEL, asked))
        return confirmed

    def _cancelled(self, heard: Heard) -> list[str]:
        """Client ids that this answer shows as ended; an answer that does not read shows none."""
        data = heard.data if heard.good else []
        found = []
        for row in data if isinstance(data, list) else [data]:
            try:
                order = order_of(row, self._line.terms.place.symbols)
            except Waiting:
                continue
            if order.state not in _RESTING:
                found.append(order.client_order_id)
        return found

    def _ended(self, heard: Heard, client_order_id: str) -> bool:
        return self._cancelled(heard) == [client_order_id]
