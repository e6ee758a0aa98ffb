"""Where permission falls, open orders are judged again as if new, and only what fits stays."""

from dataclasses import replace
from decimal import Decimal

from desired_state.values import Access, Mode, Trading
from layers.market import Bar
from reconciler.gate import Verdict
from reconciler.plan import Doing
from reconciler.ports import Report
from reconciler.session import Session
from reconciler.session_ending import Ending
from reconciler.session_request import Request
from reconciler.snapshots import account
from reconciler.wiring.session import SessionRun
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.session_desk import FIRST, LAST, opened, run
from tests.fakes.silent_queries import Silent

Asked = dict[str, tuple[set[str], set[str], set[str]]]


def limited(verdict: Verdict, **limits: object) -> Verdict:
    changed = verdict.permitted.limits.model_copy(update=limits)
    return verdict.model_copy(
        update={"permitted": verdict.permitted.model_copy(update={"limits": changed})}
    )


def narrowed(verdict: Verdict, **changes: object) -> Verdict:
    return verdict.model_copy(update={"permitted": verdict.permitted.model_copy(update=changes)})


def test_what_l5_would_refuse_is_named_and_the_rest_stays(desk: GovernedDesk) -> None:
    asked: Asked = {}

    def ask(session: Session, bar: Bar) -> None:
        books = session.desk.execution.books
        if asked or len(books.working) < 2:
            return
        working = set(books.working)
        increasing = {name for name in working if books.orders[name].increasing}
        before = books.symbol(bar.symbol)
        verdict = session.desk.verdict()
        reduce = {bar.symbol: verdict.permitted.symbols[bar.symbol].model_copy(
            update={"access": Access.REDUCE})}  # fmt: skip
        for name, told in {
            "same": verdict,
            "smaller": limited(verdict, max_order_notional=Decimal(1)),
            "unset": limited(verdict, max_order_notional=None),
            "reducing": narrowed(verdict, trading=Trading.REDUCING),
            "reduce": narrowed(verdict, symbols=reduce),
            "one": limited(verdict, max_open_orders=1),
        }.items():
            asked[name] = (working, increasing, set(session.refused(told) or ()))
        scene = session._seen  # noqa: SLF001
        assert scene is not None
        for mode, accounts, name in (
            (Mode.PAPER, {}, "paper"),
            (Mode.TESTNET, {}, None),  # AUTH-4: not named by people, so no order names it
            (Mode.TESTNET, {"paper": "12345678"}, "12345678"),
        ):
            told = narrowed(verdict, mode=mode, accounts=accounts)
            assert account(replace(scene, verdict=told)).account == name
        assert books.symbol(bar.symbol) == before  # judged on a copy
        assert set(books.working) == working

    run(desk, ask)
    working, increasing, refused = asked["same"]
    assert increasing
    assert refused == set()
    assert asked["smaller"][2] == working
    assert asked["unset"][2] == working
    assert asked["reducing"][2] == increasing
    assert asked["reduce"][2] == increasing
    assert len(asked["one"][2] & increasing) >= len(increasing) - 1


def test_nothing_is_judged_under_a_verdict_that_has_ended(desk: GovernedDesk) -> None:
    """A venue that takes its time lets a verdict end between asking for it and using it."""

    def age(session: Session, _bar: Bar) -> None:
        asked = session.desk
        if session.bars == 1:
            ended = lambda: asked.verdict().model_copy(  # noqa: E731
                update={"valid_until": asked.wall_clock()}
            )
            session.desk = replace(asked, verdict=ended)

    record = run(desk, age).record
    assert record.refusals["VERDICT_EXPIRED"] > 0
    assert record.orders == ()


def test_where_nobody_can_judge_what_is_open_it_is_cancelled_and_the_cycle_goes_on(
    desk: GovernedDesk,
) -> None:
    """PLAN-2: permission falls, and the venue does not answer what the account holds."""
    told: list[Report] = []
    open_: list[tuple[int, int]] = []

    def lower(session: Session, _bar: Bar) -> None:
        if told or not session.desk.execution.books.working:
            return
        answering = session.desk
        session.desk = replace(answering, queries=Silent(answering.queries, 1, 1))
        before = len(desk.venue.open_orders())
        desk.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "40"')
        told.append(writer.reconcile())
        open_.append((before, len(desk.venue.open_orders())))
        session.desk = answering

    with opened(desk) as writer:
        outcome = SessionRun(writer, Request(start=FIRST, end=LAST), lower).run()
    [report], [(before, after)] = told, open_
    assert report.verdict.permitted.mode is Mode.PAPER
    assert report.verdict.permitted.limits.max_order_notional == Decimal(40)
    assert [(act.doing, act.subject) for act in report.actions] == [(Doing.CANCEL_ALL, "paper")]
    assert before > after == 0
    assert outcome.record.ending is Ending.COMPLETED
    assert len(outcome.record.orders) > before  # it trades on
    assert outcome.reconciliation is not None
    assert outcome.reconciliation.ok
