"""B: the order as it will be sent is sane. Held against every order, reductions too."""

from decimal import Decimal

from desired_state.reasons import Reason
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    MISSING,
    NO_LIMIT,
    WITHIN,
    ControlFinding,
    finding,
)
from layers.l5_risk_gate.worst import ONE, ZERO


def _digits(number: str) -> int:
    """Significant digits as written: leading zeros do not count, trailing ones do."""
    return len(number.replace(".", "").lstrip("0"))


def b1_numbers(case: Case) -> ControlFinding:
    """Quantity and price are plain positive numbers of no more digits than configured."""
    request, most = case.request, case.limits.max_digits
    seen = (request.quantity, request.price)
    if most is None:
        code = NO_LIMIT
    elif case.price is None or case.quantity is None:
        code = Reason.BAD_NUMBER
    else:
        digits = max(_digits(request.quantity), _digits(request.price))
        code = WITHIN if digits <= most else Reason.BAD_NUMBER
    return finding(
        ("B1", code, ALLOW if code is WITHIN else DENY, seen, most, "digits", "order", None, None)
    )


def b2_increments(case: Case) -> ControlFinding:
    """Price is a multiple of the venue's tick and quantity of its step, exactly."""
    rules, price, quantity = case.symbol.rules, case.price, case.quantity
    bound = None
    if rules is None or price is None or quantity is None or not (rules.tick and rules.step):
        code = MISSING
    else:
        bound = (rules.step, rules.tick)
        exact = not (price % rules.tick or quantity % rules.step)
        code = WITHIN if exact else Reason.BAD_INCREMENT
    outcome = ALLOW if code is WITHIN else DENY
    return finding(
        ("B2", code, outcome, (quantity, price), bound, "step, tick", "order", None, None)
    )


def b3_venue_bounds(case: Case) -> ControlFinding:
    """Quantity and notional lie between the venue's own minimum and maximum."""
    rules, quantity, notional = case.symbol.rules, case.quantity, case.notional
    bound = None
    if rules is None or quantity is None or notional is None:
        code = MISSING
    else:
        bound = (rules.min_quantity, rules.max_quantity, rules.min_notional, rules.max_notional)
        inside = (
            rules.min_quantity <= quantity <= rules.max_quantity
            and rules.min_notional <= notional <= rules.max_notional
        )
        code = WITHIN if inside else Reason.VENUE_BOUNDS
    outcome = ALLOW if code is WITHIN else DENY
    return finding(
        ("B3", code, outcome, (quantity, notional), bound, "base, quote", "order", None, None)
    )


def b4_order_notional(case: Case) -> ControlFinding:
    """Worst price x quantity x (1 + taker fee) is no more than one order may be worth."""
    most, price, quantity = case.limits.max_order_notional, case.price, case.quantity
    worst = _worst_price(case, price)
    value = None
    if worst is not None and quantity is not None and case.taker is not None:
        value = worst * quantity * (ONE + case.taker)
    if most is None:
        code = NO_LIMIT
    elif value is None:
        code = MISSING
    else:
        code = WITHIN if value <= most else Reason.MAX_ORDER_NOTIONAL
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("B4", code, outcome, value, most, "quote", "order", None, case.ages))


def _worst_price(case: Case, price: Decimal | None) -> Decimal | None:
    """A buy pays at most its limit; a sell may bring the bid where that is higher."""
    bid = case.quote.bid
    if price is None or case.buying:
        return price
    return None if bid is None else max(price, bid)


def b7_price_collar(case: Case) -> ControlFinding:
    """The price lies inside the collar round the mid, and the mid near its own recent mean."""
    limits, mid, price, mean = case.limits, case.mid, case.price, case.quote.reference
    near, far, period = limits.price_collar, limits.passive_collar, limits.period_collar
    seen, bound = None, near
    if near is None or far is None or period is None:
        code = NO_LIMIT
    elif mid is None or price is None or mean is None or mid <= ZERO or mean <= ZERO:
        code = MISSING
    else:
        seen = price / mid - ONE if case.buying else ONE - price / mid
        if not _inside(case.buying, price, mid, (near, far)):
            code = Reason.PRICE_COLLAR
            bound = near if seen > ZERO else -far
        elif abs(mid - mean) > period * mean:
            code, seen, bound = Reason.PRICE_COLLAR, mid / mean - ONE, period
        else:
            code = WITHIN
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("B7", code, outcome, seen, bound, "ratio", "order", None, case.ages))


def _inside(
    buying: bool,  # noqa: FBT001  (two sides, one formula)
    price: Decimal,
    mid: Decimal,
    collars: tuple[Decimal, Decimal],
) -> bool:
    near, far = collars
    if buying:
        return mid * (ONE - far) <= price <= mid * (ONE + near)
    return mid * (ONE - near) <= price <= mid * (ONE + far)
