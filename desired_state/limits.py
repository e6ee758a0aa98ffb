"""The numeric bounds of L5 as values with a direction: which way is tighter.

The numbers themselves stand in ``limits.yaml`` of the state repository and nowhere else; the
template that ``governor init`` writes gives every key a conservative value with its reason.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from desired_state.frozen import Frozen
from desired_state.values import Amount, Span


class Tighter(StrEnum):
    """The direction in which a field's authority shrinks; there are no others."""

    LOWER = "lower"
    HIGHER = "higher"


Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3,5}$")]


class Limits(Frozen):
    """One flat set of limits, amounts in ``currency``. A missing one permits nothing."""

    currency: Currency | None = None
    # a single order
    max_order_notional: Annotated[Amount | None, Tighter.LOWER] = None
    max_order_quantity: Annotated[Amount | None, Tighter.LOWER] = None
    max_size_ratio: Annotated[Amount | None, Tighter.LOWER] = None
    max_depth_share: Annotated[Amount | None, Tighter.LOWER] = None
    max_order_age: Annotated[Span | None, Tighter.LOWER] = None
    max_digits: Annotated[Count | None, Tighter.LOWER] = None
    price_collar: Annotated[Amount | None, Tighter.LOWER] = None
    passive_collar: Annotated[Amount | None, Tighter.LOWER] = None
    period_collar: Annotated[Amount | None, Tighter.LOWER] = None
    # exposure, worst case
    max_total_exposure: Annotated[Amount | None, Tighter.LOWER] = None
    max_symbol_exposure: Annotated[Amount | None, Tighter.LOWER] = None
    max_strategy_exposure: Annotated[Amount | None, Tighter.LOWER] = None
    max_open_positions: Annotated[Count | None, Tighter.LOWER] = None
    dust_notional: Annotated[Amount | None, Tighter.LOWER] = None
    max_open_orders: Annotated[Count | None, Tighter.LOWER] = None
    max_daily_turnover: Annotated[Amount | None, Tighter.LOWER] = None
    # loss
    max_daily_loss: Annotated[Amount | None, Tighter.LOWER] = None
    max_drawdown: Annotated[Amount | None, Tighter.LOWER] = None
    loss_collar: Annotated[Amount | None, Tighter.HIGHER] = None
    max_losing_streak: Annotated[Count | None, Tighter.LOWER] = None
    max_median_slippage: Annotated[Amount | None, Tighter.LOWER] = None
    max_fill_slippage: Annotated[Amount | None, Tighter.LOWER] = None
    # what the quote currency is worth
    quote_haircut: Annotated[Amount | None, Tighter.HIGHER] = None
    max_peg_deviation: Annotated[Amount | None, Tighter.LOWER] = None
    # flow
    max_orders_per_day: Annotated[Count | None, Tighter.LOWER] = None
    max_messages_per_second: Annotated[Count | None, Tighter.LOWER] = None
    max_messages_per_minute: Annotated[Count | None, Tighter.LOWER] = None
    max_orders_per_fill: Annotated[Count | None, Tighter.LOWER] = None
    max_cancels_per_order: Annotated[Count | None, Tighter.LOWER] = None
    max_repeated_executions: Annotated[Count | None, Tighter.LOWER] = None
    repeat_window: Annotated[Span | None, Tighter.HIGHER] = None
    max_reject_streak: Annotated[Count | None, Tighter.LOWER] = None
    duplicate_window: Annotated[Span | None, Tighter.HIGHER] = None
    intent_ttl: Annotated[Span | None, Tighter.LOWER] = None
    # market data
    max_book_age: Annotated[Span | None, Tighter.LOWER] = None
    max_event_age: Annotated[Span | None, Tighter.LOWER] = None
    max_spread: Annotated[Amount | None, Tighter.LOWER] = None
    max_jump: Annotated[Amount | None, Tighter.LOWER] = None
    jump_good_ticks: Annotated[Count | None, Tighter.HIGHER] = None
    max_source_deviation: Annotated[Amount | None, Tighter.LOWER] = None
    max_range: Annotated[Amount | None, Tighter.LOWER] = None
    # what an order stands on
    max_clock_skew: Annotated[Span | None, Tighter.LOWER] = None
    max_venue_check_age: Annotated[Span | None, Tighter.LOWER] = None
    max_venue_errors: Annotated[Amount | None, Tighter.LOWER] = None
    max_venue_timeouts: Annotated[Count | None, Tighter.LOWER] = None
    max_venue_outage: Annotated[Span | None, Tighter.LOWER] = None
    max_unknown_orders: Annotated[Count | None, Tighter.LOWER] = None
    max_unknown_age: Annotated[Span | None, Tighter.LOWER] = None
    min_headroom: Annotated[Amount | None, Tighter.HIGHER] = None
    # constants of the schema, not options (risk.md)
    enforce_limits: Literal[True] = True
    allow_override: Literal[False] = False
    require_kill_switch_active: Literal[True] = True


DIRECTIONS: Final[dict[str, Tighter]] = {
    name: next(mark for mark in field.metadata if isinstance(mark, Tighter))
    for name, field in Limits.model_fields.items()
    if any(isinstance(mark, Tighter) for mark in field.metadata)
}
NO_LIMITS: Final = Limits()
