"""Finds out what became of an order whose answer was lost (L6-5). It is never sent again.

A sweep asks everything that the venue can be asked: the order by its client id, the open orders,
all recent orders, the executions since a minute before it was sent, and the balances.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from desired_state.errors import Waiting, finding
from desired_state.reasons import Reason
from layers.l6_execution.books import Books
from layers.l6_execution.events import Absent, Unresolved
from layers.l6_execution.intake import Intake, Look
from layers.l6_execution.looking_up import Search, Trace
from layers.l6_execution.own_order import NOTHING, UNPROVEN, OwnOrder
from layers.l6_execution.terms import FILL_OVERLAP
from layers.orders import Balance


@dataclass(slots=True)
class Resolution:
    """The look-ups under way; a restart begins them anew."""

    intake: Intake
    searches: dict[str, Search] = field(default_factory=dict)

    @property
    def books(self) -> Books:
        """What the journal says, folded."""
        return self.intake.books

    def begin(self, name: str, wall: datetime) -> None:
        """An order is not known to be anywhere since ``wall``."""
        self.searches.setdefault(name, Search(since=wall))

    def due(self, wall: datetime) -> tuple[str, ...]:
        """Whose next look-up's time has come."""
        self._keep_up(wall)
        return tuple(name for name, search in self.searches.items() if search.is_due(wall))

    def sweep(self, names: Iterable[str], at: datetime, wall: datetime) -> Look:
        """Look these up now; what is found is adopted, what is proven absent ends.

        Raises ``Waiting(VENUE_UNREACHABLE)``, after having noted that this look-up was not
        answered; ``Stalled(JOURNAL)``.
        """
        self._keep_up(wall)
        asked = [name for name in names if name in self.searches]
        try:
            look = self.intake.look(at)
            traces = self._traces([n for n in asked if n in look.unseen], at)
        except Waiting:
            for name in asked:
                self.searches[name] = self.searches[name].after(Trace.SILENT, wall)
            raise
        for name in asked:
            self._conclude(name, traces.get(name, Trace.FOUND), at, wall)
        return look

    def spend(self, at: datetime, wall: datetime) -> None:
        """Call a person for what the whole schedule left open (G3); once an order."""
        for name, search in self.searches.items():
            if (
                search.is_spent(wall)
                and name in self.books.unproven
                and name not in self.books.unresolved
            ):
                self.intake.ledger.record(
                    Unresolved(client_order_id=name, lookups=search.looked), at
                )
                what = f"not found and not proven absent in {search.looked} look-ups"
                self.intake.met.append(finding(Reason.ORDER_UNRESOLVED, name, what))

    def _keep_up(self, wall: datetime) -> None:
        unproven = self.books.unproven
        self.searches = {name: s for name, s in self.searches.items() if name in unproven}
        for name in unproven:
            self.begin(name, wall)

    def _conclude(self, name: str, trace: Trace, at: datetime, wall: datetime) -> None:
        if name not in self.books.unproven:
            self.searches.pop(name, None)
            return
        search = self.searches[name].after(trace, wall)
        self.searches[name] = search
        if trace is Trace.NEGATIVE and search.is_absent(self.intake.late):
            self.intake.ledger.record(Absent(client_order_id=name, lookups=search.looked), at)
            self.searches.pop(name)

    # --- the other sources -------------------------------------------------------------------
    def _traces(self, names: list[str], at: datetime) -> dict[str, Trace]:
        """Those that neither their id nor the open orders showed, asked for in every other way."""
        traces = {name: self._listed(self.books.orders[name], at) for name in names}
        if Trace.NEGATIVE in traces.values():
            balances = {b.currency: b for b in self.intake.queries.balances()}
            for name, trace in traces.items():
                order = self.books.orders[name]
                if trace is Trace.NEGATIVE and self._money_moved(order, balances):
                    traces[name] = Trace.UNSURE
        return traces

    def _listed(self, order: OwnOrder, at: datetime) -> Trace:
        since, name = order.intent.created_at - FILL_OVERLAP, order.client_order_id
        recent = self.intake.queries.orders(order.symbol, since)
        fills = self.intake.queries.fills(order.symbol, since)
        shown = [one for one in recent if one.client_order_id == name]
        parts = [fill for fill in fills if fill.client_order_id == name]
        self.intake.take_fills(parts, at)
        for one in shown:
            self.intake.take_order(one, at)
        return Trace.FOUND if shown or parts else Trace.NEGATIVE

    def _money_moved(self, order: OwnOrder, balances: dict[str, Balance]) -> bool:
        """Whether more is locked, or other totals are held, than everything that is proven says."""
        if self.books.opened_at is None:
            return False
        locked = self._proven_locks()
        for currency in order.symbol.split("/"):
            shown = balances.get(currency)
            free, held = (shown.free, shown.locked) if shown else (NOTHING, NOTHING)
            total = self.books.money.opening.get(currency, NOTHING)
            total += self.books.money.flows.get(currency, NOTHING)
            if free + held != total or held > locked.get(currency, NOTHING):
                return True
        return False

    def _proven_locks(self) -> dict[str, Decimal]:
        locks: dict[str, Decimal] = {}
        for name in self.books.working:
            order = self.books.orders[name]
            if order.state not in UNPROVEN:
                currency, amount = order.reserved
                locks[currency] = locks.get(currency, NOTHING) + amount
        return locks
