"""One order that every control passes, and ways to change one thing about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from desired_state.canonical import digest
from desired_state.limits import Limits
from desired_state.values import Access, Mode, Trading
from layers.l5_risk_gate.finding import ControlFinding, RiskVerdict
from layers.l5_risk_gate.gate import evaluate
from layers.market import Provenance
from layers.orders import Intent, OrderRequest, Purpose, Side, SymbolRules, TimeInForce
from layers.risk_snapshot import (
    NEVER,
    TICKS,
    Arming,
    Conduct,
    Flow,
    Funds,
    LossWindow,
    Peg,
    PlanApproval,
    Quote,
    Safety,
    Snapshot,
    SymbolState,
    VenueClass,
    VenueHealth,
)

D = Decimal
AT = datetime(2020, 3, 12, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
MILLI = timedelta(milliseconds=1)
SYMBOL, OTHER = "BTC/USDT", "ETH/USDT"

LIMITS = Limits(
    currency="USD",
    max_order_notional=D(50),
    max_order_quantity=D(20),
    max_size_ratio=D(5),
    max_depth_share=D("0.2"),
    max_order_age=24 * HOUR,
    max_digits=12,
    price_collar=D("0.005"),
    passive_collar=D("0.2"),
    period_collar=D("0.03"),
    max_total_exposure=D(500),
    max_symbol_exposure=D(300),
    max_strategy_exposure=D(400),
    max_open_positions=3,
    dust_notional=D(5),
    max_open_orders=10,
    max_daily_turnover=D(2000),
    max_daily_loss=D(100),
    max_drawdown=D(200),
    loss_collar=D("0.005"),
    max_losing_streak=5,
    max_median_slippage=D("0.003"),
    max_fill_slippage=D("0.01"),
    quote_haircut=D("0.01"),
    max_peg_deviation=D("0.01"),
    max_orders_per_day=50,
    max_messages_per_second=5,
    max_messages_per_minute=60,
    max_orders_per_fill=60,
    max_cancels_per_order=5,
    max_repeated_executions=10,
    repeat_window=HOUR,
    max_reject_streak=5,
    duplicate_window=10 * SECOND,
    intent_ttl=60 * SECOND,
    max_book_age=2 * SECOND,
    max_event_age=3 * SECOND,
    max_spread=D("0.005"),
    max_jump=D("0.03"),
    jump_good_ticks=3,
    max_source_deviation=D("0.01"),
    max_range=D("0.05"),
    max_clock_skew=SECOND,
    max_venue_check_age=60 * SECOND,
    max_venue_errors=D(3),
    max_venue_timeouts=3,
    max_venue_outage=300 * SECOND,
    max_unknown_orders=2,
    max_unknown_age=10 * SECOND,
    min_headroom=D("0.2"),
)
RULES = SymbolRules(
    symbol=SYMBOL,
    tick=D("0.1"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D(1000),
    min_notional=D(5),
    max_notional=D(100000),
    maker_fee=D("0.001"),
    taker_fee=D("0.001"),
)
QUOTE = Quote(
    bid=D("99.9"),
    ask=D("100.1"),
    event_at=AT - SECOND,
    received_at=AT - SECOND,
    interval=TICKS,
    provenance=Provenance.RECORDED,
    alive=True,
    previous_mid=D(100),
    reference=D(100),
    good_ticks=3,
    bid_depth=D(50),
    ask_depth=D(50),
    low=D(99),
    high=D(101),
    elsewhere=D(100),
    whole=True,
)


def symbol(name: str = SYMBOL, **changes: object) -> SymbolState:
    flat = SymbolState(
        symbol=name,
        access=Access.TRADE,
        position=D(0),
        open_buy=D(0),
        open_sell=D(0),
        working_orders=0,
        increasing_orders=0,
        unknown_orders=0,
        quote=QUOTE,
        triggers=(),
        strategy="ladder",
        unknown_since=NEVER,
        highest_buy=D(1),
        lowest_sell=D(1000),
        active=True,
        outlook_expires=AT + HOUR,
        rules=RULES,
    )
    return replace(flat, **changes)


PEG = Peg(
    quote="USDT",
    currency="USD",
    rate=D(1),
    assumed=False,
    bid=D("0.9999"),
    ask=D("1.0001"),
    asked_at=NOW - SECOND,
)
LOSS = LossWindow(
    equity_open=D(1000),
    net_transfers=D(0),
    realised=D(0),
    breach_since=None,
    released_at_pnl=None,
)
SNAPSHOT = Snapshot(
    journal_sequence=7,
    at=AT,
    mode=Mode.PAPER,
    rehearsal=False,
    trading=Trading.ACTIVE,
    venue_class=VenueClass.PAPER,
    venue="paper",
    account="main",
    symbols=(symbol(),),
    peg=PEG,
    plan=PlanApproval(
        plan="L3-plan",
        decision="APPROVE",
        proposer="proposer",
        critic="critic",
        symbols=(SYMBOL,),
        sides=(Side.BUY, Side.SELL),
        max_notional=D(60),
        whole_notional=D(240),
        expires_at=AT + HOUR,
    ),
    equity_now=D(1000),
    day=LOSS,
    rolling=LOSS,
    peak=LOSS,
    funds=Funds(free_quote=D(1000), reserved_quote=D(0), free_base=D(10), reserved_base=D(0)),
    flow=Flow(
        messages_second=0,
        messages_minute=0,
        orders_today=0,
        open_orders=0,
        intent_seen=False,
        intent_working=False,
        same_order_at=NEVER,
    ),
    safety=Safety(
        kill_latched=False,
        token_ok=True,
        heartbeat_at=NOW - SECOND,
        heartbeat_max_age=5 * SECOND,
        journal_writable=True,
        unexplained=0,
    ),
    conduct=Conduct(
        sizes=20,
        median_size=D("0.4"),
        filled_today=D(100),
        fills_today=4,
        cancels_today=2,
        executed=1,
        rejects=0,
        plan_notional=D(50),
        losing_streak=1,
        takers=20,
        median_slip=D("0.001"),
        worst_slip=D("0.002"),
        implausible=0,
        foreign=0,
        undead=0,
    ),
    health=VenueHealth(
        asked_at=NOW - SECOND,
        venue_class=VenueClass.PAPER,
        account="main",
        can_withdraw=False,
        address_bound=True,
        clock_offset=100 * MILLI,
        clock_jump=-1 * MILLI,
        headroom=D("0.9"),
        errors=D(1),
        timeouts=1,
        open_since=NEVER,
    ),
    arming=None,
)
ARMING = Arming(
    sequence=7,
    people=5,
    limits=digest(LIMITS),
    configuration="sha256:c",
    running_configuration="sha256:c",
    build="sha256:b",
    running_build="sha256:b",
    account="main",
    expires_at=NOW + HOUR,
)


def intent(**changes: object) -> Intent:
    """A buy of 0.4 at 100.2; ``changes`` to the request, or created_at, expires_at, plan."""
    own = {k: changes.pop(k) for k in ("created_at", "expires_at", "plan") if k in changes}
    request = {
        "venue": "paper",
        "account": "main",
        "symbol": SYMBOL,
        "side": Side.BUY,
        "kind": "limit",
        "time_in_force": TimeInForce.IOC,
        "quantity": "0.4",
        "price": "100.2",
        "client_order_id": "g" + "a" * 16,
    }
    decided = {
        "intent_id": "I-" + "0" * 16,
        "plan": "L3-plan",
        "hypothesis": "H1",
        "purpose": Purpose.ENTRY,
        "created_at": AT - SECOND,
        "expires_at": AT + HOUR,
    }
    return Intent(request=OrderRequest(**{**request, **changes}), **{**decided, **own})


def armed(venue: VenueClass = VenueClass.LIVE) -> Snapshot:
    """The good order's snapshot as testnet or bounded_live has it."""
    mode = {VenueClass.LIVE: Mode.BOUNDED_LIVE, VenueClass.TESTNET: Mode.TESTNET}[venue]
    return edited(mode=mode, venue_class=venue, health__venue_class=venue, arming=ARMING,
                  quote__provenance=Provenance.LIVE)  # fmt: skip


