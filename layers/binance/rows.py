"""Binance's rows as our values. Decimals come from its strings; a float of a library never does.

What does not have the documented form is ``Waiting(VENUE_UNREACHABLE)``: an answer that cannot be
read is no answer, and least of all an empty one.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from desired_state.values import amount_text
from layers.binance.heard import AGAIN, SUBJECT
from layers.binance.protocol import symbol_of
from layers.market import EPOCH, Level
from layers.orders import Balance, Fill, OrderState, Side, VenueOrder

MILLISECOND: Final = timedelta(milliseconds=1)
STATES: Final[Mapping[str, OrderState]] = MappingProxyType(
    {
        "NEW": OrderState.OPEN,
        "PENDING_NEW": OrderState.OPEN,
        "PARTIALLY_FILLED": OrderState.PARTIAL,
        "FILLED": OrderState.FILLED,
        "CANCELED": OrderState.CANCELLED,
        "PENDING_CANCEL": OrderState.OPEN,  # a cancel frees nothing until it is confirmed
        "REJECTED": OrderState.REJECTED,
        "EXPIRED": OrderState.EXPIRED,
        "EXPIRED_IN_MATCH": OrderState.EXPIRED,
    }
)
_NUMBER: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,20})?\Z", re.ASCII)
_BROKEN: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def unreadable(what: str) -> Waiting:
    """The error for an answer that does not have the documented form."""
    return Waiting(
        Reason.VENUE_UNREACHABLE,
        SUBJECT,
        f"{what}: the answer does not have the documented form",
        retry_after=AGAIN,
    )


def number(text: object) -> Decimal:
    """An amount from the venue's own string, without trailing zeros. Raises ``ValueError``."""
    if not isinstance(text, str) or not _NUMBER.match(text):
        raise ValueError(f"expected a decimal in quotes, found {text!r}")
    return Decimal(amount_text(Decimal(text)))


def whole(value: object) -> int:
    """A whole number that is one. Raises ``ValueError``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"expected a whole number, found {value!r}")  # noqa: TRY004
    return value


def instant(millis: object) -> datetime:
    """The instant that these milliseconds since 1970 stand for. Raises ``ValueError``."""
    return EPOCH + whole(millis) * MILLISECOND


def millis(at: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (at - EPOCH) // MILLISECOND


def rows(data: object, what: str) -> list[Any]:
    """The list, or ``Waiting``: what is no list is never an empty one."""
    if not isinstance(data, list):
        raise unreadable(what)
    return data


def client_id(row: Any) -> str:  # noqa: ANN401
    """The id that the order was sent with; a cancel's answer has its own beside it."""
    found = row.get("origClientOrderId", row.get("clientOrderId"))
    if not isinstance(found, str) or not found:
        raise ValueError("expected a client order id")
    return found


def order_of(row: Any, listed: tuple[str, ...]) -> VenueOrder:  # noqa: ANN401
    """An order of any endpoint. Raises ``Waiting``."""
    try:
        if whole(row["orderId"]) < 0:
            raise ValueError("expected an order id")
        stamp = row.get("updateTime", row.get("transactTime", row.get("time")))
        return VenueOrder(
            symbol=symbol_of(row["symbol"], listed),
            client_order_id=client_id(row),
            venue_order_id=str(row["orderId"]),
            side=Side(row["side"].lower()),
            price=number(row["price"]),
            quantity=number(row["origQty"]),
            filled=number(row["executedQty"]),
            state=STATES[row["status"]],
            updated_at=instant(stamp),
        )
    except _BROKEN:
        pass
    raise unreadable("an order")


def made_at(row: Any) -> datetime:  # noqa: ANN401
    """When an order of allOrders was made, or an execution of myTrades. Raises ``Waiting``."""
    try:
        return instant(row["time"])
    except _BROKEN:
        pass
    raise unreadable("a row's time")


def numbered(row: Any, name: str) -> int:  # noqa: ANN401
    """The row's own number, which counts within its symbol. Raises ``Waiting``."""
    try:
        if whole(row[name]) >= 0:
            return whole(row[name])
    except _BROKEN:
        pass
    raise unreadable("a row's number")


def fill_of(row: Any, symbol: str, client_order_id: str) -> Fill:  # noqa: ANN401
    """An execution of myTrades; which order it belongs to is looked up. Raises ``Waiting``.

    BIN-14: the venue numbers executions per symbol, we know them by one id for the account.
    """
    try:
        return Fill(
            fill_id=f"{symbol}:{whole(row['id'])}",
            client_order_id=client_order_id,
            symbol=symbol,
            side=Side.BUY if truth(row["isBuyer"]) else Side.SELL,
            price=number(row["price"]),
            quantity=number(row["qty"]),
            fee=number(row["commission"]),
            fee_currency=row["commissionAsset"],
            maker=truth(row["isMaker"]),
            at=instant(row["time"]),
        )
    except _BROKEN:
        pass
    raise unreadable("an execution")


def truth(value: object) -> bool:
    """A yes or no that is one. Raises ``ValueError``."""
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {value!r}")  # noqa: TRY004
    return value


def balances_of(data: Any) -> tuple[Balance, ...]:  # noqa: ANN401
    """All balances of an account. Raises ``Waiting``."""
    try:
        return tuple(
            Balance(currency=row["asset"], free=number(row["free"]), locked=number(row["locked"]))
            for row in rows(data["balances"], "balances")
        )
    except _BROKEN:
        pass
    raise unreadable("balances")


def levels_of(data: object) -> tuple[Level, ...]:
    """One side of a book, best first as the venue gives it. Raises ``Waiting``."""
    try:
        return tuple(Level(number(price), number(size)) for price, size in rows(data, "a book"))
    except _BROKEN:
        pass
    raise unreadable("a book")
