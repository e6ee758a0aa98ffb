"""Worst cases of one order: the exposure it could leave, and the money it could lose."""

from decimal import Decimal
from typing import Final, TypeAlias

from layers.risk_snapshot import Quote, SymbolState

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


def worst_case(state: SymbolState, buy: Decimal, sell: Decimal) -> Decimal | None:
    """Base units held if every working order of the worse side fills, and this one (C1)."""
    position, buys, sells = state.position, state.open_buy, state.open_sell
    if position is None or buys is None or sells is None:
        return None
    long = position + buys + buy
    short = sells + sell - position
    size = long if long > short else short  # noqa: FURB136  (hot: a call of max costs thrice this)
    return size if size > ZERO else ZERO  # noqa: FURB136


def buy_exposure(
    state: SymbolState, quote: Quote, price: Decimal | None, quantity: Decimal | None
) -> Decimal | None:
    """The symbol with this buy in it, in quote currency at max(limit, ask)."""
    ask = quote.ask
    if price is None or quantity is None or ask is None or quote.bid is None:
        return None
    size = worst_case(state, quantity, ZERO)
    dearer = price if price > ask else ask  # noqa: FURB136
    return None if size is None else size * dearer


def sell_exposure(
    state: SymbolState, quote: Quote, price: Decimal | None, quantity: Decimal | None
) -> Decimal | None:
    """The symbol with this sell in it, in quote currency at the bid."""
    if price is None or quantity is None or quote.bid is None or quote.ask is None:
        return None
    size = worst_case(state, ZERO, quantity)
    return None if size is None else size * quote.bid


def standing_exposure(state: SymbolState) -> Decimal | None:
    """A symbol without this order, at the ask, which is the dearer of its two marks."""
    size = worst_case(state, ZERO, ZERO)
    if not size:
        return size
    ask = None if state.quote is None else state.quote.ask
    return None if ask is None else size * ask


# price, quantity, mid, how far the way out lies from it (a factor), taker fee (a ratio)
Terms: TypeAlias = tuple[
    Decimal | None, Decimal | None, Decimal | None, Decimal | None, Decimal | None
]


def worst_loss(terms: Terms, buying: bool) -> Decimal | None:  # noqa: FBT001  (hot; two sides)
    """From the order's price to the far side of the collar, with a taker fee in and out (D1)."""
    price, quantity, mid, far, fee = terms
    if price is None or quantity is None or mid is None or far is None or fee is None:
        return None
    way_out = mid * far
    lost = price - way_out if buying else way_out - price
    fees = fee * (price + way_out)
    return quantity * (lost + fees if lost > ZERO else fees)
