"""The six orders that NautilusTrader 1.221's RiskEngine forwards (spec/risk.md) are refused."""

from desired_state.reasons import Reason
from desired_state.values import Trading
from layers.l5_risk_gate.finding import Outcome
from layers.orders import TimeInForce
from tests.risk.judged_order import AT, NO_ACCOUNT, RULES, D, found, judge


def test_900000_over_a_maximum_of_1_with_no_account_registered() -> None:
    huge = {"quantity": "9000", "price": "100"}
    verdict = judge(order=huge, limits={"max_order_notional": D(1)}, **NO_ACCOUNT)
    assert verdict.outcome is Outcome.DENY
    assert found(verdict, "B4").code is Reason.MAX_ORDER_NOTIONAL
    assert found(verdict, "A6").code is Reason.DATA_MISSING
    assert found(verdict, "C5").code is Reason.DATA_MISSING


def test_a_market_order_over_the_maximum_with_no_price_cached() -> None:
    verdict = judge(order={"kind": "market", "price": "", "quantity": "9"}, symbol__quote=None)
    assert verdict.outcome is Outcome.DENY
    assert found(verdict, "A6").code is Reason.NOT_ALLOW_LISTED
    assert found(verdict, "B4").code is Reason.DATA_MISSING


def test_a_buy_limit_at_nine_times_the_ask() -> None:
    verdict = judge(order={"price": "900.9", "quantity": "0.05"})
    assert verdict.outcome is Outcome.DENY
    assert found(verdict, "B7").code is Reason.PRICE_COLLAR


def test_each_of_fifty_identical_orders_after_the_first() -> None:
    outcomes = []
    last = {}
    for _ in range(51):
        verdict = judge(order={"time_in_force": TimeInForce.GTC}, **last)
        outcomes.append((verdict.outcome, found(verdict, "E5").code))
        last = {"flow__same_order_at": AT}
    assert outcomes[0] == (Outcome.ALLOW, Reason.WITHIN)
    assert set(outcomes[1:]) == {(Outcome.DENY, Reason.DUPLICATE)}


def test_an_opening_buy_while_reducing_and_flat() -> None:
    verdict = judge(trading=Trading.REDUCING)
    assert verdict.outcome is Outcome.DENY
    assert found(verdict, "C7").code is Reason.REDUCE_ONLY
    assert found(verdict, "A4").code is Reason.REDUCING


def test_an_order_under_the_venues_minimum() -> None:
    verdict = judge(order={"quantity": "0.04"}, symbol__rules=RULES)
    assert verdict.outcome is Outcome.DENY
    assert found(verdict, "B3").code is Reason.VENUE_BOUNDS
