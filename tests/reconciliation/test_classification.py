"""A difference is expected lag, explained by an entry, or unexplained."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from layers.l6_execution.classification import Moment, classified
from layers.l6_execution.events import (
    Absent,
    Answered,
    CancelAsked,
    Event,
    Explained,
    Intended,
    Opened,
    Transferred,
)
from layers.l6_execution.rows import Kind, Row, balance_rows, order_rows
from layers.l6_execution.witness import Witness
from layers.orders import AnswerKind, Balance, OrderState, VenueAnswer, VenueOrder
from tests.fakes.paper_desk import START, SYMBOL, intent

WALL = datetime(2026, 1, 1, tzinfo=UTC)
LATE = timedelta(seconds=6)
INTENT = intent("a")
NAME = INTENT.request.client_order_id
FUNDS = (Balance(currency="USDT", free=Decimal(1000), locked=Decimal(0)),)


def answered(kind: AnswerKind) -> Answered:
    return Answered(client_order_id=NAME, answer=VenueAnswer(kind=kind))


def cancelled() -> CancelAsked:
    return CancelAsked(scope="one", asked=(NAME,), confirmed=(), still_open=(), unreachable=False)


def witness(*events: Event) -> Witness:
    found = Witness()
    for number, event in enumerate((Opened(balances=FUNDS), *events), 1):
        found.take(event, START, number)
    return found


SENT = Intended(intent=INTENT, permit="p")
OPEN = (SENT, answered(AnswerKind.ACCEPTED))
UNKNOWN = (SENT, answered(AnswerKind.UNKNOWN))
GONE = (*UNKNOWN, Absent(client_order_id=NAME, lookups=5))


def shown(state: OrderState, filled: str = "0", name: str = NAME) -> VenueOrder:
    return VenueOrder(
        symbol=SYMBOL,
        client_order_id=name,
        venue_order_id="1",
        side=INTENT.request.side,
        price=Decimal(95),
        quantity=Decimal(1),
        filled=Decimal(filled),
        state=state,
        updated_at=START,
    )


def kinds(
    found: Witness, orders: dict[str, VenueOrder | None], *, waited: float = 0, age: float = 0
) -> list[Kind]:
    rows = order_rows(found, found.intents, orders)
    moment = Moment(
        at=START + timedelta(seconds=age),
        wall=WALL + timedelta(seconds=waited),
        late=LATE,
        seen={row.subject: WALL for row in rows},
    )
    return [row.kind for row in classified(rows, found, moment)]


@pytest.mark.parametrize(
    ("events", "venue"),
    [
        (OPEN, shown(OrderState.PARTIAL, "0.5")),  # executed, and we have not read it yet
        (OPEN, shown(OrderState.FILLED, "1")),
        (OPEN, None),
    ],
)
def test_what_is_in_flight_may_lag_as_long_as_the_venue_may_be_late(
    events: tuple[Event, ...], venue: VenueOrder | None
) -> None:
    found = witness(*events)
    assert kinds(found, {NAME: venue}, waited=5.9) == [Kind.LAG]
    assert kinds(found, {NAME: venue}, waited=6) == [Kind.UNEXPLAINED]


@pytest.mark.parametrize("venue", [shown(OrderState.OPEN), None])
def test_an_order_that_is_being_looked_up_is_no_difference_yet(venue: VenueOrder | None) -> None:
    assert kinds(witness(*UNKNOWN), {NAME: venue}, waited=1000) == [Kind.LAG]


def test_the_money_that_it_may_hold_is_excused_no_longer_than_it_may_be_unknown() -> None:
    found = witness(*UNKNOWN)
    for waited, kind in ((9.9, Kind.LAG), (10, Kind.UNEXPLAINED)):
        rows = balance_rows(found, FUNDS)  # nothing is locked for it
        wall = WALL + timedelta(seconds=waited)
        moment = Moment(START, wall, LATE, {row.subject: WALL for row in rows})
        locked = classified(rows, found, moment)[-1]
        assert (locked.subject, locked.kind) == ("USDT locked", kind)


def test_what_has_just_ended_may_lag_and_what_ended_long_ago_may_not() -> None:
    found = witness(*OPEN)
    found.fate[NAME] = "cancelled"
    assert kinds(found, {NAME: shown(OrderState.OPEN)}, age=5.9) == [Kind.LAG]
    assert kinds(found, {NAME: shown(OrderState.OPEN)}, age=6) == [Kind.UNEXPLAINED]


def test_what_was_proven_absent_never_lags() -> None:
    assert kinds(witness(*GONE), {NAME: shown(OrderState.OPEN)}) == [Kind.UNEXPLAINED]


def test_a_foreign_order_never_lags() -> None:
    stranger = shown(OrderState.OPEN, name="x")
    assert kinds(witness(), {"x": stranger}) == [Kind.UNEXPLAINED]


def test_an_order_that_ended_as_we_asked_is_explained_by_the_entry_that_asked() -> None:
    found = witness(*OPEN, cancelled())
    rows = order_rows(found, found.intents, {NAME: shown(OrderState.CANCELLED)})
    (row,) = classified(rows, found, Moment(START, WALL))
    assert (row.kind, row.why) == (Kind.EXPLAINED, "entry 4: its cancel was asked for")
    partly = order_rows(found, found.intents, {NAME: shown(OrderState.CANCELLED, "0.5")})
    assert classified(partly, found, Moment(START, WALL))[0].kind is Kind.UNEXPLAINED


def test_what_such_an_order_no_longer_locks_is_explained_to_the_last_digit() -> None:
    found = witness(*OPEN, cancelled())
    orders = order_rows(found, found.intents, {NAME: shown(OrderState.CANCELLED)})
    for held, kind in ((Decimal(0), Kind.EXPLAINED), (Decimal("0.01"), Kind.UNEXPLAINED)):
        balances = (Balance(currency="USDT", free=Decimal(1000) - held, locked=held),)
        rows = classified((*orders, *balance_rows(found, balances)), found, Moment(START, WALL))
        assert rows[-1].subject == "USDT locked"
        assert rows[-1].kind is kind


def total(found: Witness, free: int) -> Row:
    balances = (Balance(currency="USDT", free=Decimal(free), locked=Decimal(0)),)
    return classified(balance_rows(found, balances), found, Moment(START, WALL, LATE))[0]


def test_a_balance_lags_only_while_something_of_its_currency_is_in_flight() -> None:
    assert total(witness(), 999).kind is Kind.UNEXPLAINED
    assert total(witness(*OPEN), 999).kind is Kind.LAG


def test_a_person_explains_exactly_one_difference() -> None:
    explained = Explained(subject="USDT total", told="-1", why="a fee", by="olivia")
    row = total(witness(explained), 999)
    assert (row.kind, row.why) == (Kind.EXPLAINED, "entry 2, olivia: a fee")
    assert total(witness(explained), 998).kind is Kind.UNEXPLAINED


def test_a_transfer_that_a_person_wrote_down_leaves_no_difference() -> None:
    terms = {"currency": "USDT", "amount": Decimal(7), "why": "top up", "by": "olivia"}
    assert total(witness(Transferred(direction="in", **terms)), 1007).difference == ""
    assert total(witness(Transferred(direction="out", **terms)), 993).difference == ""
    assert total(witness(Transferred(direction="in", **terms)), 1000).kind is Kind.UNEXPLAINED


def test_without_patience_nothing_is_excused() -> None:
    found = witness(*OPEN)
    rows = order_rows(found, found.intents, {NAME: None})
    assert classified(rows, found, Moment(START, WALL))[0].kind is Kind.UNEXPLAINED
