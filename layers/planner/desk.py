"""What the planner sees and what it says. Amounts in quote currency, sizes in base units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from desired_state.canonical import digest
from desired_state.limits import Limits
from layers.artifacts import CriticReport, Decision, Hypothesis, TradePlan, Trigger
from layers.feed import Series
from layers.market import Bar
from layers.orders import Intent, Purpose, Side, SymbolRules

NO_PLAN: Final = "none"  # an exit cites no plan where none stands; A5 holds for entries alone


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One own order that is still working, in any state that consumes exposure (C1)."""

    client_order_id: str
    side: Side
    price: Decimal
    remaining: Decimal
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Route:
    """Where the orders go."""

    venue: str
    account: str


@dataclass(frozen=True, slots=True)
class DeskView:
    """One symbol as it stands at one instant; the planner knows nothing else.

    ``average_cost`` is what the position cost per unit, zero while flat. ``other_exposure`` is the
    worst-case exposure of all other symbols. ``no_trade`` are the triggers that stand: they end
    entries here, as they do in L5; they never hold back an exit. ``bars`` oldest first.
    """

    series: Series
    route: Route
    position: Decimal
    average_cost: Decimal
    free_quote: Decimal
    open_orders: Sequence[OpenOrder]
    bid: Decimal
    ask: Decimal
    rules: SymbolRules
    limits: Limits
    bars: Sequence[Bar]
    no_trade: Sequence[Trigger]
    orders_today: int
    other_exposure: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ApprovedPlan:
    """A plan with the verdict on it, under the id of its evidence pack."""

    pack: str
    plan: TradePlan
    report: CriticReport

    def hypothesis(self, symbol: str, as_of: datetime) -> Hypothesis | None:
        """The hypothesis that may be acted on now, or none.

        The report must be about exactly this plan, by somebody else, and say exactly APPROVE.
        """
        plan, report = self.plan, self.report
        if report.decision is not Decision.APPROVE or report.subject != digest(plan):
            return None
        if report.critic == plan.proposer or not plan.as_of <= as_of < plan.expires:
            return None
        return next((h for h in plan.hypotheses if h.symbol == symbol), None)


class Why(StrEnum):
    """Why an open order shall be cancelled."""

    STALE = "stale"  # the market has moved away from it
    NO_TRADE = "no_trade"  # a NO-TRADE trigger stands
    UNAPPROVED = "unapproved"  # no approved plan stands behind it
    INVALIDATED = "invalidated"  # the plan's own condition has ended it
    STOP = "stop"  # makes room for the stop-loss exit


@dataclass(frozen=True, slots=True)
class Cancellation:
    """One order to be cancelled. A cancel needs no permit."""

    client_order_id: str
    why: Why


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the planner wants done, cancels first."""

    cancels: tuple[Cancellation, ...]
    intents: tuple[Intent, ...]
