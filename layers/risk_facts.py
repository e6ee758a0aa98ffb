"""Parts of the risk gate's snapshot: what arms it, how the venue stands, what was done so far.

``None`` always means *not known*; where something never happened the count says 0.
"""

from dataclasses import dataclass

from desired_state.values import Instant
from layers.risk_values import STRICT, Number, Offset, VenueClass, forget_what_is_not_finite


@dataclass(frozen=True, slots=True)
class Arming:
    """The approval that arms testnet and live, and what really runs beside it (A2)."""

    __pydantic_config__ = STRICT

    sequence: int | None  # of the proposal
    people: int | None  # distinct ones whose sign-offs count
    limits: str | None  # digest of the limits that the verdict grants
    configuration: str | None  # approved
    running_configuration: str | None
    build: str | None  # approved
    running_build: str | None
    account: str | None  # approved at the order's venue; the venue's own word is in VenueHealth
    expires_at: Instant | None  # wall clock


@dataclass(frozen=True, slots=True)
class Peg:
    """What the quote currency is held worth in the limits' own, and what it was lately seen at."""

    __pydantic_config__ = STRICT

    quote: str  # of every price, fund and equity here
    currency: str | None  # the limits' own; not configured: none, as the rate
    rate: Number | None  # configured, never the price of the moment
    assumed: bool  # nobody watches it, by configuration
    bid: Number | None  # in that currency, as lately seen
    ask: Number | None
    asked_at: Instant | None  # wall clock

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)


@dataclass(frozen=True, slots=True)
class VenueHealth:
    """What the venue says of itself and of our key, and how it has answered lately."""

    __pydantic_config__ = STRICT

    asked_at: Instant | None  # wall clock of the answer
    venue_class: VenueClass | None  # proven on a signed request
    account: str | None  # the venue's own id of it
    can_withdraw: bool | None
    address_bound: bool | None
    clock_offset: Offset | None  # the venue's clock less ours
    clock_jump: Offset | None  # our wall clock less our steady one, since the look before
    headroom: Number | None  # share of the rate limit that is left
    errors: Number | None  # answers lost, each halved for every minute or bar since
    timeouts: int | None  # answers lost in the last window(60 s)
    open_since: Instant | None  # wall clock: since when its circuit is open; closed: NEVER (G2)

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)


@dataclass(frozen=True, slots=True)
class Conduct:
    """What was sent, executed and lost so far, as the journal tells it; this order not counted."""

    __pydantic_config__ = STRICT

    sizes: int | None  # how many of the strategy's last orders in the symbol there are, 20 at most
    median_size: Number | None  # of them, base units; needed where there are any
    filled_today: Number | None  # sum of |executions| of the UTC day, all symbols, quote currency
    fills_today: int | None
    cancels_today: int | None  # orders that were asked to be cancelled
    executed: int | None  # orders of this symbol and side with an execution in the repeat window
    rejects: int | None  # refusals of the venue in a row
    plan_notional: Number | None  # what the plan's orders have bought and still want to
    losing_streak: int | None  # round trips lost in a row
    takers: int | None  # how many of the last takers' executions there are, 20 at most
    median_slip: Number | None  # of them, a ratio; needed where there are any
    worst_slip: Number | None  # of one execution in the last window(1 h); none there: 0
    implausible: int | None  # executions that cannot be
    foreign: int | None  # orders and executions at the venue that have no intent
    undead: int | None  # orders that had ended for us and are open at the venue

    def __post_init__(self) -> None:
        """Only finite numbers are kept."""
        forget_what_is_not_finite(self)
