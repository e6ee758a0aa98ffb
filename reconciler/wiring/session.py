"""Builds and runs one session on this host: books, layers, renewed verdicts, evidence.

What it trades at is its counter's business (``reconciler.counter``); here nothing depends on it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from desired_state.canonical import digest
from desired_state.configuration import configuration_digest
from desired_state.errors import Finding, GovernanceError, Stalled, Waiting, finding
from desired_state.reasons import Reason
from desired_state.values import StopClass, parse_instant
from evidence_repo.packs import Pack
from layers.feed import FeedItem, Window
from layers.l6_execution.books import Books
from layers.l6_execution.reconciliation import ReconciliationReport
from layers.market import Bar
from layers.pegs import quoted
from layers.ports import JournalEntry
from reconciler.adapters.armed_token import TokenReader
from reconciler.adapters.shared_journal import SharedJournal
from reconciler.conduct import ConductRecord
from reconciler.counter import Counter
from reconciler.gate import Verdict
from reconciler.market_state import MarketState
from reconciler.noted_journal import NotedJournal
from reconciler.peg_watch import PegWatch
from reconciler.permits import SENDING
from reconciler.ports import Report
from reconciler.session import Desk as SessionDesk
from reconciler.session import Ending, Session, serves
from reconciler.session_record import SessionSetup
from reconciler.session_request import Request
from reconciler.snapshots import Wired
from reconciler.thinking import Thinking
from reconciler.venue_watch import VenueWatch
from reconciler.wiring.approved import approved_files, scopes_of
from reconciler.wiring.counters import DoorKeys, Place, books_name, open_counter
from reconciler.wiring.desk import HEARTBEAT, Desk, local_stop, ship
from reconciler.wiring.session_evidence import Kept, Outcome, Raised, keep_evidence, marks_of

RENEW: Final = timedelta(milliseconds=500)  # the verdict is judged again at least this often
SHIP: Final = timedelta(seconds=1)  # evidence.md: the commit follows within a second
SETTLE: Final = timedelta(seconds=30)  # a start or an end that takes longer needs people
ATTESTED: Final = timedelta(seconds=5)  # a watcher elsewhere that is silent for longer is none
WAIT: Final = 0.1  # seconds between two looks at what is not settled yet
LONGEST: Final = 1.0  # seconds between two comparisons of everything at the end
FOREVER: Final = datetime.max.replace(microsecond=0, tzinfo=UTC)


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
    """One session in the making.

    ``watch`` is called after each bar, for progress; ``between`` before each step, and may end the
    session; ``told`` with each cycle's report.
    """

    desk: Desk
    request: Request
    watch: Callable[[Session, Bar], None] = lambda _session, _bar: None
    between: Callable[[], Ending | None] = lambda: None
    told: Callable[[Report], None] = lambda _report: None
    run_id: str = ""
    settle: timedelta = SETTLE
    _flag: Flag = field(init=False)
    _stop: str | None = None
    _raised: Raised | None = None
    _elsewhere: datetime | None = None  # when a watcher on another host was last heard
    _bar: Bar | None = None  # the last one
    _ended: Ending | None = None  # while nothing was new in the market
    _renewed: datetime | None = None
    _shipped: datetime | None = None
    _spans: dict[tuple[str, datetime], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The flag starts down; the token decides."""
        self._flag = Flag(self.desk.token)

    def run(self) -> Outcome:
        """To the end of the feed, or until the verdict, a stop or somebody ends it.

        Raises:
            Stalled: ``NOT_APPROVED`` where the mode is not permitted now, ``CONFIGURATION_LOST``,
                ``FEED_INVALID``, ``ORDER_UNKNOWN``; and what the counter's wiring refuses.
        """
        verdict = self._verdict()
        if not serves(verdict, self.request.mode):
            text = f"permitted is {verdict.permitted.mode}, asked for {self.request.mode}"
            raise Stalled(Reason.NOT_APPROVED, "session", text)
        files = approved_files(self.desk.state, self.desk.cycle.approval, verdict)
        first = self.desk.journal.head.size
        journal = self._journal(verdict)
        counter = self._counter(files, journal, verdict)
        try:
            setup = _setup(self.request, verdict, counter)
            self.run_id = setup.run_id
            session = self._session(files, counter, verdict)
            return self._run(session, setup, counter, first)
        except GovernanceError:
            self._leave(counter)
            raise
        finally:
            running = self.desk.running
            running.session = running.refused = running.venue = None
            self._renewed = None
            self._verdict()
            counter.close()

    def _run(
        self,
        session: Session,
        setup: SessionSetup,
        counter: Counter,
        first: int,
    ) -> Outcome:
        self.desk.running.session = (setup.run_id, setup.mode.value)
        if counter.venue_class is not None:
            self.desk.running.refused, self.desk.running.venue = session.refused, counter.venue
        journal = counter.journal
        journal.append("session_start", setup.model_dump(mode="json"), counter.start)
        ending, last = self._settle(session, counter), counter.start
        if ending is None:
            ending, last = self._bars(session, counter)
        bar = self._bar
        report = self._finished(counter, lambda: last if bar is None else counter.now(bar))
        if ending is not Ending.STOPPED:  # a stop sees to it by itself
            self._not_gone(counter, _open(counter.orders.books))
        kept = Kept(
            desk=self.desk,
            session=session,
            setup=setup,
            ending=ending,
            report=report,
            keep=self._keep,
            revision=self._revision,
            spans=self._spans,
            raised=self._raised,
        )
        since = tuple(journal.entries(first))
        outcome = keep_evidence(kept, counter, since, counter.entries(first))
        return outcome if outcome.stop else replace(outcome, stop=self._stop)

    def _leave(self, counter: Counter) -> None:
        """SESSION-1: what cannot go on leaves nothing open, as far as anybody can tell."""
        report, books = counter.way_out(), counter.orders.books
        ours = books.working if report.unreachable else books.unproven
        self._not_gone(counter, tuple(dict.fromkeys((*report.still_open, *ours))))

    def _not_gone(self, counter: Counter, left: tuple[str, ...]) -> None:
        """An order that outlives its session is a stop, whose watch goes on until it is gone."""
        if left:
            told = f"{Reason.VENUE_NOT_CLEAN}: {len(left)} may still be open: {', '.join(left)}"
            self._halt(counter, StopClass.TECHNICAL, told)

    # --- the pieces --------------------------------------------------------------------------
    def _verdict(self) -> Verdict:
        """Judge again when it is due, or when the token says that something happened."""
        now = self.desk.clock.wall()
        due = self._renewed is None or now - self._renewed >= RENEW
        if due or self.desk.token.check() is not None:
            self.told(self.desk.reconcile())
            self._elsewhere = self.desk.cycle.ears.elsewhere_at or self._elsewhere
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

    def _venue(self, verdict: Verdict) -> str:
        entry = verdict.permitted.symbols.get(self.request.symbol)
        if entry is None:
            text = "the authority does not name it"
            raise Stalled(Reason.NOT_APPROVED, self.request.symbol, text)
        return entry.venue

    def _told_account(self, venue: str, account: str | None) -> None:
        """Another account than the approved one permits nothing from here on (GATE-3)."""
        if account is not None and self.desk.running.accounts.get(venue) != account:
            self.desk.running.accounts[venue] = account
            self._renewed = None
            self._verdict()

    def _attested(self) -> bool:
        told = self._elsewhere
        return told is not None and abs(self.desk.clock.wall() - told) <= ATTESTED

    def _journal(self, verdict: Verdict) -> NotedJournal:
        """Entries of this counter; what was only imagined before counts for nothing."""
        name = books_name(self.request.mode, self._venue(verdict))
        shared = SharedJournal(self.desk.journal, self._revision, self.desk.clock.wall, name)
        real = self.request.mode in SENDING
        conduct = ConductRecord.rebuilt(shared.entries()) if real else ConductRecord()
        return NotedJournal(shared, conduct)

    def _counter(self, files: dict[str, bytes], journal: NotedJournal, verdict: Verdict) -> Counter:
        return open_counter(self._place(files, journal, verdict))

    def _place(self, files: dict[str, bytes], journal: NotedJournal, verdict: Verdict) -> Place:
        return Place(
            host=self.desk.host,
            request=self.request,
            files=files,
            venue=self._venue(verdict),
            account=verdict.permitted.accounts.get(self._venue(verdict)),
            told_account=self._told_account,
            journal=journal,
            attested=self._attested,
            verdict=lambda: self.desk.permits.digest,
            shipped=lambda: ship(self.desk),
            keys=DoorKeys(self.desk.permits, self.desk.epoch, self._flag),
            clock=self.desk.clock,
        )

    def _session(self, files: dict[str, bytes], counter: Counter, verdict: Verdict) -> Session:
        entries = tuple(counter.journal.entries()) if counter.goes_on else ()
        peg = self._peg(counter)
        return Session(
            desk=SessionDesk(
                execution=counter.orders,
                hand=counter.hand,
                queries=counter.queries,
                journal=counter.journal,
                advance=counter.advance,
                now=counter.now,
                verdict=self._verdict,
                verdict_digest=self.desk.permits.digest_of,
                token=self._token,
                halt=lambda kind, text: self._halt(counter, kind, text),
                wall_clock=self.desk.clock.wall,
                venue=VenueWatch(counter.probe, self.desk.clock.wall, self.desk.clock.since_boot),
                peg=peg,
            ),
            wired=Wired(
                venue=counter.venue,
                account=counter.account,
                venue_class=counter.venue_class,
                rules=counter.queries.rules(self.request.symbol),
                heartbeat_max_age=HEARTBEAT,
                configuration=configuration_digest(files),
                build=self.desk.cycle.ports.build,
                rehearsal=counter.venue in self.desk.host.rehearsed,
            ),
            thinking=Thinking(
                series=self.request.series,
                scopes=scopes_of(files),
                layers=frozenset(verdict.permitted.layers),
                keep=self._keep,
                revision=verdict.revision or "",
            ),
            market=MarketState(self.request.series),
            marks=marks_of(entries, quoted(verdict.permitted.limits, peg.look())),
            mode=self.request.mode,
            conduct=counter.journal.conduct,
            judged=dict(_intent_of(e) for e in entries if e.kind == "decision"),
        )

    def _peg(self, counter: Counter) -> PegWatch:
        currency = self.request.symbol.split("/")[1]
        row = counter.pegs.get(currency)
        clock = self.desk.clock
        return PegWatch(currency, row, counter.touch, clock.wall, clock.since_boot)

    def _settle(self, session: Session, counter: Counter) -> Ending | None:
        """Start-up and recovery are one path: what is not known is looked up before anything.

        Raises:
            Stalled: ``NOT_RECONCILED`` where books and venue do not agree in time.
        """
        clock = self.desk.clock
        ending = session.upkeep(counter.start, counter.orders.start(counter.start, clock.wall()))
        end = clock.wall() + self.settle
        while ending is None and not counter.orders.is_ready:
            if clock.wall() >= end:
                text = "books and venue did not come to agree"
                raise Stalled(Reason.NOT_RECONCILED, counter.venue, text)
            clock.pause(WAIT)
            ending = self.between() or session.tick(counter.start)
        return ending

    def _finished(
        self, counter: Counter, now: Callable[[], datetime]
    ) -> ReconciliationReport | None:
        """Everything cancelled and compared, again while something is on its way or unanswered.

        After ever longer pauses: to compare everything costs a good part of a venue's rate limit.
        """
        clock, wait = self.desk.clock, WAIT
        end = clock.wall() + self.settle
        while True:
            report = counter.orders.finish(now(), clock.wall())
            if _is_settled(report, counter.orders.books) or clock.wall() >= end:
                return report
            again = clock.wall() + timedelta(seconds=wait)
            while clock.wall() < again:
                clock.pause(WAIT)
                counter.orders.tick(now(), clock.wall())
            wait = min(2 * wait, LONGEST)

    def _bars(self, session: Session, counter: Counter) -> tuple[Ending, datetime]:
        last = counter.start
        for item in self._fed(session, counter):
            ending = self._ended or self.between() or session.step(item)
            self._note(session)
            if isinstance(item, Bar):
                if ending is None or session.bars:
                    self._bar, last = item, item.closed
                self.watch(session, item)
            if ending:
                return ending, last
        return self._ended or Ending.COMPLETED, last

    def _fed(self, session: Session, counter: Counter) -> Iterator[FeedItem]:
        """SESSION-6: a feed that gives out ends the session in order, with all its evidence."""
        try:
            yield from self._items(session, counter)
        except Waiting as fault:
            if fault.code is not Reason.VENUE_UNREACHABLE:
                raise
            self._ended = self._ended or Ending.FAILED  # or it was to end while it asked again

    def _items(self, session: Session, counter: Counter) -> Iterator[FeedItem]:
        warm = session.thinking.scopes.outlook.parameters.memory_bars * self.request.interval
        window = Window(counter.start - warm, self.request.end)
        for item in counter.items(window, lambda span: self._nap(session, span)):
            if isinstance(item, Bar) and item.closed > counter.start:
                yield item
            else:
                session.warm(item)

    def _nap(self, session: Session, span: timedelta) -> bool:
        """Wait for the market; upkeep, verdict and whoever asks for the end go on meanwhile."""
        clock = self.desk.clock
        end = clock.wall() + span
        while self._ended is None:
            self._ended = self.between() or session.tick(clock.wall())
            left = (end - clock.wall()).total_seconds()
            if left <= 0:
                break
            clock.pause(min(WAIT, left))
        return self._ended is None

    def _note(self, session: Session) -> None:
        outlook = session.thinking.outlook
        for trigger in outlook.triggers if outlook else ():
            self._spans[trigger.kind.value, trigger.since] = trigger.expires

    def _token(self) -> tuple[Finding | None, datetime | None]:
        age = self.desk.token.age_ns()
        beat = None if age is None else self.desk.clock.wall() - timedelta(microseconds=age // 1000)
        return self._flag.check(), beat

    def _halt(self, counter: Counter, kind: StopClass, text: str) -> str | None:
        """L5's latching controls (trust.md, 7)."""
        self._flag.raised = finding(Reason.KILL_LATCHED, kind.value, text)
        if not counter.may_halt(kind):
            return None  # SESSION-3: a loss of made-up money stops nobody
        stop = local_stop(self.desk.host, self.desk.clock).engage(kind, text, "L5", counter.way_out)
        self._stop, self._renewed = stop.id, None
        if kind is StopClass.INTEGRITY:
            self._raised = Raised(stop.id, frozenset(counter.orders.books.unexplained))
        return stop.id

    def _keep(self, pack: Pack, _at: datetime) -> None:
        self.desk.ledger.record_pack(pack, self.desk.clock.wall(), self._revision())


def _setup(request: Request, verdict: Verdict, counter: Counter) -> SessionSetup:
    """What was asked for, by digest where it is long."""
    return SessionSetup(
        symbol=request.symbol,
        mode=request.mode,
        interval=request.interval,
        seed=request.seed,
        start=counter.start,
        end=request.end or FOREVER,
        feed=counter.feed,
        configuration=verdict.configuration or "",
        limits=digest(verdict.permitted.limits),
    )


def _open(books: Books) -> tuple[str, ...]:
    """Orders of ours that may be there still; what differs is told by its own difference."""
    if books.reset is not None:
        return ()
    return tuple(name for name in books.working if name not in books.unexplained)


def _is_settled(report: ReconciliationReport | None, books: Books) -> bool:
    """Whether to compare once more would say the same."""
    if report is None:
        return True
    unanswered = any(gap.code is Reason.VENUE_UNREACHABLE for gap in report.missing)
    return report.is_final and not unanswered and not _open(books)


def _intent_of(entry: JournalEntry) -> tuple[str, datetime]:
    """Its id, and when it expires."""
    intent = entry.body["intent"]
    return str(intent["intent_id"]), parse_instant(intent["expires_at"])
