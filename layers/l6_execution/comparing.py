"""Compares books and venue while a session runs, and writes down what nobody explains (G4).

What the venue shows is taken in first, so that what merely happened meanwhile is no difference;
a wipe is told from single losses before anything is called unexplained.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from desired_state.errors import Waiting, finding
from desired_state.reasons import Reason
from layers.l6_execution.books import WHOLE_VENUE
from layers.l6_execution.classification import Moment
from layers.l6_execution.events import Compared, Reset
from layers.l6_execution.intake import Code, Intake, Look
from layers.l6_execution.own_order import UNPROVEN
from layers.l6_execution.reconciliation import RECENT, Reading, ReconciliationReport, report
from layers.l6_execution.rows import FOREIGN, Kind
from layers.l6_execution.schedule import Scope
from layers.l6_execution.witness import ABSENT, Witness
from layers.orders import Fill
from layers.ports import Remains, ResetSigns

READINGS: Final = 3  # while something executes, two readings of it may fall into its middle
UNSURE: Final = 5
DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class Comparing:
    """One account's. ``seen``: since when each subject differs without a break, wall clock."""

    intake: Intake
    signs: ResetSigns | None = None
    seen: dict[str, datetime] = field(default_factory=dict)
    last: ReconciliationReport | None = None
    unsure: int = 0  # times in a row that the signs of a wipe could not be read

    def compare(self, scope: Scope, at: datetime, wall: datetime) -> None:
        """Take in, read, classify, write down; what was met is told by the intake.

        Raises ``Waiting(VENUE_UNREACHABLE)`` where not even what is open can be read.
        """
        for _ in range(READINGS):
            look = self.intake.look(at, self.intake.since if scope is Scope.FULL else None)
            found = self._read(scope, at, wall)
            if not any(row.difference for row in found.rows):
                break
        self.last = found
        self._weigh(look, found, at, wall)

    def lost(self, look: Look, at: datetime) -> None:
        """What the venue no longer knows: a wipe, or differences one by one."""
        if look.gone and not self._wiped(look, at):
            self.intake.no_longer_known(look.gone, at)

    def _read(self, scope: Scope, at: datetime, wall: datetime) -> ReconciliationReport:
        start = self.intake.since
        since = start if scope is Scope.FULL else max(start, at - RECENT)
        return self._report(self.intake.ledger.witness, scope, since, at, wall)

    def whole(self, at: datetime, wall: datetime) -> ReconciliationReport:
        """Every order and execution of the journal, from the disk; nothing is written down.

        Raises ``Stalled(JOURNAL)``.
        """
        witness = Witness.of(self.intake.ledger.journal.entries(), whole=True)
        self.last = self._report(witness, Scope.FULL, self.intake.opening, at, wall)
        return self.last

    def _report(
        self, witness: Witness, scope: Scope, since: datetime, at: datetime, wall: datetime
    ) -> ReconciliationReport:
        queries, open_orders = self.intake.queries, self.intake.cancels.open_orders
        reading = Reading(witness, queries, open_orders, scope, since)
        return report(reading, Moment(at, wall, self.intake.late.total, self.seen))

    def _weigh(self, look: Look, found: ReconciliationReport, at: datetime, wall: datetime) -> None:
        differing = {row.subject for row in found.rows if row.kind is Kind.LAG}
        differing |= self._uncompared(found)
        self.seen = {subject: self.seen.get(subject, wall) for subject in sorted(differing)}
        odd = [row for row in found.rows if row.kind is Kind.UNEXPLAINED]
        books = self.intake.books
        known = set(books.unexplained)
        lost = (r.subject for r in odd if r.actual == ABSENT and r.subject in books.working)
        look = Look(look.unseen, tuple(dict.fromkeys((*look.gone, *lost))))
        if (look.gone or odd) and not self._wiped(look, at):
            self.intake.no_longer_known(look.gone, at)
            for row in odd:
                code: Code = "FOREIGN_ORDER" if row.difference == FOREIGN else "RECON_DIFF"
                self.intake.differ(code, row.subject, row.told, at)
        if found.scope is Scope.FULL or set(self.intake.books.unexplained) - known:
            self._write(found, at)

    def _uncompared(self, found: ReconciliationReport) -> set[str]:
        """What differed before and was not read now: nobody knows that it agrees (L6-7)."""
        if not found.missing and found.scope is not Scope.OPEN_ORDERS:
            return set()
        return set(self.seen) - {row.subject for row in found.rows}

    def _write(self, found: ReconciliationReport, at: datetime) -> None:
        event = Compared(
            report=found.id,
            scope=found.scope.value,
            ok=found.ok,
            compared=found.compared,
            missing=tuple(f"{gap.subject}: {gap.message}" for gap in found.missing),
            unexplained=tuple(one.subject for one in found.unexplained),
        )
        self.intake.ledger.record(event, at)

    # --- a venue that was wiped ----------------------------------------------------------------
    def _wiped(self, look: Look, at: datetime) -> bool:
        what = self._recognised(look, at)
        if what is None:
            return False
        self.intake.ledger.record(Reset(what=what), at)
        self.intake.met.append(finding(Reason.VENUE_RESET, WHOLE_VENUE, what))
        return True

    def _recognised(self, look: Look, at: datetime) -> str | None:
        """Raises ``Waiting`` a few times at most: what may be a wipe is a difference after that."""
        if self.signs is None:
            return None
        try:
            what = self.signs.recognise(self._remains(look, at))
        except Waiting:
            self.unsure += 1
            if self.unsure < UNSURE:
                raise
            return None
        self.unsure = 0
        return what

    def _remains(self, look: Look, at: datetime) -> Remains:
        books, queries = self.intake.books, self.intake.queries
        stand = frozenset(n for n in books.working if books.orders[n].state not in UNPROVEN)
        last = ((n, s) for s, names in books.last.orders.items() for n in names)
        ended = {name: symbol for name, symbol in last if name not in books.working}
        known = {n for n, symbol in ended.items() if queries.order(symbol, n) is not None}
        fills = self._last_fills(at)
        shown = {f.fill_id for s, since in _first(fills).items() for f in queries.fills(s, since)}
        return Remains(
            orders=stand | ended.keys(),
            orders_shown=(stand - set(look.gone)) | known,
            fills=frozenset(fills),
            fills_shown=fills.keys() & shown,
            expected=dict(self.intake.ledger.witness.totals),
            balances=queries.balances(),
        )

    def _last_fills(self, at: datetime) -> dict[str, Fill]:
        """Those of the last day, and the last few of each symbol however old they are."""
        books = self.intake.books
        since = max(self.intake.opening, at - DAY)
        last = (fill for fills in books.last.fills.values() for fill in fills)
        recent = (fill for fill in books.fills.values() if fill.at > since)
        return {fill.fill_id: fill for fill in (*last, *recent)}


def _first(fills: Mapping[str, Fill]) -> dict[str, datetime]:
    """By symbol the instant of the oldest of them."""
    first: dict[str, datetime] = {}
    for fill in fills.values():
        first[fill.symbol] = min(fill.at, first.get(fill.symbol, fill.at))
    return first
