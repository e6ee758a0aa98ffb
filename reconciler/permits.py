"""Permits: the gate's leave for one order. Nothing else in the tree makes one (PERMIT-1)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from desired_state.authority import at_most
from desired_state.errors import Finding, finding
from desired_state.reasons import Reason
from desired_state.values import Access, Mode, Trading
from layers.orders import OrderRequest, Permit
from layers.permits import MAX_LIFETIME, PermitFields, request_digest, seal
from reconciler.gate import Verdict
from reconciler.verdicts import verdict_digest

SENDING: Final = frozenset({Mode.PAPER, Mode.TESTNET, Mode.BOUNDED_LIVE})
REMEMBERED: Final = 16  # verdicts; one is renewed twice a second at most, and a permit lives 5 s


@dataclass
class PermitOffice:
    """Issues permits under one verdict at a time, with a key that only the door shares."""

    key: bytes = field(repr=False)
    epoch: int
    wall_clock: Callable[[], datetime]
    lifetime: timedelta = MAX_LIFETIME
    _verdict: Verdict | None = None
    _digest: str = ""
    _nonce: int = 0
    _cited: dict[str, Verdict] = field(default_factory=dict)  # by digest, the newest last

    @property
    def verdict(self) -> Verdict | None:
        """The one in force."""
        return self._verdict

    @property
    def digest(self) -> str:
        """Digest of the verdict in force; empty where there is none."""
        return self._digest

    def digest_of(self, verdict: Verdict) -> str:
        """Digest of this verdict, worked out once for the one in force."""
        return self._digest if verdict is self._verdict else verdict_digest(verdict)

    def take(self, verdict: Verdict) -> None:
        """From now on this verdict decides."""
        if verdict is not self._verdict:
            self._verdict, self._digest = verdict, verdict_digest(verdict)
            self._cited.pop(self._digest, None)
            self._cited[self._digest] = verdict
            while len(self._cited) > REMEMBERED:
                self._cited.pop(next(iter(self._cited)))

    def issue(self, request: OrderRequest) -> Permit | Finding:
        """A permit for exactly this request, or why there is none."""
        now, verdict = self.wall_clock(), self._verdict
        if verdict is None:
            return finding(Reason.VERDICT_EXPIRED, request.client_order_id, "no verdict stands")
        if verdict.valid_until is not None and now >= verdict.valid_until:
            return finding(Reason.VERDICT_EXPIRED, request.client_order_id)
        if not _allows(verdict, request):
            return finding(Reason.MODE_FORBIDS, request.client_order_id)
        self._nonce += 1
        end = now + min(self.lifetime, MAX_LIFETIME)
        return seal(
            PermitFields(
                request=request_digest(request),
                verdict=self._digest,
                epoch=self.epoch,
                nonce=self._nonce,
                expires_at=min(end, verdict.valid_until or end),
            ),
            self.key,
        )

    def overtaken(self, permit: Permit) -> Finding | None:
        """PERMIT-2: what holds a permit back that was given before the verdict in force.

        A renewal has another digest and says the same, so the two are compared by what they permit.
        """
        now, given = self._verdict, self._cited.get(permit.verdict)
        name = f"permit {permit.nonce}"
        if now is None:
            return finding(Reason.VERDICT_EXPIRED, name, "no verdict stands")
        if now.valid_until is not None and self.wall_clock() >= now.valid_until:
            return finding(Reason.VERDICT_EXPIRED, name)
        if given is None:
            text = "it cites a verdict that this office does not know, or no longer"
            return finding(Reason.PERMIT_INVALID, name, text)
        if given is not now and not _goes_on(given, now):
            return finding(Reason.VERDICT_FELL, name)
        return None


def _goes_on(given: Verdict, now: Verdict) -> bool:
    """Whether everything that was permitted still is, under the same mode and configuration."""
    return (
        not now.stops
        and now.permitted.mode is given.permitted.mode
        and now.configuration == given.configuration
        and at_most(given.permitted, now.permitted)
    )


def _allows(verdict: Verdict, request: OrderRequest) -> bool:
    """Whether anything at all may be sent there; L5 has judged how much."""
    permitted = verdict.permitted
    entry = permitted.symbols.get(request.symbol)
    return (
        not verdict.stops
        and permitted.mode in SENDING
        and permitted.trading is not Trading.HALTED
        and entry is not None
        and entry.venue == request.venue
        and entry.access is not Access.NONE
    )
