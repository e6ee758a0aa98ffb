"""One order beside its snapshot, with the numbers read once that several controls need."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from desired_state.limits import Limits
from layers.l5_risk_gate.bounds import Bounds, bounds_of, rules_of
from layers.l5_risk_gate.finding import Ages
from layers.l5_risk_gate.worst import (
    ZERO,
    buy_exposure,
    sell_exposure,
    worst_loss,
)
from layers.orders import Intent, Side, SymbolRules, TimeInForce
from layers.risk_facts import Conduct, VenueHealth
from layers.risk_snapshot import NO_QUOTE, Quote, Snapshot, SymbolState

HALF: Final = Decimal("0.5")
BUY: Final = Side.BUY
# B1: plain digits, as every amount of ours: no sign, exponent, spaces, leading zeros, NaN
_wire: Final = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?", re.ASCII).fullmatch

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
    strategy=None,
    unknown_since=None,
    highest_buy=None,
    lowest_sell=None,
    active=None,
    outlook_expires=None,
    rules=None,
)


class Case:
    """What the controls judge. Numbers are none where they cannot be known."""

    __slots__ = (
        "account",
        "ages",
        "ask",
        "asked",
        "at",
        "bid",
        "bounds",
        "buying",
        "conduct",
        "created",
        "expires",
        "exposure",
        "gross",
        "health",
        "in_force",
        "interval",
        "kind",
        "limits",
        "mid",
        "name",
        "notional",
        "now",
        "outlay",
        "plan",
        "price",
        "quantity",
        "quote",
        "reduces",
        "reducible",
        "risked",
        "rules",
        "side",
        "snapshot",
        "symbol",
        "venue",
        "wire",
    )
    plan: str
    created: datetime
    expires: datetime
    name: str  # of the symbol
    side: Side
    kind: str
    venue: str
    account: str
    in_force: TimeInForce
    wire: tuple[str, str]  # quantity and price as they will be sent
    snapshot: Snapshot
    limits: Limits
    bounds: Bounds
    at: datetime  # market clock
    now: datetime  # wall clock
    symbol: SymbolState
    quote: Quote
    interval: timedelta
    ages: Ages
    asked: timedelta | None  # how far from now the venue's last word of itself lies
    conduct: Conduct
    health: VenueHealth
    rules: SymbolRules | None
    buying: bool
    bid: Decimal | None
    ask: Decimal | None
    mid: Decimal | None
    price: Decimal | None  # positive and plain, else none
    quantity: Decimal | None
    notional: Decimal | None  # price x quantity
    gross: Decimal | None  # one and the taker's fee rate
    outlay: Decimal | None  # price x quantity x gross: what a buy may cost (B4, C5)
    exposure: Decimal | None  # of the symbol with this order, worst case, quote currency
    risked: Decimal | None  # what this order could lose
    reducible: Decimal | None  # base units that may still be sold (or bought back): C7
    reduces: bool  # C7 holds; everything else increases risk

    def __init__(self, intent: Intent, snapshot: Snapshot, limits: Limits, now: datetime) -> None:
        """Read everything once. ``now`` is the wall clock; market time is the snapshot's."""
        self.snapshot, self.now = snapshot, now
        # a model's attributes cost ten times as much as its dictionary's entries
        decided = intent.__dict__
        self.plan, self.created = decided["plan"], decided["created_at"]
        self.expires = decided["expires_at"]
        wanted = decided["request"].__dict__
        self.name, self.side, self.kind = wanted["symbol"], wanted["side"], wanted["kind"]
        self.venue, self.account = wanted["venue"], wanted["account"]
        self.in_force = wanted["time_in_force"]
        self.wire = wire = (wanted["quantity"], wanted["price"])
        self.at = snapshot.at
        self.conduct, self.health = snapshot.conduct, snapshot.health
        asked = snapshot.health.asked_at
        self.asked = None if asked is None else abs(now - asked)
        self.symbol = symbol = _symbol(snapshot, self.name)
        self.quote = quote = symbol.quote or NO_QUOTE
        self.interval = interval = quote.interval
        self.bounds = bounds = bounds_of(limits, interval, snapshot.peg)
        self.limits = bounds.limits
        received, event = quote.received_at, quote.event_at
        self.ages = (
            None if received is None else snapshot.at - received,
            None if event is None else snapshot.at - event,
        )
        self.bid, self.ask = bid, ask = quote.bid, quote.ask
        self.mid = mid = None if bid is None or ask is None else (bid + ask) * HALF
        self.buying = buying = self.side is BUY
        self.price = price = wire_number(wire[1])
        self.quantity = quantity = wire_number(wire[0])
        self.notional = None if price is None or quantity is None else price * quantity
        _, self.rules, taker, self.gross = rules_of(symbol.rules)
        gross, worth = self.gross, self.notional
        self.outlay = None if worth is None or gross is None else worth * gross
        exposure, far = (buy_exposure, bounds.down) if buying else (sell_exposure, bounds.up)
        self.exposure = exposure(symbol, quote, price, quantity)
        self.risked = worst_loss((price, quantity, mid, far, taker), buying)
        self.reducible = room = _reducible(symbol, buying)
        self.reduces = room is not None and quantity is not None and quantity <= room


def wire_number(text: str) -> Decimal | None:
    """The number if the string is plain and positive, else none."""
    if not _wire(text):
        return None
    return Decimal(text) or None  # there is no sign


def _symbol(snapshot: Snapshot, name: str) -> SymbolState:
    for state in snapshot.symbols:
        if state.symbol == name:
            return state
    return NO_SYMBOL


def _reducible(symbol: SymbolState, buying: bool) -> Decimal | None:  # noqa: FBT001  (hot)
    """C7: |position| less what working orders of the same side already take from it."""
    held = symbol.position
    working = symbol.open_buy if buying else symbol.open_sell
    if held is None or working is None:
        return None
    held = -held if buying else held
    return held - working if held > working else ZERO
