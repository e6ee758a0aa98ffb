"""A session knows what its account holds in other symbols: it asks for their books once a bar."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from layers.l6_execution.symbol_book import SymbolBook
from layers.market import Bar, Book, Level
from layers.orders import Balance
from layers.ports import VenueQueries
from reconciler.session import Ending, Session
from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.session_desk import run

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

    def balances(self) -> tuple[Balance, ...]:
        one = Balance(currency="ETH", free=Decimal(1), locked=Decimal(0))
        return (*self.inner.balances(), one)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.inner, name)


def holding(price: Callable[[int], Decimal | None], seen: list[AndAnother]) -> Any:  # noqa: ANN401
    """From the first bar on the account holds one ether, bought in an earlier session."""

    def watch(session: Session, _bar: Bar) -> None:
        if not seen and session.bars:
            seen.append(AndAnother(session.desk.queries, lambda: price(session.bars)))
            session.desk = replace(session.desk, queries=seen[0])
            session.desk.execution.books.symbols[OTHER] = HELD

    return watch


def test_nothing_is_bought_while_a_position_in_another_symbol_has_no_price(
    desk: GovernedDesk,
) -> None:
    seen: list[AndAnother] = []
    record = run(desk, holding(lambda _bars: None, seen)).record
    assert record.ending is Ending.COMPLETED
    assert record.bars == seen[0].asked[OTHER] + 1  # once a bar
    assert record.orders == ()


def test_a_position_in_another_symbol_takes_from_the_room_for_entries_and_trading_goes_on(
    desk: GovernedDesk,
) -> None:
    seen: list[AndAnother] = []
    record = run(desk, holding(lambda _bars: Decimal(20), seen)).record
    assert record.ending is Ending.COMPLETED
    assert record.orders
    assert "C1" not in record.refusals


def test_the_planner_asks_for_nothing_where_other_symbols_take_up_all_the_exposure(
    desk: GovernedDesk,
) -> None:
    seen: list[AndAnother] = []
    record = run(desk, holding(lambda _bars: Decimal(1_000_000), seen)).record
    assert record.orders == ()
    assert record.refusals == {}
