"""An order on its way out: which bytes, asked when, and what keeps it here."""

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.errors import Finding
from desired_state.reasons import Reason
from layers.adapters.binance_transport import LastWord
from layers.adapters.binance_venue import BinanceVenue
from layers.adapters.ccxt_line import Line, Skew
from layers.adapters.venue_credentials import Credentials
from layers.binance.protocol import ORDER, Endpoint
from layers.binance.wire import parameters, read_back
from layers.orders import AnswerKind, OrderRequest, TimeInForce
from tests.fakes.binance_desk import (
    ACCOUNT,
    KEY,
    PLACE,
    SECRET,
    SYSTEM,
    desk,
    request,
    terms,
)
from tests.fakes.leave import Leave
from tests.fakes.scripted_venue import Said, ScriptedVenue, said

POST = ("POST", "/api/v3/order")
BODY = (
    "timestamp=1599999999999&symbol=BTCUSDT&side=BUY&newClientOrderId={id}&newOrderRespType=FULL"
    "&type=LIMIT&quantity=0.00100&price=40000.10&timeInForce=GTC"
    "&selfTradePreventionMode=EXPIRE_TAKER&recvWindow=5000&signature=0a"
)


def shown(sent: OrderRequest, **changes: object) -> dict[str, object]:
    return {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "clientOrderId": sent.client_order_id,
        "transactTime": 1507725176595,
        "price": sent.price,
        "origQty": sent.quantity,
        "executedQty": "0.00000000",
        "status": "NEW",
        "type": "LIMIT",
        "side": sent.side.value.upper(),
        **changes,
    }


@pytest.mark.parametrize("way", list(TimeInForce))
def test_an_order_leaves_with_exactly_the_numbers_that_were_permitted(
    venue: ScriptedVenue, binance: BinanceVenue, way: TimeInForce
) -> None:
    sent, leave = request("exact", price="40000.10", quantity="0.00100", tif=way), Leave()
    venue.says(*POST, said(shown(sent)))
    assert binance.entry.submit(sent, leave).kind is AnswerKind.ACCEPTED
    assert leave.asked == [sent]
    body = venue.heard[-1][2].decode()
    assert "quantity=0.00100&price=40000.10" in body
    assert "selfTradePreventionMode=EXPIRE_TAKER&recvWindow=5000" in body  # H1


@dataclass
class LateLeave(Leave):
    """Keeps what the server had heard when it was asked."""

    venue: ScriptedVenue | None = None
    then: list[tuple[int, int]] = field(default_factory=list)

    def refuses(self, wire: OrderRequest) -> Finding | None:
        threading.Event().wait(0.05)  # a connection that stands was accepted by now
        self.then.append((self.venue.connections, len(self.venue.heard)))
        return super().refuses(wire)


def test_leave_is_asked_when_the_connection_stands_and_nothing_is_written(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    leave = LateLeave(Reason.KILL_LATCHED, venue=venue)
    answer = binance.entry.submit(request("late"), leave)
    assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, Reason.KILL_LATCHED)
    assert leave.then == [(1, 0)]
    assert venue.heard == []


@dataclass
class Dropping(Leave):
    """While it is asked, the venue lets go of every connection."""

    venue: ScriptedVenue | None = None

    def refuses(self, wire: OrderRequest) -> Finding | None:
        threading.Event().wait(0.05)
        self.venue.drop()
        threading.Event().wait(0.05)
        return super().refuses(wire)


