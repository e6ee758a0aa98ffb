"""A symbol's filters, fees and state out of exchangeInfo and the account's commission."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from layers.binance.protocol import market_id
from layers.binance.rows import number, rows, truth, unreadable, whole
from layers.orders import SymbolRules

_BROKEN: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
UNBOUNDED: Final = Decimal(10) ** 15  # where the venue states no largest notional
MINUTE: Final = "MINUTE"


@dataclass(frozen=True, slots=True)
class Fees:
    """Shares of the notional."""

    maker: Decimal
    taker: Decimal


@dataclass(frozen=True, slots=True)
class Listed:
    """What the venue says of one symbol."""

    trading: bool
    filters: dict[str, Any]


def listed(data: Any, symbol: str) -> Listed | None:  # noqa: ANN401
    """The symbol's row, or none where the venue lists another base or quote. Raises ``Waiting``."""
    base, _, quote = symbol.partition("/")
    try:
        for row in rows(data["symbols"], "exchangeInfo"):
            if row["symbol"] == market_id(symbol):
                if (row["baseAsset"], row["quoteAsset"]) != (base, quote):
                    return None
                open_now = row["status"] == "TRADING" and truth(row["isSpotTradingAllowed"])
                return Listed(open_now, {one["filterType"]: one for one in row["filters"]})
    except _BROKEN:
        pass
    else:
        return None
    raise unreadable("exchangeInfo")


def rules_of(row: Listed, symbol: str, fees: Fees) -> SymbolRules:
    """Filters and fees as L5 reads them. Raises ``Waiting``."""
    try:
        lot, price = row.filters["LOT_SIZE"], row.filters["PRICE_FILTER"]
        notional = row.filters.get("NOTIONAL") or row.filters["MIN_NOTIONAL"]
        largest = notional.get("maxNotional")
        return SymbolRules(
            symbol=symbol,
            tick=number(price["tickSize"]),
            step=number(lot["stepSize"]),
            min_quantity=number(lot["minQty"]),
            max_quantity=number(lot["maxQty"]),
            min_notional=number(notional["minNotional"]),
            max_notional=UNBOUNDED if largest is None else number(largest),
            maker_fee=fees.maker,
            taker_fee=fees.taker,
        )
    except _BROKEN:
        pass
    raise unreadable("filters")


def fees_of(data: Any) -> Fees:  # noqa: ANN401
    """The account's commission for one symbol, tax included. Raises ``Waiting``."""
    try:
        return _sum(
            [data[name] for name in ("standardCommission", "taxCommission") if name in data]
        )
    except _BROKEN:
        pass
    raise unreadable("commission")


def account_fees(data: Any) -> Fees:  # noqa: ANN401
    """The account's own rates, where the venue has none for a symbol. Raises ``Waiting``."""
    try:
        return _sum([data["commissionRates"]])
    except _BROKEN:
        pass
    raise unreadable("commission")


def _sum(parts: list[Any]) -> Fees:
    """All parts together, at the dearer side."""
    side = Decimal(0)
    for part in parts:
        side += max(number(part.get("buyer", "0")), number(part.get("seller", "0")))
    return Fees(
        maker=sum((number(part["maker"]) for part in parts), side),
        taker=sum((number(part["taker"]) for part in parts), side),
    )


def weight_limit(data: Any) -> int | None:  # noqa: ANN401
    """How much one minute of requests may weigh, or none where it is not said."""
    try:
        for row in rows(data["rateLimits"], "exchangeInfo"):
            if (row["rateLimitType"], row["interval"]) == ("REQUEST_WEIGHT", MINUTE):
                return whole(row["limit"]) // whole(row["intervalNum"])
    except _BROKEN:
        pass
    return None


def headroom(used: str | None, limit: int | None) -> Decimal | None:
    """Share of the minute's weight that is left, 0 to 1; none where either is not known."""
    if used is None or not used.isascii() or not used.isdigit() or not limit:
        return None
    return max(Decimal(0), 1 - Decimal(used) / Decimal(limit))
