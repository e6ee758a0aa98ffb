"""Builds and runs one session on this host: venue, books, layers, door, renewed verdicts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from desired_state.build import __version__
from desired_state.configuration import configuration_digest
from desired_state.errors import Finding, GovernanceError, Stalled, finding
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.values import StopClass
from evidence_repo.manifest import Claim, Code, Context, EvidenceLevel
from evidence_repo.packs import Pack
from layers.adapters.csv_bars import CsvBars, carried_prices
from layers.adapters.paper_cancels import PaperCancels
from layers.adapters.paper_entry import PaperEntry
from layers.adapters.paper_probe import PaperProbe
from layers.adapters.paper_queries import PaperQueries
from layers.feed import FeedItem, Window
from layers.l6_execution.books import Books
from layers.l6_execution.door import Door
from layers.l6_execution.events import Filled, read
from layers.l6_execution.execution import Execution
from layers.l6_execution.ledger import Ledger
from layers.l6_execution.reconciliation import ReconciliationReport, reconcile
from layers.market import Bar
from layers.paper_venue.venue import PaperVenue
from layers.ports import JournalEntry
from layers.risk_snapshot import VenueClass
from reconciler import picture
from reconciler.adapters.armed_token import TokenReader
from reconciler.adapters.clock import since_boot, wall_clock
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.conduct import ConductRecord
from reconciler.gate import Verdict
from reconciler.market_state import MarketState
from reconciler.marks import LossStop, Mark, Marks
from reconciler.noted_journal import NotedJournal
from reconciler.session import Desk as SessionDesk
from reconciler.session import Ending, Session
from reconciler.session_record import (
    SessionRecord,
    SessionSetup,
    TriggerLine,
    order_lines,
    reconciliation_pack,
    session_pack,
)
from reconciler.snapshots import Wired
from reconciler.thinking import Thinking
from reconciler.venue_watch import VenueWatch
from reconciler.wiring.desk import HEARTBEAT, PAPER, Desk, local_stop, ship
from reconciler.wiring.session_setup import (
    PROPAGATION,
    Request,
    approved_files,
    open_venue,
    scopes_of,
    settle,
    setup_of,
)

RENEW: Final = timedelta(milliseconds=500)  # the verdict is judged again at least this often
SHIP: Final = timedelta(seconds=1)  # evidence.md: the commit follows within a second
ACCOUNT: Final = "paper"
M = TypeVar("M", bound=Frozen)


@dataclass(frozen=True)
class Outcome:
    """How the session went."""

    record: SessionRecord
    session_pack: str
    reconciliation: ReconciliationReport
    reconciliation_pack: str
    stop: str | None  # id of the stop that it raised itself


@dataclass
class Flag:
    """In memory beside the token: either says stop, so it is a stop (risk.md, A3)."""

    token: TokenReader
    raised: Finding | None = None

    def check(self) -> Finding | None:
        """None while neither says stop."""
        return self.raised or self.token.check()


@dataclass
class SessionRun:
    """One session in the making. ``watch`` is called after each bar, for progress."""

    desk: Desk
    request: Request
    watch: Callable[[Session, Bar], None] = lambda _session, _bar: None
    _flag: Flag = field(init=False)
    _stop: str | None = None
    _renewed: datetime | None = None
    _shipped: datetime | None = None
    _spans: dict[tuple[str, datetime], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The flag starts down; the token decides."""
        self._flag = Flag(self.desk.token)

    def run(self) -> Outcome:
        """To the end of the feed, or until the verdict or a stop ends it.

        Raises:
            Stalled: ``NOT_APPROVED`` where the mode is not permitted now, ``CONFIGURATION_LOST``,
                ``FEED_INVALID``, ``ORDER_UNKNOWN``.
        """
        verdict = self._verdict()
        if verdict.permitted.mode is not self.request.mode:
            text = f"permitted is {verdict.permitted.mode}, asked for {self.request.mode}"
            raise Stalled(Reason.NOT_APPROVED, "session", text)
        files = approved_files(self.desk, verdict)
        feed = CsvBars(self.request.feed) if self.request.feed else carried_prices()
        venue, start = open_venue(self.desk.host, self.request, files, feed)
        setup = setup_of(self.request, verdict, feed, start)
        first = self.desk.journal.head.size
        journal = SharedJournal(self.desk.journal, self._revision, wall_clock)
        session = self._session(files, venue, journal, verdict)
        self.desk.running.session = (setup.run_id, setup.mode.value)
        self.desk.running.refused, self.desk.running.venue = session.refused, PAPER
        try:
            journal.append("session_start", setup.model_dump(mode="json"), start)
            settle(session.desk.execution, start)
            ending, last = self._bars(session, feed, start)
            session.finish(last)
            entries = SharedJournal(self.desk.journal, self._revision, wall_clock, first)
            record = self._record(session, setup, ending, tuple(entries.entries()))
            return self._evidence(record, journal, venue)
        except GovernanceError:
            PaperCancels(venue).cancel_all()  # SESSION-1: what cannot go on leaves nothing open
            raise
        finally:
            self.desk.running.session = self.desk.running.refused = None
            self._renewed = None
            self._verdict()
            venue.close()

    # --- the pieces --------------------------------------------------------------------------
    def _verdict(self) -> Verdict:
        """Judge again when it is due, or when the token says that something happened."""
        now = wall_clock()
        due = self._renewed is None or now - self._renewed >= RENEW
        if due or self.desk.token.check() is not None:
            self.desk.reconcile()
            self._renewed = now
        if self._shipped is None or now - self._shipped >= SHIP:
            ship(self.desk)  # where the remote does not answer, the journal has it all
            self._shipped = now
        verdict = self.desk.permits.verdict
        assert verdict is not None  # noqa: S101  (taken above)
        return verdict

    def _revision(self) -> str | None:
        verdict = self.desk.permits.verdict
        return verdict.revision if verdict else None

    def _session(
        self,
        files: dict[str, bytes],
        venue: PaperVenue,
        journal: SharedJournal,
        verdict: Verdict,
    ) -> Session:
        entries = tuple(journal.entries())
        queries = PaperQueries(venue)
        conduct = ConductRecord.rebuilt(entries)
        noted = NotedJournal(journal, conduct)
        execution = self._execution(venue, noted, entries)
        probe = PaperProbe(queries, ACCOUNT, (self.request.symbol,), wall_clock)
        return Session(
            desk=SessionDesk(
                execution=execution,
                queries=queries,
                journal=noted,
                advance=venue.advance,
                verdict=self._verdict,
                permits=self.desk.permits,
                token=self._token,
                halt=lambda kind, text: self._halt(execution, kind, text),
                wall_clock=wall_clock,
                venue=VenueWatch(probe, wall_clock, since_boot),
            ),
            wired=Wired(
                venue=PAPER,
                account=ACCOUNT,
                venue_class=VenueClass.PAPER,
                rules=queries.rules(self.request.symbol),
                heartbeat_max_age=HEARTBEAT,
                configuration=configuration_digest(files),
            ),
            thinking=Thinking(
                series=self.request.series,
                scopes=scopes_of(files),
                layers=frozenset(verdict.permitted.layers),
                keep=self._keep,
                revision=verdict.revision or "",
            ),
            market=MarketState(self.request.series),
            marks=_marks(entries, verdict),
            mode=self.request.mode,
            conduct=conduct,
            judged={str(e.body["intent"]["intent_id"]) for e in entries if e.kind == "decision"},
        )

    def _execution(
        self, venue: PaperVenue, journal: NotedJournal, entries: tuple[JournalEntry, ...]
    ) -> Execution:
        ledger = Ledger(journal, Books.rebuilt(entries))
        door = Door(
            entry=PaperEntry(venue),
            armed=self._flag,
            seal_key=self.desk.permits.key,
            epoch=self.desk.epoch,
            ledger=ledger,
            wall_clock=wall_clock,
        )
        cancels = PaperCancels(venue)  # on bars a cancel arrives long before the next one
        return Execution(door, cancels, PaperQueries(venue), ledger, PROPAGATION)

    def _bars(self, session: Session, feed: CsvBars, start: datetime) -> tuple[Ending, datetime]:
        last = start
        for item in self._items(session, feed, start):
            ending = session.step(item)
            self._note(session)
            if isinstance(item, Bar):
                last = item.closed if ending is None or session.bars else last
                self.watch(session, item)
            if ending:
                return ending, last
        return Ending.COMPLETED, last

    def _items(self, session: Session, feed: CsvBars, start: datetime) -> Iterator[FeedItem]:
        warm = session.thinking.scopes.outlook.parameters.memory_bars * self.request.interval
        for item in feed.bars(self.request.series, Window(start - warm, self.request.end)):
            if isinstance(item, Bar) and item.closed > start:
                yield item
            else:
                session.warm(item)

    def _note(self, session: Session) -> None:
        outlook = session.thinking.outlook
        for trigger in outlook.triggers if outlook else ():
            self._spans[trigger.kind.value, trigger.since] = trigger.expires

    def _token(self) -> tuple[Finding | None, datetime | None]:
        age = self.desk.token.age_ns()
        beat = None if age is None else wall_clock() - timedelta(microseconds=age // 1000)
        return self._flag.check(), beat

    def _halt(self, execution: Execution, kind: StopClass, text: str) -> str:
        """L5's latching controls (trust.md, 7)."""
        self._flag.raised = finding(Reason.KILL_LATCHED, kind.value, text)
        stop = local_stop(self.desk.host).engage(kind, text, "L5", execution.cancels.cancel_all)
        self._stop, self._renewed = stop.id, None
        return stop.id

    def _keep(self, pack: Pack, _at: datetime) -> None:
        self.desk.ledger.record_pack(pack, wall_clock(), self._revision())

    def _record(
        self,
        session: Session,
        setup: SessionSetup,
        ending: Ending,
        entries: tuple[JournalEntry, ...],
    ) -> SessionRecord:
        marks = tuple(_value(Mark, e) for e in entries if e.kind == "mark")
        books = session.desk.execution.books
        lines = order_lines(books, entries)
        events = (read(entry) for entry in entries)
        fills = tuple(event.fill for event in events if isinstance(event, Filled))
        return SessionRecord(
            setup=setup,
            run_id=setup.run_id,
            ending=ending,
            stop=self._stop_class(ending),
            first=marks[0].at if marks else None,
            last=marks[-1].at if marks else None,
            bars=session.bars,
            orders=lines,
            fills=fills,
            marks=marks,
            triggers=tuple(
                TriggerLine(kind=kind, since=since, until=until)
                for (kind, since), until in sorted(self._spans.items())
            ),
            refusals=dict(sorted(session.outcomes.items())),
            plans=tuple(session.thinking.packs),
        )

    def _stop_class(self, ending: Ending) -> StopClass | None:
        if ending is not Ending.STOPPED:
            return None
        stops = self.desk.latch.in_force()
        return next((stops[name].kind for name in sorted(stops)), None)

    def _evidence(
        self, record: SessionRecord, journal: SharedJournal, venue: PaperVenue
    ) -> Outcome:
        context = Context(
            run_id=record.run_id,
            decision=record.ending.value,
            revision=self._revision() or "",
            code=Code(version=__version__),
            seed=record.setup.seed,
            ended=wall_clock(),
            claim=Claim(text="a paper session over recorded bars", level=EvidenceLevel.E2),
        )
        pack = session_pack(record, picture.draw(record), context)
        self._keep(pack, record.setup.start)
        queries, cancels = PaperQueries(venue), PaperCancels(venue)
        report = reconcile(journal.entries(), queries, cancels.open_orders)
        second = reconciliation_pack(record, report, pack.id, context)
        self._keep(second, record.setup.start)
        if not report.ok:  # G4: what nobody can explain is a stop of class integrity
            text = "; ".join(f"{f.subject}: {f.message}" for f in report.unexplained[:3])
            stop = local_stop(self.desk.host).engage(
                StopClass.INTEGRITY, text, "reconciliation", cancels.cancel_all
            )
            self._stop = stop.id
        ship(self.desk)
        return Outcome(record, pack.id, report, second.id, self._stop)


def _marks(entries: tuple[JournalEntry, ...], verdict: Verdict) -> Marks:
    marks, limits = Marks(), verdict.permitted.limits
    for entry in entries:
        if entry.kind == "mark":
            marks.add(_value(Mark, entry), limits.max_daily_loss, limits.max_drawdown)
        elif entry.kind == "loss_stop":
            marks.stops.append(_value(LossStop, entry))
    return marks


def _value(model: type[M], entry: JournalEntry) -> M:
    return model.model_validate_json(json.dumps(dict(entry.body)))
