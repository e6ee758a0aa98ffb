"""Whether an execution that a venue reports can be one of our order (H3)."""

from decimal import Decimal

from layers.l6_execution.own_order import OwnOrder
from layers.l6_execution.terms import FillBounds
from layers.orders import Fill, Side


def implausible(fill: Fill, order: OwnOrder, bounds: FillBounds) -> str | None:
    """What speaks against the execution, in words; none where nothing does.

    A fee in a third currency (a venue's own coin) has no price here: only that it is not
    negative can be said of it, and the type says so already.
    """
    return _terms(fill, order) or _price(fill, order, bounds) or _fee(fill, bounds)


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


def _fee(fill: Fill, bounds: FillBounds) -> str | None:
    base, quote = fill.symbol.split("/")
    whole = {base: fill.quantity, quote: fill.quantity * fill.price}.get(fill.fee_currency)
    if whole is not None and fill.fee > bounds.fee * whole:
        return f"a fee of {fill.fee} {fill.fee_currency} on {whole}"
    return None
