"""Whether an execution that a venue reports can be one of our order (H3)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from layers.l6_execution.own_order import NOTHING, OwnOrder
from layers.l6_execution.terms import FillBounds
from layers.orders import Fill, Side


@dataclass(frozen=True, slots=True)
class FeeCoin:
    """What is known of a third currency in which a fee was taken (a venue's own coin)."""

    held: Decimal = NOTHING  # of it, by our record, before the execution
    price: Decimal | None = None  # in the symbol's quote currency; none: nobody knows


UNKNOWN_COIN: Final = FeeCoin()


def implausible(
    fill: Fill, order: OwnOrder, bounds: FillBounds, coin: FeeCoin = UNKNOWN_COIN
) -> str | None:
    """What speaks against the execution, in words; none where nothing does.

    A fee in a third currency is no more than there was of it, and where it has a price, no dearer
    than any other.
    """
    return _terms(fill, order) or _price(fill, order, bounds) or _fee(fill, bounds, coin)


def _terms(fill: Fill, order: OwnOrder) -> str | None:
    if (fill.symbol, fill.side) != (order.symbol, order.side):
        return f"{fill.side} {fill.symbol} for an order to {order.side} {order.symbol}"
    if fill.quantity <= 0 or fill.price <= 0:
        return f"{fill.quantity} at {fill.price} is no execution"
    left = order.quantity - order.filled
    if fill.quantity > left:
        return f"{fill.quantity} executed where {left} was left"
    return None


def _price(fill: Fill, order: OwnOrder, bounds: FillBounds) -> str | None:
    buys = order.side is Side.BUY
    worse = fill.price > order.price if buys else fill.price < order.price
    if worse:
        return f"{order.side} at {fill.price}, beyond its limit {order.price}"
    one = Decimal(1)
    edge = order.price * (one - bounds.improvement if buys else one + bounds.improvement)
    far = fill.price < edge if buys else fill.price > edge
    return f"{fill.price} lies further than {edge} from its limit {order.price}" if far else None


def _fee(fill: Fill, bounds: FillBounds, coin: FeeCoin) -> str | None:
    base, quote = fill.symbol.split("/")
    paid, whole = f"a fee of {fill.fee} {fill.fee_currency}", fill.quantity * fill.price
    if fill.fee_currency == base:
        return f"{paid} on {fill.quantity}" if fill.fee > bounds.fee * fill.quantity else None
    if fill.fee_currency == quote:
        return f"{paid} on {whole}" if fill.fee > bounds.fee * whole else None
    if fill.fee > coin.held:
        return f"{paid} where {coin.held} is held"
    worth = NOTHING if coin.price is None else fill.fee * coin.price
    return f"{paid}, worth {worth}, on {whole}" if worth > bounds.fee * whole else None
