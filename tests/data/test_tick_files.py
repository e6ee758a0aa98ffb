from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.csv_ticks import CsvQuotes, CsvTrades
from layers.feed import Window
from layers.market_data.takers import takers
from layers.market_data.ticks import Quote, Trade, TradeGap, merged
from layers.orders import Side
from tests.fakes.tick_desk import at, quote, trade

SYMBOL = "BTC/USDT"
QUOTES = "time,ask_size,ask,bid_size,bid\n"
QUOTE = "2021-01-08T00:00:01.076Z,0.5,101,2.0,99\n"
TRADES = "time,trade_id,price,quantity,buyer_maker\n"
TRADE = "2021-01-08T00:00:00.278Z,7,100.5,0.25,True\n"
HOSTILE = {
    "empty": ("", 1),
    "columns swapped": (TRADES.replace("price,quantity", "quantity,price") + TRADE, 1),
    "a field more": (TRADES + TRADE.replace("True", "True,1"), 2),
    "NaN": (TRADES + TRADE.replace("100.5", "NaN"), 2),
    "a size of zero": (TRADES + TRADE.replace("0.25", "0.0"), 2),
    "a negative price": (TRADES + TRADE.replace("100.5", "-1"), 2),
    "a large exponent": (TRADES + TRADE.replace("0.25", "1e9"), 2),
    "an endless exponent": (TRADES + TRADE.replace("0.25", "1e-999"), 2),
    "less than the finest": (TRADES + TRADE.replace("0.25", "1e-13"), 2),
    "a number that is none": (TRADES + TRADE.replace(",7,", ",x,"), 2),
    "another word for true": (TRADES + TRADE.replace("True", "1"), 2),
    "a local time": (TRADES + TRADE.replace("Z", "+02:00"), 2),
    "a day that is not": (TRADES + TRADE.replace("01-08", "02-30"), 2),
    "a trade twice": (TRADES + TRADE + TRADE, 3),
    "an older number": (TRADES + TRADE + TRADE.replace(",7,", ",6,"), 3),
    "an older time": (TRADES + TRADE + TRADE.replace("00.278", "00.277").replace(",7,", ",8,"), 3),
    "a crossed quote": (QUOTES + QUOTE.replace("101", "98"), 2),
    "a locked quote": (QUOTES + QUOTE.replace("101", "99"), 2),
    "an empty side": (QUOTES + QUOTE.replace("2.0", "0"), 2),
    "an older quote": (QUOTES + QUOTE + QUOTE.replace("01.076", "01.075"), 3),
}


def read(path: Path, text: str, window: Window = Window()) -> list[Quote | Trade | TradeGap]:  # noqa: B008
    path.write_text(text)
    if text.startswith(QUOTES):
        return list(CsvQuotes(path).quotes(SYMBOL, window))
    return list(CsvTrades(path).trades(SYMBOL, window))


@pytest.mark.parametrize("name", HOSTILE)
def test_the_first_wrong_row_stops_the_feed_and_is_named(name: str, tmp_path: Path) -> None:
    text, line = HOSTILE[name]
    with pytest.raises(Stalled) as caught:
        read(tmp_path / "ticks.csv", text)
    assert (caught.value.code, caught.value.subject) == (Reason.FEED_INVALID, f"ticks.csv:{line}")


@given(st.text(max_size=60))
def test_whatever_follows_a_good_row_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, junk: str
) -> None:
    path = tmp_path_factory.mktemp("junk") / "ticks.csv"
    path.write_bytes((TRADES + TRADE).encode() + junk.encode("utf-8", "surrogatepass"))
    feed = CsvTrades(path).trades(SYMBOL, Window())
    assert next(feed) == Trade(
        SYMBOL,
        datetime(2021, 1, 8, 0, 0, 0, 278_000, tzinfo=UTC),
        7,
        Decimal("100.5"),
        Decimal("0.25"),
        Side.SELL,  # the buyer was the maker
    )
    try:
        list(feed)
    except Stalled as error:
        assert error.code is Reason.FEED_INVALID  # noqa: PT017  (may as well not be raised)


def test_what_a_recorder_lost_to_floats_is_found_again(tmp_path: Path) -> None:
    text = TRADES + TRADE.replace("0.25", "0.00031099999999999997")
    text += TRADE.replace("0.25", "2e-6").replace(",7,", ",8,")
    sizes = [item.quantity for item in read(tmp_path / "t.csv", text) if isinstance(item, Trade)]
    assert sizes == [Decimal("0.000311"), Decimal("0.000002")]


def test_missing_numbers_are_a_gap_and_of_one_instant_the_last_quote_stands(tmp_path: Path) -> None:
    text = TRADES + TRADE + TRADE.replace(",7,", ",10,")
    first, gap, last = read(tmp_path / "t.csv", text)
    assert isinstance(first, Trade)
    assert isinstance(last, Trade)
    assert gap == TradeGap(SYMBOL, last.at, 8, 10)
    quotes = read(tmp_path / "q.csv", QUOTES + QUOTE + QUOTE.replace("101", "102"))
    assert [q.ask.price for q in quotes if isinstance(q, Quote)] == [Decimal(102)]


def test_only_the_window_is_delivered_and_nothing_after_it_is_read(tmp_path: Path) -> None:
    second = timedelta(seconds=1)
    start = datetime(2021, 1, 8, tzinfo=UTC)
    window = Window(start + second, start + 2 * second)
    rows = [TRADE.replace("00.278", f"0{n}.278").replace(",7,", f",{n},") for n in range(4)]
    items = read(tmp_path / "t.csv", TRADES + "".join(rows) + "nonsense\n", window)
    assert [item.number for item in items if isinstance(item, Trade)] == [1]
    more = [QUOTE.replace("01.076", f"0{n}.076") for n in range(4)]
    (found,) = read(tmp_path / "q.csv", QUOTES + "".join(more) + "nonsense\n", window)
    assert found.at == start + timedelta(seconds=1.076)


def test_at_one_instant_trades_come_before_the_quote_that_knows_of_them() -> None:
    def touch(millis: int) -> Quote:
        book = quote(millis)
        return Quote(SYMBOL, book.event_at, book.bids[0], book.asks[0])

    ticks = list(merged([touch(1), touch(5)], [trade(1, "99", "1"), trade(3, "99", "1")]))
    assert [(tick.at, type(tick)) for tick in ticks] == [
        (at(1), Trade),
        (at(1), Quote),
        (at(3), Trade),
        (at(5), Quote),
    ]
    # decided on the quote of 1, arrived at 7 on that of 5; the trade of 3 came too soon
    late = [
        trade(7, "99", "1"),
        trade(7, "98", "3").__class__(SYMBOL, at(7), 8, Decimal(95), Decimal(3), Side.SELL),
    ]
    (taker,) = takers([*ticks, *late], timedelta(milliseconds=4))
    assert (taker.decided.at, taker.arrived.at) == (at(1), at(5))
    assert (taker.quantity, taker.price, taker.depth) == (4, 96, 2)
