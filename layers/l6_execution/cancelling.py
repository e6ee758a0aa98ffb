"""Cancels: out first, journaled beside, asked again until they are seen (L6-4)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.events import CancelAsked, CancelGap
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.own_order import UNPROVEN
from layers.orders import CancelReport, OrderState
from layers.ports import Cancels


@dataclass(slots=True)
class Cancelling:
    """One account's. Neither a full disk nor a broken journal delays a cancel."""

    cancels: Cancels
    ledger: Ledger
    _asked: dict[str, datetime] = field(default_factory=dict)  # last time, wall clock
    _gap: list[CancelGap] = field(default_factory=list)

    def one(self, name: str, symbol: str, at: datetime) -> CancelReport:
        """Ask for one order; it stays in the books until the venue shows that it is gone."""
        report = self.cancels.cancel(symbol, name)
        self._journal("one", (name,), report, at)
        return report

    def everything(self, at: datetime) -> CancelReport:
        """Ask for all that may be open."""
        report = self.cancels.cancel_all()
        working = self.ledger.books.working
        asked = tuple(dict.fromkeys((*working, *report.confirmed, *report.still_open)))
        self._journal("all", asked, report, at)
        return report

    def each_own(self, at: datetime, wall: datetime, after: timedelta) -> None:
        """Ask for every order of ours that may be there, and for no other's.

        One that nothing proves to be there is asked for once, and again as soon as it is seen.
        """
        books = self.ledger.books
        for name in list(books.working):
            asked = self._asked.get(name)
            seen = books.orders[name].state not in UNPROVEN
            if asked is None or (seen and wall - asked >= after):
                self._own(name, at, wall)

    def again(self, at: datetime, wall: datetime, after: timedelta) -> None:
        """A cancel may be lost on its way; asking again costs nothing and risks nothing.

        What was unknown when its cancel was asked for is found standing as if nobody had asked.
        """
        books = self.ledger.books
        self._asked = {n: w for n, w in self._asked.items() if n in books.working}
        for name in [n for n in books.working if self._is_wanted_gone(n)]:
            if wall - self._asked.setdefault(name, wall) >= after:
                self._own(name, at, wall)

    def _is_wanted_gone(self, name: str) -> bool:
        state = self.ledger.books.orders[name].state
        waiting = state is OrderState.PENDING_CANCEL
        return waiting or (state not in UNPROVEN and name in self.ledger.witness.cancels)

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

    def _own(self, name: str, at: datetime, wall: datetime) -> None:
        self._asked[name] = wall
        self.one(name, self.ledger.books.orders[name].symbol, at)

    def _journal(
        self,
        scope: Literal["one", "all"],
        asked: tuple[str, ...],
        report: CancelReport,
        at: datetime,
    ) -> None:
        event = CancelAsked(
            scope=scope,
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
