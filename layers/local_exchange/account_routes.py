"""What a key may ask and do: orders, cancels, its own orders and trades, its balances."""

from typing import Final, TypeVar

from layers.local_exchange.exchange import Exchange
from layers.local_exchange.market_routes import listed
from layers.local_exchange.matching import cancel, judge, place
from layers.local_exchange.order import Draft, Order
from layers.local_exchange.parameters import Parameters
from layers.local_exchange.refusals import (
    ARCHIVED,
    BAD_FORCE,
    BAD_KEY,
    BAD_KIND,
    BAD_SIDE,
    NO_ORDER_NAMED,
    NO_SUCH_ORDER,
    NOT_CANCELLED,
    WIDE_SPAN,
    Refusal,
    RefusedError,
    illegal,
    missing,
    not_required,
)
from layers.local_exchange.shapes import (
    Json,
    account,
    cancelled,
    number,
    own_client_id,
    own_trade,
    placed,
    restrictions,
    shown,
)
from layers.local_exchange.terms import NOTHING, Force, Key, Kind, SelfTrade
from layers.orders import Side

_Word = TypeVar("_Word", Side, Kind, Force)
_MODES: Final = {
    mode.value: mode
    for mode in (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH)
}
DAY_MS: Final = 86_400_000
_ANSWERS: Final = frozenset({"ACK", "RESULT", "FULL"})


def new_order(exchange: Exchange, parameters: Parameters, key: Key) -> Json:
    """``POST /api/v3/order``."""
    wanted = _draft(exchange, parameters, key)
    answer = parameters.values.get("newOrderRespType", "FULL")
    known = len(exchange.fills)
    done = place(exchange, wanted)
    if isinstance(done, Refusal):
        raise RefusedError(done)
    fills = [fill for fill in exchange.fills[known:] if fill.order == done.number]
    shape = placed(done, fills)
    if answer == "ACK":
        names = ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")
        return {name: shape[name] for name in names}
    if answer == "RESULT":
        del shape["fills"]
    return shape


def try_order(exchange: Exchange, parameters: Parameters, key: Key) -> Json:
    """``POST /api/v3/order/test``: judged, never placed."""
    refused = judge(exchange, _draft(exchange, parameters, key))
    if refused is not None:
        raise RefusedError(refused)
    return {}


def query_order(exchange: Exchange, parameters: Parameters, key: Key) -> Json:
    """``GET /api/v3/order``."""
    order = named(exchange, parameters, key)
    if order is None:
        raise RefusedError(NO_SUCH_ORDER)
    if exchange.archived(order):
        raise RefusedError(ARCHIVED)
    return shown(order)


def cancel_order(exchange: Exchange, parameters: Parameters, key: Key) -> Json:
    """``DELETE /api/v3/order``."""
    _may_trade(key)
    order = named(exchange, parameters, key)
    if order is None or not order.live:
        raise RefusedError(NOT_CANCELLED)
    cancel(exchange, order)
    return cancelled(order)


def cancel_all(exchange: Exchange, parameters: Parameters, key: Key) -> list[Json]:
    """``DELETE /api/v3/openOrders``."""
    _may_trade(key)
    found = exchange.open_orders(key.account, listed(exchange, parameters.symbol()))
    if not found:
        raise RefusedError(NOT_CANCELLED)
    for order in found:
        cancel(exchange, order)
    return [cancelled(order) for order in found]


def open_orders(exchange: Exchange, parameters: Parameters, key: Key) -> list[Json]:
    """``GET /api/v3/openOrders``."""
    symbol = parameters.optional_symbol()
    if symbol is not None:
        listed(exchange, symbol)
    return [shown(order) for order in exchange.open_orders(key.account, symbol)]


def all_orders(exchange: Exchange, parameters: Parameters, key: Key) -> list[Json]:
    """``GET /api/v3/allOrders``, oldest first."""
    symbol = listed(exchange, parameters.symbol())
    first = parameters.count("orderId")
    start, end = _span(parameters)
    found = [
        order
        for order in exchange.since(start)
        if order.account == key.account
        and order.symbol == symbol
        and not exchange.archived(order)
        and (first is None or order.number >= first)
        and (end is None or order.created_ms <= end)
    ]
    limit = parameters.limit(500, 1000)
    found = found[-limit:] if first is None and start is None else found[:limit]
    return [shown(order) for order in found]


