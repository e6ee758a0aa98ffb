"""Order entry at Binance spot. Whatever proves nothing is UNKNOWN."""

from desired_state.errors import finding
from desired_state.reasons import Reason
from layers.adapters.ccxt_line import Line
from layers.binance.heard import Heard
from layers.binance.protocol import TIMESTAMP
from layers.binance.refusals import answer
from layers.binance.wire import parameters
from layers.orders import OrderRequest, VenueAnswer
from layers.ports import Leave


class BinanceEntry:
    """``OrderEntry``; a call ends within connect and answer, each of the line's timeout."""

    def __init__(self, line: Line) -> None:
        """A line of its own: nothing that asks may hold up an order."""
        self._line = line

    def submit(self, request: OrderRequest, leave: Leave) -> VenueAnswer:
        """Send once; only the transport can say that nothing was written."""
        place = self._line.terms.place
        if (request.venue, request.account) != (place.venue, place.account):
            text = f"this line is for account {place.account} at {place.venue}"
            return self._kept(request, Reason.NOT_ALLOW_LISTED, text)
        if self._line.skew.account != place.account:
            # BIN-12: on the wire an account is its key, and only the venue knows whose that is
            text = f"expected account {place.account}, the venue told of {self._line.skew.account}"
            return self._kept(request, Reason.ACCOUNT_UNAPPROVED, text)
        try:
            asked = parameters(request)
        except ValueError as fault:
            return self._kept(request, Reason.WIRE_UNREADABLE, str(fault))
        heard = self._line.send_order(asked, leave)
        if heard.says(TIMESTAMP):
            self._line.measure(1)  # for the next order; this one is never sent again
        return answer(heard, request, place.symbols)

    def _kept(self, request: OrderRequest, code: Reason, text: str) -> VenueAnswer:
        refusal = finding(code, request.client_order_id, text)
        return answer(Heard(written=False, kept=refusal), request, ())
