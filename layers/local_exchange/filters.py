"""What an order must be to reach the book: the symbol's filters, in the protocol's words."""

from decimal import Decimal
from typing import Final

from layers.local_exchange.order import Draft
from layers.local_exchange.refusals import Refusal, filter_failure
from layers.local_exchange.terms import NOTHING, Kind, SymbolTerms


def failure(draft: Draft, terms: SymbolTerms, average: Decimal | None) -> Refusal | None:
    """X-8: the first filter that ``draft`` does not pass; ``average`` is the recent price."""
    if draft.kind is not Kind.MARKET and not _price_fits(draft.price, terms):
        return filter_failure("PRICE_FILTER")
    if average is not None and draft.kind is not Kind.MARKET and _far(draft.price, terms, average):
        return filter_failure("PERCENT_PRICE_BY_SIDE")
    if not _within(draft.quantity, terms.min_quantity, terms.max_quantity, terms.step):
        return filter_failure("LOT_SIZE")
    price = average if draft.kind is Kind.MARKET else draft.price
    notional = draft.quantity * (price or NOTHING)
    if not terms.min_notional <= notional <= terms.max_notional:
        return filter_failure("NOTIONAL")
    return None


def _price_fits(price: Decimal, terms: SymbolTerms) -> bool:
    return _within(price, terms.min_price, terms.max_price, terms.tick)


def _far(price: Decimal, terms: SymbolTerms, average: Decimal) -> bool:
    return not average * terms.farthest_down <= price <= average * terms.farthest_up


def _within(value: Decimal, least: Decimal, most: Decimal, grid: Decimal) -> bool:
    return least <= value <= most and value % grid == _NO_REST


_NO_REST: Final = Decimal(0)
