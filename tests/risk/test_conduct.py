"""What L5 counts comes out of the journal alone, live and again after a restart."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from layers.l6_execution import events
from layers.l6_execution.books import Books
from layers.l6_execution.events import (
    UNDEAD,
    Absent,
    Answered,
    CancelAsked,
    Compared,
    Differs,
    Event,
    Explained,
    Filled,
    Intended,
    ResetAccepted,
    Seen,
)
from layers.orders import AnswerKind, Fill, OrderState, Side, VenueAnswer, VenueOrder
from layers.ports import JournalEntry
from layers.risk_snapshot import Conduct
from reconciler.conduct import STOP, Asked, ConductRecord
from reconciler.noted_journal import NotedJournal
from reconciler.round_trips import RoundTrips
from tests.fakes.paper_desk import SYMBOL, intent, request

D = Decimal
AT = datetime(2020, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TICKS = timedelta()


class Story:
    """Events one after the other, and what L5 then sees."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.record = ConductRecord()
        self.journal = NotedJournal(self, self.record)

    def append(self, kind: str, body: Any, at: datetime) -> int:  # noqa: ANN401
        self.entries.append(JournalEntry(len(self.entries), kind, body, at))
        return len(self.entries)

    def tell(self, event: Event, at: datetime = AT) -> "Story":
        self.journal.append(event.KIND, events.body(event), at)
        return self

    def send(self, name: object, at: datetime = AT, **terms: Any) -> "Story":  # noqa: ANN401
        decided = {
            "intent": {"request": {"symbol": SYMBOL, "client_order_id": id_of(name)}},
            "snapshot": {"symbols": [{"symbol": SYMBOL, "quote": {"bid": "99", "ask": "101"}}]},
            "risk": {"outcome": "allow"},
        }
        self.journal.append("decision", decided, at)
        return self.tell(Intended(intent=intent(name, at, **terms), permit=""), at)

    def answer(self, name: object, kind: AnswerKind, at: datetime = AT) -> "Story":
        return self.tell(Answered(client_order_id=id_of(name), answer=VenueAnswer(kind=kind)), at)

    def fill(self, name: object, quantity: str = "1", price: str = "95", **more: Any) -> "Story":  # noqa: ANN401
        at = more.pop("at", AT)
        terms = {"side": Side.BUY, "fee": D(0), "fee_currency": "USDT", "maker": True, **more}
        number = f"F-{len(self.entries)}"
        fill = Fill(fill_id=number, client_order_id=id_of(name), symbol=SYMBOL, at=at,
                    price=D(price), quantity=D(quantity), **terms)  # fmt: skip
        return self.tell(Filled(fill=fill), at)

    def end(self, name: object, state: OrderState = OrderState.CANCELLED) -> "Story":
        shown = VenueOrder(symbol=SYMBOL, client_order_id=id_of(name), venue_order_id="V",
                           side=Side.BUY, price=D(95), quantity=D(1), filled=D(0), state=state,
                           updated_at=AT)  # fmt: skip
        return self.tell(Seen(order=shown))

    def stop(self, control: str, at: datetime = AT, name: str = "S-1") -> "Story":
        self.journal.append(STOP, {"stop": name, "control": control}, at)
        return self

    def seen(self, at: datetime = AT, **more: Any) -> Conduct:  # noqa: ANN401
        asked = {"repeat_window": HOUR, "interval": TICKS, "released": (), **more}
        books = {"books": more.pop("books", Books())}
        asked = {**asked, **books}
        return self.record.seen(Asked(intent=intent("next"), at=at, **asked))


def id_of(name: object) -> str:
    return request(name).client_order_id


