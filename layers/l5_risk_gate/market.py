"""F: whether the market data can be believed.

Held against reductions as far as a price needs sanity: a fresh (F1) and whole (F4) book with two
sides that do not cross (F2's shape), from where it must come (F8), of an open market (F6). Not
held against them: the width of the spread, jumps, range and other sources, which are at their
worst exactly when a position must be reduced; B7's collars still bound the price.
"""

from datetime import datetime, timedelta
from typing import Final, TypeAlias

from desired_state.reasons import Reason
from desired_state.values import Mode
from layers.l5_risk_gate.bounds import Bounds
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    MISSING,
    NO_LIMIT,
    NOT_HELD,
    SHARE,
    WITHIN,
    Row,
    against,
)
from layers.l5_risk_gate.worst import ONE, ZERO
from layers.market import Provenance
from layers.risk_snapshot import Quote

NO_TIME: Final = timedelta(0)
_LIVE: Final = Provenance.LIVE
_NEEDS_LIVE: Final = frozenset((Mode.TESTNET, Mode.BOUNDED_LIVE))
_F4: Final[Row] = ("F4", WITHIN, ALLOW, "whole", "whole", "", "symbol", None, None)
_F6: Final[Row] = ("F6", WITHIN, ALLOW, "open", "open", "", "symbol", None, None)


def f1_fresh_book(case: Case) -> Row:
    """The book was received and made recently enough, and its feed is known to be alive."""
    most, most_event, over = case.bounds.fresh
    seen = (received, event) = case.ages
    alive = case.quote.alive
    if most is None or most_event is None:
        code = NO_LIMIT
    elif received is None or event is None or alive is None:
        code = MISSING
    # a book from the future is as wrong as an old one
    elif NO_TIME <= received <= most and NO_TIME <= event <= most_event and alive:
        return ("F1", WITHIN, ALLOW, seen, most, "age", "symbol", over, seen)
    else:
        code = Reason.STALE_BOOK
    return ("F1", code, DENY, seen, most, "age", "symbol", over, seen)


def f2_book_shape(case: Case) -> Row:
    """Two sides that do not cross; for what increases risk also a narrow spread."""
    bid, ask, mid, most = case.bid, case.ask, case.mid, case.limits.max_spread
    if bid is None or ask is None or mid is None:
        return ("F2", MISSING, DENY, None, most, "ratio", "symbol", None, case.ages)
    if not ZERO < bid < ask:
        return ("F2", Reason.BOOK_SHAPE, DENY, None, most, "ratio", "symbol", None, case.ages)
    spread = ask - bid
    seen = (SHARE, spread, mid, ZERO)
    if case.reduces:
        return ("F2", WITHIN, ALLOW, seen, most, "ratio", "symbol", None, case.ages)
    if most is not None and spread <= most * mid:
        return ("F2", WITHIN, ALLOW, seen, most, "ratio", "symbol", None, case.ages)
    code = against(most, mid, Reason.BOOK_SHAPE)
    return ("F2", code, DENY, seen, most, "ratio", "symbol", None, case.ages)


def f3_price_jump(case: Case) -> Row:
    """The mid did not jump, and enough good ticks passed since it last did."""
    limits, mid = case.limits, case.mid
    before, good = case.quote.previous_mid, case.quote.good_ticks
    most, enough = limits.max_jump, limits.jump_good_ticks
    if case.reduces:
        return ("F3", WITHIN, ALLOW, NOT_HELD, most, "ratio", "symbol", None, None)
    bound = (most, "after", enough)
    if mid is None or before is None or good is None or before <= ZERO:
        code = NO_LIMIT if most is None or enough is None else MISSING
        return (
            "F3",
            code,
            DENY,
            (None, "good ticks", good),
            bound,
            "ratio",
            "symbol",
            None,
            case.ages,
        )
    seen = ((SHARE, mid, before, ONE), "after good ticks", good)
    if most is None or enough is None:
        return ("F3", NO_LIMIT, DENY, seen, bound, "ratio", "symbol", None, case.ages)
    if abs(mid - before) <= most * before and good >= enough:
        return ("F3", WITHIN, ALLOW, seen, bound, "ratio", "symbol", None, case.ages)
    return ("F3", Reason.PRICE_JUMP, DENY, seen, bound, "ratio", "symbol", None, case.ages)


def f4_sequence(case: Case) -> Row:
    """Nothing is missing between this book and what came before it."""
    whole = case.quote.whole
    if whole is True:
        return _F4
    code = MISSING if whole is None else Reason.SEQUENCE_GAP
    seen = None if whole is None else "gap"
    return ("F4", code, DENY, seen, "whole", "", "symbol", None, case.ages)


