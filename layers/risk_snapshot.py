"""What the risk gate knows when it judges one order: one immutable value, replayable from JSON.

Everything is an aggregate, so that a snapshot costs the same with one open order as with a
thousand. ``None`` always means *not known* and refuses what would increase risk; a number that is
not finite becomes ``None`` on the way in. What is known never to have happened says ``NEVER``.

Two clocks: ``Snapshot.at`` and every market instant live on the session's market clock, the
watcher's heartbeat on the wall clock.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Access, Instant, Mode, Span, Trading
from layers.market import Provenance
from layers.orders import Side, SymbolRules
from layers.risk_facts import Arming, Conduct, Peg, VenueHealth
from layers.risk_values import (
    NEVER,
    STRICT,
    TICKS,
    Number,
    VenueClass,
    forget_what_is_not_finite,
    window,
)

__all__ = [
    "NEVER",
    "NO_QUOTE",
    "TICKS",
    "Arming",
    "Conduct",
    "Flow",
    "Funds",
    "LossWindow",
    "Number",
    "Peg",
    "PlanApproval",
    "Quote",
    "Safety",
    "Snapshot",
    "SymbolState",
    "Trigger",
    "VenueClass",
    "VenueHealth",
    "from_plain",
    "to_plain",
    "window",
]


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices of one symbol. ``received_at`` is our time, ``event_at`` the venue's."""

    __pydantic_config__ = STRICT

    bid: Number | None
    ask: Number | None
    event_at: Instant | None  # corrected for the venue's skew
    received_at: Instant | None
    interval: Span  # of the feed, whole milliseconds; zero: ticks
    provenance: Provenance | None
    alive: bool | None  # the feed answered a probe or sent a heartbeat: quiet is not dead
    previous_mid: Number | None
    reference: Number | None  # mean over a period (VWAP or EMA), the second reference of B7
    good_ticks: int | None  # in a row without a jump, since the last jump or the start
    bid_depth: Number | None  # base units on the five best levels
    ask_depth: Number | None
    low: Number | None  # of the last window(60 s)
    high: Number | None
    elsewhere: Number | None  # the price as a second source has it (F5)
    whole: bool | None  # nothing is missing between this book and what came before (F4)

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)


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
    bid_depth=None,
    ask_depth=None,
    low=None,
    high=None,
    elsewhere=None,
    whole=None,
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A NO-TRADE trigger that was raised. It stands up to, not including, ``until``."""

    __pydantic_config__ = STRICT

    name: str
    until: Instant | None  # none: until somebody takes it away


@dataclass(frozen=True, slots=True)
class SymbolState:
    """One symbol: what is held, what is working, what the market says, what is permitted."""

    __pydantic_config__ = STRICT

    symbol: str
    access: Access | None  # permitted; spec/trust.md §4
    position: Number | None  # base units, negative is short
    open_buy: Number | None  # sum of what remains of WORKING buys, base units
    open_sell: Number | None
    working_orders: int | None
    increasing_orders: int | None  # those of them that did not only reduce when they were sent
    unknown_orders: int | None  # those of them in UNKNOWN
    quote: Quote | None
    triggers: tuple[Trigger, ...] | None  # NO-TRADE triggers; none raised: ()
    strategy: str | None  # the one that works the symbol (C3)
    unknown_since: Instant | None  # market time; needed where an order is UNKNOWN (G3)
    highest_buy: Number | None  # our own resting orders; needed where any rest (H1)
    lowest_sell: Number | None
    active: bool | None  # the venue has it open for trading (F6)
    outlook_expires: Instant | None  # of L2's outlook for the symbol; no outlook: None
    rules: SymbolRules | None

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)


@dataclass(frozen=True, slots=True)
class PlanApproval:
    """What L4 said of the plan that the intent cites, read from the plan's evidence pack."""

    __pydantic_config__ = STRICT

    plan: str  # pack id of the L3 plan
    decision: str | None  # L4's word; only exactly APPROVE counts
    proposer: str | None  # model or rule set that wrote the plan
    critic: str | None  # model or rule set that judged it
    symbols: tuple[str, ...] | None
    sides: tuple[Side, ...] | None
    max_notional: Number | None  # of one order under this plan, quote currency
    whole_notional: Number | None  # of all its orders together (E7)
    expires_at: Instant | None

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)


