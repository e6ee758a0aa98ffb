"""B: the order as it will be sent is sane. Held against every order, reductions too."""

from decimal import Decimal

from desired_state.reasons import Reason
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    MISSING,
    NO_LIMIT,
    SHARE,
    WITHIN,
    Row,
    against,
)
from layers.l5_risk_gate.worst import ONE, ZERO


def _digits(number: str) -> int:
    """Significant digits as written: leading zeros do not count, trailing ones do."""
    return len(number.replace(".", "").lstrip("0"))


def b1_numbers(case: Case) -> Row:
    """Quantity and price are plain positive numbers of no more digits than configured."""
    most = case.limits.max_digits
    seen = (quantity, price) = case.wire
    if most is None:
        code = NO_LIMIT
    elif case.price is None or case.quantity is None:
        code = Reason.BAD_NUMBER
    # a point counts with the digits here, so most orders need no second look
    elif len(quantity) <= most and len(price) <= most:
        return ("B1", WITHIN, ALLOW, seen, most, "digits", "order", None, None)
    else:
        digits = max(_digits(quantity), _digits(price))
        code = WITHIN if digits <= most else Reason.BAD_NUMBER
    outcome = ALLOW if code is WITHIN else DENY
    return ("B1", code, outcome, seen, most, "digits", "order", None, None)


def b2_increments(case: Case) -> Row:
    """Price is a multiple of the venue's tick and quantity of its step, exactly."""
    rules, price, quantity = case.rules, case.price, case.quantity
    seen = (quantity, price)
    if rules is None or price is None or quantity is None:
        return ("B2", MISSING, DENY, seen, None, "step, tick", "order", None, None)
    tick, step = rules.tick, rules.step
    if not (tick and step):
        return ("B2", MISSING, DENY, seen, None, "step, tick", "order", None, None)
    bound = (step, tick)
    if price % tick or quantity % step:
        return ("B2", Reason.BAD_INCREMENT, DENY, seen, bound, "step, tick", "order", None, None)
    return ("B2", WITHIN, ALLOW, seen, bound, "step, tick", "order", None, None)


def b3_venue_bounds(case: Case) -> Row:
    """Quantity and notional lie between the venue's own minimum and maximum."""
    rules, quantity, notional = case.rules, case.quantity, case.notional
    seen = (quantity, notional)
    if rules is None or quantity is None or notional is None:
        return ("B3", MISSING, DENY, seen, None, "base, quote", "order", None, None)
    least, most = rules.min_quantity, rules.max_quantity
    least_value, most_value = rules.min_notional, rules.max_notional
    bound = (least, most, least_value, most_value)
    if least <= quantity <= most and least_value <= notional <= most_value:
        return ("B3", WITHIN, ALLOW, seen, bound, "base, quote", "order", None, None)
    return ("B3", Reason.VENUE_BOUNDS, DENY, seen, bound, "base, quote", "order", None, None)


def b4_order_notional(case: Case) -> Row:
    """Worst price x quantity x (1 + taker fee) is no more than one order may be worth."""
    most, value = case.limits.max_order_notional, case.outlay
    # a buy pays at most its limit; a sell may bring the bid where that is higher
    if not case.buying:
        value = _brought(case)
    if most is not None and value is not None and value <= most:
        return ("B4", WITHIN, ALLOW, value, most, "quote", "order", None, case.ages)
    code = against(most, value, Reason.MAX_ORDER_NOTIONAL)
    return ("B4", code, DENY, value, most, "quote", "order", None, case.ages)


def _brought(case: Case) -> Decimal | None:
    """What a sell may bring, with the fee on top."""
    price, quantity, bid, gross = case.price, case.quantity, case.bid, case.gross
    if price is None or quantity is None or bid is None or gross is None:
        return None
    return max(price, bid) * quantity * gross


def b5_quantity(case: Case) -> Row:
    """The order is for no more base units than one order may be, whatever they are worth."""
    most, quantity = case.limits.max_order_quantity, case.quantity
    if most is not None and quantity is not None and quantity <= most:
        return ("B5", WITHIN, ALLOW, quantity, most, "base", "order", None, None)
    code = against(most, quantity, Reason.MAX_QUANTITY)
    return ("B5", code, DENY, quantity, most, "base", "order", None, None)


def b6_fat_finger(case: Case) -> Row:
    """No giant beside the strategy's last orders, nor beside the book that it could meet.

    The first order of all has none before it; the depth, B4 and B5 bound it.
    """
    conduct, quantity = case.conduct, case.quantity
    times, part, bound = case.bounds.depth
    depth = case.quote.ask_depth if case.buying else case.quote.bid_depth
    sizes, usual = conduct.sizes, conduct.median_size
    seen = (quantity, "usual", usual, "of depth", depth)
    if times is None or part is None:
        code = NO_LIMIT
    elif quantity is None or depth is None or sizes is None or (sizes and usual is None):
        code = MISSING
    elif quantity <= part * depth and (usual is None or not sizes or quantity <= times * usual):
        return ("B6", WITHIN, ALLOW, seen, bound, "base", "order", None, case.ages)
    else:
        code = Reason.FAT_FINGER
    return ("B6", code, DENY, seen, bound, "base", "order", None, case.ages)


def b7_price_collar(case: Case) -> Row:
    """The price lies inside the collar round the mid, and the mid near its own recent mean."""
    buying, mid, price, mean = case.buying, case.mid, case.price, case.quote.reference
    near, period, low, high = case.bounds.collar_buying if buying else case.bounds.collar_selling
    if low is None or high is None or period is None or near is None:
        return ("B7", NO_LIMIT, DENY, None, near, "ratio", "order", None, case.ages)
    if mid is None or price is None or mean is None or mid <= ZERO or mean <= ZERO:
        return ("B7", MISSING, DENY, None, near, "ratio", "order", None, case.ages)
    seen = (SHARE, price, mid, ONE)
    if not mid * low <= price <= mid * high:
        bound = (high if price > mid else low) - ONE
        return ("B7", Reason.PRICE_COLLAR, DENY, seen, bound, "ratio", "order", None, case.ages)
    if abs(mid - mean) > period * mean:
        off = (SHARE, mid, mean, ONE)
        return ("B7", Reason.PRICE_COLLAR, DENY, off, period, "ratio", "order", None, case.ages)
    bound = near if buying else -near
    return ("B7", WITHIN, ALLOW, seen, bound, "ratio", "order", None, case.ages)


def b8_order_times(case: Case) -> Row:
    """The order's end lies ahead; what may rest has an age at which L6 cancels it."""
    ends, at, most = case.expires, case.at, case.limits.max_order_age
    over = case.bounds.over["max_order_age"]
    if most is None:
        return ("B8", NO_LIMIT, DENY, ends, None, "end, age", "order", None, None)
    bound = ("after", at, "age", most)
    if ends > at:
        return ("B8", WITHIN, ALLOW, ends, bound, "end, age", "order", over, None)
    return ("B8", Reason.ORDER_EXPIRED, DENY, ends, bound, "end, age", "order", over, None)


def sanity_rows(case: Case) -> tuple[Row, ...]:
    """B1 to B8."""
    return (
        b1_numbers(case),
        b2_increments(case),
        b3_venue_bounds(case),
        b4_order_notional(case),
        b5_quantity(case),
        b6_fat_finger(case),
        b7_price_collar(case),
        b8_order_times(case),
    )