def f5_second_source(case: Case) -> Row:
    """The mid agrees with what a second source says. Not held against reductions."""
    most, mid, other = case.limits.max_source_deviation, case.mid, case.quote.elsewhere
    if case.reduces:
        return ("F5", WITHIN, ALLOW, NOT_HELD, most, "ratio", "symbol", None, None)
    if mid is None or other is None or other <= ZERO:
        code = NO_LIMIT if most is None else MISSING
        return ("F5", code, DENY, None, most, "ratio", "symbol", None, case.ages)
    seen = (SHARE, mid, other, ONE)
    if most is not None and abs(mid - other) <= most * other:
        return ("F5", WITHIN, ALLOW, seen, most, "ratio", "symbol", None, case.ages)
    code = against(most, mid, Reason.SOURCE_DEVIATION)
    return ("F5", code, DENY, seen, most, "ratio", "symbol", None, case.ages)


def f6_market_open(case: Case) -> Row:
    """The venue says that the symbol is open for trading."""
    active = case.symbol.active
    if active is True:
        return _F6
    code = MISSING if active is None else Reason.MARKET_CLOSED
    seen = None if active is None else "closed"
    return ("F6", code, DENY, seen, "open", "", "symbol", None, None)


def f7_range(case: Case) -> Row:
    """High and low of the last minute, or bar, lie close together. Not held for reductions."""
    most, low, high = case.limits.max_range, case.quote.low, case.quote.high
    over = case.bounds.minute
    if case.reduces:
        return ("F7", WITHIN, ALLOW, NOT_HELD, most, "ratio", "symbol", over, None)
    if low is None or high is None or low <= ZERO:
        code = NO_LIMIT if most is None else MISSING
        return ("F7", code, DENY, None, most, "ratio", "symbol", over, case.ages)
    seen = (SHARE, high, low, ONE)
    if most is not None and high - low <= most * low:
        return ("F7", WITHIN, ALLOW, seen, most, "ratio", "symbol", over, case.ages)
    code = against(most, low, Reason.VOLATILITY)
    return ("F7", code, DENY, seen, most, "ratio", "symbol", over, case.ages)


def f8_provenance(case: Case) -> Row:
    """Testnet and live look at live data alone, save in a rehearsal; paper takes any label."""
    mode, source = case.snapshot.mode, case.quote.provenance
    if mode is None or source is None:
        return ("F8", MISSING, DENY, source, mode, "", "symbol", None, None)
    if source is _LIVE or mode not in _NEEDS_LIVE or case.snapshot.rehearsal is True:
        return ("F8", WITHIN, ALLOW, source, mode, "", "symbol", None, None)
    code = MISSING if case.snapshot.rehearsal is None else Reason.PROVENANCE_FORBIDS
    return ("F8", code, DENY, source, mode, "", "symbol", None, None)


# the rows of the last order, after everything that they were made of: quote, bounds, instant,
# mode, rehearsal, active, reduces
_Kept: TypeAlias = tuple[
    Quote, Bounds, datetime, Mode | None, bool | None, bool | None, bool, tuple[Row, ...]
]
_kept: Final[list[_Kept]] = []


def market_rows(case: Case) -> tuple[Row, ...]:
    """F1 to F8, which read nothing of the order itself save whether it reduces.

    The next order of the same instant meets the same quote, and then the same rows: kept while
    all that the controls read are the very same values, none of which ever changes.
    """
    quote, bounds, snapshot, reduces = case.quote, case.bounds, case.snapshot, case.reduces
    at, mode, rehearsal, active = case.at, snapshot.mode, snapshot.rehearsal, case.symbol.active
    if _kept:
        of_quote, of_bounds, of_at, of_mode, rehearsed, was_active, reduced, rows = _kept[0]
        if (
            of_quote is quote
            and of_bounds is bounds
            and of_at == at
            and of_mode is mode
            and rehearsed is rehearsal
            and was_active is active
            and reduced is reduces
        ):
            return rows
    rows = (
        f1_fresh_book(case),
        f2_book_shape(case),
        f3_price_jump(case),
        f4_sequence(case),
        f5_second_source(case),
        f6_market_open(case),
        f7_range(case),
        f8_provenance(case),
    )
    _kept[:] = [(quote, bounds, at, mode, rehearsal, active, reduces, rows)]
    return rows
