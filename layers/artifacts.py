"""What one layer hands to the next: typed artifacts, immutable, with a digest that names them.

No type here has a field for quantity, order type or time in force, so no layer that thinks can
utter an order (spec: layers). Every free text is scanned besides (``layers.order_words``).
"""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    model_validator,
)

from desired_state.canonical import from_json
from desired_state.errors import Stalled
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.values import Amount, Digest, Instant, Name, Symbol, amount_text
from layers.order_words import Prose

MAX_ARTIFACT_BYTES: Final = 256 * 1024
_SIGNED: Final = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?\Z", re.ASCII)


def _signed(value: Any) -> Decimal:  # noqa: ANN401
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, str) and _SIGNED.match(value):
        return Decimal(value)
    raise ValueError(f'expected a quoted decimal such as "-0.05", found {value!r}')


Signed = Annotated[
    Decimal,
    BeforeValidator(_signed, json_schema_input_type=str),
    PlainSerializer(amount_text, return_type=str),
]
Fraction = Annotated[Amount, Field(gt=0, le=1)]
ActorId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][A-Za-z0-9.:@_-]{0,127}$")]
PackId = Annotated[str, StringConstraints(pattern=r"^EV-[0-9]{8}-[A-Z0-9_-]{1,32}-[0-9a-f]{12}$")]
RuleId = Annotated[str, StringConstraints(pattern=r"^P-[A-Z-]{1,24}$")]


class EvidenceRef(Frozen):
    """One pack that an artifact relies on."""

    id: PackId
    sha256: Digest


# --- L2 ------------------------------------------------------------------------------------------


class TriggerKind(StrEnum):
    """Why no order that increases risk may leave for a symbol."""

    DATA_QUALITY = "DATA_QUALITY"
    EXTREME_TREND = "EXTREME_TREND"
    NEWS_RISK = "NEWS_RISK"
    SPREAD_SPIKE = "SPREAD_SPIKE"
    VOLATILITY_SPIKE = "VOLATILITY_SPIKE"


class Trigger(Frozen):
    """One NO-TRADE trigger of one symbol. It stands from ``since`` up to, not at, ``expires``.

    ``measured`` and ``bound`` are in the unit that the cause names; what is not a number has
    ``measured`` as a count of the flaws seen.
    """

    kind: TriggerKind
    cause: Name  # which measure, or which flaw of the data
    symbol: Symbol
    measured: Signed
    bound: Signed
    since: Instant
    expires: Instant


class Feature(Frozen):
    """One measure of the market by a published definition; one that is not known is not listed."""

    name: Name
    value: Signed
    unit: Literal["fraction", "log_return", "quote", "ratio", "bars"]
    window_bars: Annotated[int, Field(ge=0)]


class Scenario(Frozen):
    """A way the market may go, in a model's words, with what would prove it wrong."""

    name: Literal["bull", "bear", "neutral"]
    probability: Amount
    reason: Prose
    invalidation: Prose


class MarketOutlook(Frozen):
    """L2's artifact for one symbol: features and triggers by code, scenarios by a model."""

    artifact: Literal["MarketOutlook"] = "MarketOutlook"
    symbol: Symbol
    as_of: Instant
    expires: Instant
    bars_seen: Annotated[int, Field(ge=0)]
    reference: Amount | None  # last close; none: no bar was seen
    features: tuple[Feature, ...]
    triggers: tuple[Trigger, ...]
    scenarios: tuple[Scenario, ...] = ()
    scenarios_by: ActorId = "none"  # honest: "none" until a model answers

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if bool(self.scenarios) == (self.scenarios_by == "none"):
            raise ValueError("scenarios name the model they come from, and only then")
        if self.scenarios and sum(s.probability for s in self.scenarios) != 1:
            raise ValueError("expected probabilities that sum to one")
        if any(t.symbol != self.symbol for t in self.triggers):
            raise ValueError("a trigger belongs to another symbol")
        return self

    def feature(self, name: str) -> Decimal | None:
        """Value of the feature with this name, or none where it is not known."""
        return next((f.value for f in self.features if f.name == name), None)


# --- L3 ------------------------------------------------------------------------------------------


class TriggerRef(Frozen):
    """A trigger of the outlook that the plan was made from, by reference."""

    kind: TriggerKind
    cause: Name
    expires: Instant


class PriceLevel(Frozen):
    """A price that decides something: a typed condition and the same in words."""

    relation: Literal["at_or_below", "at_or_above"]
    price: Amount
    words: Prose


