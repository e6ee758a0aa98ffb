"""The six orders that NautilusTrader 1.221's RiskEngine forwards (spec/risk.md) are refused."""

import pytest

from desired_state.reasons import Reason
from layers.l5_risk_gate.finding import Outcome
from tests.bench.forwarding import answers
from tests.risk.forwarded_orders import FORWARDED, copies, while_reducing, without_account
from tests.risk.judged_order import found


@pytest.mark.parametrize("name", FORWARDED)
def test_each_of_them_is_refused_by_the_controls_that_it_is_for(name: str) -> None:
    ask, controls = FORWARDED[name]
    last = ask()[-1]
    assert last.outcome is Outcome.DENY
    assert set(controls) <= {f.control for f in last.refusals}


def test_an_account_nobody_knows_is_data_missing_and_the_value_is_too_much_all_the_same() -> None:
    [verdict] = without_account()
    assert found(verdict, "B4").code is Reason.MAX_ORDER_NOTIONAL
    assert found(verdict, "A6").code is Reason.DATA_MISSING
    assert found(verdict, "C5").code is Reason.DATA_MISSING


def test_of_fifty_one_identical_orders_the_first_alone_passes() -> None:
    outcomes = [(v.outcome, found(v, "E5").code) for v in copies()]
    assert outcomes[0] == (Outcome.ALLOW, Reason.WITHIN)
    assert set(outcomes[1:]) == {(Outcome.DENY, Reason.DUPLICATE)}
    assert len(outcomes) == 51


def test_an_opening_buy_while_reducing_names_the_state_and_the_rule() -> None:
    [verdict] = while_reducing()
    assert found(verdict, "C7").code is Reason.REDUCE_ONLY
    assert found(verdict, "A4").code is Reason.REDUCING


def test_the_bench_shows_both_side_by_side() -> None:
    shown = answers()
    assert [answer.order for answer in shown] == list(FORWARDED)
    assert all(answer.ok for answer in shown)
    assert shown[3].ours.startswith("50 of 51: E5 DUPLICATE")
