"""Takes in what the venue shows, and nothing that our record does not explain (L6-6).

H3: an execution that its order does not allow is refused and written down as a difference; one
that was taken in is never taken in twice, and one id that stands for two executions is a
difference whichever comes first. H4: an open order without an intent is foreign, one
that our books had ended is a difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from desired_state.errors import Finding, GovernanceError, Stalled, finding
from desired_state.reasons import Reason
from layers.l6_execution.books import Books
from layers.l6_execution.events import GONE, UNDEAD, Differs, Event, Filled, Seen
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.own_order import UNPROVEN, OwnOrder
from layers.l6_execution.plausibility import UNKNOWN_COIN, FeeCoin, implausible
from layers.l6_execution.rows import foreign_row
from layers.l6_execution.terms import (
    FILL_OVERLAP,
    LIST_OVERLAP,
    SEVERAL,
    YOUNG,
    FillBounds,
    Propagation,
)
from layers.market import EPOCH
from layers.orders import Fill, OrderState, VenueOrder
from layers.ports import Cancels, VenueQueries

Code: TypeAlias = Literal["FOREIGN_ORDER", "RECON_DIFF", "FILL_IMPLAUSIBLE"]
CODES: Final[dict[Code, Reason]] = {
    "FOREIGN_ORDER": Reason.FOREIGN_ORDER,
    "RECON_DIFF": Reason.RECON_DIFF,
    "FILL_IMPLAUSIBLE": Reason.FILL_IMPLAUSIBLE,
}
ABSENT_FOR_GOOD: Final = frozenset({Reason.EXPIRED_UNKNOWN, Reason.VENUE_RESET, Reason.RECON_DIFF})
STILL: Final = frozenset({OrderState.OPEN, OrderState.PARTIAL})


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything that concerns our orders. ``unseen``: unproven, and not found."""

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
    met: list[Finding] = field(default_factory=list)  # told by nobody yet

    @property
    def books(self) -> Books:
        """What the journal says, folded."""
        return self.ledger.books

    def look(self, at: datetime, since: datetime | None = None) -> Look:
        """Orders first, then fills: what an order's state counts is then never missing.

        ``since``: ask for executions from there on, and not from the last one known.
        """
        listed = {order.client_order_id: order for order in self.cancels.open_orders()}
        ended = self._ended([name for name in self.books.working if name not in listed], at)
        asked = {
            name: listed.get(name)
            or ended.get(name)
            or self.queries.order(self.books.orders[name].symbol, name)
            for name in self.books.working
        }
        fills = self._fills(listed.values(), since)
        self.take_fills(fills, at)
        filled = {fill.client_order_id for fill in fills}
        unseen, gone = [], []
        for name, order in asked.items():
            if isinstance(order, VenueOrder):
                self.take_order(order, at)
            elif name not in filled:
                own = self.books.orders[name]
                if own.state in UNPROVEN:
                    unseen.append(name)
                elif order is not None:  # archived: it ended, and our books say that it stands
                    self.differ("RECON_DIFF", name, GONE, at)
                elif not self._may_lag(own, at):
                    gone.append(name)
        for name, order in listed.items():
            if name not in asked:
                self._uncalled_for(order, at)
        return Look(tuple(unseen), tuple(gone))

    def _ended(self, names: list[str], at: datetime) -> dict[str, VenueOrder]:
        """Those that the list of all orders shows as ended, where it is asked; the others singly.

        A list that says anything else of an order, or is late, is not believed: it is looked up.
        """
        young = [own for n in names if at - (own := self.books.orders[n]).intent.created_at < YOUNG]
        found: dict[str, VenueOrder] = {}
        for symbol in dict.fromkeys(own.symbol for own in young):
            made = [own.intent.created_at for own in young if own.symbol == symbol]
            if len(made) >= SEVERAL:
                shown = self.queries.orders(symbol, min(made) - LIST_OVERLAP)
                found.update({o.client_order_id: o for o in shown if o.state not in STILL})
        return found

    def tell(self) -> tuple[Finding, ...]:
        """What was met and not told yet; a failure half-way through a look loses none of it."""
        told = tuple(self.met)
        self.met.clear()
        return told

    def remember(self) -> None:
        """What was met in an earlier run and stands unexplained is told again (G4)."""
        books = self.books
        for subject, what in books.unexplained.items():
            code = Reason.RECON_DIFF
            if subject in books.foreign:
                code = Reason.FOREIGN_ORDER
            elif subject in books.fills_refused:
                code = Reason.FILL_IMPLAUSIBLE
            if books.reset is None:
                self.met.append(finding(code, subject, what))

    def differ(self, code: Code, subject: str, what: str, at: datetime) -> None:
        """Write a difference down once; not if it stands already, or a person explained it."""
        known = subject in self.books.unexplained
        if known or (subject, what) in self.ledger.witness.explained:
            return
        self.ledger.record(Differs(code=code, subject=subject, what=what), at)
        self.met.append(finding(CODES[code], subject, what))

    def no_longer_known(self, names: Iterable[str], at: datetime) -> None:
        """Orders that the venue had and does not know any more."""
        for name in names:
            self.differ("RECON_DIFF", name, GONE, at)

    # --- executions --------------------------------------------------------------------------
    def _fills(self, listed: Iterable[VenueOrder], since: datetime | None) -> list[Fill]:
        symbols = dict.fromkeys((*self.books.symbols, *(order.symbol for order in listed)))
        return [f for s in symbols for f in self.queries.fills(s, since or self._since(s))]

    def _since(self, symbol: str) -> datetime:
        last = self.books.symbol(symbol).last_fill_at
        return self.since if last is None else max(self.since, last - FILL_OVERLAP)

    @property
    def since(self) -> datetime:
        """From where everything is in memory; what was before was compared and agreed (L6-10)."""
        let_go = self.books.let_go_at
        return self.opening if let_go is None else max(self.opening, let_go)

    @property
    def opening(self) -> datetime:
        """From where executions are asked for; the venue's clock may be behind ours."""
        opened = self.books.opened_at
        return EPOCH if opened is None else opened - FILL_OVERLAP

    def take_fills(self, fills: Iterable[Fill], at: datetime) -> None:
        """Each execution once, however often it is listed; two of one id are a difference (H3)."""
        for fill in fills:
            self._take_fill(fill, at)

    def _take_fill(self, fill: Fill, at: datetime) -> None:
        name, own = fill.fill_id, self.books.orders.get(fill.client_order_id)
        known = self.books.fills.get(name)
        if known is not None:
            if known != fill:
                what = f"now {fill.side} {fill.quantity} at {fill.price} under the same id"
                self.differ("FILL_IMPLAUSIBLE", name, what, at)
        elif name in self.books.unexplained:
            return  # whatever else is told under this id now, the difference stands
        elif own is None:
            # what others executed before the account was opened is of an earlier journal
            if fill.at > (self.books.opened_at or EPOCH):
                what = f"a fill of an order that is not ours: {fill.client_order_id}"
                self.differ("FOREIGN_ORDER", name, what, at)
        elif wrong := implausible(fill, own, self.bounds, self._coin(fill)):
            self.differ("FILL_IMPLAUSIBLE", name, f"{fill.client_order_id}: {wrong}", at)
        else:
            self._take(Filled(fill=fill), name, at)

    def _coin(self, fill: Fill) -> FeeCoin:
        """What its fee was taken in; only a third currency needs to be asked for."""
        if not fill.fee or fill.fee_currency in fill.symbol.split("/"):
            return UNKNOWN_COIN
        try:
            book = self.queries.book(f"{fill.fee_currency}/{fill.symbol.partition('/')[2]}")
        except GovernanceError:
            book = None
        price = book.bids[0].price if book is not None and book.bids else None
        return FeeCoin(self.books.money.cash(fill.fee_currency), price)

    # --- orders ------------------------------------------------------------------------------
    def take_order(self, shown: VenueOrder, at: datetime) -> None:
        """An order of ours as the venue shows it; it adopts what was unknown."""
        name = shown.client_order_id
        own = self.books.orders[name]
        if name not in self.books.working or shown.filled > own.filled:
            return  # ended by its fills, or fills are still to come
        if shown.state not in STILL or own.state in UNPROVEN:
            self._take(Seen(order=shown), name, at)

    def _uncalled_for(self, order: VenueOrder, at: datetime) -> None:
        """An open order without an intent, or one that our books had ended."""
        name = order.client_order_id
        own = self.books.orders.get(name)
        if own is None:
            self.differ("FOREIGN_ORDER", name, foreign_row(order).told, at)
        elif not self._may_lag(own, at):
            self.differ("RECON_DIFF", name, UNDEAD, at)

    def _may_lag(self, own: OwnOrder, at: datetime) -> bool:
        """A venue may be late with what has just changed; what never was there it never shows."""
        if own.reason in ABSENT_FOR_GOOD or own.state is OrderState.REJECTED:
            return False
        return timedelta(0) <= at - own.changed_at < self.late.bound

    def _take(self, event: Event, subject: str, at: datetime) -> None:
        try:
            self.ledger.record(event, at)
        except Stalled as fault:
            if fault.code is not Reason.RECON_DIFF:
                raise
            self.differ("RECON_DIFF", subject, fault.message, at)