SELL = {"side": Side.SELL, "price": "99.8"}  # 0.4 at 99.8


def edited(snapshot: Snapshot = SNAPSHOT, **changes: object) -> Snapshot:
    """The snapshot with ``part__field`` replaced; ``symbol__`` and ``quote__`` mean the order's."""
    for path, value in changes.items():
        part, _, field = path.partition("__")
        if part == "symbol":
            own = replace(snapshot.symbols[0], **{field: value})
            snapshot = replace(snapshot, symbols=(own, *snapshot.symbols[1:]))
        elif part == "quote":
            quote = replace(snapshot.symbols[0].quote, **{field: value})
            own = replace(snapshot.symbols[0], quote=quote)
            snapshot = replace(snapshot, symbols=(own, *snapshot.symbols[1:]))
        elif field:
            inner = replace(getattr(snapshot, part), **{field: value})
            snapshot = replace(snapshot, **{part: inner})
        else:
            snapshot = replace(snapshot, **{part: value})
    return snapshot


def limited(**changes: object) -> Limits:
    return LIMITS.model_copy(update=changes)


def judge(
    order: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **changes: object
) -> RiskVerdict:
    """The verdict on the good order with the changes named."""
    given = edited(changes.pop("snapshot", SNAPSHOT), **changes)
    return evaluate(intent(**(order or {})), given, limited(**(limits or {})), NOW)


def found(verdict: RiskVerdict, control: str) -> ControlFinding:
    return next(f for f in verdict.findings if f.control == control)


def refused_by(verdict: RiskVerdict) -> set[str]:
    return {f.control for f in verdict.refusals}


NO_ACCOUNT: dict[str, Any] = {
    "account": None,
    "funds": Funds(free_quote=None, reserved_quote=None, free_base=None, reserved_base=None),
}
