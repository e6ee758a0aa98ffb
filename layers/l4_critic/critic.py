"""The rule-only critic: one report from one plan, and the same one every time."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from desired_state.canonical import digest
from layers.artifacts import (
    CriticFinding,
    CriticReport,
    Decision,
    MarketOutlook,
    Risk,
    TradePlan,
    Weight,
    finding_order,
)
from layers.configuration import Policy
from layers.l4_critic.rules import RULES, Case

_MEDIUM_LOSS: Final = Decimal("0.5")  # of what policy allows


def critic_id(policy: Policy) -> str:
    """Who criticises: the rules, under the policy pack with this digest."""
    return f"rules@{digest(policy)}"


def review(
    plan: TradePlan,
    outlook: MarketOutlook,
    packs: Mapping[str, str],
    policy: Policy,
    as_of: datetime,
) -> CriticReport:
    """The verdict on ``plan``: every rule is asked, and every finding kept.

    Args:
        plan: what is judged.
        outlook: the latest of the plan's symbol.
        packs: id and digest of the evidence packs that exist.
        policy: the policy pack.
        as_of: the instant of the review, on the session's clock.
    """
    critic = critic_id(policy)
    case = Case(plan, outlook, packs, policy, critic, as_of)
    findings = tuple(sorted((f for rule in RULES.values() for f in rule(case)), key=finding_order))
    decision = _decision(findings)
    return CriticReport(
        subject=digest(plan),
        as_of=as_of,
        decision=decision,
        risk=_risk(plan, policy, findings),
        findings=findings,
        checked=tuple(RULES),
        evidence=tuple(sorted({cited.id for cited in plan.evidence} & packs.keys())),
        rationale=_rationale(decision, findings, plan),
        critic=critic,
    )


def _decision(findings: tuple[CriticFinding, ...]) -> Decision:
    weights = {found.weight for found in findings}
    if Weight.BLOCK in weights:
        return Decision.REJECT
    return Decision.APPROVE_WITH_CHANGES if Weight.CHANGE in weights else Decision.APPROVE


def _risk(plan: TradePlan, policy: Policy, findings: tuple[CriticFinding, ...]) -> Risk:
    if any(found.rule in {"P-NO-ORDER", "P-SEPARATION"} for found in findings):
        return Risk.CRITICAL
    if any(found.weight is Weight.BLOCK for found in findings):
        return Risk.HIGH
    loss = sum((h.checklist.max_loss_fraction for h in plan.hypotheses), Decimal(0))
    if findings or loss > policy.max_loss_fraction * _MEDIUM_LOSS:
        return Risk.MEDIUM
    return Risk.LOW


def _rationale(decision: Decision, findings: tuple[CriticFinding, ...], plan: TradePlan) -> str:
    if decision is not Decision.APPROVE:
        rules = ", ".join(sorted({found.rule for found in findings}))
        return f"{len(findings)} findings under {rules}; see the findings."
    if not plan.hypotheses:
        return "The plan stands aside; there is nothing in it to object to."
    return f"All {len(RULES)} rules of the policy pack hold for every hypothesis."
