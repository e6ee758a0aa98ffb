"""F: whether the market data can be believed.

Held against reductions as far as a price needs sanity: a fresh book (F1) with two sides that do
not cross (F2's shape). Not held against them: the width of the spread and the jump filter, which
are at their worst exactly when a position must be reduced; B7's collars still bound the price.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from desired_state.reasons import Reason
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    MISSING,
    NO_LIMIT,
    NOT_HELD,
    WITHIN,
    ControlFinding,
    finding,
)
from layers.l5_risk_gate.worst import ONE, ZERO
from layers.risk_snapshot import window

NO_TIME: Final = timedelta(0)


def f1_fresh_book(case: Case) -> ControlFinding:
    """The book was received and made recently enough, and its feed is known to be alive."""
    most, most_event = case.limits.max_book_age, case.limits.max_event_age
    received, event = case.ages
    bound = most
    over = None if most is None else (most, case.interval)
    if most is None or most_event is None:
        code = NO_LIMIT
    elif received is None or event is None or case.quote.alive is None:
        code = MISSING
    else:
        bound = window(most, case.interval)
        # a book from the future is as wrong as an old one
        fresh = NO_TIME <= received <= bound
        fresh = fresh and NO_TIME <= event <= window(most_event, case.interval)
        code = WITHIN if fresh and case.quote.alive else Reason.STALE_BOOK
    outcome = ALLOW if code is WITHIN else DENY
    seen = (received, event)
    return finding(("F1", code, outcome, seen, bound, "age", "symbol", over, case.ages))


def f2_book_shape(case: Case) -> ControlFinding:
    """Two sides that do not cross; for what increases risk also a narrow spread."""
    bid, ask, mid, most = case.quote.bid, case.quote.ask, case.mid, case.limits.max_spread
    spread: Decimal | None = None
    if bid is None or ask is None or mid is None:
        code = MISSING
    elif not ZERO < bid < ask:
        code = Reason.BOOK_SHAPE
    else:
        spread = (ask - bid) / mid
        if case.reduces:
            code = WITHIN
        elif most is None:
            code = NO_LIMIT
        else:
            code = WITHIN if ask - bid <= most * mid else Reason.BOOK_SHAPE
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("F2", code, outcome, spread, most, "ratio", "symbol", None, case.ages))


def f3_price_jump(case: Case) -> ControlFinding:
    """The mid did not jump, and enough good ticks passed since it last did."""
    limits, mid, before, good = (
        case.limits,
        case.mid,
        case.quote.previous_mid,
        case.quote.good_ticks,
    )
    most, enough = limits.max_jump, limits.jump_good_ticks
    if case.reduces:
        return finding(("F3", WITHIN, ALLOW, NOT_HELD, most, "ratio", "symbol", None, None))
    jump: Decimal | None = None
    if most is None or enough is None:
        code = NO_LIMIT
    elif mid is None or before is None or good is None or before <= ZERO:
        code = MISSING
    else:
        jump = mid / before - ONE
        calm = abs(mid - before) <= most * before and good >= enough
        code = WITHIN if calm else Reason.PRICE_JUMP
    outcome = ALLOW if code is WITHIN else DENY
    seen = (jump, "after good ticks", good)
    bound = (most, "after", enough)
    return finding(("F3", code, outcome, seen, bound, "ratio", "symbol", None, case.ages))
