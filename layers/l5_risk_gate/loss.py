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
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    HALT,
    MISSING,
    NO_LIMIT,
    NOT_HELD,
    WITHIN,
    ControlFinding,
    finding,
)
from layers.l5_risk_gate.worst import ZERO
from layers.risk_snapshot import TICKS, LossWindow, Snapshot, window

CONFIRMATION: Final = timedelta(seconds=1)  # D6
WORSE: Final = Decimal("0.1")  # spec/trust.md §7: 10 % worse than at the release
DAY: Final = timedelta(days=1)
_CODES: Final = {"D1": Reason.DAILY_LOSS, "D2": Reason.ROLLING_LOSS}


def loss_pnl(equity_now: Decimal | None, loss: LossWindow) -> Decimal | None:
    """Profit and loss of a window: equity now less at its beginning, less what was paid in."""
    opened, transfers = loss.equity_open, loss.net_transfers
    if equity_now is None or opened is None or transfers is None:
        return None
    return equity_now - opened - transfers


def d1_daily_loss(case: Case) -> ControlFinding:
    """The UTC day's loss, with the worst this order can do, stays inside the limit."""
    return _judged("D1", case, case.snapshot.day)


def d2_rolling_loss(case: Case) -> ControlFinding:
    """The last 24 hours' loss, with the worst this order can do, stays inside the same limit."""
    return _judged("D2", case, case.snapshot.rolling)


def _judged(control: str, case: Case, loss: LossWindow) -> ControlFinding:
    limits, snapshot = case.limits, case.snapshot
    most = limits.max_daily_loss
    over = (DAY, case.interval)
    if case.reduces:
        return finding((control, WITHIN, ALLOW, NOT_HELD, most, "quote", "account", over, None))
    pnl, risked = loss_pnl(snapshot.equity_now, loss), case.risked
    if most is None:
        code = NO_LIMIT
        return finding((control, code, DENY, pnl, None, "quote", "account", over, None))
    if pnl is not None and pnl <= -most:
        return _breach(control, snapshot, loss, most, case.interval)
    would_be = None
    if limits.price_collar is None:
        code = NO_LIMIT
    elif pnl is None or risked is None:
        code = MISSING
    else:
        would_be = pnl - risked
        code = WITHIN if would_be > -most else _CODES[control]
    outcome = ALLOW if code is WITHIN else DENY
    return finding((control, code, outcome, would_be, -most, "quote", "account", over, case.ages))


def _breach(
    control: str, snapshot: Snapshot, loss: LossWindow, most: Decimal, interval: timedelta
) -> ControlFinding:
    pnl = loss_pnl(snapshot.equity_now, loss) or ZERO
    stops = _is_news(pnl, loss) and _is_confirmed(snapshot, loss, most, interval)
    outcome = HALT if stops else DENY
    over = (DAY, interval)
    return finding((control, _CODES[control], outcome, pnl, -most, "quote", "account", over, None))


def _is_news(pnl: Decimal, loss: LossWindow) -> bool:
    """No stop was released for this loss, or it is a tenth worse since."""
    released = loss.released_at_pnl
    return released is None or pnl <= released - WORSE * abs(released)


def _is_confirmed(snapshot: Snapshot, loss: LossWindow, most: Decimal, interval: timedelta) -> bool:
    """D6: what is realised needs no second look; the rest stood for a second, or one bar."""
    if loss.realised is None or loss.realised <= -most:
        return True
    since = loss.breach_since
    return since is not None and snapshot.at - since >= window(CONFIRMATION, interval)


def watch_loss(
    snapshot: Snapshot, limits: Limits, interval: timedelta = TICKS
) -> tuple[ControlFinding, ControlFinding]:
    """D1 and D2 without an order, for every tick: halt, deny (breached or unknown), or allow."""
    return (
        _watched("D1", snapshot, snapshot.day, limits, interval),
        _watched("D2", snapshot, snapshot.rolling, limits, interval),
    )


def _watched(
    control: str, snapshot: Snapshot, loss: LossWindow, limits: Limits, interval: timedelta
) -> ControlFinding:
    most, pnl = limits.max_daily_loss, loss_pnl(snapshot.equity_now, loss)
    if most is not None and pnl is not None and pnl <= -most:
        return _breach(control, snapshot, loss, most, interval)
    code = NO_LIMIT if most is None else MISSING if pnl is None else WITHIN
    outcome = ALLOW if code is WITHIN else DENY
    bound = None if most is None else -most
    over = (DAY, interval)
    return finding((control, code, outcome, pnl, bound, "quote", "account", over, None))
