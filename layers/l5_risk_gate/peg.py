"""F9: whether the quote currency is worth what the limits take it for.

Not held against reductions: a quote currency that falls is no reason to hold on to a position,
and what people want then is theirs to say.
"""

from typing import Final, TypeAlias

from desired_state.reasons import Reason
from layers.l5_risk_gate.authority import UNARMED
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    MISSING,
    NO_LIMIT,
    NOT_HELD,
    WITHIN,
    Ages,
    Quantity,
    Row,
)

ASSUMED: Final = "assumed: made-up money"
SAME: Final = "the limits' own currency"
Found: TypeAlias = tuple[Reason, Quantity, Ages | None]


def f9_peg(case: Case) -> Row:
    """Bid and ask of the quote currency, as lately watched, lie near the peg that is configured.

    A peg that nobody watches holds where money is made up, and nowhere else.
    """
    bound = case.bounds.pegged
    if case.reduces:
        return ("F9", WITHIN, ALLOW, NOT_HELD, bound, "price", "account", None, None)
    code, seen, aged = _found(case)
    outcome = ALLOW if code is WITHIN else DENY
    return ("F9", code, outcome, seen, bound, "price", "account", None, aged)


def _found(case: Case) -> Found:
    peg, (lowest, _, highest) = case.snapshot.peg, case.bounds.pegged
    if peg is None or _is_priced_elsewise(case, case.bounds.ending):
        return MISSING, "no peg of this price", None
    if lowest is None or highest is None or case.limits.max_venue_check_age is None:
        return NO_LIMIT, None, None
    if peg.quote == case.limits.currency:
        return WITHIN, SAME, None
    if peg.assumed:
        return WITHIN if case.snapshot.mode in UNARMED else MISSING, ASSUMED, None
    bid, ask, seen = peg.bid, peg.ask, (peg.bid, "to", peg.ask)
    age = None if peg.asked_at is None else abs(case.now - peg.asked_at)
    if bid is None or ask is None or age is None or age > case.limits.max_venue_check_age:
        code = MISSING
    else:
        code = WITHIN if lowest <= bid <= ask <= highest else Reason.DEPEGGED
    return code, seen, (age, None)


def _is_priced_elsewise(case: Case, ending: str) -> bool:
    """Whether the order or anything held beside it is priced in another currency than the peg's."""
    for state in case.snapshot.symbols:  # a generator would cost as much as all the rest here
        if not state.symbol.endswith(ending):
            return True
    return not case.name.endswith(ending)
