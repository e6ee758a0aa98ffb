"""Compares books and venue while a session runs, and writes down what nobody explains (G4).

What the venue shows is taken in first, so that what merely happened meanwhile is no difference;
a wipe is told from single losses before anything is called unexplained.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from desired_state.errors import Finding, finding
from desired_state.reasons import Reason
from layers.l6_execution.classification import Moment
from layers.l6_execution.events import Compared, Reset
from layers.l6_execution.intake import EPOCH, Code, Intake, Look
from layers.l6_execution.own_order import UNPROVEN
from layers.l6_execution.reconciliation import RECENT, Reading, ReconciliationReport, report
from layers.l6_execution.rows import FOREIGN, Kind, Row
from layers.l6_execution.schedule import Scope
from layers.ports import Remains, ResetSigns

READINGS: Final = 3  # while something executes, two readings of it may fall into its middle
DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class Comparing:
    """One account's. ``seen``: since when each subject differs without a break, wall clock."""

    intake: Intake
    signs: ResetSigns | None = None
    seen: dict[str, datetime] = field(default_factory=dict)
    last: ReconciliationReport | None = None

    def compare(self, scope: Scope, at: datetime, wall: datetime) -> tuple[Finding, ...]:
        """Take in, read, classify, write down; the findings are new ones.

        Raises ``Waiting(VENUE_UNREACHABLE)`` where not even what is open can be read.
        """
        findings: list[Finding] = []
        for _ in range(READINGS):
            look = self.intake.look(at, self._opened if scope is Scope.FULL else None)
            findings += look.findings
            found = self._read(scope, at, wall)
            if not any(row.difference for row in found.rows):
                break
        self.last = found
        return (*findings, *self._met(look, found, at, wall))

    def lost(self, look: Look, at: datetime) -> tuple[Finding, ...]:
        """What the venue no longer knows: a wipe, or differences one by one."""
        if not look.gone:
            return ()
        return self._wiped(look, at) or self.intake.no_longer_known(look.gone, at)

    @property
    def _opened(self) -> datetime:
        return self.intake.books.opened_at or EPOCH

    def _read(self, scope: Scope, at: datetime, wall: datetime) -> ReconciliationReport:
        since = self._opened if scope is Scope.FULL else max(self._opened, at - RECENT)
        reading = Reading(
            self.intake.ledger.witness,
            self.intake.queries,
            self.intake.cancels.open_orders,
            scope,
            since,
        )
        return report(reading, Moment(at, wall, self.intake.late.total, self.seen))

    def _met(
        self, look: Look, found: ReconciliationReport, at: datetime, wall: datetime
    ) -> tuple[Finding, ...]:
        differing = {row.subject for row in found.rows if row.kind is Kind.LAG}
        self.seen = {subject: self.seen.get(subject, wall) for subject in sorted(differing)}
        odd = [row for row in found.rows if row.kind is Kind.UNEXPLAINED]
        met: tuple[Finding, ...] = ()
        if look.gone or odd:
            met = self._wiped(look, at)
        if not met:
            gone = self.intake.no_longer_known(look.gone, at)
            rows = (self._differ(row, at) for row in odd if row.subject not in look.gone)
            met = (*gone, *(one for one in rows if one is not None))
        if found.scope is Scope.FULL or met:
            self._write(found, at)
        return met

    def _differ(self, row: Row, at: datetime) -> Finding | None:
        code: Code = "FOREIGN_ORDER" if row.difference == FOREIGN else "RECON_DIFF"
        return self.intake.differ(code, row.subject, row.told, at)

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
    def _wiped(self, look: Look, at: datetime) -> tuple[Finding, ...]:
        if self.signs is None:
            return ()
        what = self.signs.recognise(self._remains(look, at))
        if what is None:
            return ()
        self.intake.ledger.record(Reset(what=what), at)
        return (finding(Reason.VENUE_RESET, "venue", what),)

    def _remains(self, look: Look, at: datetime) -> Remains:
        books, queries = self.intake.books, self.intake.queries
        since = max(self._opened, at - DAY)
        ours = {n: f.symbol for n, f in books.fills.items() if f.at > since}
        shown = {f.fill_id for s in set(ours.values()) for f in queries.fills(s, since)}
        stand = frozenset(n for n in books.working if books.orders[n].state not in UNPROVEN)
        return Remains(
            orders=stand,
            orders_shown=stand - set(look.gone),
            fills=frozenset(ours),
            fills_shown=frozenset(ours) & shown,
            expected=dict(self.intake.ledger.witness.totals),
            balances=queries.balances(),
        )
