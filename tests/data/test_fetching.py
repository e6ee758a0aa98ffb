"""A file of market data that grows: whole rows, once each, whatever happened on the way."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.csv_bars import CsvBars
from layers.adapters.csv_ticks import CsvTrades
from layers.adapters.table_file import TableFile, read_label
from layers.feed import Gap, Series, Window
from layers.market import Bar, Provenance
from layers.market_data.fetching import BAR_COLUMNS, bar_pages, trade_pages
from layers.market_data.source import Label
from layers.market_data.ticks import TRADE_COLUMNS, Trade
from tests.fakes.public_market import MINUTE, START, SYMBOL, FakeMarket, Time, minute, single

SERIES = Series(SYMBOL, MINUTE)
LATER = START + timedelta(hours=2)
LABEL = Label(
    format=1,
    kind="bars",
    venue="binance",
    market="live",
    symbol=SYMBOL,
    interval=MINUTE,
    start=START,
    provenance=Provenance.RECORDED,
)
TRADES = LABEL.model_copy(update={"kind": "trades", "interval": None})
KNOWN = [minute(n) for n in range(40) if n not in {7, 8}]


def market(bars: list[Bar] = KNOWN) -> FakeMarket:
    found = FakeMarket(Time(LATER), bars, [single(n) for n in range(50)])
    found.page = 1000
    return found


def kept(path: Path) -> list[Bar]:
    return [b for b in CsvBars(path).bars(SERIES, Window()) if isinstance(b, Bar)]


def fetch(path: Path, source: FakeMarket, minutes: int = 30) -> int:
    """Bars of the first minutes; how many were added."""
    with TableFile(path, LABEL, BAR_COLUMNS) as file:
        last = (kept(path) or [None])[-1]
        pages = list(bar_pages(source, SERIES, (START, START + minutes * MINUTE), last))
        for page in pages:
            file.append(page.rows)
    return sum(len(page.rows) for page in pages)


def test_what_is_fetched_reads_back_with_its_gap_and_no_partial_bar(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    assert fetch(path, market()) == 28
    items = list(CsvBars(path).bars(SERIES, Window()))
    assert [b for b in items if isinstance(b, Bar)] == [
        b for b in KNOWN if b.closed <= START + 30 * MINUTE
    ]
    assert [g.missing for g in items if isinstance(g, Gap)] == [2]
    assert read_label(path) == LABEL


def test_more_is_added_behind_what_is_there_and_nothing_twice(tmp_path: Path) -> None:
    path, whole = tmp_path / "bars.csv", tmp_path / "whole.csv"
    assert fetch(path, market(), 12) == 10
    assert fetch(path, market(), 12) == 0
    assert fetch(path, market(), 30) == 18
    fetch(whole, market(), 30)
    assert path.read_bytes() == whole.read_bytes()


@given(st.data())
def test_cut_anywhere_it_goes_on_to_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    path, whole = folder / "bars.csv", folder / "whole.csv"
    fetch(whole, market())
    fetch(path, market())
    size = data.draw(st.integers(0, path.stat().st_size))
    os.truncate(path, size)
    fetch(path, market())
    assert path.read_bytes() == whole.read_bytes()


def test_a_venue_that_tells_the_last_row_otherwise_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    fetch(path, market(), 12)
    before = path.read_bytes()
    for other in ([minute(n, 200) for n in range(40)], [minute(n) for n in range(20, 40)], []):
        with pytest.raises(Stalled) as caught:
            fetch(path, market(other))
        assert caught.value.code is Reason.FEED_INVALID
        assert path.read_bytes() == before


def test_small_pages_and_large_ones_make_the_same_file(tmp_path: Path) -> None:
    # pages end where the venue's do, as long as they are full
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    fetch(large, market())
    paged = market()
    for step in range(2, 31, 2):
        fetch(small, paged, step)
    assert small.read_bytes() == large.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "ETH/USDT"},
        {"interval": 2 * MINUTE},
        {"market": "testnet"},
        {"start": LATER},
        {"provenance": Provenance.SYNTHETIC},
    ],
)
def test_a_file_of_something_else_is_left_as_it_is(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = tmp_path / "bars.csv"
    fetch(path, market(), 5)
    before = path.read_bytes()
    with (
        pytest.raises(Stalled) as caught,
        TableFile(path, LABEL.model_copy(update=change), BAR_COLUMNS),
    ):
        pass
    assert caught.value.code is Reason.DATA_FILE
    assert next(iter(change)) in caught.value.message
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["mine\n", "open_time,close\n2020", "x"])
def test_a_file_without_a_companion_or_with_other_columns_is_left_as_it_is(
    tmp_path: Path, content: str
) -> None:
    foreign, other = tmp_path / "foreign.csv", tmp_path / "other.csv"
    fetch(other, market(), 5)
    for path in (foreign, other):
        path.write_text(content)
        if path == other and "\n" in content:
            continue  # whole rows: the reader refuses its columns
        with pytest.raises(Stalled) as caught, TableFile(path, LABEL, BAR_COLUMNS):
            pass
        assert caught.value.code is Reason.DATA_FILE
        assert path.read_text() == content


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    fetch(path, market(), 5)
    with TableFile(path, LABEL, BAR_COLUMNS), pytest.raises(Stalled) as caught:
        fetch(path, market(), 10)
    assert caught.value.code is Reason.DATA_FILE
    assert fetch(path, market(), 10) == 3


def test_a_place_where_nothing_can_be_written_is_a_reason(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "bars.csv", tmp_path / "bars.csv.gz"):
        with pytest.raises(Stalled) as caught, TableFile(path, LABEL, BAR_COLUMNS):
            pass
        assert caught.value.code is Reason.DATA_FILE
    (tmp_path / "bars.csv.source.json").write_text("{}")
    (tmp_path / "bars.csv").write_text("")
    with pytest.raises(Stalled):
        read_label(tmp_path / "bars.csv")


def test_single_trades_are_kept_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    for end in (21, 33, 33, 50):
        with TableFile(path, TRADES, TRADE_COLUMNS) as file:
            there = [t for t in CsvTrades(path).trades(SYMBOL, Window()) if isinstance(t, Trade)]
            last = there[-1] if there else None
            for page in trade_pages(
                market(), SYMBOL, (4, START + timedelta(milliseconds=100 * end)), last
            ):
                file.append(page.rows)
    assert list(CsvTrades(path).trades(SYMBOL, Window())) == [single(n) for n in range(4, 50)]
