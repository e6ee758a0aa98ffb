from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.limits import NO_LIMITS
from layers.artifacts import Decision, Trigger, TriggerKind
from layers.l2_market_outlook.outlook import outlook
from layers.l3_trade_plan import ladder
from layers.l4_critic.critic import review
from layers.orders import Purpose, Side, TimeInForce
from layers.planner.desk import ApprovedPlan, DeskView, OpenOrder, Proposal, Route, Why
from layers.planner.planner import propose
from tests.layers.desk_of_prices import (
    BARS_ONLY,
    CITED,
    LADDER,
    LIMITS,
    PACKS,
    POLICY,
    RULES,
    SERIES,
    Desk,
    Step,
    day,
    real_bars,
)

NOW = day(3, 1)
BARS = [bar for bar in real_bars() if bar.closed <= NOW]
LAST = BARS[-1].close
OUTLOOK = outlook(SERIES, BARS, None, BARS_ONLY, NOW)
PLAN = ladder.plan(SERIES, OUTLOOK, LADDER, NOW, CITED)
APPROVED = ApprovedPlan(
    "EV-20200301-L3-000000000000", PLAN, review(PLAN, OUTLOOK, PACKS, POLICY, NOW)
)
TRIGGER = Trigger(
    kind=TriggerKind.NEWS_RISK,
    cause="calendar",
    symbol="BTC/USDT",
    measured=Decimal(1),
    bound=Decimal(0),
    since=NOW,
    expires=NOW + timedelta(hours=1),
)
FLAT = DeskView(
    series=SERIES,
    route=Route("paper", "main"),
    position=Decimal(0),
    average_cost=Decimal(0),
    free_quote=Decimal(1000),
    open_orders=(),
    bid=LAST - Decimal("0.5"),
    ask=LAST + Decimal("0.5"),
    rules=RULES,
    limits=LIMITS,
    bars=BARS[-40:],
    no_trade=(),
    orders_today=0,
)
ENTRY = OpenOrder("gaaaaaaaaaaaaaaaa", Side.BUY, LAST - 60, Decimal("0.004"), Purpose.ENTRY)
PROFIT = OpenOrder("gbbbbbbbbbbbbbbbb", Side.SELL, LAST + 60, Decimal("0.004"), Purpose.TAKE_PROFIT)
HOLDING = replace(FLAT, position=Decimal("0.02"), average_cost=LAST, open_orders=(ENTRY, PROFIT))


def asked(view: DeskView, approved: ApprovedPlan | None = APPROVED) -> Proposal:
    return propose(view, approved, LADDER, NOW)


def purposes(found: Proposal) -> Counter[Purpose]:
    return Counter(intent.purpose for intent in found.intents)


def cancelled(found: Proposal) -> dict[str, Why]:
    return {c.client_order_id: c.why for c in found.cancels}


def with_report(**changes: object) -> ApprovedPlan:
    return replace(APPROVED, report=APPROVED.report.model_copy(update=changes))


def test_a_flat_desk_gets_its_rungs_below_the_market() -> None:
    found = asked(FLAT)
    assert found.cancels == ()
    assert purposes(found) == {Purpose.ENTRY: LADDER.rungs}
    prices = [Decimal(i.request.price) for i in found.intents]
    assert prices == sorted(prices, reverse=True)
    for intent in found.intents:
        request = intent.request
        assert Decimal(request.price) < FLAT.bid
        assert request.time_in_force is TimeInForce.GTC
        assert (intent.plan, intent.hypothesis) == (APPROVED.pack, "ladder-btc-usdt")
        assert (intent.created_at, intent.expires_at) == (NOW, NOW + SERIES.interval)


NOT_APPROVED = {
    "no plan": None,
    "rejected": with_report(decision=Decision.REJECT),
    "approved with changes": with_report(decision=Decision.APPROVE_WITH_CHANGES),
    "a verdict on another plan": with_report(subject="sha256:" + "1" * 64),
    "a verdict by the proposer": with_report(critic=PLAN.proposer),
    "a plan changed after its verdict": replace(
        APPROVED, plan=PLAN.model_copy(update={"expires": NOW + timedelta(days=9)})
    ),
    "an expired plan": replace(APPROVED, plan=PLAN.model_copy(update={"expires": NOW})),
    "a plan for another symbol": replace(APPROVED, plan=PLAN.model_copy(update={"hypotheses": ()})),
}


@pytest.mark.parametrize("case", NOT_APPROVED)
def test_without_an_approved_plan_entries_go_and_exits_stay(case: str) -> None:
    found = asked(HOLDING, NOT_APPROVED[case])
    assert cancelled(found) == {ENTRY.client_order_id: Why.UNAPPROVED}
    assert set(purposes(found)) == {Purpose.TAKE_PROFIT}
    assert {intent.plan for intent in found.intents} == {"none"}


def test_a_trigger_ends_entries_and_never_an_exit() -> None:
    found = asked(replace(HOLDING, no_trade=(TRIGGER,)))
    assert cancelled(found) == {ENTRY.client_order_id: Why.NO_TRADE}
    assert set(purposes(found)) == {Purpose.TAKE_PROFIT}


