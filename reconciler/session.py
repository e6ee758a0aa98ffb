"""One session: bars in, orders out, in one fixed order of steps, over virtual market time.

A bar's way to its orders is read downwards, ``step``, ``_bar``, ``_look``, ``_trade``, ``_order``.
Every order goes the same way: planner's intent, L5 on the exact request, the decision on disk, a
permit under the verdict that stands, the door. The session holds no authority of its own: it asks
for the verdict before every bar and ends itself when nothing may be sent (SESSION-1).
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from desired_state.authority import Authority, at_most
from desired_state.errors import Finding, GovernanceError
from desired_state.reasons import Reason
from desired_state.values import Mode
from layers.feed import FeedItem
from layers.l5_risk_gate.finding import Outcome
from layers.l5_risk_gate.gate import evaluate
from layers.market import Bar
from layers.orders import Balance, Intent
from layers.planner.planner import propose
from reconciler.conduct import ConductRecord
from reconciler.decisions import LEAF_KIND, decision_body
from reconciler.desk_view import desk_view
from reconciler.gate import Verdict
from reconciler.holdings import Holdings
from reconciler.market_state import MarketState
from reconciler.marking import Marking
from reconciler.marks import Mark, Marks
from reconciler.rejudging import overdue_orders, refused_orders
from reconciler.scene import Scene, Wired
from reconciler.session_desk import Desk
from reconciler.session_ending import Ending
from reconciler.session_stops import Stops
from reconciler.snapshots import snapshot
from reconciler.thinking import Thinking

SILENT_BARS: Final = 10  # where one request in fifty fails, this never comes about


@dataclass
class Session:
    """One symbol in one mode. Call ``step`` for each item of the feed, ``tick`` in between."""

    desk: Desk
    wired: Wired
    thinking: Thinking
    market: MarketState
    marks: Marks
    mode: Mode
    conduct: ConductRecord  # moved by the desk's journal alone
    judged: dict[str, datetime] = field(default_factory=dict)  # intent ids, and when each expires
    outcomes: Counter[str] = field(default_factory=Counter)  # refusals by control
    bars: int = 0
    _silent: int = 0  # bars in a row for which the venue did not answer
    _last: Authority | None = None
    _seen: Scene | None = None  # as the last bar found it
    _marking: Marking = field(init=False)
    _stops: Stops = field(init=False)

    def __post_init__(self) -> None:
        """Marks and stops are written where the desk writes everything."""
        desk = self.desk
        self._marking = Marking(desk.journal, desk.peg, self.marks)
        self._stops = Stops(desk.halt, desk.journal, self.marks, self.outcomes)

    def warm(self, item: FeedItem) -> None:
        """A bar from before the session: seen by the layers, not traded on."""
        self.thinking.add(item)
        if isinstance(item, Bar):
            self.market.add(item)

    def step(self, item: FeedItem) -> Ending | None:
        """One item of the feed; an ending if the session is over."""
        verdict = self.desk.verdict()
        ending = self.desk.ending(verdict, self.mode)
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
        self.desk.note(item, answered=True)
        return ending

    def _bar(self, bar: Bar, verdict: Verdict) -> Ending | None:
        at = self.desk.now(bar)
        self.market.add(bar)  # it has closed, whatever the venue answers now (F4)
        self.desk.advance(bar)
        ending = self.upkeep(at, self.desk.execution.poll(at))
        if ending:
            return ending
        scene = self._look(bar, verdict)
        if scene is None:
            return None
        self._seen = scene
        fallen = self._fallen(scene)
        ending = self._take_back(scene, fallen)
        if ending:
            return ending
        scene = self._without(fallen, scene)
        if self._stops.over_a_loss(scene, self.market.series.interval):
            return Ending.STOPPED
        return self._trade(scene, bar)

    def _look(self, bar: Bar, verdict: Verdict) -> Scene | None:
        """What there is to know now, each question asked once; none where nobody would trade."""
        book, limits = self.desk.book(bar.symbol), verdict.permitted.limits
        self.market.see(book, limits.max_jump)
        balances = self.desk.queries.balances()
        held = Holdings(self.desk.execution.books, balances, bar.symbol, self.marks.fees)
        self._marking.ask(held, self.desk.queries.book)
        at = self.desk.now(bar)  # nothing that was asked for comes from the future
        self.bars += 1
        if book is None or not book.bids:
            return None
        mark = self._marking.mark(held, book, bar, limits, at)
        self.thinking.think(book, at)
        return self._scene(at, verdict, mark, balances)

    def _trade(self, scene: Scene, bar: Bar) -> Ending | None:
        overdue = overdue_orders(scene)
        ending = self._take_back(scene, overdue)
        if ending:
            return ending
        scene = self._without(overdue, scene)
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
            ending = self.desk.ending(scene.verdict, self.mode) or self._order(scene, intent)
            if ending:
                return ending
        return None

    def _order(self, scene: Scene, intent: Intent) -> Ending | None:
        now, ends = self.desk.wall_clock(), scene.verdict.valid_until
        if ends is not None and now >= ends:  # the venue took long: nothing is judged by the past
            self.outcomes[Reason.VERDICT_EXPIRED] += 1
            return None
        given = snapshot(scene, intent)
        risk = evaluate(intent, given, scene.verdict.permitted.limits, now)
        self._judge_once(intent, scene.at)
        made = (now, self.desk.verdict_digest(scene.verdict))
        body = decision_body(intent, given, made, risk)
        self.desk.journal.append(LEAF_KIND, body, scene.at)
        self.outcomes.update(refusal.control for refusal in risk.refusals)
        if risk.outcome is Outcome.HALT:
            self._stops.over_an_order(scene, risk)
            return Ending.STOPPED
        handed = self.desk.hand(intent, risk, scene.at)
        if handed.refused:
            self.outcomes[handed.refused] += 1
        return Ending.STOPPED if handed.stopped else None

    def _judge_once(self, intent: Intent, at: datetime) -> None:
        """E5 needs the ids of unexpired intents alone; the others are refused for their age."""
        while self.judged and next(iter(self.judged.values())) < at:
            del self.judged[next(iter(self.judged))]
        self.judged[intent.intent_id] = intent.expires_at

    def refused(self, verdict: Verdict) -> tuple[str, ...] | None:
        """Open orders that L5 would refuse under this verdict; none where nobody can judge them.

        That is so before there was a bar, and where the venue does not say what the account holds.
        """
        if self._seen is None:
            return None
        try:
            scene = self._scene(self._seen.at, verdict, self._seen.mark)
        except GovernanceError:  # PLAN-2: unanswered is no for these orders, and for them alone
            return None
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

    def tick(self, at: datetime) -> Ending | None:
        """Nothing new in the market: what is due is done, and the verdict asked (SESSION-1)."""
        return self.desk.ending(self.desk.verdict(), self.mode) or self.upkeep(at)

    def upkeep(self, at: datetime, met: tuple[Finding, ...] = ()) -> Ending | None:
        """Look-ups and comparisons that are due; what cannot be explained is a stop (G3, G4)."""
        told = self.desk.execution.tick(at, self.desk.wall_clock())
        return self._met((*met, *told, *self.desk.outage(self.wired.venue)))

    def _met(self, found: tuple[Finding, ...]) -> Ending | None:
        return Ending.STOPPED if self._stops.over_what_was_met(found) else None

    def _unheard(self, bar: Bar) -> Ending | None:
        """SESSION-6: a lost answer costs its bar, a venue that stays silent the session."""
        self._silent += 1
        self.desk.note(bar, answered=False)
        self.outcomes[Reason.VENUE_UNREACHABLE] += 1
        return Ending.FAILED if self._silent >= SILENT_BARS else None

    def _without(self, gone: Collection[str], scene: Scene) -> Scene:
        """As it is once these orders are taken back; the same where there were none."""
        return self._scene(scene.at, scene.verdict, scene.mark) if gone else scene

    def _anew(self, scene: Scene, bar: Bar) -> Scene:
        """As it is now: the order before may have waited for the venue, and all has aged since."""
        if self.desk.now(bar) > scene.at:
            book = self.desk.book(bar.symbol)
            self.market.see(book, scene.verdict.permitted.limits.max_jump)
        at = self.desk.now(bar)  # after the question: a book from the future is none (F1)
        return self._scene(at, self.desk.verdict(), scene.mark)

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
            markets=self._marking.markets(verdict.permitted.limits, at),
            peg=self.desk.peg.look(),
        )
