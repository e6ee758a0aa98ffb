from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from desired_state.canonical import canonical, digest
from layers.artifacts import (
    CriticReport,
    Decision,
    EvidenceRef,
    Hypothesis,
    Risk,
    TradePlan,
    Trigger,
    TriggerKind,
    Weight,
)
from layers.l2_market_outlook.outlook import outlook
from layers.l3_trade_plan import ladder
from layers.l4_critic.critic import critic_id, review
from layers.l4_critic.rules import RULES
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
BARS = real_bars()
OUTLOOK = outlook(SERIES, BARS, None, BARS_ONLY, NOW)
PLAN = ladder.plan(SERIES, OUTLOOK, LADDER, NOW, CITED)
HYPOTHESIS = PLAN.hypotheses[0]
TRIGGER = Trigger(
    kind=TriggerKind.SPREAD_SPIKE,
    cause="spread",
    symbol="BTC/USDT",
    measured=Decimal("0.01"),
    bound=Decimal("0.004"),
    since=NOW,
    expires=NOW + timedelta(hours=1),
)


def with_hypothesis(**changes: object) -> TradePlan:
    changed = HYPOTHESIS.model_copy(update=changes)
    return PLAN.model_copy(update={"hypotheses": (changed,)})


def with_checklist(**changes: object) -> TradePlan:
    return with_hypothesis(checklist=HYPOTHESIS.checklist.model_copy(update=changes))


def judged(plan: TradePlan, **changes: object) -> CriticReport:
    seen: dict[str, Any] = {"outlook": OUTLOOK, "packs": PACKS, "policy": POLICY, "as_of": NOW}
    return review(plan, **(seen | changes))


def rules(report: CriticReport) -> set[str]:
    return {found.rule for found in report.findings}


def test_a_calm_market_gives_one_hypothesis_without_any_quantity() -> None:
    (found,) = PLAN.hypotheses
    assert found.invalidation.price < OUTLOOK.reference < found.entry.price  # type: ignore[operator]
    assert found.checklist.stop_fraction >= LADDER.min_stop_fraction
    assert PLAN.proposer == f"template:ladder@{digest(LADDER)}"
    assert PLAN.outlook == digest(OUTLOOK)


def test_a_standing_trigger_means_stand_aside_and_is_named() -> None:
    stormy = OUTLOOK.model_copy(update={"triggers": (TRIGGER,)})
    plan = ladder.plan(SERIES, stormy, LADDER, NOW, CITED)
    assert plan.hypotheses == ()
    assert [(t.kind, t.cause) for t in plan.no_trade] == [(TRIGGER.kind, TRIGGER.cause)]
    assert judged(plan, outlook=stormy).decision is Decision.APPROVE


def test_an_expired_or_empty_outlook_means_stand_aside() -> None:
    assert ladder.plan(SERIES, OUTLOOK, LADDER, OUTLOOK.expires).hypotheses == ()
    nothing = outlook(SERIES, [], None, BARS_ONLY, NOW)
    assert ladder.plan(SERIES, nothing, LADDER, NOW).hypotheses == ()
    blind = nothing.model_copy(update={"triggers": ()})
    assert ladder.plan(SERIES, blind, LADDER, NOW).hypotheses == ()


def test_a_new_plan_is_due_when_it_would_say_something_else() -> None:
    aside = PLAN.model_copy(update={"hypotheses": ()})
    fallen = OUTLOOK.model_copy(update={"reference": HYPOTHESIS.invalidation.price})
    stormy = OUTLOOK.model_copy(update={"triggers": (TRIGGER,)})
    assert ladder.is_due(None, OUTLOOK, NOW)
    assert not ladder.is_due(PLAN, OUTLOOK, NOW)
    assert ladder.is_due(PLAN, OUTLOOK, PLAN.expires)
    assert ladder.is_due(PLAN, fallen, NOW)
    assert ladder.is_due(aside, OUTLOOK, NOW)
    assert not ladder.is_due(aside, stormy, NOW)


def test_a_plan_within_policy_is_approved_and_every_rule_was_asked() -> None:
    report = judged(PLAN)
    assert report.decision is Decision.APPROVE
    assert report.findings == ()
    assert report.checked == tuple(RULES)
    assert report.evidence == tuple(PACKS)
    assert report.critic == critic_id(POLICY) == f"rules@{digest(POLICY)}"
    assert report.critic != PLAN.proposer


def moved(price: str) -> Hypothesis:
    level = HYPOTHESIS.invalidation.model_copy(update={"price": Decimal(price)})
    return HYPOTHESIS.model_copy(update={"invalidation": level})


