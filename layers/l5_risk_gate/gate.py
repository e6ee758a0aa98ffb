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


CONTROLS: Final = (
    Control("A1", "mode and venue", Reason.MODE_FORBIDS, authority.a1_mode, "held"),
    Control("A3", "kill latch", Reason.KILL_LATCHED, authority.a3_kill_latch, "held"),
    Control("A4", "trading state", Reason.TRADING_HALTED, authority.a4_trading, "partly"),
    Control("A5", "approved intent", Reason.INTENT_UNAPPROVED, authority.a5_intent, "not"),
    Control("A6", "allow list", Reason.NOT_ALLOW_LISTED, authority.a6_allow_list, "held"),
    Control("A7", "leverage", Reason.LEVERAGE, authority.a7_leverage, "held"),
    Control("A8", "no-trade triggers", Reason.NO_TRADE, authority.a8_no_trade, "not"),
    Control("B1", "plain numbers", Reason.BAD_NUMBER, sanity.b1_numbers, "held"),
    Control("B2", "increments", Reason.BAD_INCREMENT, sanity.b2_increments, "held"),
    Control("B3", "venue bounds", Reason.VENUE_BOUNDS, sanity.b3_venue_bounds, "held"),
    Control("B4", "order notional", Reason.MAX_ORDER_NOTIONAL, sanity.b4_order_notional, "held"),
    Control("B7", "price collar", Reason.PRICE_COLLAR, sanity.b7_price_collar, "held"),
    Control("C1", "total exposure", Reason.TOTAL_EXPOSURE, exposure.c1_total_exposure, "not"),
    Control("C2", "symbol exposure", Reason.SYMBOL_EXPOSURE, exposure.c2_symbol_exposure, "not"),
    Control("C4", "positions", Reason.MAX_POSITIONS, exposure.c4_positions, "not"),
    Control("C5", "funds", Reason.INSUFFICIENT_FUNDS, exposure.c5_funds, "partly"),
    Control("C6", "open orders", Reason.MAX_OPEN_ORDERS, exposure.c6_open_orders, "not"),
    Control("C7", "reduce only", Reason.REDUCE_ONLY, exposure.c7_reduce_only, "held"),
    Control("D1", "daily loss", Reason.DAILY_LOSS, loss.d1_daily_loss, "not"),
    Control("D2", "rolling loss", Reason.ROLLING_LOSS, loss.d2_rolling_loss, "not"),
    Control("E1", "message rate", Reason.MSG_RATE, flow.e1_message_rate, "held"),
    Control("E2", "orders a day", Reason.MAX_ORDERS_DAY, flow.e2_orders_day, "held"),
    Control("E5", "duplicate", Reason.DUPLICATE, flow.e5_duplicate, "held"),
    Control("F1", "fresh book", Reason.STALE_BOOK, market.f1_fresh_book, "held"),
    Control("F2", "book shape", Reason.BOOK_SHAPE, market.f2_book_shape, "partly"),
    Control("F3", "price jump", Reason.PRICE_JUMP, market.f3_price_jump, "not"),
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
