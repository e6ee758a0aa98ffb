"""Open orders judged again, as if each were new: what L5 would now refuse is taken back. Pure.

Oldest first, each beside those that were let stand before it, so that of two orders that no longer
both fit the first one stays. Nothing is sent here, so no message is counted for it (SESSION-2).
"""

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from desired_state.values import amount_text
from layers.l5_risk_gate.finding import Outcome
from layers.l5_risk_gate.gate import evaluate
from layers.l6_execution.own_order import UNPROVEN, OwnOrder
from layers.orders import Balance, Intent, Side
from layers.risk_snapshot import NEVER, Conduct, Flow, window
from reconciler.scene import Scene
from reconciler.snapshots import snapshot


def refused_orders(scene: Scene, now: datetime) -> tuple[str, ...]:
    """Client ids of the open orders that may not stay under the scene's verdict; ``now`` as L5's.

    An order whose inputs are not known is refused as a new one would be: unknown counts as no.
    """
    books = scene.books
    open_ = [books.orders[name] for name in books.working]
    trial = deepcopy(books)
    for order in open_:
        trial.take_out(order.client_order_id)
    refused = []
    for number, order in enumerate(open_):
        waiting = [o for o in open_[number:] if o.client_order_id not in trial.working]
        balances = _with_freed(scene.balances, waiting)
        given = replace(scene, books=trial, balances=balances, judged=frozenset())
        intent = _as_new(order, scene.at)
        facts = snapshot(given, intent)
        facts = replace(facts, flow=_unsent(facts.flow), conduct=_without(facts.conduct, order))
        verdict = evaluate(intent, facts, scene.verdict.permitted.limits, now)
        if verdict.outcome is Outcome.ALLOW:
            trial.put_back(order)
        else:
            refused.append(order.client_order_id)
    return tuple(refused)


def overdue_orders(scene: Scene) -> tuple[str, ...]:
    """Client ids of the open orders that are older than any may be (B8); L6 cancels them.

    Where no age is configured none may rest at all.
    """
    most = scene.verdict.permitted.limits.max_order_age or timedelta()
    oldest = scene.at - window(most, scene.interval)
    books = scene.books
    return tuple(n for n in books.working if books.orders[n].intent.created_at < oldest)


def _as_new(order: OwnOrder, at: datetime) -> Intent:
    """What remains of it, decided now: that it was decided long ago is no reason to take it back.

    Its plan is the one it cites: where L4 approves another one now, a new order could not cite it.
    """
    intent = order.intent
    request = intent.request
    if order.filled:
        request = request.model_copy(update={"quantity": amount_text(order.remaining)})
    life = intent.expires_at - intent.created_at
    fresh = {"request": request, "created_at": at, "expires_at": at + life}
    return intent.model_copy(update=fresh)


def _unsent(flow: Flow) -> Flow:
    """E1, E2 and E5 count what is sent, and this order was counted when it was."""
    today = None if flow.orders_today is None else max(0, flow.orders_today - 1)
    return replace(
        flow,
        messages_second=0,
        messages_minute=0,
        orders_today=today,
        intent_seen=False,
        intent_working=False,
        same_order_at=NEVER,
    )


def _without(conduct: Conduct, order: OwnOrder) -> Conduct:
    """E7 counts what the plan's orders want, and this one is among them."""
    wanted, plan = conduct.plan_notional, order.remaining * order.price
    if wanted is None or order.side is not Side.BUY:
        return conduct
    return replace(conduct, plan_notional=max(Decimal(0), wanted - plan))


def _with_freed(balances: tuple[Balance, ...], orders: list[OwnOrder]) -> tuple[Balance, ...]:
    """Balances as they would be had the venue locked nothing for these orders."""
    freed: dict[str, Decimal] = {}
    for order in orders:
        if order.state not in UNPROVEN:
            currency, amount = order.reserved
            freed[currency] = freed.get(currency, Decimal(0)) + amount
    return tuple(
        b.model_copy(update={"free": b.free + min(b.locked, freed.get(b.currency, Decimal(0)))})
        for b in balances
    )
