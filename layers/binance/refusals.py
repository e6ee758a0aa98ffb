"""What the answer to an order proves.

BIN-3: a definite refusal is a row of a table: ccxt's class and the venue's code, under a 4xx.
Everything else is unknown, success without the venue's id included.
"""

from typing import Final

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.binance.heard import CLIENT_ERRORS, Heard
from layers.binance.rows import number, order_of
from layers.orders import AnswerKind, OrderRequest, OrderState, VenueAnswer, VenueOrder

# Refused before the book is reached: malformed, mistimed, unsigned, or too many at once. -2015
# comes as a rate limit once a key has worked (ccxt): the code decides, the class must be known.
_AT_THE_DOOR: Final = {
    -1002: ("AuthenticationError",),
    -1003: ("DDoSProtection", "RateLimitExceeded"),
    -1015: ("DDoSProtection", "RateLimitExceeded"),
    -1021: ("InvalidNonce",),
    -1022: ("AuthenticationError",),
    -1121: ("BadSymbol",),
    -2008: ("AuthenticationError",),
    -2014: ("AuthenticationError",),
    -2015: ("AuthenticationError", "DDoSProtection"),
}
_MALFORMED: Final = (
    -1100,
    -1101,
    -1102,
    -1103,
    -1104,
    -1105,
    -1106,
    -1108,
    -1111,
    -1112,
    -1114,
    -1115,
    -1116,
    -1117,
    -1118,
    -1119,
    -1128,
    -1130,
    -1131,
)
# Refused by the engine. (InvalidOrder, -2010) is no row: "Duplicate order sent." comes as that, and
# it means that the order exists.
_BY_THE_ENGINE: Final = {
    -1013: ("BadRequest", "InvalidOrder"),
    -2010: (
        "AccountSuspended",
        "InsufficientFunds",
        "MarketClosed",
        "OrderImmediatelyFillable",
        "PermissionDenied",
    ),
}
DEFINITE: Final = frozenset(
    [
        (name, code)
        for table in (_AT_THE_DOOR, _BY_THE_ENGINE, dict.fromkeys(_MALFORMED, ("BadRequest",)))
        for code, names in table.items()
        for name in names
    ]
)


def answer(heard: Heard, request: OrderRequest, listed: tuple[str, ...]) -> VenueAnswer:
    """What came of sending ``request``, by what was heard and nothing else."""
    if not heard.written:
        return _kept(heard)
    order = _accepted(heard, request, listed)
    if order is not None:
        return VenueAnswer(kind=AnswerKind.ACCEPTED, order=order)
    if _refused(heard):
        return VenueAnswer(kind=AnswerKind.REJECTED, reason=heard.words, code=Reason.VENUE_REJECTED)
    return VenueAnswer(kind=AnswerKind.UNKNOWN, reason=heard.words, code=Reason.ORDER_UNKNOWN)


def _kept(heard: Heard) -> VenueAnswer:
    """Nothing was written, so nothing can have arrived, whatever went wrong."""
    code = Reason.VENUE_UNREACHABLE if heard.kept is None else heard.kept.code
    return VenueAnswer(kind=AnswerKind.NOT_SENT, reason=heard.words, code=code)


def _refused(heard: Heard) -> bool:
    # 5xx says nothing: "the execution status is unknown and could have been a success" (Binance)
    return heard.status in CLIENT_ERRORS and (heard.fault, heard.code) in DEFINITE


def _accepted(heard: Heard, request: OrderRequest, listed: tuple[str, ...]) -> VenueOrder | None:
    """The order as the venue shows it, if it is ours to the last term."""
    if not heard.good:
        return None
    try:
        order = order_of(heard.data, listed)
    except Waiting:
        return None
    return order if _same(order, request) and order.state is not OrderState.REJECTED else None


def _same(order: VenueOrder, request: OrderRequest) -> bool:
    """Whether the venue shows exactly what was sent; anything else proves nothing of it."""
    try:
        sent = (number(request.price), number(request.quantity))
    except ValueError:
        return False
    return (order.client_order_id, order.symbol, order.side, order.price, order.quantity) == (
        request.client_order_id,
        request.symbol,
        request.side,
        *sent,
    )
