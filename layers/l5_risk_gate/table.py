"""The table of controls: every id of spec/risk.md, in order, with what it refuses by."""

from collections.abc import Callable
from typing import Final, NamedTuple

from desired_state.limits import Limits
from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.l5_risk_gate import (
    aftermath,
    authority,
    exposure,
    flow,
    infrastructure,
    loss,
    market,
    peg,
    sanity,
)
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import Row


class Control(NamedTuple):
    """One row of the table: the id of spec/risk.md, what it is called, and its refusal."""

    id: str
    name: str
    code: Reason
    judge: Callable[[Case], Row]
    reductions: str  # held, partly, or not: whether a pure reduction is held to it
    limits: tuple[str, ...] = ()  # keys of limits.yaml without which it refuses


class Elsewhere(NamedTuple):
    """A rule of spec/risk.md that is no check of one order: where it is kept, and its test."""

    id: str
    rule: str
    where: str
    test: str


# what a single order cannot show; a test holds each of these names to a test that is there
ELSEWHERE: Final = (
    Elsewhere(
        "D6",
        "an unrealised breach is confirmed before it stops; new risk is denied at once",
        "`loss.py`, inside D1 to D3",
        "tests/risk/test_losses.py::test_d6_on_bars_the_confirmation_is_one_bar_later",
    ),
    Elsewhere(
        "I1",
        "tightening works at once by anybody, loosening needs its gate's people",
        "`desired_state/ratchet.py`",
        "tests/attacks/test_history.py::test_a_tightening_reverted_stays_until_restore",
    ),
    Elsewhere(
        "I2",
        "there is no override",
        "`desired_state/limits.py`: constants of the schema",
        "tests/risk/test_governance.py::test_i2_there_is_no_override",
    ),
    Elsewhere(
        "I3",
        "limits are owned by people who do not trade: the requester's own sign-off never counts",
        "`desired_state/quorum.py`, the trust root's gates",
        "tests/attacks/test_signoffs.py::test_the_requester_approves_the_own_proposal",
    ),
    Elsewhere(
        "I4",
        "how often each control refused or halted goes out with every session's evidence",
        "`reconciler/session_record.py`, refusals",
        "tests/session/test_sessions.py::test_i4_the_evidence_counts_what_each_control_refused",
    ),
)
_R: Final = Reason
# fmt: off
CONTROLS: Final = (
    Control("A1", "mode and venue", _R.MODE_FORBIDS, authority.a1_mode, "held"),
    Control("A2", "arming", _R.ARMING_INVALID, authority.a2_arming, "held"),
    Control("A3", "kill latch", _R.KILL_LATCHED, authority.a3_kill_latch, "held"),
    Control("A4", "trading state", _R.TRADING_HALTED, authority.a4_trading, "partly"),
    Control("A5", "approved intent", _R.INTENT_UNAPPROVED, authority.a5_intent, "not",
            ("intent_ttl",)),
    Control("A6", "allow list", _R.NOT_ALLOW_LISTED, authority.a6_allow_list, "held"),
    Control("A7", "leverage", _R.LEVERAGE, authority.a7_leverage, "held"),
    Control("A8", "no-trade triggers", _R.NO_TRADE, authority.a8_no_trade, "not"),
    Control("B1", "plain numbers", _R.BAD_NUMBER, sanity.b1_numbers, "held", ("max_digits",)),
    Control("B2", "increments", _R.BAD_INCREMENT, sanity.b2_increments, "held"),
    Control("B3", "venue bounds", _R.VENUE_BOUNDS, sanity.b3_venue_bounds, "held"),
    Control("B4", "order notional", _R.MAX_ORDER_NOTIONAL, sanity.b4_order_notional, "held",
            ("max_order_notional",)),
    Control("B5", "order quantity", _R.MAX_QUANTITY, sanity.b5_quantity, "held",
            ("max_order_quantity",)),
    Control("B6", "fat finger", _R.FAT_FINGER, sanity.b6_fat_finger, "held",
            ("max_size_ratio", "max_depth_share")),
    Control("B7", "price collar", _R.PRICE_COLLAR, sanity.b7_price_collar, "held",
            ("price_collar", "passive_collar", "period_collar")),
    Control("B8", "order times", _R.ORDER_EXPIRED, sanity.b8_order_times, "held",
            ("max_order_age",)),
    Control("C1", "total exposure", _R.TOTAL_EXPOSURE, exposure.c1_total_exposure, "not",
            ("max_total_exposure",)),
    Control("C2", "symbol exposure", _R.SYMBOL_EXPOSURE, exposure.c2_symbol_exposure, "not",
            ("max_symbol_exposure",)),
    Control("C3", "strategy exposure", _R.STRATEGY_EXPOSURE, exposure.c3_strategy_exposure, "not",
            ("max_strategy_exposure",)),
    Control("C4", "positions", _R.MAX_POSITIONS, exposure.c4_positions, "not",
            ("max_open_positions", "dust_notional")),
    Control("C5", "funds", _R.INSUFFICIENT_FUNDS, exposure.c5_funds, "partly",
            ("quote_haircut",)),
    Control("C6", "open orders", _R.MAX_OPEN_ORDERS, exposure.c6_open_orders, "not",
            ("max_open_orders",)),
    Control("C7", "reduce only", _R.REDUCE_ONLY, exposure.c7_reduce_only, "held"),
    Control("C8", "daily turnover", _R.DAILY_TURNOVER, exposure.c8_daily_turnover, "not",
            ("max_daily_turnover",)),
    Control("D1", "daily loss", _R.DAILY_LOSS, loss.d1_daily_loss, "not",
            ("max_daily_loss", "loss_collar")),
    Control("D2", "rolling loss", _R.ROLLING_LOSS, loss.d2_rolling_loss, "not",
            ("max_daily_loss", "loss_collar")),
    Control("D3", "drawdown", _R.DRAWDOWN, loss.d3_drawdown, "not",
            ("max_drawdown", "loss_collar")),
    Control("D4", "losing streak", _R.LOSING_STREAK, loss.d4_losing_streak, "not",
            ("max_losing_streak",)),
    Control("D5", "slippage", _R.SLIPPAGE, loss.d5_slippage, "not", ("max_median_slippage",)),
    Control("E1", "message rate", _R.MSG_RATE, flow.e1_message_rate, "held",
            ("max_messages_per_second", "max_messages_per_minute")),
    Control("E2", "orders a day", _R.MAX_ORDERS_DAY, flow.e2_orders_day, "held",
            ("max_orders_per_day",)),
    Control("E3", "order ratios", _R.ORDER_RATIO, flow.e3_order_ratios, "held",
            ("max_orders_per_fill", "max_cancels_per_order")),
    Control("E4", "repeated execution", _R.REPEATED_EXECUTION, flow.e4_repeated_execution, "held",
            ("max_repeated_executions", "repeat_window")),
    Control("E5", "duplicate", _R.DUPLICATE, flow.e5_duplicate, "held", ("duplicate_window",)),
    Control("E6", "reject streak", _R.REJECT_STREAK, flow.e6_reject_streak, "held",
            ("max_reject_streak",)),
    Control("E7", "slicing", _R.SLICING, flow.e7_slicing, "not"),
    Control("F1", "fresh book", _R.STALE_BOOK, market.f1_fresh_book, "held",
            ("max_book_age", "max_event_age")),
    Control("F2", "book shape", _R.BOOK_SHAPE, market.f2_book_shape, "partly", ("max_spread",)),
    Control("F3", "price jump", _R.PRICE_JUMP, market.f3_price_jump, "not",
            ("max_jump", "jump_good_ticks")),
    Control("F4", "sequence", _R.SEQUENCE_GAP, market.f4_sequence, "held"),
    Control("F5", "second source", _R.SOURCE_DEVIATION, market.f5_second_source, "not",
            ("max_source_deviation",)),
    Control("F6", "market open", _R.MARKET_CLOSED, market.f6_market_open, "held"),
    Control("F7", "range", _R.VOLATILITY, market.f7_range, "not", ("max_range",)),
    Control("F8", "provenance", _R.PROVENANCE_FORBIDS, market.f8_provenance, "held"),
    Control("F9", "quote currency's peg", _R.DEPEGGED, peg.f9_peg, "not",
            ("max_peg_deviation", "max_venue_check_age")),
    Control("G1", "clock skew", _R.CLOCK_SKEW, infrastructure.g1_clock_skew, "held",
            ("max_clock_skew", "max_venue_check_age")),
    Control("G2", "venue errors", _R.VENUE_ERRORS, infrastructure.g2_venue_errors, "held",
            ("max_venue_errors", "max_venue_timeouts", "max_venue_outage")),
    Control("G3", "unknown orders", _R.UNKNOWN_ORDERS, infrastructure.g3_unknown_orders, "held",
            ("max_unknown_orders", "max_unknown_age")),
    Control("G4", "reconciliation", _R.RECON_DIFF, infrastructure.g4_reconciliation, "held"),
    Control("G5", "safety net", _R.SAFETY_NET_DOWN, infrastructure.g5_safety_net, "held"),
    Control("G6", "journal", _R.JOURNAL, infrastructure.g6_journal, "held"),
    Control("G7", "key scope", _R.KEY_SCOPE, infrastructure.g7_key_scope, "held"),
    Control("G8", "venue identity", _R.VENUE_IDENTITY, infrastructure.g8_venue_identity, "held"),
    Control("G9", "headroom", _R.RATE_HEADROOM, infrastructure.g9_headroom, "held",
            ("min_headroom", "max_venue_check_age")),
    Control("H1", "self-trade", _R.SELF_TRADE, aftermath.h1_self_trade, "held"),
    Control("H2", "fill slippage", _R.SLIPPAGE, aftermath.h2_fill_slippage, "not",
            ("max_fill_slippage",)),
    Control("H3", "plausible fills", _R.FILL_IMPLAUSIBLE, aftermath.h3_fill_plausible, "held"),
    Control("H4", "order and intent", _R.NO_BIJECTION, aftermath.h4_bijection, "held"),
)
# fmt: on
_LOSS, _BOOKS, _TECHNICAL = StopClass.LOSS, StopClass.INTEGRITY, StopClass.TECHNICAL
# spec/risk.md, reading aid: whoever raises a stop over one of these raises it with this class
STOPS: Final = {
    **dict.fromkeys(("D1", "D2", "D3", "D4", "D5"), _LOSS),
    **dict.fromkeys(("E4", "E6", "G1", "G2", "G3", "G5"), _TECHNICAL),
    **dict.fromkeys(("G4", "H3", "H4"), _BOOKS),
}
# a loss on books that do not agree is no known loss; a technical stop needs the fewest people
GRAVEST_FIRST: Final = (_BOOKS, _LOSS, _TECHNICAL)


def elsewhere_table() -> str:
    """What is kept elsewhere, as a Markdown table."""
    rows = ["| id | rule | kept in | shown by |", "|---|---|---|---|"]
    rows += [f"| {e.id} | {e.rule} | {e.where} | `{e.test}` |" for e in ELSEWHERE]
    return "\n".join(rows) + "\n"


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
