"""kill -9 of the session at any moment: nothing is lost and nothing is sent twice."""

from collections import Counter
from decimal import Decimal

import pytest

from desired_state.canonical import from_json
from layers.orders import WORKING
from layers.paper_venue.venue import PaperVenue
from reconciler.session_ending import Ending
from reconciler.wiring.session_evidence import Outcome
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.session_desk import FIRST, LAST, die_after_bars, die_sending, run


def sound(desk: GovernedDesk, outcome: Outcome) -> None:
    assert outcome.record.ending is Ending.COMPLETED
    assert outcome.reconciliation.ok
    assert outcome.reconciliation.unexplained == ()
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    leaves = [from_json(line) for path in lines for line in path.read_bytes().splitlines()]
    intents = [x["body"]["intent"] for x in leaves if x["kind"] == "order_intent"]
    sent = Counter(intent["request"]["client_order_id"] for intent in intents)
    assert set(sent.values()) == {1}  # nothing is sent twice
    assert len({intent["intent_id"] for intent in intents}) == len(intents)
    venue = at_venue(desk.venue)
    assert set(venue) <= set(sent)  # nothing is lost: every order there has its intent here
    fills = {f.fill_id for f in desk.venue.fills("BTC/USDT", FIRST)}
    known = {x["body"]["fill"]["fill_id"] for x in leaves if x["kind"] == "order_fill"}
    assert fills == known


def at_venue(venue: PaperVenue) -> list[str]:
    with venue._store.reading() as connection:  # noqa: SLF001
        return [row[0] for row in connection.execute("SELECT client_order_id FROM orders")]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", [1, 6])
def test_killed_between_journal_and_venue(desk: GovernedDesk, nth: int, *, after: bool) -> None:
    assert die_sending(desk, nth, after=after) == 9
    arrived = len(at_venue(desk.venue))
    assert arrived == nth - (not after)
    outcome = run(desk)
    sound(desk, outcome)
    held = {b.currency: b.free + b.locked for b in desk.venue.balances()}
    assert held["BTC"] >= Decimal(0)


@pytest.mark.parametrize("bars", [3, 11, 26])
def test_killed_after_a_bar(desk: GovernedDesk, bars: int) -> None:
    assert die_after_bars(desk, bars) == 9
    outcome = run(desk)
    assert outcome.record.setup.start > FIRST
    sound(desk, outcome)


def test_killed_again_and_again(desk: GovernedDesk) -> None:
    codes = [die_sending(desk, nth, after=bool(nth % 2)) for nth in (2, 1, 3)]
    assert codes == [9, 9, 9]
    outcome = run(desk, end=LAST)
    sound(desk, outcome)
    open_there = {order.client_order_id for order in desk.venue.open_orders()}
    open_here = {o.client_order_id for o in outcome.record.orders if o.state in WORKING}
    assert open_there == open_here == set()
