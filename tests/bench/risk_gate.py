"""L5 on one order with more and more orders open, beside NautilusTrader's RiskEngine.

Ours evaluates every control and keeps every finding, its peer checks precision, notional and free
balance and ends at the first "no"; so the ratio says what that costs, and not who is cleverer.
Both allow every order that they are asked about. Blocks of all take turns in one process.

A decision is timed on a snapshot that was put together just before, untimed. Of an instant's first
order every part is new; the next one meets the same market data, which L5 judged already.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from desired_state.authority import Authority, SymbolAccess
from desired_state.values import Access, Mode, Switch, Trading
from layers.l5_risk_gate.finding import Outcome
from layers.l5_risk_gate.gate import evaluate
from layers.l6_execution.books import Books
from layers.l6_execution.circuit import Circuit
from layers.l6_execution.client_ids import client_order_id
from layers.l6_execution.events import Answered, Intended, body
from layers.market import Book, Level, Provenance
from layers.orders import (
    AnswerKind,
    Balance,
    Intent,
    OrderRequest,
    Purpose,
    Side,
    TimeInForce,
    VenueAnswer,
)
from layers.ports import JournalEntry, Standing
from layers.risk_snapshot import VenueClass
from reconciler.conduct import ConductRecord
from reconciler.gate import Verdict
from reconciler.market_state import MarketState
from reconciler.marks import Mark, Marks
from reconciler.scene import Scene, Wired
from reconciler.snapshots import snapshot
from reconciler.thinking import Scopes, Thinking
from reconciler.venue_watch import VenueSeen
from tests.bench import peer_risk_engine
from tests.bench.measurement import Measured, Peer, Plan, microseconds
from tests.fakes.paper_desk import intent_id
from tests.layers.desk_of_prices import (
    RULES,
    SERIES,
    CriticScope,
    OutlookScope,
    PlanScope,
    day,
    real_bars,
    template,
)
from tests.risk.judged_order import LIMITS, PEG

OPEN = (1, 100, 1_000, 10_000)
FULL = 5_000
BLOCKS = 20
AT = day(3, 5)
SYMBOL = SERIES.symbol
MANY = 1_000_000
HALF_SPREAD = RULES.tick * 100
# every bound so wide that the order passes with a thousand beside it; none is missing
WIDE = LIMITS.model_copy(
    update={
        "max_total_exposure": Decimal(MANY),
        "max_symbol_exposure": Decimal(MANY),
        "max_strategy_exposure": Decimal(MANY),
        "max_daily_turnover": Decimal(MANY),
        "max_drawdown": Decimal(MANY),
        "max_open_orders": MANY,
        "max_orders_per_day": MANY,
        "max_messages_per_second": MANY,
        "max_messages_per_minute": MANY,
        "max_daily_loss": Decimal(MANY),
        "intent_ttl": timedelta(days=1),
    }
)

STANDING = Standing(
    at=AT,
    venue_class=VenueClass.PAPER,
    account="paper",
    can_withdraw=False,
    address_bound=True,
    clock_offset=timedelta(),
    headroom=Decimal(1),
    trading={SYMBOL: True},
)
Act = Callable[[], object]
WHATS = ("L5 decision", "L5 decision, same instant", "L5 snapshot and decision")


@dataclass(frozen=True, slots=True)
class Judged:
    """One scene and one order in it."""

    scene: Scene
    intent: Intent
    market: MarketState

    def first(self) -> Act:
        """A decision on which nothing that was judged before can help."""
        anew = replace(self.scene, quote=self.market.quote())
        given = snapshot(anew, self.intent)
        return lambda: evaluate(self.intent, given, WIDE, AT)

    def next(self) -> Act:
        """A decision at an instant at which another order was judged."""
        given = snapshot(self.scene, self.intent)
        return lambda: evaluate(self.intent, given, WIDE, AT)

    def whole(self) -> Outcome:
        """As a session does it, the snapshot put together and judged."""
        return evaluate(self.intent, snapshot(self.scene, self.intent), WIDE, AT).outcome


def rows(plan: Plan) -> Iterator[Measured]:
    """A row for each number of open orders, and how flat they are."""
    acts = {count: _acts(count) for count in OPEN}
    found = _measure(acts, plan)
    medians: dict[tuple[int, int], float] = {}
    for count, taken in found.items():
        peer = taken[len(WHATS) :]
        theirs = Peer("NautilusTrader RiskEngine", tuple(peer[0]) if peer else None)
        for place, what in enumerate(WHATS):
            row = Measured(f"{what}, {count:,} open", "µs", tuple(taken[place]), theirs)
            medians[count, place] = row.p50
            yield row
    for place, what in enumerate(WHATS):
        ratio = medians[OPEN[-1], place] / medians[OPEN[0], place]
        yield Measured(
            f"{what}, {OPEN[-1]:,} open by {OPEN[0]}", "ratio", (ratio,), note="of the medians"
        )


def _acts(count: int) -> list[Callable[[], Act]]:
    """What prepares each act: a decision, the next one, snapshot and decision, and the peer's."""
    judged = Judged(*scene_of(count))
    given = snapshot(judged.scene, judged.intent)
    found = evaluate(judged.intent, given, WIDE, AT)
    if found.outcome is not Outcome.ALLOW:
        raise RuntimeError(f"expected an order that passes, found {found.refusals}")
    peer = peer_risk_engine.checks(count)
    return [
        judged.first,
        judged.next,
        lambda: judged.whole,
        *([lambda: peer] if peer else []),
    ]


