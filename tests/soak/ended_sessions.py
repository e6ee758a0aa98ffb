"""What holds at the end of every governed session, compared with what no port told."""

from collections import Counter
from decimal import Decimal

from layers.l6_execution.own_order import WORKING
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
    totals = {c: held + books.flows.get(c, Decimal(0)) for c, held in books.opening.items()}
    assert {c: (total, Decimal(0)) for c, total in totals.items()} == desk.true_balances()
    for order in desk.orders:
        own = books.orders[order.client_id]
        assert own.filled == order.executed
        assert not order.live
        assert own.state not in WORKING
    assert not books.working
    assert not books.unproven
    assert not books.unexplained


def decided_once(desk: VirtualDesk) -> None:
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
    assert set(placed) <= set(intended) <= set(decided)
    for leaf in intents:
        request = leaf.body["intent"]["request"]
        assert when[request["client_order_id"]] < leaf.seq
    asked = {x.body["intent"]["request"]["client_order_id"]: x.body["intent"] for x in intents}
    for order in desk.orders:
        request = asked[order.client_id]["request"]
        sent = (request["side"], Decimal(request["price"]), Decimal(request["quantity"]))
        assert sent == (order.side.value.lower(), order.price, order.quantity)
