"""D: what was lost, and what this order could lose. A pure reduction skips these.

A breach in fact halts, with a stop of class loss; three things hold the stop back, never the
refusal: a breach that only open positions show is confirmed by a second evaluation (D6), a stop
released for this very loss is not raised again until it is a tenth worse, and a would-be loss
refuses the one order only.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from desired_state.limits import Limits
from desired_state.reasons import Reason
from layers.l5_risk_gate.bounds import bounds_of
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    HALT,
    NO_LIMIT,
    NOT_HELD,
    WITHIN,
    ControlFinding,
    Row,
    Window,
    against,
    finding,
)
from layers.l5_risk_gate.worst import ZERO
from layers.risk_snapshot import TICKS, LossWindow, Snapshot, window

CONFIRMATION: Final = timedelta(seconds=1)  # D6
WORSE: Final = Decimal("0.1")  # spec/trust.md §7: 10 % worse than at the release
DAY: Final = timedelta(days=1)
LAST: Final = 20  # D5: executions in the rolling median
_CODES: Final = {"D1": Reason.DAILY_LOSS, "D2": Reason.ROLLING_LOSS, "D3": Reason.DRAWDOWN}


def loss_pnl(equity_now: Decimal | None, loss: LossWindow) -> Decimal | None:
    """Profit and loss of a window: equity now less at its beginning, less what was paid in."""
    opened, transfers = loss.equity_open, loss.net_transfers
    if equity_now is None or opened is None or transfers is None:
        return None
    return equity_now - opened - transfers


def d1_daily_loss(case: Case) -> Row:
    """The UTC day's loss, with the worst this order can do, stays inside the limit."""
    bounds = case.bounds
    return _judged("D1", case, case.snapshot.day, bounds.lowest_day, bounds.day)


def d2_rolling_loss(case: Case) -> Row:
    """The last 24 hours' loss, with the worst this order can do, stays inside the same limit."""
    bounds = case.bounds
    return _judged("D2", case, case.snapshot.rolling, bounds.lowest_day, bounds.day)


def d3_drawdown(case: Case) -> Row:
    """The fall from the highest equity, with the worst of this order, stays inside its limit."""
    return _judged("D3", case, case.snapshot.peak, case.bounds.lowest_peak, None)


def _judged(
    control: str, case: Case, loss: LossWindow, least: Decimal | None, over: Window | None
) -> Row:
    if case.reduces:
        return (control, WITHIN, ALLOW, NOT_HELD, least, "quote", "account", over, None)
    now, opened, transfers = case.snapshot.equity_now, loss.equity_open, loss.net_transfers
    pnl, risked = None, case.risked
    if now is not None and opened is not None and transfers is not None:
        pnl = now - opened - transfers
        if pnl > ZERO:
            pnl *= case.bounds.kept or ZERO
    if least is None or case.bounds.down is None:
        return (control, NO_LIMIT, DENY, pnl, least, "quote", "account", over, case.ages)
    would_be = None
    if pnl is not None:
        if pnl <= least:
            return _breach(control, case.snapshot, loss, least, case.interval)
        would_be = None if risked is None else pnl - risked
        if would_be is not None and would_be > least:
            return (control, WITHIN, ALLOW, would_be, least, "quote", "account", over, case.ages)
    code = against(least, would_be, _CODES[control])
    return (control, code, DENY, would_be, least, "quote", "account", over, case.ages)


def _breach(
    control: str, snapshot: Snapshot, loss: LossWindow, least: Decimal, interval: timedelta
) -> Row:
    pnl = loss_pnl(snapshot.equity_now, loss) or ZERO
    stops = _is_news(pnl, loss) and _is_confirmed(snapshot, loss, least, interval)
    outcome = HALT if stops else DENY
    over = (DAY, interval) if control != "D3" else None
    return (control, _CODES[control], outcome, pnl, least, "quote", "account", over, None)


def _is_news(pnl: Decimal, loss: LossWindow) -> bool:
    """No stop was released for this loss, or it is a tenth worse since."""
    released = loss.released_at_pnl
    return released is None or pnl <= released - WORSE * abs(released)


def _is_confirmed(
    snapshot: Snapshot, loss: LossWindow, least: Decimal, interval: timedelta
) -> bool:
    """D6: what is realised needs no second look; the rest stood for a second, or one bar."""
    if loss.realised is None or loss.realised <= least:
        return True
    since = loss.breach_since
    return since is not None and snapshot.at - since >= window(CONFIRMATION, interval)


def d4_losing_streak(case: Case) -> Row:
    """Fewer round trips in a row were lost than stop the strategy."""
    most, seen = case.limits.max_losing_streak, case.conduct.losing_streak
    if case.reduces:
        return ("D4", WITHIN, ALLOW, NOT_HELD, most, "round trips", "account", None, None)
    if most is not None and seen is not None:
        if seen < most:
            return ("D4", WITHIN, ALLOW, seen, most, "round trips", "account", None, None)
        code = Reason.LOSING_STREAK
        return ("D4", code, HALT, seen, most, "round trips", "account", None, None)
    code = against(most, seen, Reason.LOSING_STREAK)
    return ("D4", code, DENY, seen, most, "round trips", "account", None, None)


def d5_slippage(case: Case) -> Row:
    """The median cost of the last executions against the price of their decision is as assumed."""
    most, count, slip = (
        case.limits.max_median_slippage,
        case.conduct.takers,
        case.conduct.median_slip,
    )
    if case.reduces:
        return ("D5", WITHIN, ALLOW, NOT_HELD, most, "ratio", "account", None, None)
    seen = ZERO if count == 0 else None if count is None else slip
    if most is not None and seen is not None:
        if seen <= most:
            return ("D5", WITHIN, ALLOW, seen, most, "ratio", "account", None, None)
        return ("D5", Reason.SLIPPAGE, HALT, seen, most, "ratio", "account", None, None)
    code = against(most, seen, Reason.SLIPPAGE)
    return ("D5", code, DENY, seen, most, "ratio", "account", None, None)


def loss_rows(case: Case) -> tuple[Row, ...]:
    """D1 to D5."""
    return (
        d1_daily_loss(case),
        d2_rolling_loss(case),
        d3_drawdown(case),
        d4_losing_streak(case),
        d5_slippage(case),
    )


def watch_loss(
    snapshot: Snapshot, limits: Limits, interval: timedelta = TICKS
) -> tuple[ControlFinding, ...]:
    """D1, D2 and D3 without an order, for every tick: halt, deny (breached, unknown), or allow."""
    bounds = bounds_of(limits, interval, snapshot.peg)
    watched = (
        ("D1", snapshot.day, bounds.lowest_day),
        ("D2", snapshot.rolling, bounds.lowest_day),
        ("D3", snapshot.peak, bounds.lowest_peak),
    )
    return tuple(
        finding(_watched(control, snapshot, loss, least, interval))
        for control, loss, least in watched
    )


def _watched(
    control: str, snapshot: Snapshot, loss: LossWindow, least: Decimal | None, interval: timedelta
) -> Row:
    pnl = loss_pnl(snapshot.equity_now, loss)
    if least is not None and pnl is not None and pnl <= least:
        return _breach(control, snapshot, loss, least, interval)
    code = against(least, pnl, WITHIN)
    outcome = ALLOW if code is WITHIN else DENY
    over = (DAY, interval) if control != "D3" else None
    return (control, code, outcome, pnl, least, "quote", "account", over, None)
