"""What L5 keeps between two orders never shows: each is judged as if it were the only one."""

from dataclasses import replace
from itertools import permutations

import pytest

from desired_state.limits import Limits
from desired_state.values import Mode
from layers.l5_risk_gate.finding import RiskVerdict
from layers.l5_risk_gate.gate import evaluate
from layers.orders import Intent
from layers.risk_snapshot import Snapshot
from tests.risk.judged_order import AT, LIMITS, NOW, SECOND, SELL, SNAPSHOT, D, edited, intent
from tests.risk.judged_order import QUOTE as SAME

Asked = tuple[Intent, Snapshot, Limits]
OTHER = replace(SAME, bid=D(1), ask=D(2), previous_mid=D(1))
WHOLE = edited(symbol__position=D(1))
# every one of them looks at the very same quote, and differs in something that F1 to F8 read
SEQUENCE: dict[str, Asked] = {
    "good": (intent(), SNAPSHOT, LIMITS),
    "later": (intent(), edited(at=AT + 9 * SECOND), LIMITS),
    "live": (intent(), edited(mode=Mode.BOUNDED_LIVE), LIMITS),
    "rehearsed": (intent(), edited(mode=Mode.BOUNDED_LIVE, rehearsal=True), LIMITS),
    "closed": (intent(), edited(symbol__active=False), LIMITS),
    "narrow": (intent(), SNAPSHOT, LIMITS.model_copy(update={"max_spread": D(0)})),
    "unset": (intent(), SNAPSHOT, LIMITS.model_copy(update={"max_range": None})),
    "opening": (intent(**SELL), SNAPSHOT, LIMITS),
    "reducing": (intent(**SELL), WHOLE, LIMITS.model_copy(update={"max_range": D(0)})),
    "held": (intent(**SELL), WHOLE, LIMITS),
    "jumped": (intent(), edited(quote__previous_mid=D(50)), LIMITS),
    "equal": (intent(), edited(quote__bid=SAME.bid), LIMITS),
}


def alone(asked: Asked) -> RiskVerdict:
    """Right after an order of another market, of which nothing can be left."""
    order, given, limits = asked
    evaluate(intent(), edited(symbol__quote=OTHER), Limits(), NOW)
    return evaluate(order, given, limits, NOW)


@pytest.mark.parametrize(("first", "second"), list(permutations(SEQUENCE, 2)))
def test_an_order_is_judged_the_same_whatever_was_judged_before_it(first: str, second: str) -> None:
    expected = alone(SEQUENCE[second])
    alone(SEQUENCE[first])
    order, given, limits = SEQUENCE[second]
    found = evaluate(order, given, limits, NOW)
    assert found == expected
    assert found.plain() == expected.plain()


def test_the_same_limits_on_a_feed_of_bars_are_other_bounds() -> None:
    hour = 3600 * SECOND
    order, given, limits = SEQUENCE["later"]
    bars = replace(given, symbols=(replace(given.symbols[0], quote=replace(SAME, interval=hour)),))
    ticks_first = alone((order, given, limits))
    assert evaluate(order, bars, limits, NOW) == alone((order, bars, limits)) != ticks_first
