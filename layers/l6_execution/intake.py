"""Takes in what the venue shows, and nothing that our record does not explain (L6-6).

H3: an execution that its order does not allow is refused and written down as a difference; one
that was taken in is never taken in twice. H4: an open order without an intent is foreign, one
that our books had ended is a difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from desired_state.errors import Finding, Stalled, finding
from desired_state.reasons import Reason
from layers.l6_execution.books import Books
from layers.l6_execution.events import Differs, Event, Filled, Repeated, Seen
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.own_order import UNPROVEN, OwnOrder
from layers.l6_execution.plausibility import implausible
from layers.l6_execution.terms import FILL_OVERLAP, FillBounds, Propagation
from layers.orders import Fill, OrderState, VenueOrder
from layers.ports import Cancels, VenueQueries

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
JUST_AFTER: Final = timedelta(microseconds=1)
Code: TypeAlias = Literal["FOREIGN_ORDER", "RECON_DIFF", "FILL_IMPLAUSIBLE"]
CODES: Final[dict[Code, Reason]] = {
    "FOREIGN_ORDER": Reason.FOREIGN_ORDER,
    "RECON_DIFF": Reason.RECON_DIFF,
    "FILL_IMPLAUSIBLE": Reason.FILL_IMPLAUSIBLE,
}
ABSENT_FOR_GOOD: Final = frozenset({Reason.EXPIRED_UNKNOWN, Reason.VENUE_RESET})
STILL: Final = frozenset({OrderState.OPEN, OrderState.PARTIAL})


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything that concerns our orders. ``unseen``: unproven, and not found."""

    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]
    gone: tuple[str, ...] = ()  # acknowledged once, and no longer known there


@dataclass(slots=True)
class Intake:
    """One account's. Every call may raise ``Waiting(VENUE_UNREACHABLE)``, ``Stalled(JOURNAL)``."""

    cancels: Cancels
    queries: VenueQueries
    ledger: Ledger
    late: Propagation
    bounds: FillBounds = field(default_factory=FillBounds)

    @property
    def books(self) -> Books:
        """What the journal says, folded."""
        return self.ledger.books

    def look(self, at: datetime, since: datetime | None = None) -> Look:
        """Orders first, then fills: what an order's state counts is then never missing.

        ``since``: ask for executions from there on, and not from the last one known.
        """
        listed = {order.client_order_id: order for order in self.cancels.open_orders()}
        asked = {
            name: listed.get(name) or self.queries.order(self.books.orders[name].symbol, name)
            for name in self.books.working
        }
        fills = self._fills(listed.values(), since)
        met = self.take_fills(fills, at)
        filled = {fill.client_order_id for fill in fills}
        unseen, gone = [], []
        for name, order in asked.items():
            if order is not None:
                met.append(self.take_order(order, at))
            elif name not in filled:
                own = self.books.orders[name]
                if own.state in UNPROVEN:
                    unseen.append(name)
                elif not self._may_lag(own, at):
                    gone.append(name)
        met.extend(self._uncalled_for(o, at) for n, o in listed.items() if n not in asked)
        findings = tuple(found for found in met if found is not None)
        return Look(findings, tuple(unseen), tuple(gone))

    def differ(self, code: Code, subject: str, what: str, at: datetime) -> Finding | None:
        """Write a difference down once; none if it stands already, or a person explained it."""
        known = subject in self.books.unexplained
        if known or (subject, what) in self.ledger.witness.explained:
            return None
        self.ledger.record(Differs(code=code, subject=subject, what=what), at)
        return finding(CODES[code], subject, what)

    def no_longer_known(self, names: Iterable[str], at: datetime) -> tuple[Finding, ...]:
        """Orders that the venue had and does not know any more."""
        what = "the venue no longer knows it"
        met = (self.differ("RECON_DIFF", name, what, at) for name in names)
        return tuple(found for found in met if found is not None)

    # --- executions --------------------------------------------------------------------------
    def _fills(self, listed: Iterable[VenueOrder], since: datetime | None) -> list[Fill]:
        symbols = dict.fromkeys((*self.books.symbols, *(order.symbol for order in listed)))
        return [f for s in symbols for f in self.queries.fills(s, since or self._since(s))]

    def _since(self, symbol: str) -> datetime:
        # what was executed before the account was opened belongs to an earlier journal
        start = (self.books.opened_at or EPOCH) + JUST_AFTER
        last = self.books.symbol(symbol).last_fill_at
        return start if last is None else max(start, last - FILL_OVERLAP)

    def take_fills(self, fills: Iterable[Fill], at: datetime) -> list[Finding | None]:
        """Each execution once; what two of one answer share an id are one, or a difference."""
        met: list[Finding | None] = []
        here: set[str] = set()
        for fill in fills:
            if fill.fill_id in here and fill.fill_id not in self.books.fills_repeated:
                self.ledger.record(Repeated(fill_id=fill.fill_id), at)
            here.add(fill.fill_id)
            met.append(self._take_fill(fill, at))
        return met

    def _take_fill(self, fill: Fill, at: datetime) -> Finding | None:
        known = self.books.fills.get(fill.fill_id)
        if known is not None:
            same = known == fill
            what = f"the venue now shows {fill.side} {fill.quantity} at {fill.price} under its id"
            return None if same else self.differ("FILL_IMPLAUSIBLE", fill.fill_id, what, at)
        own = self.books.orders.get(fill.client_order_id)
        if own is None:
            what = f"a fill of an order that is not ours: {fill.client_order_id}"
            return self.differ("FOREIGN_ORDER", fill.fill_id, what, at)
        wrong = implausible(fill, own, self.bounds)
        if wrong is not None:
            what = f"{fill.client_order_id}: {wrong}"
            return self.differ("FILL_IMPLAUSIBLE", fill.fill_id, what, at)
        return self._take(Filled(fill=fill), fill.fill_id, at)

    # --- orders ------------------------------------------------------------------------------
    def take_order(self, shown: VenueOrder, at: datetime) -> Finding | None:
        """An order of ours as the venue shows it; it adopts what was unknown."""
        name = shown.client_order_id
        own = self.books.orders[name]
        if name not in self.books.working or shown.filled > own.filled:
            return None  # ended by its fills, or fills are still to come
        if shown.state in STILL and own.state not in UNPROVEN:
            return None
        return self._take(Seen(order=shown), name, at)

    def _uncalled_for(self, order: VenueOrder, at: datetime) -> Finding | None:
        """An open order without an intent, or one that our books had ended."""
        name = order.client_order_id
        own = self.books.orders.get(name)
        if own is None:
            what = f"open at the venue: {order.side} {order.quantity} {order.symbol}"
            return self.differ("FOREIGN_ORDER", name, what, at)
        if self._may_lag(own, at):
            return None
        return self.differ("RECON_DIFF", name, "open at the venue, ended in our books", at)

    def _may_lag(self, own: OwnOrder, at: datetime) -> bool:
        """A venue may be late with what has just changed; what never was there it never shows."""
        if own.reason in ABSENT_FOR_GOOD or own.state is OrderState.REJECTED:
            return False
        return timedelta(0) <= at - own.changed_at < self.late.bound

    def _take(self, event: Event, subject: str, at: datetime) -> Finding | None:
        try:
            self.ledger.record(event, at)
        except Stalled as fault:
            if fault.code is not Reason.RECON_DIFF:
                raise
            return self.differ("RECON_DIFF", subject, fault.message, at)
        return None
