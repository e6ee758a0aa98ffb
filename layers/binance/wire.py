"""An order as Binance's parameters, and the signed body read back as an order.

BIN-2: what is asked for leave is what the bytes say. The body is read with a grammar that has one
text for one order: names, numbers and signs only, each parameter once, none that is not expected.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from layers.binance.protocol import RECEIVE_WINDOW, market_id
from layers.orders import OrderRequest, Side, TimeInForce

_PAIR: Final = re.compile(r"([A-Za-z]{1,32})=([A-Za-z0-9._-]{1,128})\Z", re.ASCII)
_COMMON: Final = frozenset(
    {
        "timestamp",
        "symbol",
        "side",
        "newClientOrderId",
        "newOrderRespType",
        "type",
        "quantity",
        "price",
        "recvWindow",
        "selfTradePreventionMode",
        "signature",
    }
)
# (type, timeInForce) on the wire; a maker order has no time in force at Binance.
_WAYS: Final[Mapping[TimeInForce, tuple[str, str | None]]] = MappingProxyType(
    {
        TimeInForce.GTC: ("LIMIT", "GTC"),
        TimeInForce.IOC: ("LIMIT", "IOC"),
        TimeInForce.FOK: ("LIMIT", "FOK"),
        TimeInForce.POST_ONLY: ("LIMIT_MAKER", None),
    }
)
_BACK: Final = {way: time_in_force for time_in_force, way in _WAYS.items()}
_GIVES_WAY: Final = "EXPIRE_TAKER"  # H1: where L5 missed that an own order stands in the way
_WINDOW: Final = str(RECEIVE_WINDOW.seconds * 1000)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an order goes: what no signed body says, and what its symbol's name stands for."""

    venue: str
    account: str
    symbols: tuple[str, ...]


def parameters(request: OrderRequest) -> dict[str, str]:
    """The parameters in Binance's order, numbers as the strings they were permitted as.

    Raises:
        ValueError: for a kind of order that is not sent here.
    """
    if request.kind != "limit":
        raise ValueError(f"expected a limit order, found {request.kind!r}")
    kind, time_in_force = _WAYS[request.time_in_force]
    found = {
        "symbol": market_id(request.symbol),
        "side": request.side.value.upper(),
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "FULL",
        "type": kind,
        "quantity": request.quantity,
        "price": request.price,
    }
    if time_in_force is not None:
        found["timeInForce"] = time_in_force
    return {**found, "selfTradePreventionMode": _GIVES_WAY, "recvWindow": _WINDOW}


def read_back(body: bytes | str | None, place: Place) -> OrderRequest | None:
    """The order that these bytes ask for, or none where they are not exactly one of ours."""
    found = _pairs(body)
    if found is None or found["recvWindow"] != _WINDOW:
        return None
    if found["selfTradePreventionMode"] != _GIVES_WAY:
        return None
    way = (found.get("type", ""), found.get("timeInForce"))
    names = {market_id(symbol): symbol for symbol in place.symbols}
    sides = {side.value.upper(): side for side in Side}
    if way not in _BACK or found["symbol"] not in names or found["side"] not in sides:
        return None
    try:
        return OrderRequest(
            venue=place.venue,
            account=place.account,
            symbol=names[found["symbol"]],
            side=sides[found["side"]],
            time_in_force=_BACK[way],
            quantity=found["quantity"],
            price=found["price"],
            client_order_id=found["newClientOrderId"],
        )
    except ValidationError:
        return None


def _pairs(body: bytes | str | None) -> dict[str, str] | None:
    """The parameters, each once and all that an order has; anything else is none."""
    if body is None:
        return None
    try:
        text = body.decode("ascii") if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        return None
    matches = [_PAIR.match(part) for part in text.split("&")]
    found = {match[1]: match[2] for match in matches if match is not None}
    if len(found) != len(matches) or found.keys() - {"timeInForce"} != _COMMON:
        return None
    return found
