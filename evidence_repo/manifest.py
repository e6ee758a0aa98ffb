"""The manifest of an evidence pack: an in-toto Statement v1 with a predicate of our own.

What names the pack (kind, day, inputs, artifacts) stands apart from what was measured or merely
held true at the time (the context), so that the same inputs and results always have one id.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from desired_state.canonical import digest
from desired_state.frozen import Frozen
from desired_state.values import Digest, Instant, LayerId, Text

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://peak-governor.invalid/evidence-pack/v1"
MANIFEST: Final = "manifest.json"


class PackKind(StrEnum):
    """What a pack is evidence of."""

    LAYER_RUN = "layer_run"
    SESSION = "session"
    RECONCILIATION = "reconciliation"
    DRILL = "drill"
    INCIDENT = "incident"
    POSTMORTEM = "postmortem"
    RISK_ASSESSMENT = "risk_assessment"
    PHASE_GATE = "phase_gate"
    WEEKLY_HEALTH = "weekly_health"
    MONTHLY_REVIEW = "monthly_review"
    STOP_RELEASE = "stop_release"
    RE_APPROVAL = "re_approval"
    ROLLBACK = "rollback"
    IMPROVEMENT = "improvement"


class EvidenceLevel(StrEnum):
    """How a claim is known, weakest first."""

    E0 = "E0"
    """A document says so."""
    E1 = "E1"
    """A unit test."""
    E2 = "E2"
    """An integration run."""
    E3 = "E3"
    """Enforced in CI."""
    E4 = "E4"
    """Observed in operation."""


Word = Annotated[str, StringConstraints(max_length=200)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
PackId = Annotated[str, StringConstraints(pattern=r"^EV-[0-9]{8}-[A-Z_]{3,20}-[0-9a-f]{12}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Sha256(Frozen):
    """The digest set of a subject."""

    sha256: Hex


class Subject(Frozen):
    """One file of the pack."""

    name: Reference
    digest: Sha256


class Input(Frozen):
    """Something the pack rests on that lies elsewhere."""

    name: Reference
    digest: Digest


class LayerUse(Frozen):
    """The layer that ran."""

    id: LayerId
    name: Word
    autonomy: Word


class ModelUse(Frozen):
    """One model as asked for and as it answered."""

    role: Literal["primary", "fallback", "critic"]
    asked: Word
    answered: Word


class ScopeUse(Frozen):
    """The capability scope in force."""

    id: Word
    digest: Digest


class Code(Frozen):
    """The program that ran."""

    version: Word
    lock: Digest | None = None


class Claim(Frozen):
    """What the pack is said to show, and how that is known."""

    text: Text
    level: EvidenceLevel


class Context(Frozen):
    """What was so when the pack was made. Nothing of it enters the id; all of it is optional."""

    run_id: Word = ""
    alias: Word = ""
    layer: LayerUse | None = None
    models: tuple[ModelUse, ...] = ()
    scope: ScopeUse | None = None
    separation_of_duties: Word = ""
    prompts: tuple[Digest, ...] = ()
    answers: tuple[Digest, ...] = ()
    decision: Word = ""
    revision: Word = ""
    authority: Digest | None = None
    code: Code | None = None
    started: Instant | None = None
    ended: Instant | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    claim: Claim | None = None


class Predicate(Frozen):
    """What is stated of the files."""

    id: PackId
    kind: PackKind
    day: Day
    inputs: tuple[Input, ...]
    context: Context


class Manifest(Frozen):
    """The statement as a whole: which files, and what of them."""

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: tuple[Subject, ...]
    predicate_type: Annotated[
        Literal["https://peak-governor.invalid/evidence-pack/v1"], Field(alias="predicateType")
    ]
    predicate: Predicate


def content_digest(inputs: tuple[Input, ...], subject: tuple[Subject, ...]) -> str:
    """Digest of what a pack is: what went in and what came out, whenever and under whom it ran."""
    return digest(
        {
            "artifacts": {s.name: s.digest.sha256 for s in subject},
            "inputs": {i.name: i.digest for i in inputs},
        }
    )


def pack_id(
    kind: PackKind, day: str, inputs: tuple[Input, ...], subject: tuple[Subject, ...]
) -> str:
    """``EV-YYYYMMDD-<KIND>-<first 12 hex>``: the same for the same inputs and files, always."""
    short = content_digest(inputs, subject).removeprefix("sha256:")[:12]
    return f"EV-{day.replace('-', '')}-{kind.value.upper()}-{short}"
