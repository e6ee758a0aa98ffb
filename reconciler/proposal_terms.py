"""What a proposal asks for, and from when until when. Pure.

Either what the files at the head ask for, held to what stands where people only give back or
release, or the next period of what stands.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from desired_state.admission import Admission
from desired_state.authority import BOTTOM, Authority, at_most, meet
from desired_state.errors import Stalled
from desired_state.proposals import WIND_DOWN, EvidenceReference
from desired_state.reasons import Reason
from desired_state.standing import Approval
from desired_state.trust_root import Root
from desired_state.values import Access, Mode, Trading
from desired_state.winding_down import LASTS
from reconciler.proposal_checks import longest

HOUR: Final = LASTS // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for; what is left out is taken from the head and the gate."""

    requester: str
    reason: str
    clears: tuple[str, ...] = ()
    mode: Mode | None = None
    trading: Trading | None = None
    gate: str | None = None
    not_before: datetime | None = None
    expires: datetime | None = None
    evidence: tuple[EvidenceReference, ...] = ()
    renew: bool = False  # the next period of what stands, whatever the head asks for


@dataclass(frozen=True, slots=True)
class Terms:
    """An authority and its period."""

    authority: Authority
    start: datetime
    end: datetime


def asked_terms(wish: Request, admission: Admission, root: Root, now: datetime) -> Terms:
    """What the head asks for, from now on; within a standing approval at most what it grants."""
    given = {"mode": wish.mode, "trading": wish.trading}
    asked = admission.desired or BOTTOM
    wanted = asked.model_copy(update={k: v for k, v in given.items() if v is not None})
    start = (wish.not_before or now).replace(microsecond=0)
    # within a standing approval people only give back what fell, or release: the smaller gate
    inside = _inside(wish, wanted, admission)
    if inside:
        wanted = _without_time(meet(wanted, inside.authority))
        start = max(start, inside.proposal.not_before)
    ends = [_latest(start, wanted, root)]
    if inside:
        ends.append(inside.until)
    return Terms(wanted, start, wish.expires or min(ends))


def renewed_terms(wish: Request, admission: Admission, root: Root, now: datetime) -> Terms:
    """The authority that stands, from its end or now on, for as long as gate and root allow.

    Raises:
        Stalled: ``NOT_APPROVED`` where nothing stands, ``PROPOSAL_CONFIGURATION`` where the head
            holds another configuration than the approved one, ``USAGE`` where more is asked.
    """
    approval = admission.approval
    if approval is None:
        raise Stalled(Reason.NOT_APPROVED, "--renew", "nothing stands approved, so nothing renews")
    if wish.clears or wish.mode or wish.trading:
        told = "a renewal asks for exactly what stands; leave out --mode, --trading and --clears"
        raise Stalled(Reason.USAGE, "--renew", told)
    approved = approval.proposal.configuration
    if admission.configuration != approved:
        told = f"expected {approved} as approved, found {admission.configuration} at the head"
        raise Stalled(Reason.PROPOSAL_CONFIGURATION, "main", told)
    wanted = _without_time(approval.proposal.authority)
    begins = wish.not_before or (max(now, approval.until) if approval.standing else now)
    start = begins.replace(microsecond=0)
    return Terms(wanted, start, wish.expires or _latest(start, wanted, root))


def wind_down_terms(wish: Request, admission: Admission, root: Root, now: datetime) -> Terms:
    """People's own exits: what was approved last, reduce-only, for as long as the gate allows."""
    rule = root.gates.get(WIND_DOWN)
    start = (wish.not_before or now).replace(microsecond=0)
    minutes = min((rule.at_most_minutes if rule else None) or HOUR, HOUR)
    end = wish.expires or start + timedelta(minutes=minutes)
    return Terms(reducing(admission.last_approved or BOTTOM), start, end)


def reducing(authority: Authority) -> Authority:
    """The same with nothing left but reducing, and without its time."""
    symbols = {
        name: entry.model_copy(update={"access": min(entry.access, Access.REDUCE)})
        for name, entry in authority.symbols.items()
    }
    narrower = {"trading": min(authority.trading, Trading.REDUCING), "symbols": symbols}
    return authority.model_copy(update={**narrower, **_TIMELESS})


def _latest(start: datetime, wanted: Authority, root: Root) -> datetime:
    rule = root.gates.get(wanted.mode.value)
    return min(start + longest([rule] if rule else []), root.expires)


def _inside(wish: Request, wanted: Authority, admission: Admission) -> Approval | None:
    """The standing approval within which the request stays, where it can."""
    approval = admission.approval
    if approval is None or not approval.standing:
        return None
    if wish.clears:
        return approval if wish.gate in {None, "release", "release_technical"} else None
    within = at_most(wanted, approval.authority.model_copy(update=_TIMELESS))
    restores = bool(admission.memory.falls) and wish.gate in {None, "restore"}
    return approval if within and restores else None


def _without_time(authority: Authority) -> Authority:
    return authority.model_copy(update=_TIMELESS)


_TIMELESS: Final = {"not_before": None, "expires": None}
