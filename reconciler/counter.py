"""Everything of a session that depends on where it trades, as one value. Pure.

A session works at a counter and knows no venue: which adapters stand behind it is decided by the
wiring of its mode. In shadow there is no way to send behind it at all (SESSION-3).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias

from desired_state.errors import Finding
from desired_state.values import StopClass
from layers.feed import FeedItem, Window
from layers.l5_risk_gate.finding import RiskVerdict
from layers.l6_execution.books import Books
from layers.l6_execution.circuit import Circuit
from layers.l6_execution.reconciliation import ReconciliationReport
from layers.market import Bar
from layers.orders import CancelReport, Intent
from layers.ports import JournalEntry, VenueProbe, VenueQueries
from layers.risk_snapshot import VenueClass
from reconciler.noted_journal import NotedJournal
from reconciler.slippage import CostModel


class Orders(Protocol):
    """Our own orders at one place (``layers.l6_execution.execution``, ``reconciler.shadowing``)."""

    @property
    def books(self) -> Books:
        """What became of them."""
        ...

    @property
    def circuit(self) -> Circuit:
        """Which of its answers were lost lately (G2)."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether nothing is held back: started, compared, and nothing that only people end."""
        ...

    def start(self, at: datetime, wall: datetime) -> tuple[Finding, ...]:
        """Find out where we stand; ``tick`` goes on with it until ``is_ready``."""
        ...

    def tick(self, at: datetime, wall: datetime) -> tuple[Finding, ...]:
        """Do what is due; what is met now. Never raises for a venue."""
        ...

    def finish(self, at: datetime, wall: datetime) -> ReconciliationReport | None:
        """Cancel what is open and compare everything; none where nothing was sent."""
        ...

    def poll(self, at: datetime) -> tuple[Finding, ...]:
        """Take in what happened; differences met now."""
        ...

    def cancel(self, symbol: str, client_order_id: str, at: datetime) -> CancelReport:
        """Ask for one order."""
        ...

    def record_gap(self, at: datetime) -> bool:
        """Write down the cancels that the journal missed."""
        ...


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of an intent that L5 has judged."""

    refused: str = ""  # code of who kept it, where that was not L5
    stopped: bool = False  # a stop is in force


NOTHING_MORE: Final = Handed()


class Hand(Protocol):
    """Takes each intent with L5's verdict on it; sends it where that is allowed."""

    def __call__(self, intent: Intent, risk: RiskVerdict, at: datetime) -> Handed:
        """Never raises for a venue's behaviour."""
        ...


Nap: TypeAlias = Callable[[timedelta], bool]
"""Waits so long, and does what is due meanwhile; false if whoever waits is to end."""


@dataclass(frozen=True)
class Counter:
    """One account at one place, and the market seen from there."""

    venue: str
    account: str
    venue_class: VenueClass | None  # none: nothing is wired that could send
    orders: Orders
    queries: VenueQueries
    probe: VenueProbe
    journal: NotedJournal
    hand: Hand
    items: Callable[[Window, Nap], Iterator[FeedItem]]
    feed: str  # digest of what the bars are read from
    start: datetime  # market time
    advance: Callable[[Bar], bool]
    now: Callable[[Bar], datetime]  # market time once this bar is known
    way_out: Callable[[], CancelReport]  # cancels everything, writes nothing
    goes_on: bool  # the account outlives the session: earlier marks and decisions count
    may_halt: Callable[[StopClass], bool]  # whether what L5 latches here is a stop of this host
    entries: Callable[[int], tuple[JournalEntry, ...]]  # L6's, from a leaf on
    claim: str  # what its evidence may say of itself
    costs: CostModel  # what its takers are predicted to pay
    close: Callable[[], None]
