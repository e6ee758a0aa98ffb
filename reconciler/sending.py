"""The hand that sends: what L5 allows goes through the one door with the gate's leave. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from desired_state.errors import Finding
from desired_state.reasons import Reason
from layers.l5_risk_gate.finding import Outcome, RiskVerdict
from layers.orders import AnswerKind, Intent, OrderRequest, Permit, TimeInForce, VenueAnswer
from reconciler.counter import NOTHING_MORE, Hand, Handed


class Permits(Protocol):
    """The gate's office."""

    def issue(self, request: OrderRequest) -> Permit | Finding:
        """A permit for exactly this request, or why there is none."""
        ...


class Sender(Protocol):
    """L6, as far as it sends."""

    def send(self, intent: Intent, permit: Permit) -> VenueAnswer:
        """Through the door, or not at all."""
        ...


@dataclass(frozen=True)
class Attended:
    """SESSION-5: where no dead-man switch cancels for us, only what cannot rest is sent.

    Unless a watcher on another host is heard: then somebody is left who can cancel.
    """

    hand: Hand
    attested: Callable[[], bool]

    def __call__(self, intent: Intent, risk: RiskVerdict, at: datetime) -> Handed:
        """On to the hand behind, or kept."""
        rests = intent.request.time_in_force is not TimeInForce.IOC
        if risk.outcome is Outcome.ALLOW and rests and not self.attested():
            return Handed(refused=Reason.UNATTENDED)
        return self.hand(intent, risk, at)


@dataclass(frozen=True)
class Sending:
    """``Hand`` in every mode above shadow."""

    permits: Permits
    sender: Sender

    def __call__(self, intent: Intent, risk: RiskVerdict, at: datetime) -> Handed:
        """Permit and door, for what L5 allowed and nothing else."""
        del at
        if risk.outcome is not Outcome.ALLOW:
            return NOTHING_MORE
        permit = self.permits.issue(intent.request)
        if isinstance(permit, Finding):
            return Handed(refused=permit.code)
        answer = self.sender.send(intent, permit)
        latched = answer.kind is AnswerKind.NOT_SENT and answer.code is Reason.KILL_LATCHED
        return Handed(stopped=latched)
