"""The plan: from permitted and actual to an ordered list of actions, tightening first. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from desired_state.frozen import Frozen
from desired_state.memory import Memory
from desired_state.values import Access, Instant, Mode, StopId, Trading
from reconciler.gate import Verdict

UNKNOWN: Final = "venues-of-the-chain"  # in a venue's place: those that this host has not learnt of
NOBODY: Final[Mapping[str, tuple[str, ...] | None]] = {}


class Doing(StrEnum):
    """What the reconciler can do about a difference, in the order in which it does it."""

    CANCEL_ALL = "cancel_all"
    CANCEL = "cancel"
    RELEASE = "release"


class Action(Frozen):
    """One action; each may be repeated safely."""

    doing: Doing
    subject: str
    why: str
    orders: tuple[str, ...] = ()  # client ids, where not every order of the venue is meant

    @property
    def widens(self) -> bool:
        """Whether evidence must be on disk before it is done (design.md, section 4)."""
        return self.doing is Doing.RELEASE


class VenueView(Frozen):
    """What one venue shows; none where it cannot tell."""

    venue: str
    open_orders: tuple[str, ...] | None


class Actual(Frozen):
    """What is running on this host, as just observed."""

    venues: tuple[VenueView, ...]
    token_age_ms: int | None  # of the armed token; none: no token
    session: str | None = None
    session_mode: Mode | None = None
    released: tuple[StopId, ...] = ()
    journal_head: int | None = None  # leaves; none: the journal cannot be written
    seen_at: Instant


Rejudged = Mapping[str, tuple[str, ...] | None]


def plan(
    verdict: Verdict, memory: Memory, actual: Actual, rejudged: Rejudged = NOBODY
) -> tuple[Action, ...]:
    """What closes the difference.

    ``rejudged`` holds, where permission fell, the open orders of each venue that would be refused
    now; none for a venue whose orders nobody here can judge, which counts as all (PLAN-2).
    """
    actions = []
    for view in actual.venues:
        if view.open_orders and not _may_work(verdict, view.venue):
            why = "nothing may be sent there"
            actions.append(Action(doing=Doing.CANCEL_ALL, subject=view.venue, why=why))
        elif view.open_orders and view.venue in rejudged:
            actions += _taken_back(view, rejudged[view.venue])
    for stop in sorted(set(memory.releases) - set(actual.released)):
        release = memory.releases[stop]
        why = f"released by {', '.join(release.people)} in proposal {release.sequence}"
        actions.append(Action(doing=Doing.RELEASE, subject=stop, why=why))
    return tuple(actions)


def _taken_back(view: VenueView, refused: tuple[str, ...] | None) -> tuple[Action, ...]:
    if refused is None:
        why = "permission fell, and nobody here can judge its orders again"
        return (Action(doing=Doing.CANCEL_ALL, subject=view.venue, why=why),)
    still = tuple(name for name in refused if name in (view.open_orders or ()))
    if not still:
        return ()
    why = "permission fell, and L5 would refuse them now"
    return (Action(doing=Doing.CANCEL, subject=view.venue, why=why, orders=still),)


def _may_work(verdict: Verdict, venue: str) -> bool:
    """PLAN-1: a venue outside the permitted authority is treated as halted."""
    permitted = verdict.permitted
    if permitted.mode < Mode.PAPER or permitted.trading is Trading.HALTED:
        return False
    if permitted.mode >= Mode.TESTNET and venue not in permitted.accounts:
        return False  # AUTH-4
    return any(
        entry.venue == venue and entry.access is not Access.NONE
        for entry in permitted.symbols.values()
    )