def test_a_connection_lost_after_the_asking_is_not_made_again(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    sent, leave = request("lost"), Dropping(venue=venue)
    venue.says(*POST, said(shown(sent)))
    answer = binance.entry.submit(sent, leave)
    assert (answer.kind, len(leave.asked)) == (AnswerKind.UNKNOWN, 1)
    assert (venue.connections, venue.heard) == (1, [])


def test_a_connection_that_the_venue_closed_while_idle_is_made_anew(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    one, two = request("one"), request("two")
    venue.says(*POST, said(shown(one), closes=True), said(shown(two)))
    assert binance.entry.submit(one, Leave()).kind is AnswerKind.ACCEPTED
    threading.Event().wait(0.05)
    assert binance.entry.submit(two, Leave()).kind is AnswerKind.ACCEPTED
    assert venue.connections == 2


def test_leave_is_asked_on_a_connection_that_was_used_before(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    sent = request("first")
    venue.says(*POST, said(shown(sent)))
    assert binance.entry.submit(sent, Leave()).kind is AnswerKind.ACCEPTED
    leave = LateLeave(Reason.KILL_LATCHED, venue=venue)
    assert binance.entry.submit(request("second"), leave).kind is AnswerKind.NOT_SENT
    assert leave.then == [(1, 1)]
    assert len(venue.heard) == 1


def test_an_order_without_a_leave_stays_here(venue: ScriptedVenue) -> None:
    line = Line(terms(venue.base), Credentials(KEY, SECRET), SYSTEM, Skew())
    heard = line.ask(ORDER, parameters(request("bare")))
    line.close()
    assert not heard.written
    assert heard.kept.code is Reason.PERMIT_INVALID
    assert venue.heard == []


def test_a_leave_serves_one_order_and_is_gone_after_a_failure(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    line = binance.lines[0]
    venue.says(*POST, Said(503, b"<html>"))
    line.send_order(parameters(request("one")), Leave())
    heard = line.ask(ORDER, parameters(request("two")))
    assert heard.kept.code is Reason.PERMIT_INVALID
    assert venue.asked(*POST) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": "0.00100 "},
        {"quantity": "1&quantity=2"},
        {"icebergQty": "1"},
        {"type": "MARKET"},
        {"newClientOrderId": "web_1"},
        {"symbol": "ETHUSDT"},
        {"timeInForce": "GTX"},
        {"recvWindow": "60000"},
        {"selfTradePreventionMode": "NONE"},
    ],
    ids=str,
)
def test_bytes_that_are_not_exactly_one_of_our_orders_stay_here(
    venue: ScriptedVenue, binance: BinanceVenue, changed: dict[str, str]
) -> None:
    leave = Leave()
    heard = binance.lines[0].send_order({**parameters(request("odd")), **changed}, leave)
    assert heard.kept.code is Reason.WIRE_UNREADABLE
    assert leave.asked == []
    assert venue.heard == []


def test_an_order_for_another_account_stays_here(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    sent = request("other").model_copy(update={"account": "else"})
    answer = binance.entry.submit(sent, Leave())
    assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, Reason.NOT_ALLOW_LISTED)
    assert venue.heard == []


def test_no_order_leaves_before_the_venue_has_told_whose_the_key_is(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    mine, other = ({"uid": uid, "balances": []} for uid in (int(ACCOUNT), 7))
    venue.says("GET", "/api/v3/account", Said(502), said(mine), Said(502), said(other))
    venue.says(*POST, said(shown(request("one"))))
    binance.lines[0].skew.account = None
    found = []
    for _ in range(4):
        binance.probe.standing()
        answer = binance.entry.submit(request("one"), Leave())
        found.append(answer.code or answer.kind)
    unapproved, accepted = Reason.ACCOUNT_UNAPPROVED, AnswerKind.ACCEPTED
    assert found == [unapproved, accepted, accepted, unapproved]
    assert venue.asked(*POST) == 2


def test_a_leave_is_asked_once_for_one_order() -> None:
    word, leave = LastWord(lambda _: request("one")), Leave()
    with word.armed_with(leave):
        assert word.refuses(b"") is None
        assert word.refuses(b"").code is Reason.PERMIT_INVALID
    assert len(leave.asked) == 1


def test_what_was_heard_before_does_not_stand_for_what_was_not(
    venue: ScriptedVenue, binance: BinanceVenue
) -> None:
    sent = request("one")
    venue.says(*POST, said(shown(sent)))
    assert binance.lines[0].send_order(parameters(sent), Leave()).written
    held = binance.lines[0].ask(Endpoint("public_get_ping", "GET", ""), {})
    assert (held.written, held.status, held.body, held.host) == (False, None, b"", None)


@given(st.data())
def test_other_bytes_are_never_the_same_order_but_for_time_and_signature(
    data: st.DataObject,
) -> None:
    body = BODY.format(id=request("one").client_order_id)
    order = read_back(body, PLACE)
    assert (order.quantity, order.price) == ("0.00100", "40000.10")
    pairs = body.split("&")
    assert read_back("&".join(pairs[::-1]).encode(), PLACE) == order
    index = data.draw(st.integers(0, len(pairs) - 1))
    told = data.draw(st.sampled_from([*pairs, "stopPrice=1", "quantity=2", "x", "", "price=%31"]))
    added = read_back("&".join([*pairs, told]), PLACE)
    assert added is None
    left_out = read_back("&".join(pairs[:index] + pairs[index + 1 :]), PLACE)
    assert left_out is None
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + data.draw(st.characters(max_codepoint=300)) + body[place + 1 :]
    outside = {"timestamp", "signature", "recvWindow", "newOrderRespType"}
    if [p for p in changed.split("&") if p.partition("=")[0] not in outside] != [
        p for p in pairs if p.partition("=")[0] not in outside
    ]:
        assert read_back(changed, PLACE) != order


def test_a_venue_that_cannot_be_connected_to_was_sent_nothing() -> None:
    with ScriptedVenue() as gone:
        base = gone.base
    binance, leave = desk(base), Leave()
    answer = binance.entry.submit(request("nobody"), leave)
    binance.close()
    assert (answer.kind, answer.code) == (AnswerKind.NOT_SENT, Reason.VENUE_UNREACHABLE)
    assert leave.asked == []
