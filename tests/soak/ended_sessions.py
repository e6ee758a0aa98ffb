"""What holds at the end of every governed session, compared with what no port told."""

from collections import Counter
from decimal import Decimal

from desired_state.reasons import Reason
from desired_state.values import StopClass
from layers.binance.rows import MILLISECOND
from layers.l6_execution.own_order import WORKING
from layers.market import EPOCH
from reconciler.wiring.session_evidence import Outcome
from tests.fakes.virtual_desk import VirtualDesk


def reconciled(desk: VirtualDesk, outcome: Outcome) -> None:
    """Our books are the venue's to the last satoshi, and its report compared everything."""
    report = outcome.reconciliation
    assert report is not None
    assert (report.ok, report.coverage, report.is_final) == (True, 100, True), report
    assert outcome.agrees
    books = desk.books
    ours = {
        (f.client_order_id, f.fill_id, f.price, f.quantity, f.fee) for f in books.fills.values()
    }
    assert ours == desk.true_fills()
    totals = {
        c: held + books.money.flows.get(c, Decimal(0)) for c, held in books.money.opening.items()
    }
    assert {c: (total, Decimal(0)) for c, total in totals.items()} == desk.true_balances()
    for order in desk.orders:
        own = books.orders[order.client_id]
        assert own.filled == order.executed
        assert not order.live
        assert own.state not in WORKING
    assert not books.working
    assert not books.unproven
    assert not books.unexplained


def decided_once(desk: VirtualDesk, strangers: frozenset[str] = frozenset()) -> None:
    """Each order at the venue is one decision that allowed it, then one intent, and no second."""
    allowed = [x for x in desk.leaves("decision") if x.body["risk"]["outcome"] == "allow"]
    decided = Counter(x.body["intent"]["request"]["client_order_id"] for x in allowed)
    when = {x.body["intent"]["request"]["client_order_id"]: x.seq for x in allowed}
    intents = desk.leaves("order_intent")
    intended = Counter(x.body["intent"]["request"]["client_order_id"] for x in intents)
    placed = Counter(order.client_id for order in desk.orders)
    assert set(placed.values()) <= {1}  # no order doubled
    assert set(decided.values()) <= {1}
    assert set(intended.values()) <= {1}
    assert set(placed) - strangers <= set(intended) <= set(decided)
    for leaf in intents:
        request = leaf.body["intent"]["request"]
        assert when[request["client_order_id"]] < leaf.seq
    asked = {x.body["intent"]["request"]["client_order_id"]: x.body["intent"] for x in intents}
    for order in desk.orders:
        if order.client_id in strangers:
            continue
        request = asked[order.client_id]["request"]
        sent = (request["side"], Decimal(request["price"]), Decimal(request["quantity"]))
        assert sent == (order.side.value.lower(), order.price, order.quantity)


def nothing_open(desk: VirtualDesk) -> None:
    """Neither ours nor a stranger's: the account is ours alone."""
    assert [order for order in desk.orders if order.live] == []
    assert all(locked == 0 for _, locked in desk.true_balances().values())


def stopped(desk: VirtualDesk, code: Reason, *before: Reason) -> None:
    """An integrity stop for this reason is in force, and nothing was sent after the first stop.

    The first may be for what was met ``before`` the reason itself could be told. One may be
    technical: where balances are wrong, nothing proves a lost order absent.
    """
    stops = sorted(desk.desk.latch.in_force().values(), key=lambda stop: stop.id)
    spent = {Reason.ORDER_UNRESOLVED} if desk.leaves("order_unresolved") else set()
    assert {stop.kind for stop in stops} - {StopClass.INTEGRITY} <= {
        StopClass.TECHNICAL for _ in spent
    }
    assert any(stop.kind is StopClass.INTEGRITY for stop in stops)
    assert stops[0].reason.partition(":")[0] in {code, *before, *spent}
    assert desk.desk.token.check() is not None
    met = desk.leaves("order_difference", "order_venue_reset")
    assert code in {leaf.body.get("code", Reason.VENUE_RESET) for leaf in met}
    sent = [leaf.seq for leaf in desk.leaves("order_intent")]
    assert max(sent) < met[0].seq
    stopped_ms = (stops[0].seen_at - EPOCH) // MILLISECOND
    assert all(order.created_ms <= stopped_ms for order in desk.orders)


def strangers(desk: VirtualDesk) -> frozenset[str]:
    """Orders that somebody else placed on our account."""
    return frozenset(o.client_id for o in desk.orders if o.client_id.startswith("web_"))
