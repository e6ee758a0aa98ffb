"""Words of the venue: its order states, its market model and what an account holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from desired_state.frozen import Frozen
from desired_state.values import Amount, Digest
from layers.market import Level, Provenance
from layers.orders import Side, TimeInForce

NOTHING: Final = Decimal(0)


class Status(StrEnum):
    """States of an order at the venue."""

    SUBMITTED = "submitted"  # accepted and funded, not yet at the matching engine (latency)
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


LIVE: Final = frozenset({Status.SUBMITTED, Status.OPEN, Status.PARTIALLY_FILLED})


class Refusal(StrEnum):
    """Why a submission was not accepted; the venue keeps no record of it."""

    UNKNOWN_SYMBOL = "unknown symbol"
    NOT_SUPPORTED = "order kind not supported"
    BAD_NUMBER = "illegal characters in price or quantity"
    PRICE_FILTER = "filter failure: PRICE_FILTER"
    LOT_SIZE = "filter failure: LOT_SIZE"
    NOTIONAL = "filter failure: NOTIONAL"
    DUPLICATE = "duplicate order sent"
    INSUFFICIENT_BALANCE = "account has insufficient balance for requested action"


class Silence(StrEnum):
    """What becomes of the answer to an order that the venue has accepted (P-13)."""

    LOST = "the answer was lost on its way"
    DOUBLED = "the order was delivered twice, and the second answer came: duplicate order sent"


Share = Annotated[Amount, Field(le=1)]


class MarketModel(Frozen):
    """Numbers of the market model (README.md, rules P-2 to P-16); fixed when a venue is made.

    As they stand they are the pessimistic preset.
    """

    seed: int
    provenance: Provenance
    half_spread_floor_bps: Amount = Decimal(1)
    half_spread_range_share: Amount = Decimal("0.01")  # of the bar's high-low range
    levels: Annotated[int, Field(ge=1, le=50)] = 10
    depth_share: Amount = Decimal("0.0005")  # size of one level, of the bar's volume
    queue_share: Amount = Decimal(1)  # of a level's size stands before ours; 1: back of queue
    participation: Amount = Decimal("0.05")  # of a step's volume, at most, fills our resting orders
    steps_per_leg: Annotated[int, Field(ge=1, le=60)] = 4
    latency_min_ms: Annotated[int, Field(ge=1)] = 20
    latency_max_ms: Annotated[int, Field(ge=1)] = 250
    adverse_ticks: Annotated[int, Field(ge=0, le=100)] = 1  # a taker pays, on a recorded book
    impact_bps: Amount = NOTHING  # k of the fitted slippage, of the price, at size = depth
    worst_fee: bool = True  # the higher of maker's and taker's fee for every fill
    stale_after_ms: Annotated[int, Field(ge=1)] = 5_000  # an older quote is no evidence
    good_for_s: Annotated[int, Field(ge=0)] = 0  # resting orders expire after it; 0: never
    answers_lost: Share = NOTHING  # of accepted orders
    answers_doubled: Share = NOTHING
    reports_doubled: Share = NOTHING  # of fills, when they are asked for
    reports_reordered: Share = NOTHING
    calibration: Digest | None = None  # of the evidence that ``impact_bps`` comes from


@dataclass(frozen=True, slots=True)
class Order:
    """One order as the venue keeps it. ``number`` is time priority."""

    number: int
    client_order_id: str
    symbol: str
    side: Side
    time_in_force: TimeInForce
    price: Decimal
    quantity: Decimal
    filled: Decimal
    status: Status
    effective_at: datetime
    cancel_at: datetime | None
    queue_ahead: Decimal | None  # none: the book has not shown this price since the order rests
    updated_at: datetime
    reason: str

    @property
    def remaining(self) -> Decimal:
        """Quantity not executed, in base units."""
        return self.quantity - self.filled

    @property
    def pays(self) -> str:
        """The currency that the order gives away and that is locked while it is open."""
        base, quote = self.symbol.split("/")
        return quote if self.side is Side.BUY else base

    @property
    def locked(self) -> Decimal:
        """Amount of ``pays`` that the remaining quantity needs at the order's own price."""
        return self.remaining * self.price if self.side is Side.BUY else self.remaining


@dataclass(slots=True)
class Purse:
    """Free and locked amount of one currency."""

    free: Decimal
    locked: Decimal


@dataclass(slots=True)
class Market:
    """Present state of one symbol: last trade, and the ladder that remains to be taken."""

    as_of: datetime
    interval: timedelta
    last_price: Decimal
    bids: list[Level]
    asks: list[Level]
    last_trade: int | None = None  # number of the last single trade seen

    @property
    def recorded(self) -> bool:
        """Whether the book comes quote by quote, rather than from the model over bars."""
        return not self.interval
