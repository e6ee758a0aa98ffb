"""A whole session's view of the peg: what is bought with a currency that is not the limits' own."""

from decimal import Decimal

import pytest

from desired_state.canonical import from_json
from desired_state.reasons import Reason
from layers.orders import Side
from reconciler import decisions
from reconciler.session_ending import Ending
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.recorded_risk import recorded_findings
from tests.fakes.session_desk import limits_of, run

SHIPPED = '      USDT: {currency: USD, rate: "1", watched: assumed}'


def found(desk: GovernedDesk) -> list[dict]:
    """L5's decisions."""
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    leaves = [from_json(line) for path in lines for line in path.read_bytes().splitlines()]
    return [leaf["body"] for leaf in leaves if leaf["kind"] == decisions.LEAF_KIND]


def hold(desk: GovernedDesk, row: str) -> None:
    """Another peg, signed."""
    desk.edit("venues.yaml", SHIPPED, row)
    desk.propose_and_sign(2)


def codes(desk: GovernedDesk, control: str) -> set[str]:
    rows = (f for body in found(desk) for f in recorded_findings(body))
    return {row["code"] for row in rows if row["control"] == control}


def test_on_paper_the_assumed_peg_holds_and_every_decision_says_so(desk: GovernedDesk) -> None:
    record = run(desk).record
    assert record.fills
    told = [f for body in found(desk) for f in recorded_findings(body) if f["control"] == "F9"]
    bought = {f["measured"] for f in told} - {"not held against a reduction"}
    assert bought == {"assumed: made-up money"}


def test_a_dearer_peg_makes_orders_smaller_by_just_as_much(desk: GovernedDesk) -> None:
    hold(desk, '      USDT: {currency: USD, rate: "1.25", watched: assumed}')
    record = run(desk).record
    bought = [o for o in record.orders if o.side is Side.BUY]
    assert bought
    worth = [Decimal(o.price) * Decimal(o.quantity) for o in bought]
    # a rung is 0.15 of a symbol's 250 USD: the planner knows of it, and is not refused for ever
    assert 29 < max(worth) <= 30
    rows = [f for body in found(desk) for f in recorded_findings(body)]
    assert {row["bound"] for row in rows if row["control"] == "B4"} == {"40"}
    assert {row["bound"] for row in rows if row["control"] == "D1"} == {"-80"}
    for body in found(desk):
        assert decisions.replay(body, limits_of(desk, body)) == ()


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ('      USDT: {currency: USD, rate: "1", watched: USDC/USDT}', Reason.DATA_MISSING),
        ('      USDC: {currency: USD, rate: "1", watched: assumed}', Reason.LIMIT_MISSING),
        ('      USDT: {currency: EUR, rate: "1", watched: assumed}', Reason.LIMIT_MISSING),
    ],
)
def test_a_peg_that_nobody_shows_or_that_is_not_configured_buys_nothing(
    desk: GovernedDesk, row: str, code: Reason
) -> None:
    hold(desk, row)
    record = run(desk).record
    assert record.ending is Ending.COMPLETED
    assert record.orders == ()
    assert codes(desk, "F9") <= {code}
