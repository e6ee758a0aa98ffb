"""The gate: every control on every order, every finding kept, the worst one decides."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from desired_state.limits import Limits
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l5_risk_gate import authority, exposure, flow, infrastructure, loss, market, sanity
from layers.l5_risk_gate.case import Case, read_case
from layers.l5_risk_gate.finding import ControlFinding, Outcome, RiskVerdict
from layers.orders import Intent
from layers.risk_snapshot import Snapshot


class Control(NamedTuple):
    """One row of the table: the id of spec/risk.md, what it is called, and its refusal."""

    id: str
    name: str
    code: Reason
    judge: Callable[[Case], ControlFinding]
    reductions: str  # held, partly, or not: whether a pure reduction is held to it
    limits: tuple[str, ...] = ()  # keys of limits.yaml without which it refuses


CONTROLS: Final = (
    Control("A1", "mode and venue", Reason.MODE_FORBIDS, authority.a1_mode, "held"),
    Control("A3", "kill latch", Reason.KILL_LATCHED, authority.a3_kill_latch, "held"),
    Control("A4", "trading state", Reason.TRADING_HALTED, authority.a4_trading, "partly"),
    Control(
        "A5",
        "approved intent",
        Reason.INTENT_UNAPPROVED,
        authority.a5_intent,
        "not",
        ("intent_ttl",),
    ),
    Control("A6", "allow list", Reason.NOT_ALLOW_LISTED, authority.a6_allow_list, "held"),
    Control("A7", "leverage", Reason.LEVERAGE, authority.a7_leverage, "held"),
    Control("A8", "no-trade triggers", Reason.NO_TRADE, authority.a8_no_trade, "not"),
    Control("B1", "plain numbers", Reason.BAD_NUMBER, sanity.b1_numbers, "held", ("max_digits",)),
    Control("B2", "increments", Reason.BAD_INCREMENT, sanity.b2_increments, "held"),
    Control("B3", "venue bounds", Reason.VENUE_BOUNDS, sanity.b3_venue_bounds, "held"),
    Control(
        "B4",
        "order notional",
        Reason.MAX_ORDER_NOTIONAL,
        sanity.b4_order_notional,
        "held",
        ("max_order_notional",),
    ),
    Control(
        "B7",
        "price collar",
        Reason.PRICE_COLLAR,
        sanity.b7_price_collar,
        "held",
        ("price_collar", "passive_collar", "period_collar"),
    ),
    Control(
        "C1",
        "total exposure",
        Reason.TOTAL_EXPOSURE,
        exposure.c1_total_exposure,
        "not",
        ("max_total_exposure",),
    ),
    Control(
        "C2",
        "symbol exposure",
        Reason.SYMBOL_EXPOSURE,
        exposure.c2_symbol_exposure,
        "not",
        ("max_symbol_exposure",),
    ),
    Control(
        "C4",
        "positions",
        Reason.MAX_POSITIONS,
        exposure.c4_positions,
        "not",
        ("max_open_positions", "dust_notional"),
    ),
    Control("C5", "funds", Reason.INSUFFICIENT_FUNDS, exposure.c5_funds, "partly"),
    Control(
        "C6",
        "open orders",
        Reason.MAX_OPEN_ORDERS,
        exposure.c6_open_orders,
        "not",
        ("max_open_orders",),
    ),
    Control("C7", "reduce only", Reason.REDUCE_ONLY, exposure.c7_reduce_only, "held"),
    Control(
        "D1",
        "daily loss",
        Reason.DAILY_LOSS,
        loss.d1_daily_loss,
        "not",
        ("max_daily_loss", "price_collar"),
    ),
    Control(
        "D2",
        "rolling loss",
        Reason.ROLLING_LOSS,
        loss.d2_rolling_loss,
        "not",
        ("max_daily_loss", "price_collar"),
    ),
    Control(
        "E1",
        "message rate",
        Reason.MSG_RATE,
        flow.e1_message_rate,
        "held",
        ("max_messages_per_second", "max_messages_per_minute"),
    ),
    Control(
        "E2",
        "orders a day",
        Reason.MAX_ORDERS_DAY,
        flow.e2_orders_day,
        "held",
        ("max_orders_per_day",),
    ),
    Control("E5", "duplicate", Reason.DUPLICATE, flow.e5_duplicate, "held", ("duplicate_window",)),
    Control(
        "F1",
        "fresh book",
        Reason.STALE_BOOK,
        market.f1_fresh_book,
        "held",
        ("max_book_age", "max_event_age"),
    ),
    Control("F2", "book shape", Reason.BOOK_SHAPE, market.f2_book_shape, "partly", ("max_spread",)),
    Control(
        "F3",
        "price jump",
        Reason.PRICE_JUMP,
        market.f3_price_jump,
        "not",
        ("max_jump", "jump_good_ticks"),
    ),
    Control("G4", "reconciliation", Reason.RECON_DIFF, infrastructure.g4_reconciliation, "held"),
    Control("G5", "safety net", Reason.SAFETY_NET_DOWN, infrastructure.g5_safety_net, "held"),
    Control("G6", "journal", Reason.JOURNAL, infrastructure.g6_journal, "held"),
)
STOPS: Final = {"D1": StopClass.LOSS, "D2": StopClass.LOSS, "G4": StopClass.INTEGRITY}
_JUDGES: Final = tuple(control.judge for control in CONTROLS)
_ALLOW: Final = Outcome.ALLOW
_HALT: Final = Outcome.HALT


def evaluate(intent: Intent, snapshot: Snapshot, limits: Limits, now: datetime) -> RiskVerdict:
    """The verdict on one order. ``now`` is the wall clock; nothing else is read than arguments."""
    case = read_case(intent, snapshot, limits, now)
    findings = tuple([judge(case) for judge in _JUDGES])
    outcome, stop_class = _ALLOW, None
    for found in findings:
        if found.outcome is _HALT:
            # G4 stands last and wins: a loss on books that do not agree is no known loss
            outcome, stop_class = _HALT, STOPS[found.control]
        elif found.outcome is not _ALLOW and outcome is _ALLOW:
            outcome = found.outcome
    return RiskVerdict(outcome, findings, not case.reduces, stop_class)


def control_table(limits: Limits) -> str:
    """The controls as a Markdown table, with the bounds that ``limits`` gives them."""
    plain = limits.model_dump(mode="json")
    rows = ["| id | control | refuses with | reductions | bounds |", "|---|---|---|---|---|"]
    for control in CONTROLS:
        bounds = ", ".join(f"{key} {plain[key]}" for key in control.limits)
        rows.append(
            f"| {control.id} | {control.name} | `{control.code}` | {control.reductions} |"
            f" {bounds} |"
        )
    return "\n".join(rows) + "\n"