@pytest.mark.parametrize(
    "name",
    [
        "max_order_notional",
        "max_total_exposure",
        "max_symbol_exposure",
        "max_strategy_exposure",
        "max_open_orders",
        "max_orders_per_day",
        "intent_ttl",
    ],
)
def test_a_limit_that_is_not_configured_means_no_entry(name: str) -> None:
    view = replace(FLAT, limits=LIMITS.model_copy(update={name: None}))
    assert asked(view).intents == ()
    assert asked(replace(FLAT, limits=NO_LIMITS)).intents == ()


def test_the_stop_sells_everything_in_slices_that_no_two_are_equal() -> None:
    view = replace(HOLDING, average_cost=LAST * 2)
    found = asked(view)
    assert cancelled(found) == {
        ENTRY.client_order_id: Why.INVALIDATED,
        PROFIT.client_order_id: Why.STOP,
    }
    assert set(purposes(found)) == {Purpose.STOP_LOSS}
    requests = [intent.request for intent in found.intents]
    assert sum(Decimal(r.quantity) for r in requests) == view.position
    assert len({(r.price, r.quantity) for r in requests}) == len(requests) > 1
    middle = (view.bid + view.ask) / 2
    for request in requests:
        assert request.side is Side.SELL
        assert request.time_in_force is TimeInForce.IOC
        assert middle * Decimal("0.995") <= Decimal(request.price) < view.bid
        assert view.bid * Decimal(request.quantity) * Decimal("1.001") <= 50


def test_the_stop_works_without_any_plan() -> None:
    found = asked(replace(HOLDING, average_cost=LAST * 2, no_trade=(TRIGGER,)), None)
    assert set(purposes(found)) == {Purpose.STOP_LOSS}


def test_a_broken_range_ends_the_plan() -> None:
    floor = PLAN.hypotheses[0].invalidation.price
    view = replace(FLAT, bid=floor, ask=floor + 1, open_orders=(ENTRY,))
    assert cancelled(asked(view)) == {ENTRY.client_order_id: Why.INVALIDATED}
    assert asked(view).intents == ()


def test_dust_that_the_venue_does_not_take_stops_nothing() -> None:
    view = replace(FLAT, position=Decimal("0.0001"), average_cost=LAST * 2)
    assert purposes(asked(view)) == {Purpose.ENTRY: LADDER.rungs}


def test_resting_exits_never_sell_more_than_is_held() -> None:
    second = replace(PROFIT, client_order_id="gcccccccccccccccc", price=PROFIT.price + 1)
    view = replace(HOLDING, position=Decimal("0.005"), open_orders=(second, PROFIT))
    assert cancelled(asked(view)) == {second.client_order_id: Why.STALE}


def test_entries_stop_where_the_symbols_limit_is_used_up() -> None:
    view = replace(FLAT, position=Decimal("0.026"), average_cost=LAST)
    assert purposes(asked(view))[Purpose.ENTRY] == 0
    view = replace(FLAT, other_exposure=Decimal(500))
    assert asked(view).intents == ()


def test_entries_stop_where_the_strategys_limit_is_used_up_before_the_accounts() -> None:
    assert asked(replace(FLAT, other_exposure=Decimal(300))).intents
    assert asked(replace(FLAT, other_exposure=Decimal(400))).intents == ()
    tight = LIMITS.model_copy(update={"max_strategy_exposure": Decimal(120)})
    bought = [i.request for i in asked(replace(FLAT, limits=tight)).intents]
    assert 0 < sum(Decimal(r.quantity) for r in bought) * FLAT.ask <= 120


def test_a_rung_that_the_market_has_left_behind_is_replaced() -> None:
    stale = replace(ENTRY, price=LAST / 2)
    found = asked(replace(FLAT, open_orders=(stale,)))
    assert cancelled(found) == {stale.client_order_id: Why.STALE}
    assert purposes(found) == {Purpose.ENTRY: LADDER.rungs}


@pytest.mark.parametrize(
    "changes", [{"bid": LAST + 1}, {"bid": Decimal(0)}, {"bars": ()}, {"bars": BARS[-3:]}]
)
def test_without_a_price_or_a_range_nothing_is_asked(changes: dict[str, Any]) -> None:
    found = asked(replace(HOLDING, **changes))
    assert found.intents == ()
    assert cancelled(found) == {ENTRY.client_order_id: Why.STALE}


def test_the_days_last_orders_are_kept_for_exits() -> None:
    left = LADDER.exits_per_day
    used = LIMITS.max_orders_per_day
    assert used is not None
    found = asked(replace(HOLDING, open_orders=(), orders_today=used - left))
    assert set(purposes(found)) == {Purpose.TAKE_PROFIT}


def test_asked_again_in_the_same_bar_it_names_the_same_intents() -> None:
    first, again = asked(FLAT), propose(FLAT, APPROVED, LADDER, NOW + timedelta(minutes=7))
    later = propose(FLAT, APPROVED, LADDER, NOW + SERIES.interval)
    ids = [{i.intent_id for i in found.intents} for found in (first, again, later)]
    assert asked(FLAT) == first
    assert ids[0] == ids[1]
    assert not ids[0] & ids[2]
    clients = {i.request.client_order_id for i in first.intents}
    other = propose(replace(FLAT, route=Route("paper", "other")), APPROVED, LADDER, NOW)
    assert not clients & {i.request.client_order_id for i in other.intents}