def _measure(acts: dict[int, list[Callable[[], Act]]], plan: Plan) -> dict[int, list[list[float]]]:
    """Everything in turns, so that a machine that slows down slows down everything alike."""
    each = max(1, plan.some(FULL) // BLOCKS)
    found: dict[int, list[list[float]]] = {n: [[] for _ in own] for n, own in acts.items()}
    for block in range(-1, BLOCKS):
        for count, own in acts.items():
            for place, act in enumerate(own):
                taken = [microseconds(act()) for _ in range(each)]
                found[count][place].extend(taken if block >= 0 else [])  # the first warms up
    return found


def scene_of(count: int) -> tuple[Scene, Intent, MarketState]:
    """A session in the middle of real bars with so many open orders, and its next intent."""
    bars = [bar for bar in real_bars() if bar.closed <= AT]
    thinking = Thinking(
        series=SERIES,
        scopes=Scopes(
            outlook=template(OutlookScope, "scopes/L2.yaml"),
            plan=template(PlanScope, "scopes/L3.yaml"),
            critic=template(CriticScope, "scopes/L4.yaml"),
        ),
        layers=frozenset({"L2", "L3", "L4"}),
        keep=lambda _pack, _at: None,
        revision="main@sha1:" + "0" * 40,
    )
    market = MarketState(SERIES)
    close = bars[-1].close
    book = _book(close)
    for bar in bars:
        thinking.add(bar)
        market.add(bar)
    market.see(book, WIDE.max_jump)
    market.see(book, WIDE.max_jump)
    market.good_ticks = 10
    thinking.think(book, AT)
    mark = Mark(at=AT, equity=Decimal(MANY), realised=Decimal(0), price=str(close))
    marks = Marks()
    for hours in range(30, -1, -1):
        marks.add(mark.model_copy(update={"at": AT - timedelta(hours=hours)}), None)
    scene = _scene(thinking, market, marks, mark)
    books, conduct = _told(count, close)
    scene = replace(scene, books=books, conduct=conduct)
    return scene, _intent("next", close, thinking), market


def _scene(thinking: Thinking, market: MarketState, marks: Marks, mark: Mark) -> Scene:
    return Scene(
        at=AT,
        wired=Wired("paper", "paper", VenueClass.PAPER, RULES, timedelta(days=1)),
        verdict=_verdict(),
        books=Books(),
        quote=market.quote(),
        thinking=thinking,
        balances=(Balance(currency="USDT", free=Decimal(MANY), locked=Decimal(0)),),
        marks=marks,
        mark=mark,
        judged=frozenset(),
        token=None,
        heartbeat_at=AT,
        journal_writable=True,
        venue=VenueSeen(STANDING, timedelta()),
        peg=replace(PEG, asked_at=AT),
        circuit=Circuit(),
    )


def _told(count: int, close: Decimal) -> tuple[Books, ConductRecord]:
    """Orders of the days before: accepted, resting, none of them filled."""
    books, conduct, before = Books(), ConductRecord(), AT - timedelta(days=2)
    for number in range(count):
        intended = _intent(number, close - 10 - number % 50, None)
        name, answer = intended.request.client_order_id, VenueAnswer(kind=AnswerKind.ACCEPTED)
        for event in (
            Intended(intent=intended, permit=""),
            Answered(client_order_id=name, answer=answer),
        ):
            books.apply(event, before, number)
            conduct.take(JournalEntry(number, event.KIND, body(event), before))
    return books, conduct


def _intent(name: object, price: Decimal, thinking: Thinking | None) -> Intent:
    own = intent_id(name)
    approved = thinking.approved if thinking else None
    return Intent(
        intent_id=own,
        plan=approved.pack if approved else "earlier",
        hypothesis=approved.plan.hypotheses[0].id if approved else "earlier",
        purpose=Purpose.ENTRY,
        request=OrderRequest(
            venue="paper",
            account="paper",
            symbol=SYMBOL,
            side=Side.BUY,
            time_in_force=TimeInForce.GTC,
            quantity="0.002",
            price=str(price),
            client_order_id=client_order_id(own, 0),
        ),
        created_at=AT,
        expires_at=AT + timedelta(hours=1),
    )


def _book(close: Decimal) -> Book:
    return Book(
        symbol=SYMBOL,
        bids=(Level(close - HALF_SPREAD, Decimal(1)),),
        asks=(Level(close + HALF_SPREAD, Decimal(1)),),
        event_at=AT,
        received_at=AT,
        provenance=Provenance.RECORDED,
        interval=SERIES.interval,
    )


def _verdict() -> Verdict:
    permitted = Authority(
        mode=Mode.PAPER,
        trading=Trading.ACTIVE,
        symbols={SYMBOL: SymbolAccess(venue="paper", access=Access.TRADE)},
        limits=WIDE,
        layers=("L2", "L3", "L4", "L5", "L6"),
        budgets={},
    )
    return Verdict(
        now=AT,
        revision=None,
        admitted=True,
        desired=permitted,
        approved=permitted,
        permitted=permitted,
        switch=Switch.ARMED,
        stops=(),
        sequence=1,
        people=("oscar", "rita"),
        configuration=None,
        findings=(),
        valid_until=None,
    )
