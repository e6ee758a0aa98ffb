"""L6 at work: sends through the door, cancels, polls, and finds out what is not known.

L6-4: cancels first, journal beside. L6-5: an order whose fate is unknown is looked up, never
guessed and never sent again. L6-6: what the venue shows and no intent explains is a difference.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from desired_state.errors import Finding, Stalled, finding
from desired_state.reasons import Reason
from layers.l6_execution.books import UNPROVEN, Books
from layers.l6_execution.door import Door
from layers.l6_execution.events import (
    Absent,
    CancelAsked,
    CancelGap,
    Differs,
    Event,
    Filled,
    Opened,
    Seen,
)
from layers.l6_execution.ledger import Ledger
from layers.orders import (
    CancelReport,
    Fill,
    Intent,
    OrderState,
    Permit,
    VenueAnswer,
    VenueOrder,
)
from layers.ports import Cancels, VenueQueries

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OVERLAP: Final = timedelta(seconds=60)  # fills are asked for again this far back (spec: venues)
JUST_AFTER: Final = timedelta(microseconds=1)
LOOKUPS: Final = 2  # consistent negative look-ups before an order counts as absent
Code: TypeAlias = Literal["FOREIGN_ORDER", "RECON_DIFF"]
CODES: Final[dict[Code, Reason]] = {
    "FOREIGN_ORDER": Reason.FOREIGN_ORDER,
    "RECON_DIFF": Reason.RECON_DIFF,
}
STILL: Final = frozenset({OrderState.OPEN, OrderState.PARTIAL})


@dataclass(slots=True)
class _Negatives:
    count: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class _Look:
    findings: tuple[Finding, ...]
    absent: tuple[str, ...]  # not known to be anywhere, and not found now


@dataclass(slots=True)
class Execution:
    """One account at one venue. ``at`` is the market clock, ``wall`` the wall clock.

    ``propagation`` is how long the venue may take to show an order that it accepted; negative
    look-ups count only when they lie at least that far apart.
    """

    door: Door
    cancels: Cancels
    queries: VenueQueries
    ledger: Ledger
    propagation: timedelta
    _negatives: dict[str, _Negatives] = field(default_factory=dict)
    _gap: list[CancelGap] = field(default_factory=list)

    @property
    def books(self) -> Books:
        """What the journal says, folded."""
        return self.ledger.books

    def open_account(self, at: datetime) -> None:
        """Write down what the account holds, once in a journal's life."""
        if self.books.opened_at is None:
            self.ledger.record(Opened(balances=self.queries.balances()), at)

    def send(self, intent: Intent, permit: Permit) -> VenueAnswer:
        """Through the door, or not at all."""
        return self.door.send(intent, permit)

    # --- cancels -----------------------------------------------------------------------------
    def cancel(self, symbol: str, client_order_id: str, at: datetime) -> CancelReport:
        """Ask for one order; it stays in the books until the venue shows that it is gone."""
        report = self.cancels.cancel(symbol, client_order_id)
        self._journal_cancel("one", (client_order_id,), report, at)
        return report

    def cancel_all(self, at: datetime) -> CancelReport:
        """Ask for all; neither a full disk nor a broken journal delays it (L6-4)."""
        report = self.cancels.cancel_all()
        asked = tuple(dict.fromkeys((*self.books.working, *report.confirmed, *report.still_open)))
        self._journal_cancel("all", asked, report, at)
        return report

    def record_gap(self, at: datetime) -> bool:
        """Write down the cancels that the journal missed; true if none are missing after."""
        while self._gap:
            try:
                self.ledger.record(self._gap[0], at)
            except Stalled as fault:
                if fault.code is not Reason.JOURNAL:
                    raise
                return False
            self._gap.pop(0)
        return True

    def _journal_cancel(
        self, scope: str, asked: tuple[str, ...], report: CancelReport, at: datetime
    ) -> None:
        event = CancelAsked(
            scope="all" if scope == "all" else "one",
            asked=asked,
            confirmed=report.confirmed,
            still_open=report.still_open,
            unreachable=report.unreachable,
        )
        try:
            self.ledger.record(event, at)
        except Stalled as fault:
            if fault.code is not Reason.JOURNAL:
                raise
            self._gap.append(CancelGap(asked=asked, confirmed=report.confirmed))

    # --- what happened -----------------------------------------------------------------------
    def poll(self, at: datetime) -> tuple[Finding, ...]:
        """Take in what the venue shows; the findings are differences met now.

        Raises ``Waiting(VENUE_UNREACHABLE)``, ``Stalled(JOURNAL)``.
        """
        return self._look(at).findings

    def resolve(self, at: datetime, wall: datetime) -> tuple[str, ...]:
        """Look up every order that is not known to be anywhere; the ids still unknown after.

        Two negative look-ups, ``propagation`` apart on the wall clock, end an order as EXPIRED.
        Call it again until nothing is left. Raises as ``poll``.
        """
        absent = self._look(at).absent
        self._negatives = {n: v for n, v in self._negatives.items() if n in absent}
        for name in absent:
            seen = self._negatives.setdefault(name, _Negatives(0, wall))
            seen.count += 1
            if seen.count >= LOOKUPS and wall - seen.first_at >= self.propagation:
                self.ledger.record(Absent(client_order_id=name, lookups=seen.count), at)
        return tuple(self.books.unproven)

    def _look(self, at: datetime) -> _Look:
        """Orders first, then fills: what an order's state counts is then never missing."""
        listed = {order.client_order_id: order for order in self.cancels.open_orders()}
        asked = {
            name: listed.get(name) or self.queries.order(self.books.orders[name].symbol, name)
            for name in self.books.working
        }
        symbols = dict.fromkeys((*self.books.symbols, *(o.symbol for o in listed.values())))
        fills = [f for symbol in symbols for f in self.queries.fills(symbol, self._since(symbol))]
        met = [self._take_fill(fill, at) for fill in fills]
        filled = {fill.client_order_id for fill in fills}
        absent = []
        for name, order in asked.items():
            if order is not None:
                met.append(self._take_order(order, at))
            elif self.books.orders[name].state not in UNPROVEN:
                met.append(self._differ("RECON_DIFF", name, "the venue no longer knows it", at))
            elif name not in filled:
                absent.append(name)
        met.extend(self._uncalled_for(o, at) for n, o in listed.items() if n not in asked)
        return _Look(tuple(found for found in met if found is not None), tuple(absent))

    def _uncalled_for(self, order: VenueOrder, at: datetime) -> Finding | None:
        """L6-6: an open order without an intent, or one that our books had ended."""
        name = order.client_order_id
        if name in self.books.orders:
            return self._differ("RECON_DIFF", name, "open at the venue, ended in our books", at)
        what = f"open at the venue: {order.side} {order.quantity} {order.symbol}"
        return self._differ("FOREIGN_ORDER", name, what, at)

    def _since(self, symbol: str) -> datetime:
        # what was executed before the account was opened belongs to an earlier journal
        start = (self.books.opened_at or EPOCH) + JUST_AFTER
        last = self.books.symbol(symbol).last_fill_at
        return start if last is None else max(start, last - OVERLAP)

    def _take_fill(self, fill: Fill, at: datetime) -> Finding | None:
        if fill.fill_id in self.books.fill_ids:
            return None
        if fill.client_order_id not in self.books.orders:
            what = f"a fill of an order that is not ours: {fill.client_order_id}"
            return self._differ("FOREIGN_ORDER", fill.fill_id, what, at)
        return self._take(Filled(fill=fill), fill.fill_id, at)

    def _take_order(self, shown: VenueOrder, at: datetime) -> Finding | None:
        name = shown.client_order_id
        own = self.books.orders[name]
        ended = shown.state not in STILL
        if name not in self.books.working or shown.filled > own.filled:
            return None  # ended by its fills, or fills are still to come
        if not ended and own.state not in UNPROVEN:
            return None
        return self._take(Seen(order=shown), name, at)

    def _take(self, event: Event, subject: str, at: datetime) -> Finding | None:
        try:
            self.ledger.record(event, at)
        except Stalled as fault:
            if fault.code is not Reason.RECON_DIFF:
                raise
            return self._differ("RECON_DIFF", subject, fault.message, at)
        return None

    def _differ(self, code: Code, subject: str, what: str, at: datetime) -> Finding | None:
        if subject in self.books.unexplained:
            return None
        self.ledger.record(Differs(code=code, subject=subject, what=what), at)
        return finding(CODES[code], subject, what)
