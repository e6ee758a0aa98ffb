"""G: what the order stands on: clock, venue, reconciliation, watcher, journal. Held against all."""

from datetime import datetime, timedelta
from typing import Final

from desired_state.reasons import Reason
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    HALT,
    MISSING,
    NO_LIMIT,
    WITHIN,
    Quantity,
    Row,
    against,
)
from layers.risk_snapshot import NEVER, Snapshot, VenueClass

DAY: Final = timedelta(days=1)  # G7: key and identity are checked again daily at least
NO_TIME: Final = timedelta(0)
_ANSWERS: Final = "errors, timeouts"
_TESTNET: Final = VenueClass.TESTNET
_SAID: Final = {None: "None", True: "True", False: "False"}
_G6: Final[Row] = ("G6", WITHIN, ALLOW, "True", "True", "writable", "host", None, None)


def g1_clock_skew(case: Case) -> Row:
    """Our clock agrees with the venue's, as lately asked, and has not jumped against itself.

    Half the bound is where the finding says ``warn``.
    """
    least, most, stale = case.bounds.clock
    offset, jump, age = case.health.clock_offset, case.health.clock_jump, case.asked
    seen: tuple[Quantity, ...] = (offset, "jump", jump)
    if most is None or least is None or stale is None:
        return ("G1", NO_LIMIT, DENY, seen, most, "offset", "host", None, None)
    ages = (age, None)
    if offset is None or jump is None or age is None or age > stale:
        return ("G1", MISSING, DENY, seen, most, "offset", "host", None, ages)
    if least <= offset <= most and least <= jump <= most:
        if not least <= offset + offset <= most:
            seen = ("warn", offset, "jump", jump)
        return ("G1", WITHIN, ALLOW, seen, most, "offset", "host", None, ages)
    return ("G1", Reason.CLOCK_SKEW, DENY, seen, most, "offset", "host", None, ages)


def g2_venue_errors(case: Case) -> Row:
    """The venue answers; where too many answers were lost lately, nothing but reads goes there.

    An open circuit closes itself on answered reads; one that stays open halts.
    """
    most, late, longest, bound = case.bounds.errors
    health = case.health
    errors, timeouts, since = health.errors, health.timeouts, health.open_since
    seen: Quantity = (errors, timeouts)
    over, outcome = case.bounds.minute, DENY
    if most is None or late is None or longest is None:
        code = NO_LIMIT
    elif errors is None or timeouts is None or since is None:
        code = MISSING
    elif since == NEVER and errors < most and timeouts < late:
        return ("G2", WITHIN, ALLOW, seen, bound, _ANSWERS, "venue", over, None)
    else:
        code = Reason.VENUE_ERRORS
        if since != NEVER:
            seen = (errors, timeouts, "open", case.now - since)
            outcome = HALT if outlasts(since, longest, case.now) else DENY
    return ("G2", code, outcome, seen, bound, _ANSWERS, "venue", over, None)


def outlasts(since: datetime, longest: timedelta | None, now: datetime) -> bool:
    """Whether a circuit that is open since then is a matter for people; ``NEVER``: it is closed.

    Asked between orders too: a venue that answers nothing has no bar on which to want one.
    """
    return since != NEVER and longest is not None and now - since > longest


def g3_unknown_orders(case: Case) -> Row:
    """No order of the symbol is of unknown fate; too many of them, or for too long, halt."""
    most, longest = case.limits.max_unknown_orders, case.bounds.span["max_unknown_age"]
    over = case.bounds.over["max_unknown_age"]
    count, age = _unknown(case.snapshot)
    seen, bound = (count, age), (most, longest)
    if count is not None and most is not None and longest is not None:
        if not count:
            own = case.symbol.unknown_orders
            outcome, code = (ALLOW, WITHIN) if own == 0 else (DENY, MISSING)
            return ("G3", code, outcome, seen, bound, "orders, age", "account", over, None)
        if count >= most or (age is not None and age > longest):
            code = Reason.UNKNOWN_ORDERS
            return ("G3", code, HALT, seen, bound, "orders, age", "account", over, None)
        if age is not None and case.symbol.unknown_orders == 0:
            return ("G3", WITHIN, ALLOW, seen, bound, "orders, age", "account", over, None)
    code = NO_LIMIT if most is None or longest is None else MISSING
    if code is MISSING and count is not None and age is not None:
        code = Reason.UNKNOWN_ORDERS
    return ("G3", code, DENY, seen, bound, "orders, age", "account", over, None)