class RiskChecklist(Frozen):
    """What must be known before a setup may be used. Fractions, never quantities."""

    stop_fraction: Fraction  # distance from average cost to the exit, as a fraction of that cost
    size_fraction: Fraction  # of the permitted exposure of the symbol, all rungs together
    rung_fraction: Fraction  # of the same, one rung
    max_loss_fraction: Fraction  # size_fraction times stop_fraction, of the permitted exposure
    exits: Prose


class Hypothesis(Frozen):
    """Why a setup may be worth its risk, when it holds, and what ends it."""

    id: Name
    symbol: Symbol
    direction: Literal["long"] = "long"  # spot only (risk.md A7)
    thesis: Prose
    entry: PriceLevel
    invalidation: PriceLevel
    setup: Name  # of the template
    setup_parameters: Digest
    checklist: RiskChecklist


class TradePlan(Frozen):
    """L3's artifact: hypotheses that a critic may approve. No hypothesis means stand aside."""

    artifact: Literal["TradePlan"] = "TradePlan"
    symbol: Symbol
    as_of: Instant
    expires: Instant
    outlook: Digest
    reference: Amount | None
    hypotheses: tuple[Hypothesis, ...]
    no_trade: tuple[TriggerRef, ...]
    evidence: tuple[EvidenceRef, ...]
    proposer: ActorId


# --- L4 ------------------------------------------------------------------------------------------


class Decision(StrEnum):
    """The critic's three words; on the order path only exactly APPROVE is an approval."""

    APPROVE = "APPROVE"
    APPROVE_WITH_CHANGES = "APPROVE_WITH_CHANGES"
    REJECT = "REJECT"


class Risk(StrEnum):
    """The critic's estimate of what could go wrong."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Weight(StrEnum):
    """What a finding does to the decision."""

    BLOCK = "block"
    CHANGE = "change"
    NOTE = "note"


class CriticFinding(Frozen):
    """One thing a rule found."""

    rule: RuleId
    weight: Weight
    subject: Annotated[str, StringConstraints(max_length=120)]
    message: Annotated[str, StringConstraints(max_length=1000)]


class CriticReport(Frozen):
    """L4's artifact about one plan. Any decision but APPROVE approves nothing."""

    artifact: Literal["CriticReport"] = "CriticReport"
    subject: Digest  # of the plan
    as_of: Instant
    decision: Decision
    risk: Risk
    findings: tuple[CriticFinding, ...]
    checked: tuple[RuleId, ...]
    evidence: tuple[PackId, ...]
    rationale: Annotated[Prose, Field(min_length=1)]
    critic: ActorId

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if list(self.findings) != sorted(self.findings, key=finding_order):
            raise ValueError("expected findings sorted by weight, rule, subject and message")
        weights = {f.weight for f in self.findings}
        if self.decision is not Decision.REJECT and Weight.BLOCK in weights:
            raise ValueError("a blocking finding allows no decision but REJECT")
        if self.decision is Decision.APPROVE and Weight.CHANGE in weights:
            raise ValueError("a finding that asks for changes does not allow APPROVE")
        return self


def finding_order(found: CriticFinding) -> tuple[int, str, str, str]:
    """Heaviest first, then by rule, subject and message."""
    return (tuple(Weight).index(found.weight), found.rule, found.subject, found.message)


# --- the door ------------------------------------------------------------------------------------

A = TypeVar("A", bound=BaseModel)


def parse_artifact(data: bytes, expected: type[A]) -> A:
    """The artifact in ``data``, which must be exactly of the type ``expected``.

    Raises:
        Stalled: ``ARTIFACT_INVALID`` for anything else; the layer returned nothing.
    """
    subject = expected.__name__
    if len(data) > MAX_ARTIFACT_BYTES:
        raise Stalled(Reason.ARTIFACT_INVALID, subject, f"larger than {MAX_ARTIFACT_BYTES} bytes")
    try:
        found = from_json(data)
        if not isinstance(found, dict) or found.get("artifact") != subject:
            raise Stalled(Reason.ARTIFACT_INVALID, subject, f"expected an artifact {subject}")
        return expected.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise Stalled(Reason.ARTIFACT_INVALID, subject, f"{place}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise Stalled(Reason.ARTIFACT_INVALID, subject, f"not plain JSON: {error}") from error


def decision_of(data: bytes, plan: str, packs: frozenset[str]) -> Decision:
    """The decision that an answer of a critic carries: REJECT unless everything about it holds.

    Args:
        data: what the critic returned.
        plan: digest of the plan that was to be judged.
        packs: ids of the evidence packs that exist.
    """
    try:
        report = parse_artifact(data, CriticReport)
    except Stalled:
        return Decision.REJECT
    if report.subject != plan or not report.evidence or not packs.issuperset(report.evidence):
        return Decision.REJECT
    return report.decision