@dataclass(frozen=True, slots=True)
class LossWindow:
    """Equity at the beginning of one window (UTC day, 24 hours, the peak), and its memory."""

    __pydantic_config__ = STRICT

    equity_open: Number | None  # never re-based: missing refuses (spec/risk.md, D1)
    net_transfers: Number | None  # paid in minus paid out since then
    realised: Number | None  # profit and loss of the window without open positions
    breach_since: Instant | None  # market time of the first evaluation of an unbroken breach (D6)
    released_at_pnl: Number | None  # pnl when the last loss stop of this window was released

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)


@dataclass(frozen=True, slots=True)
class Funds:
    """Balances for this order. Reserved: ours, not yet locked by the venue."""

    __pydantic_config__ = STRICT

    free_quote: Number | None
    reserved_quote: Number | None
    free_base: Number | None  # of the order's symbol
    reserved_base: Number | None

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)


@dataclass(frozen=True, slots=True)
class Flow:
    """Messages and orders so far, this one not counted. Windows as ``window`` gives them."""

    __pydantic_config__ = STRICT

    messages_second: int | None  # new, modify and cancel in the last window(1 s)
    messages_minute: int | None  # the same in the last window(60 s)
    orders_today: int | None  # UTC day of the market clock
    open_orders: int | None  # all symbols, WORKING
    intent_seen: bool | None  # this intent id was judged and journaled before
    intent_working: bool | None  # an order of this intent is not yet in a terminal state
    same_order_at: Instant | None  # last equal symbol, side, quantity and price; else NEVER


@dataclass(frozen=True, slots=True)
class Safety:
    """The stop, its watcher, the journal and the reconciliation, as just read."""

    __pydantic_config__ = STRICT

    kill_latched: bool | None
    token_ok: bool | None  # the watcher's armed token was read and is valid
    heartbeat_at: Instant | None  # the watcher's last one, wall clock
    heartbeat_max_age: Span | None  # bound of the trust root
    journal_writable: bool | None
    unexplained: int | None  # differences between our books and the venue without explanation


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything L5 needs for one order. ``symbols``: each held or worked, and the order's."""

    __pydantic_config__ = STRICT

    journal_sequence: int
    at: Instant  # market clock
    mode: Mode | None
    rehearsal: bool | None  # under a trust root for rehearsal no data needs to be live (F8)
    trading: Trading | None
    venue_class: VenueClass | None  # of the adapter that would send
    venue: str | None  # permitted
    account: str | None  # permitted
    symbols: tuple[SymbolState, ...]
    peg: Peg | None  # of the currency that all prices here are in
    plan: PlanApproval | None
    equity_now: Number | None  # at bid for longs, ask for shorts, after fees
    day: LossWindow
    rolling: LossWindow
    peak: LossWindow  # from the highest equity since the phase began (D3)
    funds: Funds
    flow: Flow
    safety: Safety
    conduct: Conduct
    health: VenueHealth
    arming: Arming | None  # needed from testnet up

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)


_PLAIN: Final = TypeAdapter(Snapshot)


def to_plain(snapshot: Snapshot) -> dict[str, Any]:
    """JSON data: decimals, instants and spans as strings, enums as their words."""
    plain: dict[str, Any] = _PLAIN.dump_python(snapshot, mode="json")
    return plain


def from_plain(data: Mapping[str, Any]) -> Snapshot:
    """The same snapshot again. Raises ``Stalled(ARTIFACT_INVALID)`` for anything else."""
    try:
        return _PLAIN.validate_json(json.dumps(data))
    except (TypeError, ValueError, ValidationError) as error:
        raise Stalled(Reason.ARTIFACT_INVALID, "risk snapshot", str(error)) from error