def my_trades(exchange: Exchange, parameters: Parameters, key: Key) -> list[Json]:
    """``GET /api/v3/myTrades``, oldest first."""
    symbol = listed(exchange, parameters.symbol())
    first, of = (parameters.count(n) for n in ("fromId", "orderId"))
    start, end = _span(parameters)
    found = [
        fill
        for fill in exchange.fills
        if fill.account == key.account
        and fill.symbol == symbol
        and (first is None or fill.trade >= first)
        and of in {None, fill.order}
        and (start is None or fill.at_ms >= start)
        and (end is None or fill.at_ms <= end)
    ]
    limit = parameters.limit(500, 1000)
    found = found[-limit:] if first is None and start is None else found[:limit]
    return [own_trade(fill) for fill in found]


def account_state(exchange: Exchange, parameters: Parameters, key: Key) -> Json:
    """``GET /api/v3/account``."""
    state = account(exchange, key)
    if parameters.values.get("omitZeroBalances") == "true":
        nil = "0.00000000"
        rows = [row for row in state["balances"] if (row["free"], row["locked"]) != (nil, nil)]
        state["balances"] = rows
    return state


def trade_fees(exchange: Exchange, parameters: Parameters, _key: Key) -> list[Json]:
    """``GET /sapi/v1/asset/tradeFee``."""
    symbol = parameters.optional_symbol()
    names = exchange.markets if symbol is None else (listed(exchange, symbol),)
    maker, taker = number(exchange.terms.maker_fee), number(exchange.terms.taker_fee)
    return [{"symbol": n, "makerCommission": maker, "takerCommission": taker} for n in names]


def key_restrictions(_exchange: Exchange, _parameters: Parameters, key: Key) -> Json:
    """``GET /sapi/v1/account/apiRestrictions``."""
    return restrictions(key)


def named(exchange: Exchange, parameters: Parameters, key: Key) -> Order | None:
    """The order that ``orderId`` or ``origClientOrderId`` names, if this account has it."""
    symbol = listed(exchange, parameters.symbol())
    order_id = parameters.count("orderId")
    client_id = parameters.client_id("origClientOrderId")
    if order_id is None and client_id is None:
        raise RefusedError(NO_ORDER_NAMED)
    if order_id is None:
        return exchange.by_client_id(key.account, symbol, client_id or "")
    order = exchange.by_number(key.account, symbol, order_id)
    return order if order and client_id in {None, order.client_id} else None


def _span(parameters: Parameters) -> tuple[int | None, int | None]:
    """``startTime`` and ``endTime``: no more than a day between them."""
    start, end = (parameters.count(n) for n in ("startTime", "endTime"))
    if start is not None and end is not None and end - start > DAY_MS:
        raise RefusedError(WIDE_SPAN)
    return start, end


def _may_trade(key: Key) -> None:
    if not key.may_trade:
        raise RefusedError(BAD_KEY)


def _draft(exchange: Exchange, parameters: Parameters, key: Key) -> Draft:
    _may_trade(key)
    if parameters.values.get("newOrderRespType", "FULL") not in _ANSWERS:
        raise RefusedError(illegal("newOrderRespType", "^(ACK|RESULT|FULL)$"))
    symbol = listed(exchange, parameters.symbol())
    side = _word(parameters, "side", {s.value.upper(): s for s in Side}, BAD_SIDE)
    kind = _word(parameters, "type", {k.value: k for k in Kind}, BAD_KIND)
    force = _force(parameters, kind)
    if kind is Kind.MARKET and parameters.sent("price"):
        raise RefusedError(not_required("price"))
    price = NOTHING if kind is Kind.MARKET else parameters.number("price")
    client_id = parameters.client_id("newClientOrderId")
    number = exchange.next_order[symbol]
    mode = parameters.values.get("selfTradePreventionMode", SelfTrade.EXPIRE_MAKER.value)
    if mode not in _MODES:
        raise RefusedError(illegal("selfTradePreventionMode", f"^({'|'.join(_MODES)})$"))
    return Draft(
        account=key.account,
        symbol=symbol,
        client_id=client_id or own_client_id(f"{exchange.terms.seed} {symbol} {number}"),
        side=side,
        kind=kind,
        force=force,
        price=price,
        quantity=parameters.number("quantity"),
        self_trade=_MODES[mode],
    )


def _force(parameters: Parameters, kind: Kind) -> Force:
    if kind is Kind.LIMIT:
        return _word(parameters, "timeInForce", {f.value: f for f in Force}, BAD_FORCE)
    if parameters.sent("timeInForce"):
        raise RefusedError(not_required("timeInForce"))
    return Force.GTC


def _word(parameters: Parameters, name: str, words: dict[str, _Word], refusal: Refusal) -> _Word:
    if not parameters.values.get(name):
        raise RefusedError(missing(name))
    found = words.get(parameters.text(name))
    if found is None:
        raise RefusedError(refusal)
    return found