def test_before_the_first_order_everything_is_known_to_be_nothing() -> None:
    seen = Story().seen()
    assert (seen.sizes, seen.median_size, seen.takers, seen.median_slip) == (0, None, 0, None)
    assert seen.filled_today == seen.plan_notional == seen.worst_slip == 0
    counts = (seen.fills_today, seen.cancels_today, seen.executed, seen.rejects)
    assert counts == (0, 0, 0, 0)
    assert (seen.losing_streak, seen.implausible, seen.foreign, seen.undead) == (0, 0, 0, 0)


def test_b6_the_median_is_of_the_last_twenty_orders() -> None:
    story = Story()
    for number in range(25):
        story.send(number, quantity=str(number + 1))
    assert story.seen().sizes == 20
    assert story.seen().median_size == D("15.5")  # of 6 to 25
    assert story.send(25, quantity="26").seen().median_size == D("16.5")


def test_c8_and_e3_count_the_utc_day_of_the_execution() -> None:
    story = Story().send("a").fill("a", "0.5").fill("a", "0.25", at=AT + HOUR)
    story.tell(CancelAsked(scope="one", asked=(id_of("a"),), confirmed=(), still_open=(),
                           unreachable=False))  # fmt: skip
    seen = story.seen(AT + HOUR)
    assert (seen.filled_today, seen.fills_today, seen.cancels_today) == (D("71.25"), 2, 1)
    next_day = story.seen(AT + 24 * HOUR)
    assert (next_day.filled_today, next_day.fills_today, next_day.cancels_today) == (0, 0, 0)


def test_e4_orders_with_an_execution_count_once_on_their_side_within_the_window() -> None:
    story = Story().send("a").fill("a", "0.5").fill("a", "0.5", at=AT + MINUTE)
    story.send("b").fill("b", at=AT + MINUTE).send("c", side=Side.SELL, price="105")
    story.fill("c", side=Side.SELL, price="105")
    assert story.seen(AT + MINUTE).executed == 2
    assert story.seen(AT + HOUR).executed == 2
    assert story.seen(AT + HOUR + MINUTE).executed == 0
    assert story.seen(AT + HOUR + MINUTE, interval=HOUR).executed == 0
    assert story.seen(AT + MINUTE, repeat_window=None).executed is None


def test_e4_begins_anew_once_somebody_released_its_stop_and_no_other() -> None:
    story = Story().send("a").fill("a").stop("E4")
    assert story.seen().executed == 1  # the stop is in force
    assert story.seen(released=("S-1",)).executed == 0
    later = story.send("b").fill("b", at=AT + SECOND)
    assert later.seen(AT + SECOND, released=("S-1",)).executed == 1
    assert Story().send("a").fill("a").stop("E6").seen(released=("S-1",)).executed == 1


def test_e6_refusals_in_a_row_end_with_an_acceptance() -> None:
    story = Story()
    for name in "abc":
        story.send(name).answer(name, AnswerKind.REJECTED)
    assert story.seen().rejects == 3
    story.send("lost").answer("lost", AnswerKind.UNKNOWN)
    assert story.seen().rejects == 3  # proves nothing
    assert story.send("d").answer("d", AnswerKind.ACCEPTED).seen().rejects == 0


def test_e7_what_a_plan_wants_grows_with_its_orders_and_ends_with_them() -> None:
    story = Story().send("a").send("b", price="90").send("c", side=Side.SELL, price="120")
    assert story.seen().plan_notional == 185
    assert story.end("b").seen().plan_notional == 95
    assert story.fill("a", "0.4").seen().plan_notional == 95  # executed is still of the plan
    assert story.end("a").seen().plan_notional == 38
    story.fill("c", "0.25", "120", side=Side.SELL)
    assert story.seen().plan_notional == 8
    assert story.fill("c", "0.25", "120", side=Side.SELL).seen().plan_notional == 0


