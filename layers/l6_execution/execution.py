"""L6 at work: start, send, cancel, upkeep, finish, for one account at one venue.

L6-4: cancels first, journal beside. L6-8: after a start nothing is sent before everything unknown
is resolved, our resting orders are cancelled, and books and venue were compared and agree.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from desired_state.errors import Finding, Stalled, Waiting, finding
from desired_state.reasons import Reason
from layers.l6_execution.books import Books
from layers.l6_execution.cancelling import Cancelling
from layers.l6_execution.circuit import Circuit
from layers.l6_execution.comparing import Comparing
from layers.l6_execution.door import Door
from layers.l6_execution.events import Opened
from layers.l6_execution.intake import Intake
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.reconciliation import ReconciliationReport, reconcile
from layers.l6_execution.resolution import Resolution
from layers.l6_execution.schedule import Schedule, Scope
from layers.l6_execution.terms import FillBounds, Propagation
from layers.orders import AnswerKind, CancelReport, Intent, Permit, VenueAnswer
from layers.ports import Cancels, ResetSigns, VenueQueries

AGAIN: Final = timedelta(seconds=1)  # a difference in flight, or a cancel not seen, is asked again


@dataclass(slots=True)
class Execution:
    """``at`` is the market clock, ``wall`` the wall clock. Call ``start``, then ``tick`` often.

    ``signs`` recognises a wiped venue; without it a wipe is differences one by one.
    """

    door: Door
    cancels: Cancels
    queries: VenueQueries
    ledger: Ledger
    propagation: Propagation
    signs: ResetSigns | None = None
    bounds: FillBounds = field(default_factory=FillBounds)
    schedule: Schedule = field(default_factory=Schedule)
    circuit: Circuit = field(default_factory=Circuit)
    _intake: Intake = field(init=False)
    _cancelling: Cancelling = field(init=False)
    _resolution: Resolution = field(init=False)
    _comparing: Comparing = field(init=False)
    _starting: bool = False
    _keep: bool = False
    _silent: bool = False  # the venue did not answer when it was last asked
    _compared: datetime | None = None

    def __post_init__(self) -> None:
        """The parts share ports and ledger."""
        self._intake = Intake(
            self.cancels, self.queries, self.ledger, self.propagation, self.bounds
        )
        self._cancelling = Cancelling(self.cancels, self.ledger)
        self._resolution = Resolution(self._intake)
        self._comparing = Comparing(self._intake, self.signs)

    @property
    def books(self) -> Books:
        """What the journal says, folded."""
        return self.ledger.books

    @property
    def is_ready(self) -> bool:
        """Whether the start is over: resolved, cancelled, compared, and no reset pending (L6-8)."""
        return not self._starting and self.books.reset is None

    @property
    def last_report(self) -> ReconciliationReport | None:
        """The last comparison of books and venue; none before there was one.

        While a session runs it has the rows that differ, after ``finish`` all of them.
        """
        return self._comparing.last

    # --- start, upkeep, finish ---------------------------------------------------------------
    def start(self, at: datetime, wall: datetime, *, keep: bool = False) -> tuple[Finding, ...]:
        """Begin to find out where we stand; ``tick`` goes on with it until ``is_ready`` (L6-8).

        Differences that nobody explained since the last run are told again: a release alone
        explains nothing. Our own resting orders are cancelled unless ``keep``.
        Raises ``Stalled(JOURNAL)``, ``Waiting(VENUE_UNREACHABLE)`` where the account was never
        opened and does not answer.
        """
        self._starting, self._keep, self._compared = True, keep, None
        self.open_account(at)
        self._intake.remember()
        return self.tick(at, wall)

    def tick(self, at: datetime, wall: datetime) -> tuple[Finding, ...]:
        """Do what is due: look-ups, comparisons, cancels not yet seen. Never raises for a venue.

        Findings are new ones; ``stops.stop_for`` says which raise a stop.
        """
        if self.books.reset is not None:
            return self._reset_stands() if self._starting else ()
        self.record_gap(at)
        try:
            if self._upkeep(at, wall):
                self._answer(at, wall)
        except Waiting as fault:
            self._no_answer(fault, at, wall)
        self._resolution.spend(at, wall)
        return self._intake.tell()

    def finish(self, at: datetime, wall: datetime) -> ReconciliationReport:
        """Cancel what is open, take in what the venue shows, compare everything once more.

        Where the report is not final, or orders are unproven, ``tick`` on and finish again.
        """
        self.cancel_all(at)
        self.record_gap(at)
        partial = self.books.let_go_at is not None
        try:
            self._comparing.compare(Scope.FULL, at, wall)
        except Waiting as fault:
            self._no_answer(fault, at, wall)
            return self._from_the_disk()
        last = self._comparing.last
        if last is None or self.books.reset:
            return self._from_the_disk()
        if not partial:
            return last
        try:
            return self._comparing.whole(at, wall)  # L6-10: at the end everything counts
        except Stalled:
            return self._from_the_disk()  # which says that the journal cannot be read

    def _from_the_disk(self) -> ReconciliationReport:
        """The report that anybody makes of the journal, who knows nothing of this run."""
        return reconcile(self.ledger.journal.entries(), self.queries, self.cancels.open_orders)

    def _upkeep(self, at: datetime, wall: datetime) -> bool:
        """True if the venue was asked anything that it can fail to answer."""
        due = self._resolution.due(wall)
        if due:
            self._comparing.lost(self._resolution.sweep(due, at, wall), at)
        before = self._compared
        if self._starting:
            self._go_on_starting(at, wall)
        elif scope := self._scope_due(wall):
            self._compare(scope, at, wall)
        self._cancelling.again(at, wall, self._pace)
        return bool(due) or self._compared != before

    def _go_on_starting(self, at: datetime, wall: datetime) -> None:
        if not self._keep:
            self._cancelling.each_own(at, wall, self._pace)
        if self.books.unproven or not self._is_over(wall):
            return
        self._compare(Scope.FULL, at, wall)
        report = self._comparing.last
        resting = self.books.working and not self._keep
        if report is not None and report.ok and not resting:
            self._starting = False

    def _compare(self, scope: Scope, at: datetime, wall: datetime) -> None:
        self._compared = wall
        self._comparing.compare(scope, at, wall)
        report = self._comparing.last
        if report is None:
            return
        self._comparing.last = report.differing  # a row for each order of minutes is no use here
        if not report.missing:
            self.schedule.done(scope, wall)

    def _scope_due(self, wall: datetime) -> Scope | None:
        scope = self.schedule.due(wall, live=bool(self.ledger.witness.live))
        if scope is None and self._comparing.seen and self._is_over(wall):
            return Scope.HOLDINGS  # something was excused as being on its way: soon again
        return scope

    def _is_over(self, wall: datetime) -> bool:
        return self._compared is None or wall - self._compared >= AGAIN

    @property
    def _pace(self) -> timedelta:
        """How long a cancel may take to show before it is asked for again."""
        return max(self.propagation.bound, AGAIN)

    def _reset_stands(self) -> tuple[Finding, ...]:
        return (finding(Reason.VENUE_RESET, "venue", self.books.reset or ""),)

    def _no_answer(self, fault: Waiting, at: datetime, wall: datetime) -> None:
        self.circuit.note(at, wall, answered=False)
        if not self._silent:
            self._silent = True
            self._intake.met.append(fault.finding)

    def _answer(self, at: datetime, wall: datetime) -> None:
        self.circuit.note(at, wall, answered=True)
        if self._silent:
            self._silent = False
            self.schedule.reconnected()

    # --- orders ------------------------------------------------------------------------------
    def send(self, intent: Intent, permit: Permit) -> VenueAnswer:
        """Through the door, or not at all."""
        held = self._held_back(intent)
        if held is not None:
            return VenueAnswer(kind=AnswerKind.NOT_SENT, reason=held.message, code=held.code)
        answer = self.door.send(intent, permit)
        wall = self.door.wall_clock()
        if answer.kind is not AnswerKind.NOT_SENT:
            answered = answer.kind is not AnswerKind.UNKNOWN
            self.circuit.note(intent.created_at, wall, answered=answered)
        name = intent.request.client_order_id
        if name in self.books.unproven:
            self._resolution.begin(name, wall)
        return answer

    def _held_back(self, intent: Intent) -> Finding | None:
        if self.books.reset is not None:
            return finding(Reason.VENUE_RESET, "venue", self.books.reset)
        if self._starting:
            return finding(Reason.NOT_RECONCILED, intent.intent_id)
        if self.circuit.is_open:  # L6-11: whatever L5 saw of it
            return finding(Reason.VENUE_ERRORS, "venue", f"open since {self.circuit.opened_at}")
        symbol = intent.request.symbol
        blocked = self.books.symbol(symbol).unknown and intent.intent_id not in self.books.by_intent
        return finding(Reason.ORDER_UNKNOWN, symbol) if blocked else None

    def open_account(self, at: datetime) -> None:
        """Write down what the account holds, once in a journal's life."""
        if self.books.opened_at is None:
            self.ledger.record(Opened(balances=self.queries.balances()), at)

    def poll(self, at: datetime) -> tuple[Finding, ...]:
        """Take in what the venue shows; the findings are differences met now.

        Raises ``Waiting(VENUE_UNREACHABLE)``, ``Stalled(JOURNAL)``.
        """
        self._comparing.lost(self._intake.look(at), at)
        return self._intake.tell()

    def resolve(self, at: datetime, wall: datetime) -> tuple[str, ...]:
        """Look up now every order that is not known to be anywhere; the ids still unknown after.

        Raises as ``poll``.
        """
        self._comparing.lost(self._resolution.sweep(self.books.unproven, at, wall), at)
        return tuple(self.books.unproven)

    # --- cancels -----------------------------------------------------------------------------
    def cancel(self, symbol: str, client_order_id: str, at: datetime) -> CancelReport:
        """Ask for one order; it stays in the books until the venue shows that it is gone."""
        return self._heard(self._cancelling.one(client_order_id, symbol, at), at)

    def cancel_all(self, at: datetime) -> CancelReport:
        """Ask for all; neither a full disk nor a broken journal delays it (L6-4)."""
        return self._heard(self._cancelling.everything(at), at)

    def record_gap(self, at: datetime) -> bool:
        """Write down the cancels that the journal missed; true if none are missing after."""
        return self._cancelling.record_gap(at)

    def _heard(self, report: CancelReport, at: datetime) -> CancelReport:
        self.circuit.note(at, self.door.wall_clock(), answered=not report.unreachable)
        return report
