"""One order beside its snapshot, with the numbers read once that several controls need."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from desired_state.limits import Limits
from layers.l5_risk_gate.finding import Ages
from layers.l5_risk_gate.worst import (
    ZERO,
    buy_exposure,
    sell_exposure,
    worst_loss,
)
from layers.orders import Intent, OrderRequest, Side
from layers.risk_snapshot import TICKS, Quote, Snapshot, SymbolState

HALF: Final = Decimal("0.5")
# B1: plain digits, as every amount of ours: no sign, exponent, spaces, leading zeros, NaN
_WIRE: Final = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?", re.ASCII)

NO_QUOTE: Final = Quote(
    bid=None,
    ask=None,
    event_at=None,
    received_at=None,
    interval=TICKS,
    provenance=None,
    alive=None,
    previous_mid=None,
    reference=None,
    good_ticks=None,
)
NO_SYMBOL: Final = SymbolState(
    symbol="",
    access=None,
    position=None,
    open_buy=None,
    open_sell=None,
    working_orders=None,
    increasing_orders=None,
    unknown_orders=None,
    quote=None,
    triggers=None,
    outlook_expires=None,
    rules=None,
)


class Case(NamedTuple):
    """What the controls judge. Numbers are none where they cannot be known."""

    intent: Intent
    request: OrderRequest
    snapshot: Snapshot
    limits: Limits
    now: datetime  # wall clock
    symbol: SymbolState
    quote: Quote
    interval: timedelta
    ages: Ages
    buying: bool
    price: Decimal | None  # positive and plain, else none
    quantity: Decimal | None
    mid: Decimal | None
    notional: Decimal | None  # price x quantity
    taker: Decimal | None  # taker fee rate
    exposure: Decimal | None  # of the symbol with this order, worst case, quote currency
    risked: Decimal | None  # what this order could lose
    reducible: Decimal | None  # base units that may still be sold (or bought back): C7
    reduces: bool  # C7 holds; everything else increases risk


def wire_number(text: str) -> Decimal | None:
    """The number if the string is plain and positive, else none."""
    if not _WIRE.fullmatch(text):
        return None
    number = Decimal(text)
    return number if number > ZERO else None


def read_case(intent: Intent, snapshot: Snapshot, limits: Limits, now: datetime) -> Case:
    """The case of one order. ``now`` is the wall clock; market time is the snapshot's."""
    request = intent.request
    symbol = _symbol(snapshot, request.symbol)
    quote = symbol.quote or NO_QUOTE
    buying = request.side is Side.BUY
    price, quantity = wire_number(request.price), wire_number(request.quantity)
    mid = None if quote.bid is None or quote.ask is None else (quote.bid + quote.ask) * HALF
    taker = None if symbol.rules is None else symbol.rules.taker_fee
    reducible = _reducible(symbol, buying=buying)
    exposure = buy_exposure if buying else sell_exposure
    return Case(
        intent,
        request,
        snapshot,
        limits,
        now,
        symbol,
        quote,
        quote.interval,
        _ages(quote, snapshot.at),
        buying,
        price,
        quantity,
        mid,
        None if price is None or quantity is None else price * quantity,
        taker,
        exposure(symbol, quote, price, quantity),
        worst_loss((price, quantity, mid, limits.price_collar, taker), buying=buying),
        reducible,
        reducible is not None and quantity is not None and quantity <= reducible,
    )


def _symbol(snapshot: Snapshot, name: str) -> SymbolState:
    for state in snapshot.symbols:
        if state.symbol == name:
            return state
    return NO_SYMBOL


def _ages(quote: Quote, at: datetime) -> Ages:
    received, event = quote.received_at, quote.event_at
    return (None if received is None else at - received, None if event is None else at - event)


def _reducible(symbol: SymbolState, *, buying: bool) -> Decimal | None:
    """C7: |position| less what working orders of the same side already take from it."""
    held = symbol.position
    working = symbol.open_buy if buying else symbol.open_sell
    if held is None or working is None:
        return None
    held = -held if buying else held
    return held - working if held > working else ZERO