def test_e7_an_order_that_never_left_or_was_refused_or_proven_absent_wants_nothing() -> None:
    for kind in (AnswerKind.NOT_SENT, AnswerKind.REJECTED):
        assert Story().send("a").answer("a", kind).seen().plan_notional == 0
    story = Story().send("a").answer("a", AnswerKind.UNKNOWN)
    assert story.seen().plan_notional == 95
    assert story.tell(Absent(client_order_id=id_of("a"), lookups=2)).seen().plan_notional == 0


def test_h1_our_own_resting_prices_are_those_of_orders_that_work() -> None:
    story = Story().send("a", price="95").send("b", price="96").send("c", price="96")
    story.send("s", side=Side.SELL, price="110").send("t", side=Side.SELL, price="109")
    assert story.record.resting_prices(SYMBOL) == (96, 109)
    story.end("b").fill("t", "1", "109", side=Side.SELL)
    assert story.record.resting_prices(SYMBOL) == (96, 110)
    story.end("c").end("a").end("a")
    assert story.record.resting_prices(SYMBOL) == (None, 110)
    assert story.record.resting_prices("ETH/USDT") == (None, None)


def test_d5_and_h2_measure_takers_against_the_mid_of_their_decision() -> None:
    story = Story().send("a", price="102").fill("a", "1", "101", maker=False)
    assert (story.seen().takers, story.seen().median_slip) == (1, D("0.01"))
    story.send("b", price="95").fill("b", "1", "95", maker=True)
    assert story.seen().takers == 1  # who rests pays no more than he asked for
    story.send("c", side=Side.SELL, price="97")
    story.fill("c", "1", "97", maker=False, side=Side.SELL, at=AT + MINUTE)
    seen = story.seen(AT + MINUTE)
    assert (seen.takers, seen.median_slip, seen.worst_slip) == (2, D("0.02"), D("0.03"))
    assert story.seen(AT + HOUR).worst_slip == D("0.03")
    assert story.seen(AT + HOUR + MINUTE).worst_slip == 0
    assert story.stop("D5", AT + MINUTE).seen(AT + MINUTE, released=("S-1",)).takers == 0


def differs(code: Any, subject: str, what: str) -> Differs:  # noqa: ANN401
    return Differs(code=code, subject=subject, what=what)


def test_h3_and_h4_are_what_our_books_met_and_nobody_explained() -> None:
    books = Books()
    met = [
        differs("FILL_IMPLAUSIBLE", "F-1", "1.1 executed where 1 was left"),
        differs("FOREIGN_ORDER", "x", "open at the venue"),
        differs("RECON_DIFF", "y", UNDEAD),
        differs("RECON_DIFF", "z", "the venue no longer knows it"),
    ]
    for number, event in enumerate([*met, *met]):
        books.apply(event, AT, number)
    seen = Story().seen(books=books)
    assert (seen.implausible, seen.foreign, seen.undead) == (1, 1, 1)
    story = Story().stop("H3").stop("H4", name="S-2")
    released = story.seen(books=books, released=("S-1", "S-2"))
    assert (released.implausible, released.foreign, released.undead) == (1, 1, 1)
    for subject in ("F-1", "x", "y"):
        books.apply(Explained(subject=subject, told="", why="mine", by="olivia"), AT, 9)
    seen = Story().seen(books=books)
    assert (seen.implausible, seen.foreign, seen.undead) == (0, 0, 0)


def test_a_wipe_that_was_accepted_leaves_nothing_resting_wanted_or_held() -> None:
    story = Story().send("a").fill("a", "0.5").send("s", side=Side.SELL, price="120")
    assert story.record.resting_prices(SYMBOL) == (95, 120)
    story.tell(ResetAccepted(balances=(), why="announced", by="olivia"))
    assert story.record.resting_prices(SYMBOL) == (None, None)
    seen = story.seen()
    assert (seen.plan_notional, seen.fills_today, seen.filled_today) == (0, 1, D("47.5"))
    story.send("b", price="100").send("t", side=Side.SELL, price="90")
    story.fill("b", "1", "100").fill("t", "1", "101", side=Side.SELL)
    assert story.seen().losing_streak == 0
    story.send("c", price="100").send("u", side=Side.SELL, price="90")
    story.fill("c", "1", "100").fill("u", "1", "99", side=Side.SELL)
    assert story.seen().losing_streak == 1


