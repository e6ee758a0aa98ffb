"""What the venue refuses at its door: filters, and numbers that are not plain decimals."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from layers.orders import OrderRequest, SymbolRules
from layers.paper_venue.terms import Refusal

_PLAIN: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,12})?\Z")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Price and quantity of a request that passed the filters."""

    price: Decimal
    quantity: Decimal


def screen(request: OrderRequest, rules: SymbolRules | None) -> Parsed | Refusal:
    """The request's numbers, or the first filter that it fails (P-9)."""
    if rules is None:
        return Refusal.UNKNOWN_SYMBOL
    if request.kind != "limit":
        return Refusal.NOT_SUPPORTED
    if not (_PLAIN.match(request.price) and _PLAIN.match(request.quantity)):
        return Refusal.BAD_NUMBER
    numbers = Parsed(Decimal(request.price), Decimal(request.quantity))
    return _outside(numbers, rules) or numbers


def _outside(numbers: Parsed, rules: SymbolRules) -> Refusal | None:
    price, quantity = numbers.price, numbers.quantity
    if price <= 0 or price % rules.tick:
        return Refusal.PRICE_FILTER
    if not rules.min_quantity <= quantity <= rules.max_quantity or quantity % rules.step:
        return Refusal.LOT_SIZE
    if not rules.min_notional <= price * quantity <= rules.max_notional:
        return Refusal.NOTIONAL
    return None
