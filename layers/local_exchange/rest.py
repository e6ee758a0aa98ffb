"""The protocol as a function: request, state and clock in, answer out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from layers.local_exchange import account_routes as own
from layers.local_exchange import market_routes as public
from layers.local_exchange.exchange import Exchange
from layers.local_exchange.parameters import Parameters, Request
from layers.local_exchange.rates import Rates
from layers.local_exchange.refusals import NOT_CANCELLED, UNKNOWN_PATH, Refusal, RefusedError
from layers.local_exchange.shapes import cancelled
from layers.local_exchange.signature import signer
from layers.local_exchange.terms import Key


class Asks(StrEnum):
    """What a request asks for; faults are aimed at these."""

    PUBLIC = "public"
    BOOK = "book"
    KLINES = "klines"
    PLACE = "place"
    TRY = "try"
    QUERY = "query"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"
    OPEN_ORDERS = "open_orders"
    HISTORY = "history"
    ACCOUNT = "account"
    KEY = "key"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON text and headers."""

    status: int
    body: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: what it is for, what it weighs, what it reads, who answers."""

    asks: Asks
    weight: int
    reads: frozenset[str]
    public: Callable[[Exchange, Parameters], Any] | None = None
    signed: Callable[[Exchange, Parameters, Key], Any] | None = None


def _open(asks: Asks, weight: int, reads: str, by: Callable[[Exchange, Parameters], Any]) -> Route:
    return Route(asks, weight, frozenset(reads.split()), public=by)


def _signed(
    asks: Asks, weight: int, reads: str, by: Callable[[Exchange, Parameters, Key], Any]
) -> Route:
    return Route(asks, weight, frozenset(reads.split()), signed=by)


_ORDER: Final = (
    "symbol side type timeInForce quantity price newClientOrderId newOrderRespType"
    " selfTradePreventionMode"
)
_NAME: Final = "symbol orderId origClientOrderId"
_SPAN: Final = "symbol startTime endTime limit"
ROUTES: Final = {
    ("GET", "/api/v3/ping"): _open(Asks.PUBLIC, 1, "", public.ping),
    ("GET", "/api/v3/time"): _open(Asks.PUBLIC, 1, "", public.time),
    ("GET", "/api/v3/exchangeInfo"): _open(
        Asks.PUBLIC, 20, "symbol symbols permissions showPermissionSets", public.exchange_info
    ),
    ("GET", "/api/v3/depth"): _open(Asks.BOOK, 5, "symbol limit", public.depth),
    ("GET", "/api/v3/trades"): _open(Asks.PUBLIC, 25, "symbol limit", public.trades),
    ("GET", "/api/v3/aggTrades"): _open(Asks.PUBLIC, 4, f"{_SPAN} fromId", public.aggregate_trades),
    ("GET", "/api/v3/klines"): _open(Asks.KLINES, 2, f"{_SPAN} interval", public.klines),
    ("GET", "/api/v3/avgPrice"): _open(Asks.PUBLIC, 2, "symbol", public.average_price),
    ("GET", "/api/v3/ticker/price"): _open(Asks.PUBLIC, 2, "symbol symbols", public.price_ticker),
    ("GET", "/api/v3/ticker/bookTicker"): _open(Asks.BOOK, 2, "symbol symbols", public.book_ticker),
    ("GET", "/api/v3/ticker/24hr"): _open(Asks.BOOK, 2, "symbol symbols type", public.day_ticker),
    ("POST", "/api/v3/order"): _signed(Asks.PLACE, 1, _ORDER, own.new_order),
    ("POST", "/api/v3/order/test"): _signed(
        Asks.TRY, 1, f"{_ORDER} computeCommissionRates", own.try_order
    ),
    ("GET", "/api/v3/order"): _signed(Asks.QUERY, 4, _NAME, own.query_order),
    ("DELETE", "/api/v3/order"): _signed(
        Asks.CANCEL, 1, f"{_NAME} newClientOrderId", own.cancel_order
    ),
    ("DELETE", "/api/v3/openOrders"): _signed(Asks.CANCEL_ALL, 1, "symbol", own.cancel_all),
    ("GET", "/api/v3/openOrders"): _signed(Asks.OPEN_ORDERS, 6, "symbol", own.open_orders),
    ("GET", "/api/v3/allOrders"): _signed(Asks.HISTORY, 20, f"{_SPAN} orderId", own.all_orders),
    ("GET", "/api/v3/myTrades"): _signed(
        Asks.HISTORY, 20, f"{_SPAN} orderId fromId", own.my_trades
    ),
    ("GET", "/api/v3/account"): _signed(Asks.ACCOUNT, 20, "omitZeroBalances", own.account_state),
    ("GET", "/sapi/v1/system/status"): _open(Asks.PUBLIC, 1, "", public.system_status),
    ("GET", "/sapi/v1/asset/tradeFee"): _signed(Asks.KEY, 1, "symbol", own.trade_fees),
    ("GET", "/sapi/v1/account/apiRestrictions"): _signed(Asks.KEY, 1, "", own.key_restrictions),
}


def asked(request: Request) -> Asks:
    """What ``request`` asks for."""
    route = ROUTES.get((request.method, request.path))
    return Asks.UNKNOWN if route is None else route.asks


def answer(exchange: Exchange, request: Request, keys: Sequence[Key], rates: Rates) -> Answer:
    """X-17: carry out one request at the exchange's present instant, and say what came of it."""
    try:
        body = _carry_out(exchange, request, keys, rates)
    except RefusedError as error:
        return refused(error.refusal, rates)
    return Answer(200, _json(body), rates.headers(of_order=asked(request) is Asks.PLACE))


def lost_cancel(exchange: Exchange, request: Request, keys: Sequence[Key], rates: Rates) -> Answer:
    """The answer to a cancel that is not carried out: it says cancelled, and the order rests."""
    try:
        parameters = Parameters(request, ROUTES["DELETE", "/api/v3/order"].reads)
        key = signer(request, parameters, keys, exchange.now_ms)
        order = own.named(exchange, parameters, key)
    except RefusedError as error:
        return refused(error.refusal, rates)
    if order is None or not order.live:
        return refused(NOT_CANCELLED, rates)
    return Answer(200, _json(cancelled(order, lost=True)), rates.headers(of_order=False))


def refused(refusal: Refusal, rates: Rates) -> Answer:
    """The answer that a refusal makes."""
    headers = rates.headers(of_order=False)
    if refusal.retry_after_s is not None:
        headers = (*headers, ("Retry-After", str(refusal.retry_after_s)))
    return Answer(refusal.status, _json({"code": refusal.code, "msg": refusal.text}), headers)


def _carry_out(exchange: Exchange, request: Request, keys: Sequence[Key], rates: Rates) -> Any:  # noqa: ANN401  (JSON)
    route = ROUTES.get((request.method, request.path))
    hidden = request.path.startswith("/sapi/") and not exchange.terms.key_checks
    if route is None or hidden:
        raise RefusedError(UNKNOWN_PATH)
    _within(rates.weigh(route.weight, exchange.now_ms))
    parameters = Parameters(request, route.reads)
    if route.public is not None:
        return route.public(exchange, parameters)
    key = signer(request, parameters, keys, exchange.now_ms)
    if route.asks is Asks.PLACE:
        _within(rates.order(exchange.now_ms))
    return route.signed(exchange, parameters, key) if route.signed else None


def _within(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise RefusedError(refusal)


def _json(body: Any) -> str:  # noqa: ANN401
    return json.dumps(body, separators=(",", ":"))