def _unknown(snapshot: Snapshot) -> tuple[int | None, timedelta | None]:
    """How many orders are of unknown fate, and for how long the oldest has been."""
    count, age = 0, NO_TIME
    for state in snapshot.symbols:
        own = state.unknown_orders
        if own is None:
            return None, None
        if own:
            since = state.unknown_since
            if since is None:
                return count + own, None
            count, age = count + own, max(age, snapshot.at - since)
    return count, age


def g4_reconciliation(case: Case) -> Row:
    """Our books and the venue's agree; a difference nobody can explain halts."""
    found = case.snapshot.safety.unexplained
    if found == 0:
        return ("G4", WITHIN, ALLOW, 0, 0, "differences", "account", None, None)
    code, outcome = (MISSING, DENY) if found is None else (Reason.RECON_DIFF, HALT)
    return ("G4", code, outcome, found, 0, "differences", "account", None, None)


def g5_safety_net(case: Case) -> Row:
    """The watcher's last heartbeat, on the wall clock, is no older than the root allows."""
    beat, most = case.snapshot.safety.heartbeat_at, case.snapshot.safety.heartbeat_max_age
    age = None if beat is None else case.now - beat
    # a beat may be newer than the cycle's one instant, but not by more than its bound
    if age is not None and most is not None and abs(age) <= most:
        return ("G5", WITHIN, ALLOW, age, most, "age", "host", None, None)
    code = MISSING if age is None or most is None else Reason.SAFETY_NET_DOWN
    return ("G5", code, DENY, age, most, "age", "host", None, None)


def g6_journal(case: Case) -> Row:
    """The journal takes what must be on disk before an order leaves."""
    writable = case.snapshot.safety.journal_writable
    if writable is True:
        return _G6
    code = MISSING if writable is None else Reason.JOURNAL
    return ("G6", code, DENY, str(writable), "True", "writable", "host", None, None)


def g7_key_scope(case: Case) -> Row:
    """The key cannot withdraw, works from our address alone and is the approved account's.

    A testnet may not be able to tell of a key's scope, and there is nothing to withdraw; what it
    does tell of withdrawals counts. Elsewhere, not told is no.
    """
    health, expected, age = case.health, case.snapshot.account, case.asked
    wired, scope, bound_to = case.snapshot.venue_class, health.can_withdraw, health.address_bound
    seen = (_SAID[scope], _SAID[bound_to], health.account)
    bound = ("False", "True", expected)
    told = wired is _TESTNET or (scope is not None and bound_to is not None)
    if not told or age is None or wired is None or expected is None or health.account is None:
        code = MISSING
    elif scope or (wired is not _TESTNET and not bound_to) or health.account != expected:
        code = Reason.KEY_SCOPE
    elif age <= DAY:
        return ("G7", WITHIN, ALLOW, seen, bound, "withdraws, bound, id", "account", None, None)
    else:
        code = MISSING
    return ("G7", code, DENY, seen, bound, "withdraws, bound, id", "account", None, None)


def g8_venue_identity(case: Case) -> Row:
    """What answers has proven, on a signed request, to be of the class that is wired."""
    wired, proven, age = case.snapshot.venue_class, case.health.venue_class, case.asked
    if wired is None or proven is None or age is None or age > DAY:
        return ("G8", MISSING, DENY, proven, wired, "venue class", "venue", None, None)
    if proven is wired:
        return ("G8", WITHIN, ALLOW, proven, wired, "venue class", "venue", None, None)
    return ("G8", Reason.VENUE_IDENTITY, DENY, proven, wired, "venue class", "venue", None, None)


def g9_headroom(case: Case) -> Row:
    """A share of the venue's rate limit stays free for cancels."""
    least, stale = case.limits.min_headroom, case.limits.max_venue_check_age
    left, age = case.health.headroom, case.asked
    ages = (age, None)
    if least is None or stale is None:
        return ("G9", NO_LIMIT, DENY, left, least, "ratio", "venue", None, ages)
    if left is None or age is None or age > stale:
        return ("G9", MISSING, DENY, left, least, "ratio", "venue", None, ages)
    if left >= least:
        return ("G9", WITHIN, ALLOW, left, least, "ratio", "venue", None, ages)
    code = against(least, left, Reason.RATE_HEADROOM)
    return ("G9", code, DENY, left, least, "ratio", "venue", None, ages)


def infrastructure_rows(case: Case) -> tuple[Row, ...]:
    """G1 to G9."""
    return (
        g1_clock_skew(case),
        g2_venue_errors(case),
        g3_unknown_orders(case),
        g4_reconciliation(case),
        g5_safety_net(case),
        g6_journal(case),
        g7_key_scope(case),
        g8_venue_identity(case),
        g9_headroom(case),
    )
