"""The one door through which an order leaves. Nothing else in the tree submits.

L6-1: every check runs for every order, immediately before sending. L6-2: the intent is on disk
(fsync) before the request leaves. A "no" is an answer, ``NOT_SENT`` with its reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from desired_state.canonical import digest
from desired_state.errors import Finding, GovernanceError, finding
from desired_state.reasons import Reason
from layers.l6_execution.events import Answered, Intended
from layers.l6_execution.ledger import Ledger
from layers.orders import AnswerKind, Intent, OrderRequest, Permit, VenueAnswer
from layers.permits import MAX_LIFETIME, is_sealed, request_digest
from layers.ports import OrderEntry

NONCES_KEPT: Final = 1_000  # the office counts up, and a permit lives for seconds


class Armed(Protocol):
    """The watcher's token, as just read from the host."""

    def check(self) -> Finding | None:
        """None while it is armed and fresh; missing, short or unreadable is a finding."""
        ...


class Verdicts(Protocol):
    """Who gave the permits, and knows what is permitted now."""

    def overtaken(self, permit: Permit) -> Finding | None:
        """None while all that was permitted when it was given still is."""
        ...


@dataclass(slots=True)
class Door:
    """Holds the seal key in memory only. ``epoch`` rises with every start of the writer."""

    entry: OrderEntry
    armed: Armed
    seal_key: bytes = field(repr=False)
    epoch: int
    ledger: Ledger
    wall_clock: Callable[[], datetime]
    verdicts: Verdicts
    _used: set[int] = field(default_factory=set)
    _closed: int = -1  # nonces up to here are refused, used or not

    def send(self, intent: Intent, permit: Permit) -> VenueAnswer:
        """Send the intent's request once, or keep it and say why. Never raises for the venue."""
        refusal = self._refusal(intent.request, permit)
        if refusal is not None:
            return _kept(refusal)
        self.spend(permit.nonce)
        at = intent.created_at
        try:
            self.ledger.record(Intended(intent=intent, permit=digest(permit)), at)
        except GovernanceError as fault:
            return _kept(fault.finding)
        # L6-3: disks, rate limits and connects take their time; the transport asks once more
        answer = self.entry.submit(intent.request, _Leave(self, permit))
        answered = Answered(client_order_id=intent.request.client_order_id, answer=answer)
        try:
            self.ledger.record(answered, at)
        except GovernanceError as fault:
            return self._unwritten(answer, fault)
        return answer

    def _unwritten(self, answer: VenueAnswer, fault: GovernanceError) -> VenueAnswer:
        """What came back is not on disk: books and journal keep INTENT, and it is looked up."""
        if answer.kind is AnswerKind.NOT_SENT:
            return answer
        return VenueAnswer(kind=AnswerKind.UNKNOWN, reason=fault.message, code=fault.code)

    def _refusal(self, request: OrderRequest, permit: Permit) -> Finding | None:
        return (
            self._stopped()
            or self._forged(request, permit)
            or self._ended(permit)
            or self.verdicts.overtaken(permit)
            or self._spent(permit)
        )

    def refuses_now(self, wire: OrderRequest, permit: Permit) -> Finding | None:
        """What still holds a permitted order back where its bytes leave (L6-3)."""
        return (
            self._stopped()
            or self._forged(wire, permit)
            or self._ended(permit)
            or self.verdicts.overtaken(permit)
        )

    def _stopped(self) -> Finding | None:
        try:
            return self.armed.check()
        except GovernanceError as fault:
            return finding(Reason.KILL_LATCHED, "armed token", fault.message)

    def _forged(self, request: OrderRequest, permit: Permit) -> Finding | None:
        if not is_sealed(permit, self.seal_key):
            return finding(Reason.PERMIT_INVALID, request.client_order_id, "the seal is not ours")
        if permit.request != request_digest(request):
            return finding(
                Reason.PERMIT_INVALID, request.client_order_id, "it is for another request"
            )
        return None

    def _ended(self, permit: Permit) -> Finding | None:
        left = permit.expires_at - self.wall_clock()
        if left > MAX_LIFETIME:
            return finding(Reason.PERMIT_INVALID, f"permit {permit.nonce}", "it lives too long")
        if left.total_seconds() <= 0:
            return finding(Reason.PERMIT_EXPIRED, f"permit {permit.nonce}")
        return None

    def spend(self, nonce: int) -> None:
        """It opens nothing any more: the newest are kept one by one, what is older as one."""
        self._used.add(nonce)
        if len(self._used) > NONCES_KEPT:
            oldest = min(self._used)
            self._used.remove(oldest)
            self._closed = max(self._closed, oldest)

    def _spent(self, permit: Permit) -> Finding | None:
        if permit.nonce in self._used or permit.nonce <= self._closed:
            return finding(Reason.PERMIT_INVALID, f"permit {permit.nonce}", "it was used before")
        if permit.epoch != self.epoch:
            return finding(
                Reason.PERMIT_INVALID,
                f"permit {permit.nonce}",
                f"expected epoch {self.epoch}, found {permit.epoch}",
            )
        return None


@dataclass(frozen=True, slots=True)
class _Leave:
    """One permit's leave (``Leave``)."""

    door: Door
    permit: Permit

    def refuses(self, wire: OrderRequest) -> Finding | None:
        """The door's answer, now."""
        return self.door.refuses_now(wire, self.permit)


def _kept(refusal: Finding) -> VenueAnswer:
    return VenueAnswer(kind=AnswerKind.NOT_SENT, reason=refusal.message, code=refusal.code)
