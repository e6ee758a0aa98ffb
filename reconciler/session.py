"""One session: bars in, orders out, in one fixed order of steps, over virtual market time.

Every order goes the same way: planner's intent, L5 on the exact request, the decision on disk, a
permit under the verdict that stands, the door. The session holds no authority of its own: it asks
for the verdict before every bar and ends itself when nothing may be sent (SESSION-1).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from desired_state.authority import Authority, at_most
from desired_state.errors import Finding, GovernanceError, Waiting, finding
from desired_state.limits import Limits
from desired_state.reasons import Reason
from desired_state.values import Mode, StopClass, Trading, instant_text
from layers.feed import FeedItem
from layers.l5_risk_gate.finding import Outcome, RiskVerdict
from layers.l5_risk_gate.gate import evaluate
from layers.l5_risk_gate.infrastructure import outlasts
from layers.l5_risk_gate.loss import watch_loss
from layers.l6_execution.stops import stop_for
from layers.market import Bar, Book
from layers.orders import Balance, Intent
from layers.pegs import quoted
from layers.planner.planner import propose
from layers.ports import Journal, VenueQueries
from reconciler.beside import Markets, fresh, shown, wanted
from reconciler.conduct import ConductRecord
from reconciler.counter import Hand, Orders
from reconciler.decisions import LEAF_KIND, decision_body
from reconciler.desk_view import desk_view
from reconciler.gate import Verdict
from reconciler.holdings import Holdings
from reconciler.market_state import MarketState
from reconciler.marks import Mark, Marks
from reconciler.peg_watch import PegWatch
from reconciler.rejudging import overdue_orders, refused_orders
from reconciler.snapshots import Scene, Wired, account, snapshot
from reconciler.stop_record import Told, tell_stop
from reconciler.thinking import Thinking
from reconciler.venue_watch import VenueWatch

SILENT_BARS: Final = 10  # where one request in fifty fails, this never comes about


class Ending(StrEnum):
    """Why a session is over."""

    COMPLETED = "completed"  # the feed ended, or the window asked for
    STOPPED = "stopped"  # a stop is in force
    NOT_PERMITTED = "not_permitted"  # the verdict no longer allows the session's mode
    FAILED = "failed"  # the venue gave out for many bars, or the journal did
    ENDED = "ended"  # somebody asked it to end


@dataclass(frozen=True)
class Desk:
    """What a session is given. ``halt`` raises a stop on this host and returns its id, if any."""

    execution: Orders
    hand: Hand
    queries: VenueQueries
    journal: Journal
    advance: Callable[[Bar], bool]  # moves the venue's virtual clock
    now: Callable[[Bar], datetime]  # market time once a bar is known
    verdict: Callable[[], Verdict]  # the one in force, judged again when due
    verdict_digest: Callable[[Verdict], str]
    token: Callable[[], tuple[Finding | None, datetime | None]]
    halt: Callable[[StopClass, str], str | None]
    wall_clock: Callable[[], datetime]
    venue: VenueWatch
    peg: PegWatch


@dataclass
class Session:
    """One symbol in one mode. Call ``step`` for each item of the feed, then ``finish``."""

    desk: Desk
    wired: Wired
    thinking: Thinking
    market: MarketState
    marks: Marks
    mode: Mode
    conduct: ConductRecord  # moved by the desk's journal alone
    judged: dict[str, datetime] = field(default_factory=dict)  # intent ids, and when each expires
    outcomes: dict[str, int] = field(default_factory=dict)  # refusals by control
    bars: int = 0
    _silent: int = 0  # bars in a row for which the venue did not answer
    _markets: Markets = field(default_factory=dict)  # books of other symbols, as of the last bar
    _last: Authority | None = None
    _seen: Scene | None = None  # as the last bar left it

    def warm(self, item: FeedItem) -> None:
        """A bar from before the session: seen by the layers, not traded on."""
        self.thinking.add(item)
        if isinstance(item, Bar):
            self.market.add(item)

    def step(self, item: FeedItem) -> Ending | None:
        """One item of the feed; an ending if the session is over."""
        verdict = self.desk.verdict()
        ending = self._may_go_on(verdict)
        if ending:
            return ending
        self.thinking.add(item)
        if not isinstance(item, Bar):
            return None
        try:
            ending = self._bar(item, verdict)
        except GovernanceError as error:
            if error.code is Reason.JOURNAL:
                return Ending.FAILED
            if error.code is Reason.VENUE_UNREACHABLE:
                return self._unheard(item)
            raise
        self._silent = 0
        self._answered(item, answered=True)
        return ending

    def _unheard(self, bar: Bar) -> Ending | None:
        """SESSION-6: a lost answer costs its bar, a venue that stays silent the session."""
        self._silent += 1
        self._answered(bar, answered=False)
        self._count(Reason.VENUE_UNREACHABLE)
        return Ending.FAILED if self._silent >= SILENT_BARS else None

    def _answered(self, bar: Bar, *, answered: bool) -> None:
        """G2 counts what was lost of a bar's questions as it counts other lost answers."""
        clock = self.desk.wall_clock()
        self.desk.execution.circuit.note(self.desk.now(bar), clock, answered=answered)

    def tick(self, at: datetime) -> Ending | None:
        """Nothing new in the market: what is due is done, and the verdict asked (SESSION-1)."""
        return self._may_go_on(self.desk.verdict()) or self.upkeep(at)

    def upkeep(self, at: datetime, met: tuple[Finding, ...] = ()) -> Ending | None:
        """Look-ups and comparisons that are due; what cannot be explained is a stop (G3, G4)."""
        told = self.desk.execution.tick(at, self.desk.wall_clock())
        return self._met((*met, *told, *self._outage()))

    def _met(self, found: tuple[Finding, ...]) -> Ending | None:
        """The stop that the gravest of these findings asks for, in its own words."""
        raised = stop_for(found)
        if raised is None:
            return None
        kind, cause = raised
        self.desk.halt(kind, f"{cause.code}: {cause.subject}: {cause.message}")
        self._count(cause.code)
        return Ending.STOPPED

    def _outage(self) -> tuple[Finding, ...]:
        """G2 between orders: a circuit that stays open is people's business."""
        since = self.desk.execution.circuit.opened_at
        if since is None:
            return ()
        longest = self.desk.verdict().permitted.limits.max_venue_outage
        if not outlasts(since, longest, self.desk.wall_clock()):
            return ()
        text = f"its circuit is open since {instant_text(since)}"
        return (finding(Reason.VENUE_ERRORS, self.wired.venue, text),)

    def _may_go_on(self, verdict: Verdict) -> Ending | None:
        problem, _ = self.desk.token()
        if verdict.stops or (problem and problem.code is Reason.KILL_LATCHED):
            return Ending.STOPPED
        return None if serves(verdict, self.mode) else Ending.NOT_PERMITTED

    def _bar(self, bar: Bar, verdict: Verdict) -> Ending | None:
        symbol = bar.symbol
        at = self.desk.now(bar)
        self.market.add(bar)  # it has closed, whatever the venue answers now (F4)
        self.desk.advance(bar)
        ending = self.upkeep(at, self.desk.execution.poll(at))
        if ending:
            return ending
        book = self._book(symbol)
        limits = verdict.permitted.limits
        self.market.see(book, limits.max_jump)
        balances = self.desk.queries.balances()
        held = Holdings(self.desk.execution.books, balances, symbol, self.marks.fees)
        others = wanted(held.books, symbol, held.currencies())
        self._markets = shown(self.desk.queries.book, others)
        at = self.desk.now(bar)  # nothing that was asked for comes from the future
        self.bars += 1
        if book is None or not book.bids:
            return None
        marked = {**fresh(self._markets, limits, at), symbol: book}
        mark = self._mark(held, marked, bar, limits, at)
        self.thinking.think(book, at)
        scene = self._scene(at, verdict, mark, balances)
        self._seen = scene
        fallen = self._fallen(scene)
        ending = self._take_back(scene, fallen)
        if ending:
            return ending
        if fallen:
            scene = self._scene(at, verdict, mark)
        if self._loss(scene, limits):
            return Ending.STOPPED
        return self._trade(scene, bar)

    def _mark(
        self, held: Holdings, marked: Markets, bar: Bar, limits: Limits, at: datetime
    ) -> Mark | None:
        """What the account is worth, on disk; none where that is not wholly known (D1)."""
        for one in held.valued(marked):
            self.desk.journal.append(one.KIND, one.model_dump(mode="json"), at)
            self.marks.fees.take(one)
        bounds = quoted(limits, self.desk.peg.look())
        worth, realised = held.equity(marked, bounds.dust_notional), held.realised(marked)
        if worth is None or realised is None:
            return None
        mark = Mark(
            at=bar.closed,
            equity=worth,
            realised=realised,
            price=str(bar.close),
            opening=str(bar.open),
            paid_in=held.paid_in,
            missing=held.missing,
        )
        self.marks.add(mark, bounds.max_daily_loss, bounds.max_drawdown)
        self.desk.journal.append("mark", mark.told(), at)
        return mark

    def _book(self, symbol: str) -> Book | None:
        """None where it cannot be had now, such as after a wipe: then nothing is sent on it."""
        try:
            return self.desk.queries.book(symbol)
        except Waiting:
            return None

    def refused(self, verdict: Verdict) -> tuple[str, ...] | None:
        """Open orders that L5 would refuse under this verdict; none before there was a bar."""
        if self._seen is None:
            return None
        scene = self._scene(self._seen.at, verdict, self._seen.mark)
        return refused_orders(scene, self.desk.wall_clock())

    def _fallen(self, scene: Scene) -> tuple[str, ...]:
        """Where the permission fell: the open orders that would be refused now (SESSION-2)."""
        permitted, last = scene.verdict.permitted, self._last
        self._last = permitted
        if last is None or at_most(last, permitted):
            return ()
        return refused_orders(scene, self.desk.wall_clock())

    def _take_back(self, scene: Scene, names: Collection[str]) -> Ending | None:
        """Cancel these orders; what comes to light meanwhile is judged before anything is sent."""
        execution = self.desk.execution
        for name in names:
            execution.cancel(execution.books.orders[name].symbol, name, scene.at)
        return self._met(execution.poll(scene.at)) if names else None

    def _trade(self, scene: Scene, bar: Bar) -> Ending | None:
        overdue = overdue_orders(scene)
        ending = self._take_back(scene, overdue)
        if ending:
            return ending
        if overdue:
            scene = self._scene(scene.at, scene.verdict, scene.mark)
        view = desk_view(scene, self.market, bar.symbol)
        if view is None:
            return None
        use = self.thinking.scopes.plan.parameters.ladder
        wanted = propose(view, self.thinking.approved, use, scene.at)
        ending = self._take_back(scene, [cancel.client_order_id for cancel in wanted.cancels])
        if ending:
            return ending
        for intent in wanted.intents:
            scene = self._anew(scene, bar)
            ending = self._may_go_on(scene.verdict) or self._order(scene, intent)
            if ending:
                return ending
        return None

    def _anew(self, scene: Scene, bar: Bar) -> Scene:
        """As it is now: the order before may have waited for the venue, and all has aged since."""
        if self.desk.now(bar) > scene.at:
            book = self._book(bar.symbol)
            self.market.see(book, scene.verdict.permitted.limits.max_jump)
        at = self.desk.now(bar)  # after the question: a book from the future is none (F1)
        return self._scene(at, self.desk.verdict(), scene.mark)

    def _order(self, scene: Scene, intent: Intent) -> Ending | None:
        now, ends = self.desk.wall_clock(), scene.verdict.valid_until
        if ends is not None and now >= ends:  # the venue took long: nothing is judged by the past
            self._count(Reason.VERDICT_EXPIRED)
            return None
        limits = scene.verdict.permitted.limits
        given = snapshot(scene, intent)
        risk = evaluate(intent, given, limits, now)
        self._judge_once(intent, scene.at)
        made = (now, self.desk.verdict_digest(scene.verdict))
        body = decision_body(intent, given, made, risk)
        self.desk.journal.append(LEAF_KIND, body, scene.at)
        for refusal in risk.refusals:
            self._count(refusal.control)
        if risk.outcome is Outcome.HALT:
            self._halt(scene, risk)
            return Ending.STOPPED
        handed = self.desk.hand(intent, risk, scene.at)
        if handed.refused:
            self._count(handed.refused)
        return Ending.STOPPED if handed.stopped else None

    def _judge_once(self, intent: Intent, at: datetime) -> None:
        """E5 needs the ids of unexpired intents alone; the others are refused for their age."""
        while self.judged and next(iter(self.judged.values())) < at:
            del self.judged[next(iter(self.judged))]
        self.judged[intent.intent_id] = intent.expires_at

    def _halt(self, scene: Scene, risk: RiskVerdict) -> None:
        worst = risk.halting or risk.refusals[0]
        kind = risk.stop_class or StopClass.INTEGRITY
        self._stop(scene, kind, worst.control, f"{worst.code}: {worst.measured} of {worst.bound}")

    def _loss(self, scene: Scene, limits: Limits) -> bool:
        """The loss limits at every bar, not only when an order is wanted."""
        found = watch_loss(account(scene), limits, self.market.series.interval)
        halting = [finding for finding in found if finding.outcome is Outcome.HALT]
        for worst in halting[:1]:
            text = f"{worst.code}: {worst.measured} of {worst.bound}"
            self._stop(scene, StopClass.LOSS, worst.control, text)
        return bool(halting)

    def _stop(self, scene: Scene, kind: StopClass, control: str, text: str) -> None:
        stop = self.desk.halt(kind, text)
        tell_stop(self.desk.journal, scene, self.marks, Told(stop, kind, control, text))
        self._count(control)

    def _count(self, refusal: str) -> None:
        self.outcomes[refusal] = self.outcomes.get(refusal, 0) + 1

    def _scene(
        self,
        at: datetime,
        verdict: Verdict,
        mark: Mark | None,
        balances: tuple[Balance, ...] | None = None,
    ) -> Scene:
        """``balances`` are those that were asked for just now; else they are asked for."""
        problem, beat = self.desk.token()
        return Scene(
            at=at,
            wired=self.wired,
            verdict=verdict,
            books=self.desk.execution.books,
            quote=self.market.quote(),
            thinking=self.thinking,
            balances=self.desk.queries.balances() if balances is None else balances,
            marks=self.marks,
            mark=mark,
            judged=self.judged.keys(),
            token=problem,
            heartbeat_at=beat,
            journal_writable=True,
            conduct=self.conduct,
            venue=self.desk.venue.look(),
            circuit=self.desk.execution.circuit,
            markets=fresh(self._markets, verdict.permitted.limits, at),
            peg=self.desk.peg.look(),
        )


def serves(verdict: Verdict, mode: Mode) -> bool:
    """Whether a session in this mode may run: in shadow below anything, else in exactly its own."""
    permitted = verdict.permitted
    allowed = permitted.mode >= mode if mode is Mode.SHADOW else permitted.mode is mode
    return allowed and permitted.trading is not Trading.HALTED
