"""Proposals and sign-offs as people write them (spec: state-files)."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from desired_state.authority import Authority
from desired_state.frozen import Frozen
from desired_state.trust_root import RepositoryId
from desired_state.values import (
    Commit,
    Digest,
    Environment,
    Instant,
    KeyId,
    Name,
    Person,
    StopId,
    Text,
)

Sequence_ = Annotated[int, Field(ge=1, le=99_999_999)]
WIND_DOWN: Final = "wind_down"  # the gate of people's own orders
MAX_AHEAD: Final = 100  # trust.md, section 5: above `high` by at most this
STATEMENT: Final = "I have read the authority in this proposal and answer for it in this role."


class Decision(StrEnum):
    """What a sign-off says."""

    GO = "GO"
    NO_GO = "NO_GO"
    WITHDRAW = "WITHDRAW"


class EvidenceReference(Frozen):
    """A pack that the proposal relies on."""

    id: Text
    sha256: Digest
    claim: Text

    @property
    def shows(self) -> str:
        """The claim's own name: what stands before the first colon."""
        return self.claim.partition(":")[0].strip()


class Proposal(Frozen):
    """The authority asked for, and from where it starts."""

    sequence: Sequence_
    repository: RepositoryId
    environment: Environment
    requester: Person
    gate: Name
    base: Commit
    authority: Authority
    configuration: Digest
    evidence: tuple[EvidenceReference, ...] = ()
    clears: tuple[StopId, ...] = ()
    under: tuple[StopId, ...] = ()  # of a wind-down: the stops in force, none of which it clears
    not_before: Instant
    expires: Instant
    reason: Text

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.expires <= self.not_before:
            raise ValueError("expected expires after not_before")
        return self

    @model_validator(mode="after")
    def _winds_down_or_clears(self) -> Self:
        if self.gate == WIND_DOWN and self.clears:
            raise ValueError("expected a wind-down to clear no stop; it names them in under")
        if self.gate != WIND_DOWN and self.under:
            raise ValueError("expected under in a wind-down alone; a release names stops in clears")
        return self

    @property
    def granted(self) -> Authority:
        """The authority within the proposal's own time window."""
        return self.authority.model_copy(update={"not_before": self.starts, "expires": self.ends})

    @property
    def lasts(self) -> timedelta:
        """From not before to expiry."""
        return self.expires - self.not_before

    @property
    def starts(self) -> datetime:
        """When the authority begins: the later of the proposal's and its own not before."""
        return max(self.not_before, self.authority.not_before or self.not_before)

    @property
    def ends(self) -> datetime:
        """When the authority ends: the earlier of the proposal's and its own expiry."""
        return min(self.expires, self.authority.expires or self.expires)


class SignOff(Frozen):
    """One person's decision on one proposal."""

    proposal: Digest
    sequence: Sequence_
    person: Person
    role: Name
    key: KeyId
    decision: Decision
    clears: tuple[StopId, ...] = ()
    issued: Instant
    expires: Instant
    statement: Text
    reason: Text = ""


_PROPOSAL: Final = re.compile(r"proposals/([0-9]{4,8})\.yaml\Z")
_SIGNOFF: Final = re.compile(
    r"signoffs/([0-9]{4,8})/([A-Za-z0-9][A-Za-z0-9._-]{0,63})\.(GO|NO_GO|WITHDRAW)\.yaml\Z"
)


def proposal_path(sequence: int) -> str:
    """``proposals/0042.yaml``."""
    return f"proposals/{sequence:04d}.yaml"


def signoff_path(sequence: int, person: str, decision: Decision) -> str:
    """``signoffs/0042/ann.GO.yaml``."""
    return f"signoffs/{sequence:04d}/{person}.{decision}.yaml"


def proposal_sequence(path: str) -> int | None:
    """The number in a proposal's path, or none for any other path."""
    match = _PROPOSAL.match(path)
    return int(match[1]) if match and proposal_path(int(match[1])) == path else None


def signoff_place(path: str) -> tuple[int, str, Decision] | None:
    """Number, person and decision in a sign-off's path, or none for any other path."""
    match = _SIGNOFF.match(path)
    if not match or f"{int(match[1]):04d}" != match[1]:
        return None
    return int(match[1]), match[2], Decision(match[3])
