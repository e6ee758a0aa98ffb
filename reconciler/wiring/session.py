"""Runs one session on this host, from the verdict that permits it to the evidence it leaves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from desired_state.errors import GovernanceError, Stalled, Waiting
from desired_state.reasons import Reason
from layers.feed import FeedItem, Window
from layers.market import Bar
from reconciler.counter import Counter
from reconciler.ports import Report
from reconciler.session import Session
from reconciler.session_ending import Ending, serves
from reconciler.session_record import SessionSetup
from reconciler.session_request import Request
from reconciler.wiring.approved import approved_files
from reconciler.wiring.counters import Place, open_counter
from reconciler.wiring.desk import Desk
from reconciler.wiring.renewal import Renewal
from reconciler.wiring.session_evidence import Kept, Outcome, keep_evidence
from reconciler.wiring.session_halt import Flag, SessionHalt
from reconciler.wiring.session_parts import Parts
from reconciler.wiring.settling import PATIENCE, WAIT, Settling, still_open


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
    settle: timedelta = PATIENCE
    _renewal: Renewal = field(init=False)
    _bar: Bar | None = None  # the last one
    _ended: Ending | None = None  # while nothing was new in the market
    _spans: dict[tuple[str, datetime], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing is known of a verdict yet."""
        self._renewal = Renewal(self.desk, self.told)

    def run(self) -> Outcome:
        """To the end of the feed, or until the verdict, a stop or somebody ends it.

        Raises:
            Stalled: ``NOT_APPROVED`` where the mode is not permitted now, ``CONFIGURATION_LOST``,
                ``FEED_INVALID``, ``ORDER_UNKNOWN``; and what the counter's wiring refuses.
        """
        verdict = self._renewal.verdict()
        if not serves(verdict, self.request.mode):
            text = f"permitted is {verdict.permitted.mode}, asked for {self.request.mode}"
            raise Stalled(Reason.NOT_APPROVED, "session", text)
        files = approved_files(self.desk.state, self.desk.cycle.approval, verdict)
        first = self.desk.journal.head.size
        parts = Parts(self.desk, self.request, self._renewal, verdict, files)
        flag = Flag(self.desk.token)  # down at first; the token decides
        counter = self._counter(parts.place(flag))
        halt = SessionHalt(self.desk, counter, flag, self._renewal)
        try:
            setup = parts.setup(counter)
            self.run_id = setup.run_id
            session = parts.session(counter, halt)
            return self._run(session, setup, halt, first)
        except GovernanceError:
            halt.leave()
            raise
        finally:
            running = self.desk.running
            running.session = running.refused = running.venue = None
            self._renewal.overtake()
            self._renewal.verdict()
            counter.close()

    def _counter(self, place: Place) -> Counter:
        return open_counter(place)

    def _run(self, session: Session, setup: SessionSetup, halt: SessionHalt, first: int) -> Outcome:
        counter, running = halt.counter, self.desk.running
        running.session = (setup.run_id, setup.mode.value)
        if counter.venue_class is not None:
            running.refused, running.venue = session.refused, counter.venue
        journal = counter.journal
        journal.append("session_start", setup.model_dump(mode="json"), counter.start)
        settling = Settling(counter, self.desk.clock, self.settle)
        ending, last = settling.begin(session, self.between), counter.start
        if ending is None:
            ending, last = self._bars(session, counter)
        bar = self._bar
        report = settling.finish(lambda: last if bar is None else counter.now(bar))
        if ending is not Ending.STOPPED:  # a stop sees to it by itself
            halt.not_gone(still_open(counter.orders.books))
        kept = Kept(
            desk=self.desk,
            session=session,
            setup=setup,
            ending=ending,
            report=report,
            renewal=self._renewal,
            spans=self._spans,
            raised=halt.raised,
        )
        since = tuple(journal.entries(first))
        outcome = keep_evidence(kept, counter, since, counter.entries(first))
        return outcome if outcome.stop else replace(outcome, stop=halt.stop)

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