def test_d4_round_trips_lost_in_a_row_end_with_one_that_was_not() -> None:
    story = Story()
    for number, price in enumerate(("94", "94", "96", "94", "93", "94")):
        at = AT + number * MINUTE
        story.send(f"b{number}").fill(f"b{number}", at=at)
        story.send(f"s{number}", side=Side.SELL, price="90")
        story.fill(f"s{number}", "1", price, side=Side.SELL, at=at)
    assert story.seen().losing_streak == 3
    assert story.stop("D4", AT + 4 * MINUTE).seen(released=("S-1",)).losing_streak == 1


def test_d4_fees_count_and_dust_ends_a_trip_and_what_it_is_worth_goes_on() -> None:
    trips = RoundTrips()
    story = Story().send("b").send("s", side=Side.SELL, price="90")
    story.fill("b", fee=D("0.001"), fee_currency="BTC")
    story.fill("s", "0.999", "95", side=Side.SELL, fee=D("0.05"))
    for entry in story.entries:
        event = events.read(entry)
        if isinstance(event, Filled):
            trips.take(event.fill)
    assert trips.losing_streak(None) == 1  # bought and sold at one price: the fees are lost
    assert story.seen().losing_streak == 1
    half = Story().send("b").fill("b").send("s", side=Side.SELL, price="90")
    assert half.fill("s", "0.5", "90", side=Side.SELL).seen().losing_streak == 0  # still held


HAPPENINGS = ("send", "accept", "reject", "lose", "fill", "sell", "cancel", "foreign", "stop")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 3)), max_size=30))
def test_a_restart_knows_what_the_run_before_it_knew(told: list[tuple[str, int]]) -> None:
    story = Story()
    for number, (what, name) in enumerate(told):
        at = AT + number * MINUTE
        acts: dict[str, Callable[[], Story]] = {
            "send": lambda: story.send((number, name), at),  # noqa: B023
            "accept": lambda: story.answer(name, AnswerKind.ACCEPTED, at),  # noqa: B023
            "reject": lambda: story.answer(name, AnswerKind.REJECTED, at),  # noqa: B023
            "lose": lambda: story.answer(name, AnswerKind.UNKNOWN, at),  # noqa: B023
            "fill": lambda: story.fill(name, "0.1", at=at),  # noqa: B023
            "sell": lambda: story.fill(name, "0.1", side=Side.SELL, at=at),  # noqa: B023
            "cancel": lambda: story.end(name),  # noqa: B023
            "foreign": lambda: story.tell(Differs(code="FOREIGN_ORDER", subject="x", what="")),
            "stop": lambda: story.stop("E4", at),  # noqa: B023
        }
        acts[what]()
    again = ConductRecord.rebuilt(story.entries)
    assert again == story.record
    asked = Asked(intent("next"), Books(), AT + HOUR, TICKS, HOUR)
    assert again.seen(asked) == story.record.seen(asked)


def test_orders_are_let_go_once_they_ended_and_books_and_venue_agreed() -> None:
    story = Story().send("ended").send("working", price="90").end("ended")
    compared = {"report": "r", "compared": 2, "missing": (), "unexplained": ()}
    later = AT + HOUR
    for ok, scope, kept in (
        (False, "full", {"ended", "working"}),
        (True, "holdings", {"ended", "working"}),
        (True, "full", {"working"}),
    ):
        story.tell(Compared(ok=ok, scope=scope, **compared), later)
        assert set(story.record.orders) == {id_of(name) for name in kept}
    assert story.record.resting_prices(SYMBOL) == (D(90), None)
    assert ConductRecord.rebuilt(story.entries) == story.record
