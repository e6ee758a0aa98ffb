"""The policy rules, one function each: deterministic findings, like a linter's.

P-CHECKLIST  the risk checklist is complete and consistent with itself
P-EVIDENCE   every pack cited exists with the digest cited, and there is one
P-FRESH      the outlook is the latest, unexpired, and the plan lives no longer than allowed
P-NO-ORDER   no free text reads as an order ready to send
P-SEPARATION whoever proposes does not criticise
P-SIZE       size and worst loss lie within policy
P-STOP       a stop is present and bounded on both sides
P-TEMPLATE   the setup is one that policy knows, for the plan's own symbol
P-TRIGGERS   no entry while a NO-TRADE trigger stands
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from desired_state.canonical import digest
from layers.artifacts import CriticFinding, Hypothesis, MarketOutlook, TradePlan, Weight
from layers.configuration import Policy
from layers.order_words import ready_order


@dataclass(frozen=True, slots=True)
class Case:
    """All that the critic sees: the plan, the latest outlook, the packs that exist, and policy."""

    plan: TradePlan
    outlook: MarketOutlook
    packs: Mapping[str, str]  # id and digest of the evidence packs that exist
    policy: Policy
    critic: str
    as_of: datetime


Found: TypeAlias = Iterator[CriticFinding]
_PLACE: Final = Decimal("1e-12")  # the last place that artifacts carry


def _says(rule: str, subject: str, message: str, weight: Weight = Weight.BLOCK) -> CriticFinding:
    return CriticFinding(rule=rule, weight=weight, subject=subject[:120], message=message[:1000])


def _checklist(case: Case) -> Found:
    for h in case.plan.hypotheses:
        have = h.checklist
        if have.rung_fraction > have.size_fraction:
            yield _says("P-CHECKLIST", h.id, "one rung may be larger than all together")
        if have.max_loss_fraction < have.size_fraction * have.stop_fraction - _PLACE:
            yield _says("P-CHECKLIST", h.id, "the worst loss is stated below size times stop")
        if not have.exits.strip() or not h.thesis.strip():
            yield _says("P-CHECKLIST", h.id, "thesis or exits are not stated")
        if not h.invalidation.price < h.entry.price:
            yield _says("P-CHECKLIST", h.id, "the invalidation does not lie below the entry")


def _evidence(case: Case) -> Found:
    if not case.plan.evidence:
        yield _says("P-EVIDENCE", "plan", "no evidence pack is cited")
    for cited in case.plan.evidence:
        if cited.id not in case.packs:
            yield _says("P-EVIDENCE", cited.id, "the pack does not exist")
        elif case.packs[cited.id] != cited.sha256:
            yield _says("P-EVIDENCE", cited.id, "the pack has another digest than the one cited")


def _fresh(case: Case) -> Found:
    plan, outlook, now = case.plan, case.outlook, case.as_of
    if plan.symbol != outlook.symbol:
        yield _says("P-FRESH", plan.symbol, f"the outlook is of {outlook.symbol}")
    if plan.outlook != digest(outlook):
        yield _says("P-FRESH", "outlook", "the plan was not made from the latest outlook")
    if not outlook.as_of <= now < outlook.expires:
        yield _says("P-FRESH", "outlook", "the outlook is not valid now")
    if not plan.as_of <= now < plan.expires:
        yield _says("P-FRESH", "plan", "the plan is not valid now")
    if plan.expires - plan.as_of > case.policy.max_plan_validity:
        yield _says("P-FRESH", "plan", "the plan lives longer than policy allows")


def _no_order(case: Case) -> Found:
    for h in case.plan.hypotheses:
        for text in (h.thesis, h.entry.words, h.invalidation.words, h.checklist.exits):
            if words := ready_order(text):
                yield _says("P-NO-ORDER", h.id, f"reads as an order ready to send: {words[:80]!r}")


def _separation(case: Case) -> Found:
    if case.plan.proposer == case.critic:
        yield _says("P-SEPARATION", "plan", "proposer and critic are the same")


def _size(case: Case) -> Found:
    policy = case.policy
    if len(case.plan.hypotheses) > policy.max_hypotheses:
        yield _says("P-SIZE", "plan", f"more than {policy.max_hypotheses} hypotheses")
    sizes = [h.checklist.size_fraction for h in case.plan.hypotheses]
    if sum(sizes) > policy.max_size_fraction:
        yield _says("P-SIZE", "plan", f"size {sum(sizes)} above {policy.max_size_fraction}")
    losses = sum(h.checklist.max_loss_fraction for h in case.plan.hypotheses)
    if losses > policy.max_loss_fraction:
        yield _says("P-SIZE", "plan", f"worst loss {losses} above {policy.max_loss_fraction}")


def _stop(case: Case) -> Found:
    low, high = case.policy.min_stop_fraction, case.policy.max_stop_fraction
    for h in case.plan.hypotheses:
        stop = h.checklist.stop_fraction
        if stop > high:
            yield _says("P-STOP", h.id, f"stop {stop} wider than {high}")
        elif stop < low:
            yield _says("P-STOP", h.id, f"stop {stop} tighter than {low}", Weight.CHANGE)


def _template(case: Case) -> Found:
    for h in case.plan.hypotheses:
        if h.setup not in case.policy.setups:
            yield _says("P-TEMPLATE", h.id, f"setup {h.setup} is not in the policy pack")
        if h.symbol != case.plan.symbol:
            yield _says("P-TEMPLATE", h.id, f"about {h.symbol}, not about {case.plan.symbol}")
        if not _from(case.plan, h):
            yield _says("P-TEMPLATE", h.id, "the parameters are not those of the proposer")


def _from(plan: TradePlan, h: Hypothesis) -> bool:
    # a model that proposes names no template; a template must be the one it says it is
    return not plan.proposer.startswith("template:") or plan.proposer == (
        f"template:{h.setup}@{h.setup_parameters}"
    )


def _triggers(case: Case) -> Found:
    standing = [t for t in case.outlook.triggers if t.since <= case.as_of < t.expires]
    if case.plan.hypotheses:
        for t in standing:
            yield _says("P-TRIGGERS", t.symbol, f"{t.kind} ({t.cause}) stands")
    told = {(t.kind, t.cause) for t in case.plan.no_trade}
    for t in standing:
        if (t.kind, t.cause) not in told:
            yield _says("P-TRIGGERS", t.symbol, f"the plan does not mention {t.kind} ({t.cause})")


RULES: Final[Mapping[str, Callable[[Case], Found]]] = {
    "P-CHECKLIST": _checklist,
    "P-EVIDENCE": _evidence,
    "P-FRESH": _fresh,
    "P-NO-ORDER": _no_order,
    "P-SEPARATION": _separation,
    "P-SIZE": _size,
    "P-STOP": _stop,
    "P-TEMPLATE": _template,
    "P-TRIGGERS": _triggers,
}
