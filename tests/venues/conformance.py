"""What every venue's trio of adapters must do; a test module binds ``trio`` to one of them.

``trio`` gives ``entry, cancels, queries, symbol, passive`` where ``passive(name)`` is a request
that rests on a fresh venue, and ``rejected(name)`` one that the venue's filters refuse; ``now()``
is the venue's time, and ``later()`` lets some pass in which nothing of ours is executed.
"""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from desired_state.reasons import Reason
from layers.orders import AnswerKind, OrderState
from tests.fakes.leave import Leave

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)


def test_an_accepted_order_is_found_by_its_client_id(trio: SimpleNamespace) -> None:
    sent = trio.passive("a")
    answer = trio.entry.submit(sent, Leave())
    assert answer.kind is AnswerKind.ACCEPTED
    assert answer.order.client_order_id == sent.client_order_id
    assert trio.queries.order(trio.symbol, sent.client_order_id).state is OrderState.OPEN


def test_what_the_door_refuses_at_the_last_moment_never_leaves(trio: SimpleNamespace) -> None:
    sent, leave = trio.passive("late"), Leave(Reason.KILL_LATCHED)
    answer = trio.entry.submit(sent, leave)
    assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, Reason.KILL_LATCHED)
    assert trio.queries.order(trio.symbol, sent.client_order_id) is None


def test_the_door_is_asked_once_and_about_exactly_the_order(trio: SimpleNamespace) -> None:
    sent, leave = trio.passive("exact"), Leave()
    trio.entry.submit(sent, leave)
    assert leave.asked == [sent]


def test_an_order_that_was_never_sent_is_none(trio: SimpleNamespace) -> None:
    assert trio.queries.order(trio.symbol, trio.passive("never").client_order_id) is None


def test_an_order_is_listed_among_all_orders_while_it_rests_and_after_it_ended(
    trio: SimpleNamespace,
) -> None:
    sent = trio.passive("listed")
    trio.entry.submit(sent, Leave())
    for state in (OrderState.OPEN, OrderState.CANCELLED):
        (found,) = trio.queries.orders(trio.symbol, EPOCH)
        assert (found.client_order_id, found.state) == (sent.client_order_id, state)
        trio.cancels.cancel_all()


def test_all_orders_are_those_that_were_made_since_whenever_they_changed(
    trio: SimpleNamespace,
) -> None:
    made = []
    for name in ("early", "late"):
        trio.later()
        made.append(trio.now())
        trio.entry.submit(trio.passive(name), Leave())
    trio.later()
    early, late = (trio.passive(name).client_order_id for name in ("early", "late"))
    trio.cancels.cancel(trio.symbol, early)  # it changes after the other one was made

    def listed(since: datetime) -> list[str]:
        return [order.client_order_id for order in trio.queries.orders(trio.symbol, since)]

    assert listed(made[0]) == [early, late]
    assert listed(made[0] + INSTANT) == [late]
    assert listed(made[1]) == [late]
    assert listed(made[1] + INSTANT) == []


def test_a_filter_failure_is_a_definite_refusal_with_the_venues_words(
    trio: SimpleNamespace,
) -> None:
    answer = trio.entry.submit(trio.rejected("r"), Leave())
    assert answer.kind is AnswerKind.REJECTED
    assert answer.reason
    assert answer.code is not None
    assert trio.cancels.open_orders() == ()


def test_the_same_id_sent_twice_rests_once_and_is_not_called_refused(trio: SimpleNamespace) -> None:
    sent = trio.passive("twice")
    trio.entry.submit(sent, Leave())
    assert trio.entry.submit(sent, Leave()).kind is AnswerKind.UNKNOWN
    assert len(trio.cancels.open_orders()) == 1


def test_open_orders_lists_every_open_order_with_all_its_terms(trio: SimpleNamespace) -> None:
    sent = [trio.passive(name) for name in "abc"]
    for one in sent:
        trio.entry.submit(one, Leave())
    listed = {order.client_order_id: order for order in trio.cancels.open_orders()}
    assert set(listed) == {one.client_order_id for one in sent}
    for one in sent:
        order = listed[one.client_order_id]
        assert (order.side, str(order.price), str(order.quantity)) == (
            one.side,
            one.price,
            one.quantity,
        )


def test_a_cancel_is_confirmed_and_may_be_repeated(trio: SimpleNamespace) -> None:
    sent = trio.passive("c")
    trio.entry.submit(sent, Leave())
    for _ in range(2):
        report = trio.cancels.cancel(trio.symbol, sent.client_order_id)
        assert report.confirmed == (sent.client_order_id,)
        assert report.still_open == ()
    shown = trio.queries.order(trio.symbol, sent.client_order_id)
    assert shown.state is OrderState.CANCELLED


def test_cancelling_what_was_never_there_is_confirmed(trio: SimpleNamespace) -> None:
    report = trio.cancels.cancel(trio.symbol, trio.passive("never").client_order_id)
    assert not report.still_open
    assert not report.unreachable


def test_cancel_all_leaves_nothing_open_and_may_be_repeated(trio: SimpleNamespace) -> None:
    sent = {trio.passive(name).client_order_id for name in "abcde"}
    for name in "abcde":
        trio.entry.submit(trio.passive(name), Leave())
    assert set(trio.cancels.cancel_all().confirmed) == sent
    assert trio.cancels.open_orders() == ()
    assert trio.cancels.cancel_all().confirmed == ()


def test_an_open_order_locks_what_it_needs_and_a_cancel_frees_it(trio: SimpleNamespace) -> None:
    before = {b.currency: (b.free, b.locked) for b in trio.queries.balances()}
    trio.entry.submit(trio.passive("locks"), Leave())
    during = {b.currency: (b.free, b.locked) for b in trio.queries.balances()}
    assert during != before
    assert {c: sum(v) for c, v in during.items()} == {c: sum(v) for c, v in before.items()}
    trio.cancels.cancel_all()
    assert {b.currency: (b.free, b.locked) for b in trio.queries.balances()} == before


def test_without_executions_there_are_no_fills(trio: SimpleNamespace) -> None:
    trio.entry.submit(trio.passive("rests"), Leave())
    assert trio.queries.fills(trio.symbol, EPOCH) == ()


def test_rules_are_positive_and_name_their_symbol(trio: SimpleNamespace) -> None:
    rules = trio.queries.rules(trio.symbol)
    assert rules.symbol == trio.symbol
    assert min(rules.tick, rules.step, rules.min_quantity, rules.min_notional) > 0
