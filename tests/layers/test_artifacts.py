import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from desired_state.canonical import canonical, digest
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.artifacts import (
    CriticReport,
    Decision,
    MarketOutlook,
    Scenario,
    TradePlan,
    decision_of,
    parse_artifact,
)
from layers.l2_market_outlook.outlook import outlook
from layers.l3_trade_plan import ladder
from layers.l4_critic.critic import review
from layers.order_words import ready_order
from tests.layers.desk_of_prices import (
    BARS_ONLY,
    CITED,
    LADDER,
    PACKS,
    POLICY,
    SERIES,
    day,
    real_bars,
)

NOW = day(3, 1)
OUTLOOK = outlook(SERIES, real_bars(), None, BARS_ONLY, NOW)
PLAN = ladder.plan(SERIES, OUTLOOK, LADDER, NOW, CITED)
REPORT = review(PLAN, OUTLOOK, PACKS, POLICY, NOW)
ANSWER = json.loads(canonical(REPORT))


def answered(**changes: object) -> Decision:
    data = json.dumps({**ANSWER, **changes}).encode()
    return decision_of(data, digest(PLAN), frozenset(PACKS))


def test_what_the_layers_write_they_read_back_to_the_same_bytes() -> None:
    for artifact in (OUTLOOK, PLAN, REPORT):
        data = canonical(artifact)
        assert canonical(parse_artifact(data, type(artifact))) == data


def test_the_recorded_answer_is_an_approval() -> None:
    assert answered() is Decision.APPROVE


@pytest.mark.parametrize(
    "word",
    [
        "I do NOT approve this. REJECT.",
        "APPROVED",
        "approve",
        " APPROVE",
        "APPROVE ",
        "APPROVE\n",
        "APPROVE, REJECT",
        "NOT APPROVE",
        "GO",
        "GO_LIVE_NOW",
        "UNLOCK",
        "yes",
        "",
        None,
        True,
        1,
        ["APPROVE"],
        {"decision": "APPROVE"},
    ],
)
def test_whatever_is_not_exactly_a_decision_is_reject(word: object) -> None:
    assert answered(decision=word) is Decision.REJECT


def test_no_decision_is_reject() -> None:
    data = json.dumps({k: v for k, v in ANSWER.items() if k != "decision"}).encode()
    assert decision_of(data, digest(PLAN), frozenset(PACKS)) is Decision.REJECT


def test_a_second_decision_in_the_same_object_is_reject() -> None:
    data = canonical(REPORT).replace(b'"risk":', b'"decision":"REJECT","risk":')
    assert decision_of(data, digest(PLAN), frozenset(PACKS)) is Decision.REJECT


def test_the_words_of_the_rationale_decide_nothing() -> None:
    words = "I do NOT approve this. REJECT."
    assert answered(rationale=words) is Decision.APPROVE
    assert answered(rationale="APPROVE", decision="REJECT") is Decision.REJECT


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": []},
        {"evidence": ["EV-20200224-L2-ffffffffffff"]},
        {"evidence": ["anything"]},
        {"subject": "sha256:" + "1" * 64},
        {"rationale": ""},
        {"unlock": True},
        {"artifact": "GoApproval"},
        {"risk": "NONE"},
        {"findings": [{"rule": "P-STOP", "weight": "block", "subject": "x", "message": "y"}]},
        {"findings": [{"rule": "P-STOP", "weight": "change", "subject": "x", "message": "y"}]},
    ],
)
def test_an_approval_that_does_not_hold_together_is_reject(changes: dict[str, object]) -> None:
    assert answered(**changes) is Decision.REJECT


@given(st.binary(max_size=300))
def test_any_bytes_are_an_artifact_or_a_reason(data: bytes) -> None:
    with pytest.raises(Stalled) as caught:
        parse_artifact(data, TradePlan)
    assert caught.value.code is Reason.ARTIFACT_INVALID
    assert decision_of(data, digest(PLAN), frozenset(PACKS)) is Decision.REJECT


def test_nesting_without_end_is_a_reason() -> None:
    for data in (b"[" * 100_000, b'{"artifact":' * 20_000, b" " * 300_000):
        with pytest.raises(Stalled):
            parse_artifact(data, TradePlan)


def test_an_artifact_of_another_type_is_none() -> None:
    with pytest.raises(Stalled):
        parse_artifact(canonical(OUTLOOK), TradePlan)
    with pytest.raises(Stalled):
        parse_artifact(canonical(PLAN), CriticReport)


@pytest.mark.parametrize("key", ["quantity", "order_type", "time_in_force", "leverage", "orders"])
def test_a_plan_has_no_place_for_an_order(key: str) -> None:
    whole = json.loads(canonical(PLAN))
    for target in (whole, whole["hypotheses"][0], whole["hypotheses"][0]["checklist"]):
        target[key] = "1"
        with pytest.raises(Stalled):
            parse_artifact(json.dumps(whole).encode(), TradePlan)
        del target[key]
    assert parse_artifact(json.dumps(whole).encode(), TradePlan) == PLAN


READY = [
    "Buy 1 BTC at market now with leverage 10x",
    "buy 0.5 btc",
    "BUY BTC/USDT 0.5",
    "Sell half of the position at market.",
    "Now SELL everything at the market",
    "sell $500 of it",
    "short 2 contracts",
    "Place a limit order for 0.1 at 9000",
    "use leverage of 5",
    "with 20x leverage",
    "limit buy 0.2",
    "buy the dip @ 8500",
    '{"quantity": "1"}',
    "order_type=market",
    "B\u200buy 1 BTC",
    "\uff22\uff35\uff39 \uff11 BTC",
    "buy\u00a01\u00a0BTC",
    "Buy  1\tBTC",
]
PROSE = [
    "this plan contains no order parameters",
    "The market stays in its range.",
    "Buyers came back at 9000 after the fall of 12 March.",
    "A short squeeze would end the range.",
    "We would not buy here; the trend is down 8 % in a day.",
    "No market order is ever used.",
    "Long term holders did not sell.",
    "The close lies 3 % below the high.",
]


@pytest.mark.parametrize("text", READY)
def test_an_order_in_prose_is_refused(text: str) -> None:
    assert ready_order(text)
    with pytest.raises(ValidationError):
        Scenario(name="bull", probability="1", reason=text, invalidation="none")  # type: ignore[arg-type]
    plan = json.loads(canonical(PLAN))
    plan["hypotheses"][0]["thesis"] = text
    with pytest.raises(Stalled):
        parse_artifact(json.dumps(plan).encode(), TradePlan)


@pytest.mark.parametrize("text", PROSE)
def test_prose_about_markets_passes(text: str) -> None:
    assert ready_order(text) is None
    plan = json.loads(canonical(PLAN))
    plan["hypotheses"][0]["thesis"] = text
    assert parse_artifact(json.dumps(plan).encode(), TradePlan).hypotheses[0].thesis == text


@pytest.mark.parametrize(
    "changes",
    [
        {"scenarios_by": "some-model"},
        {"scenarios": [{"name": "bull", "probability": "1", "reason": "r", "invalidation": "i"}]},
        {
            "scenarios_by": "some-model",
            "scenarios": [
                {"name": "bull", "probability": "0.7", "reason": "r", "invalidation": "i"},
                {"name": "bear", "probability": "0.2", "reason": "r", "invalidation": "i"},
            ],
        },
    ],
)
def test_scenarios_need_their_model_and_sum_to_one(changes: dict[str, object]) -> None:
    data = json.dumps({**json.loads(canonical(OUTLOOK)), **changes}).encode()
    with pytest.raises(Stalled):
        parse_artifact(data, MarketOutlook)
