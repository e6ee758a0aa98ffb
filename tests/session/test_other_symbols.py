"""A session knows what its account holds in other symbols: it asks for their books once a bar."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from desired_state.limits import NO_LIMITS
from desired_state.values import StopClass
from layers.l6_execution.events import ResetAccepted
from layers.l6_execution.symbol_book import SymbolBook
from layers.market import Bar, Book, Level
from layers.ports import JournalEntry, VenueQueries
from reconciler.holdings import FeeValued, PaidFees, WipeValued
from reconciler.marking import marks_of
from reconciler.session import Session
from reconciler.session_ending import Ending
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.session_desk import FIRST, run

ONE = Decimal(1)
OTHER = "ETH/USDT"
HELD = SymbolBook(position=Decimal(1), cost=Decimal(20))


@dataclass
class AndAnother:
    """The venue's queries, and a market more at twenty."""

    inner: VenueQueries
    price: Callable[[], Decimal | None]
    asked: Counter = field(default_factory=Counter)

    def book(self, symbol: str) -> Book | None:
        found, price = self.inner.book("BTC/USDT"), self.price()
        self.asked[symbol] += 1
        if symbol != OTHER or found is None:
            return self.inner.book(symbol)
        if price is None:
            return None
        bids, asks = (Level(price, Decimal(1)),), (Level(price + 1, Decimal(1)),)
        return replace(found, symbol=OTHER, bids=bids, asks=asks)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.inner, name)


def holding(price: Callable[[int], Decimal | None], seen: list[AndAnother]) -> Any:  # noqa: ANN401
    """From the first bar on the account holds one ether, bought in an earlier session."""

    def watch(session: Session, _bar: Bar) -> None:
        if not seen and session.bars:
            seen.append(AndAnother(session.desk.queries, lambda: price(session.bars)))
            session.desk = replace(session.desk, queries=seen[0])
            books = session.desk.execution.books
            books.symbols[OTHER], books.money.traded["ETH"] = HELD, ONE

    return watch


def test_nothing_is_bought_while_a_position_in_another_symbol_has_no_price(
    desk: GovernedDesk,
) -> None:
    seen: list[AndAnother] = []
    record = run(desk, holding(lambda _bars: None, seen)).record
    assert record.ending is Ending.COMPLETED
    assert record.bars == seen[0].asked[OTHER] + 1  # once a bar
    assert record.orders == ()
    assert len(record.marks) == 1  # after it nobody knows what the account is worth: no D1, no stop


def test_a_position_in_another_symbol_takes_from_the_room_for_entries_and_trading_goes_on(
    desk: GovernedDesk,
) -> None:
    seen: list[AndAnother] = []
    record = run(desk, holding(lambda _bars: Decimal(20), seen)).record
    assert record.ending is Ending.COMPLETED
    assert record.orders
    assert "C1" not in record.refusals
    assert record.marks[1].equity == record.marks[0].equity + 20


def test_what_is_lost_in_another_symbol_stops_this_one(desk: GovernedDesk) -> None:
    def falling(bars: int) -> Decimal:
        return Decimal(1_000) if bars < 10 else Decimal(10)

    record = run(desk, holding(falling, [])).record
    assert (record.ending, record.stop) == (Ending.STOPPED, StopClass.LOSS)


def test_a_restart_knows_which_fees_were_valued_and_that_a_wipe_began_again() -> None:
    fee = FeeValued(currency="BNB", amount=ONE, expensed=ONE, quote="USDT", worth=Decimal(600))
    wiped = ResetAccepted(balances=(), by="p", why="w")
    entries = [
        JournalEntry(n, one.KIND, one.model_dump(mode="json"), FIRST)
        for n, one in enumerate((fee, wiped, fee))
    ]
    assert marks_of(tuple(entries[:1]), NO_LIMITS).fees.turned == {"BNB": 1, "USDT": -600}
    assert marks_of(tuple(entries[:2]), NO_LIMITS).fees == PaidFees(
        turned={"USDT": Decimal(-600)}, spent={"USDT": Decimal(600)}
    )
    assert marks_of(tuple(entries), NO_LIMITS).fees.spent == {"USDT": 1200}
    gone = WipeValued(currency="BTC", amount=ONE, quote="USDT", worth=Decimal(90))
    entries.append(JournalEntry(3, gone.KIND, gone.model_dump(mode="json"), FIRST))
    fees = marks_of(tuple(entries), NO_LIMITS).fees
    assert (fees.gone, fees.taken) == ({"BTC": 1}, {"USDT": 90})


def test_the_planner_asks_for_nothing_where_other_symbols_take_up_all_the_exposure(
    desk: GovernedDesk,
) -> None:
    seen: list[AndAnother] = []
    record = run(desk, holding(lambda _bars: Decimal(1_000_000), seen)).record
    assert record.orders == ()
    assert record.refusals == {}


def test_what_the_strategys_limit_does_not_leave_is_not_drafted_for_l5_to_refuse(
    desk: GovernedDesk,
) -> None:
    record = run(desk, holding(lambda _bars: Decimal(240), [])).record  # C1 would leave 259
    assert record.ending is Ending.COMPLETED
    assert record.orders == ()
    assert record.refusals == {}