MONEY = st.decimals("0", "2000", places=2)
SIZE = st.decimals("0", "0.03", places=5)


@given(
    # around the range of the plan, where entries, exits and the stop all happen
    bid=st.decimals(LAST * Decimal("0.85"), LAST * Decimal("1.05"), places=2),
    spread=st.decimals("0.01", "40", places=2),
    position=SIZE,
    cost=st.decimals(LAST * Decimal("0.8"), LAST * Decimal("1.1"), places=2),
    free=MONEY,
    other=st.decimals("0", "600", places=2),
    strategy=st.decimals("0", "600", places=2),
    tick=st.sampled_from(["0.01", "0.5", "1"]),
    step=st.sampled_from(["0.00001", "0.0001", "0.003"]),
    orders=st.lists(st.tuples(st.booleans(), st.integers(-300, 300), SIZE), max_size=6),
)
def test_whatever_the_desk_what_is_asked_is_whole_and_within_limits(  # noqa: PLR0913, PLR0917
    bid: Decimal,
    spread: Decimal,
    position: Decimal,
    cost: Decimal,
    free: Decimal,
    other: Decimal,
    strategy: Decimal,
    tick: str,
    step: str,
    orders: list[tuple[bool, int, Decimal]],
) -> None:
    rules = RULES.model_copy(update={"tick": Decimal(tick), "step": Decimal(step)})
    resting = tuple(
        OpenOrder(
            "g" + "abcdef"[n] * 16,
            Side.BUY if buy else Side.SELL,
            bid + off,
            size,
            Purpose.ENTRY if buy else Purpose.TAKE_PROFIT,
        )
        for n, (buy, off, size) in enumerate(orders)
    )
    view = replace(
        FLAT,
        bid=bid,
        ask=bid + spread,
        position=position,
        average_cost=cost,
        free_quote=free,
        other_exposure=other,
        limits=LIMITS.model_copy(update={"max_strategy_exposure": strategy}),
        rules=rules,
        open_orders=resting,
    )
    found = asked(view)
    gone = cancelled(found)
    stay = [o for o in resting if o.client_order_id not in gone]
    buys = [i.request for i in found.intents if i.request.side is Side.BUY]
    sells = [i.request for i in found.intents if i.request.side is Side.SELL]
    for request in (*buys, *sells):
        price, size = Decimal(request.price), Decimal(request.quantity)
        assert "e" not in (request.price + request.quantity).lower()
        assert price % rules.tick == 0
        assert size % rules.step == 0
        assert size > 0
        worst = max(price, bid) if request.side is Side.SELL else price
        assert worst * size * (1 + rules.taker_fee) <= 50
        assert price * size >= rules.min_notional
    ids = [i.intent_id for i in found.intents]
    assert len(set(ids)) == len(ids)
    selling = sum((Decimal(r.quantity) for r in sells), Decimal(0))
    selling += sum((o.remaining for o in stay if o.side is Side.SELL), Decimal(0))
    assert not sells or selling <= position
    if buys:
        long = position + sum(Decimal(r.quantity) for r in buys)
        long += sum(o.remaining for o in stay if o.side is Side.BUY)
        assert long * view.ask <= min(Decimal(250), 500 - other, strategy - other)
        spent = sum(Decimal(r.price) * Decimal(r.quantity) for r in buys)
        assert spent <= free
        assert len(stay) + len(found.intents) <= 6


STEPS: list[Step] = list(Desk().run(real_bars()))


def test_real_prices_give_plenty_of_fills_before_the_crash() -> None:
    before = [fill for step in STEPS if step.now <= day(3, 8) for fill in step.fills]
    assert len(before) >= 20
    assert {fill.purpose for fill in before} == set(Purpose)


def test_real_prices_usually_leave_three_open_orders() -> None:
    ordinary = [s for s in STEPS if day(2, 28) <= s.now <= day(3, 8) and not s.view.no_trade]
    busy = [s for s in ordinary if len(s.resting) >= 3]
    assert len(busy) > len(ordinary) * 2 / 3
    assert max(len(s.resting) for s in STEPS) <= 6


def test_in_the_crash_nothing_is_opened_and_everything_is_sold() -> None:
    crash = [s for s in STEPS if day(3, 12, 12) <= s.now < day(3, 14)]
    assert not any(purposes(s.proposal)[Purpose.ENTRY] for s in crash)
    assert all(o.side is Side.SELL for s in crash for o in s.resting)
    end = STEPS[-1].view
    assert end.position * end.bid < RULES.min_notional


def test_a_day_keeps_within_its_orders() -> None:
    per_day = Counter[str]()
    for step in STEPS:
        opened = step.now - SERIES.interval
        per_day[f"{opened:%m-%d}"] += len(step.proposal.intents)
    assert max(per_day.values()) <= 50
