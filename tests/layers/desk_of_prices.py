"""A rough desk for the thinking layers: fills where a bar trades through a price, no latency."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from desired_state.document import load
from desired_state.frozen import Frozen
from desired_state.limits import Limits
from layers.adapters.csv_bars import carried_prices
from layers.artifacts import EvidenceRef
from layers.configuration import CriticScope, OutlookScope, PlanScope
from layers.feed import Gap, Series, Window
from layers.l2_market_outlook.outlook import Tape
from layers.l3_trade_plan import ladder
from layers.l4_critic.critic import review
from layers.market import Bar
from layers.orders import Purpose, Side, SymbolRules
from layers.planner.desk import ApprovedPlan, DeskView, OpenOrder, Proposal, Route
from layers.planner.planner import propose

TEMPLATES = Path(__file__).parents[2] / "desired_state" / "templates"
SERIES = Series("BTC/USDT", timedelta(hours=1))
PACKS = {"EV-20200224-L2-000000000000": "sha256:" + "0" * 64}
CITED = tuple(EvidenceRef(id=name, sha256=sha) for name, sha in PACKS.items())
LIMITS = Limits(
    currency="USD",
    max_order_notional=Decimal(50),
    max_total_exposure=Decimal(500),
    max_symbol_exposure=Decimal(250),
    max_strategy_exposure=Decimal(400),
    max_open_orders=6,
    max_orders_per_day=50,
    price_collar=Decimal("0.005"),
    intent_ttl=timedelta(seconds=60),
)
RULES = SymbolRules(
    symbol="BTC/USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(9000),
    min_notional=Decimal(10),
    max_notional=Decimal(9_000_000),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
)
HALF_SPREAD = Decimal("0.5")
_M = TypeVar("_M", bound=Frozen)


def template(model: type[_M], name: str) -> _M:
    return load(model, (TEMPLATES / name).read_bytes(), name)


OUTLOOK = template(OutlookScope, "scopes/L2.yaml").parameters
BARS_ONLY = OUTLOOK.model_copy(update={"inputs": ("bars",)})
LADDER = template(PlanScope, "scopes/L3.yaml").parameters.ladder
POLICY = template(CriticScope, "scopes/L4.yaml").parameters


def real_bars(start: datetime | None = None, end: datetime | None = None) -> list[Bar]:
    items = carried_prices().bars(SERIES, Window(start, end))
    return [item for item in items if not isinstance(item, Gap)]


def day(month: int, number: int, hour: int = 0) -> datetime:
    return datetime(2020, month, number, hour, tzinfo=UTC)


def made_bars(prices: list[str], symbol: str = "BTC/USDT") -> list[Bar]:
    """One flat bar a price; enough for what closes alone decide."""
    found = []
    for n, text in enumerate(prices):
        p = Decimal(text)
        at = day(1, 1) + n * SERIES.interval
        found.append(Bar(symbol, at, SERIES.interval, p, p, p, p, Decimal(1)))
    return found


@dataclass(slots=True)
class Step:
    now: datetime
    view: DeskView
    proposal: Proposal
    fills: list[OpenOrder]
    resting: list[OpenOrder]


@dataclass(slots=True)
class Desk:
    position: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    quote: Decimal = Decimal(1000)
    resting: dict[str, OpenOrder] = field(default_factory=dict)

    def _fill(self, order: OpenOrder, price: Decimal) -> None:
        size, fee = order.remaining, 1 - RULES.maker_fee
        if order.side is Side.BUY:
            self.cost = (self.cost * self.position + size * price) / (self.position + size * fee)
            self.position += size * fee
            self.quote -= size * price
        else:
            self.position -= size
            self.quote += size * price * fee

    def _trade(self, bar: Bar) -> list[OpenOrder]:
        found = []
        for order in list(self.resting.values()):
            buy = order.side is Side.BUY
            if (buy and bar.low < order.price) or (not buy and bar.high > order.price):
                self._fill(order, order.price)
                found.append(self.resting.pop(order.client_order_id))
        return found

    def run(self, bars: list[Bar]) -> Iterator[Step]:
        tape, seen, approved, today = Tape(SERIES, BARS_ONLY), [], None, 0
        for bar in bars:
            today = 0 if bar.opened.hour == 0 else today
            fills = self._trade(bar)
            tape.add(bar)
            seen.append(bar)
            now = bar.closed
            outlook = tape.observe(None, now)
            if ladder.is_due(approved.plan if approved else None, outlook, now):
                plan = ladder.plan(SERIES, outlook, LADDER, now, CITED)
                report = review(plan, outlook, PACKS, POLICY, now)
                approved = ApprovedPlan("EV-20200224-L3-000000000000", plan, report)
            bid = bar.close - HALF_SPREAD
            locked = sum(
                (o.price * o.remaining for o in self.resting.values() if o.side is Side.BUY),
                Decimal(0),
            )
            view = DeskView(
                series=SERIES,
                route=Route("paper", "main"),
                position=self.position,
                average_cost=self.cost,
                free_quote=self.quote - locked,
                open_orders=tuple(self.resting.values()),
                bid=bid,
                ask=bar.close + HALF_SPREAD,
                rules=RULES,
                limits=LIMITS,
                bars=seen[-LADDER.range_bars - 1 :],
                no_trade=outlook.triggers,
                orders_today=today,
            )
            proposal = propose(view, approved, LADDER, now)
            for cancel in proposal.cancels:
                del self.resting[cancel.client_order_id]
            for intent in proposal.intents:
                today += 1
                ask = intent.request
                order = OpenOrder(
                    ask.client_order_id,
                    ask.side,
                    Decimal(ask.price),
                    Decimal(ask.quantity),
                    intent.purpose,
                )
                if intent.purpose is Purpose.STOP_LOSS:
                    self._fill(order, bid)
                    fills.append(order)
                else:
                    self.resting[order.client_order_id] = order
            yield Step(now, view, proposal, fills, list(self.resting.values()))