BLOCKED: dict[str, tuple[str, TradePlan, dict[str, Any]]] = {
    "a rung larger than all": ("P-CHECKLIST", with_checklist(rung_fraction=Decimal("0.95")), {}),
    "a loss made small": ("P-CHECKLIST", with_checklist(max_loss_fraction=Decimal("0.001")), {}),
    "an invalidation above entry": (
        "P-CHECKLIST",
        PLAN.model_copy(update={"hypotheses": (moved("99999"),)}),
        {},
    ),
    "no exits": ("P-CHECKLIST", with_checklist(exits=" "), {}),
    "no evidence": ("P-EVIDENCE", PLAN.model_copy(update={"evidence": ()}), {}),
    "evidence that is gone": ("P-EVIDENCE", PLAN, {"packs": {}}),
    "evidence with other bytes": (
        "P-EVIDENCE",
        PLAN,
        {"packs": {CITED[0].id: "sha256:" + "f" * 64}},
    ),
    "evidence of another name": (
        "P-EVIDENCE",
        PLAN.model_copy(
            update={
                "evidence": (
                    *CITED,
                    EvidenceRef(id="EV-20200224-L2-ffffffffffff", sha256=CITED[0].sha256),
                )
            }
        ),
        {},
    ),
    "an older outlook": (
        "P-FRESH",
        PLAN,
        {"outlook": outlook(SERIES, BARS, None, BARS_ONLY, NOW + timedelta(hours=1))},
    ),
    "an expired outlook": ("P-FRESH", PLAN, {"as_of": OUTLOOK.expires}),
    "an expired plan": ("P-FRESH", PLAN.model_copy(update={"expires": NOW}), {}),
    "a plan from tomorrow": (
        "P-FRESH",
        PLAN.model_copy(update={"as_of": NOW + timedelta(minutes=1)}),
        {},
    ),
    "a plan without end": (
        "P-FRESH",
        PLAN.model_copy(update={"expires": NOW + timedelta(days=365)}),
        {},
    ),
    "an outlook of another symbol": (
        "P-FRESH",
        PLAN,
        {"outlook": OUTLOOK.model_copy(update={"symbol": "ETH/USDT"})},
    ),
    "an order in prose": ("P-NO-ORDER", with_hypothesis(thesis="Buy 1 BTC at market now"), {}),
    "its own critic": ("P-SEPARATION", PLAN.model_copy(update={"proposer": critic_id(POLICY)}), {}),
    "too large": ("P-SIZE", with_checklist(size_fraction=Decimal(1)), {}),
    "too large a loss": ("P-SIZE", with_checklist(max_loss_fraction=Decimal("0.5")), {}),
    "twice": ("P-SIZE", PLAN.model_copy(update={"hypotheses": (HYPOTHESIS, HYPOTHESIS)}), {}),
    "a stop too far": ("P-STOP", with_checklist(stop_fraction=Decimal("0.5")), {}),
    "an unknown setup": ("P-TEMPLATE", with_hypothesis(setup="martingale"), {}),
    "another symbol": ("P-TEMPLATE", with_hypothesis(symbol="ETH/USDT"), {}),
    "other parameters": ("P-TEMPLATE", with_hypothesis(setup_parameters="sha256:" + "1" * 64), {}),
    "a trigger stands": (
        "P-TRIGGERS",
        PLAN,
        {"outlook": OUTLOOK.model_copy(update={"triggers": (TRIGGER,)})},
    ),
}


@pytest.mark.parametrize("case", BLOCKED)
def test_a_plan_outside_policy_is_rejected_by_the_rule_that_says_so(case: str) -> None:
    rule, plan, seen = BLOCKED[case]
    report = judged(plan, **seen)
    assert report.decision is Decision.REJECT
    assert rule in rules(report)
    assert report.risk in {Risk.HIGH, Risk.CRITICAL}
    assert list(report.findings) == sorted(
        report.findings, key=lambda f: (f.rule, f.subject, f.message)
    )


def test_every_rule_has_been_seen_to_block() -> None:
    assert {rule for rule, _, _ in BLOCKED.values()} == set(RULES)


def test_a_stop_within_the_noise_asks_for_changes_which_is_no_approval() -> None:
    report = judged(with_checklist(stop_fraction=Decimal("0.001")))
    assert report.decision is Decision.APPROVE_WITH_CHANGES
    assert [f.weight for f in report.findings] == [Weight.CHANGE]


def test_the_same_inputs_give_the_same_bytes_and_another_policy_another_critic() -> None:
    assert canonical(judged(PLAN)) == canonical(judged(PLAN))
    again = ladder.plan(SERIES, OUTLOOK, LADDER, NOW, CITED)
    assert canonical(again) == canonical(PLAN)
    stricter = POLICY.model_copy(update={"max_stop_fraction": Decimal("0.001")})
    assert critic_id(stricter) != critic_id(POLICY)
    assert judged(PLAN, policy=stricter).decision is Decision.REJECT
