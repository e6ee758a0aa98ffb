"""Permits: the gate's leave for one order. Nothing else in the tree makes one (PERMIT-1)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from desired_state.errors import Finding, finding
from desired_state.reasons import Reason
from desired_state.values import Access, Mode, Trading
from layers.orders import OrderRequest, Permit
from layers.permits import MAX_LIFETIME, PermitFields, request_digest, seal
from reconciler.gate import Verdict
from reconciler.verdicts import verdict_digest

SENDING: Final = frozenset({Mode.PAPER, Mode.TESTNET, Mode.BOUNDED_LIVE})


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
