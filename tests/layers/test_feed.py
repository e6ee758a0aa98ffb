import gzip
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.csv_bars import CsvBars, carried_prices
from layers.feed import Gap, Series, Window
from layers.market import Bar

SERIES = Series("BTC/USDT", timedelta(hours=1))
EVERYTHING = Window()
HEADER = "open_time,open,high,low,close,volume,trades\n"
GOOD = "2020-02-24T00:00:00Z,10,12,9,11,1.5,3\n"
NEXT = "2020-02-24T01:00:00Z,11,12,9,11,0,0\n"


def read(path: Path, window: Window = EVERYTHING) -> list[Bar | Gap]:
    return list(CsvBars(path).bars(SERIES, window))


def file_of(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "bars.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


HOSTILE = {
    "empty": ("", 1),
    "no header": (GOOD, 1),
    "columns swapped": (HEADER.replace("high,low", "low,high") + GOOD, 1),
    "a column more": (HEADER.replace("trades", "trades,extra") + GOOD, 1),
    "a byte order mark": ("\ufeff" + HEADER + GOOD, 1),
    "a field less": (HEADER + GOOD.replace(",3", ""), 2),
    "a field more": (HEADER + GOOD.replace(",3", ",3,4"), 2),
    "NaN": (HEADER + GOOD.replace("10", "NaN"), 2),
    "infinity": (HEADER + GOOD.replace("12", "inf"), 2),
    "an exponent": (HEADER + GOOD.replace("12", "1e3"), 2),
    "a negative price": (HEADER + GOOD.replace(",9,", ",-9,"), 2),
    "a price of zero": (HEADER + "2020-02-24T00:00:00Z,0,12,0,11,1.5,3\n", 2),
    "a negative volume": (HEADER + GOOD.replace("1.5", "-1.5"), 2),
    "digits of another script": (HEADER + GOOD.replace("10", "१०"), 2),
    "an underscore": (HEADER + GOOD.replace("10", "1_0"), 2),
    "an empty number": (HEADER + GOOD.replace("10", ""), 2),
    "a quoted number": (HEADER + GOOD.replace("10", '"10"'), 2),
    "a fraction of a trade": (HEADER + GOOD.replace(",3", ",3.5"), 2),
    "high below low": (HEADER + GOOD.replace("12,9", "9,12"), 2),
    "close above high": (HEADER + GOOD.replace(",11,", ",13,"), 2),
    "open below low": (HEADER + GOOD.replace(",10,", ",8,"), 2),
    "a local time": (HEADER + GOOD.replace("Z", "+02:00"), 2),
    "a time without zone": (HEADER + GOOD.replace("Z", ""), 2),
    "a day that is not": (HEADER + GOOD.replace("02-24", "02-30"), 2),
    "a bar twice": (HEADER + GOOD + GOOD, 3),
    "an older bar": (HEADER + NEXT + GOOD, 3),
    "bars that overlap": (HEADER + GOOD + NEXT.replace("01:00:00", "00:30:00"), 3),
    "an empty line": (HEADER + GOOD + "\n" + NEXT, 3),
    "a null byte": (HEADER + GOOD + "\x00\n", 3),
    "a line without end": (HEADER + GOOD + "1" * 100_000, 3),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_wrong_file_is_refused_with_its_line(case: str, tmp_path: Path) -> None:
    text, line = HOSTILE[case]
    with pytest.raises(Stalled) as caught:
        read(file_of(tmp_path, text))
    assert caught.value.code is Reason.FEED_INVALID
    assert caught.value.subject == f"bars.csv:{line}"


@given(st.binary(max_size=200))
def test_any_bytes_give_bars_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = file_of(tmp_path_factory.mktemp("junk"), HEADER.encode() + GOOD.encode() + junk)
    found: list[Bar | Gap] = []
    with suppress(Stalled):
        found.extend(CsvBars(path).bars(SERIES, EVERYTHING))
    assert isinstance(found[0], Bar)


@pytest.mark.parametrize("kind", ["missing", "folder", "not gzip", "cut gzip"])
def test_a_file_that_cannot_be_read_is_a_reason(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("bars.csv.gz" if "gzip" in kind else "bars.csv")
    if kind == "folder":
        path.mkdir()
    elif kind == "not gzip":
        path.write_text(HEADER + GOOD)
    elif kind == "cut gzip":
        path.write_bytes(gzip.compress((HEADER + GOOD).encode())[:-9])
    with pytest.raises(Stalled) as caught:
        read(path)
    assert caught.value.code is Reason.FEED_INVALID


def test_gzip_reads_as_plain(tmp_path: Path) -> None:
    plain = file_of(tmp_path, HEADER + GOOD + NEXT)
    packed = tmp_path / "bars.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(plain) == read(packed)


def test_missing_bars_arrive_as_a_gap_between_their_neighbours(tmp_path: Path) -> None:
    text = HEADER + GOOD + NEXT.replace("T01", "T04")
    first, gap, last = read(file_of(tmp_path, text))
    assert isinstance(first, Bar)
    assert isinstance(last, Bar)
    assert gap == Gap("BTC/USDT", first.closed, last.opened, 3)


def test_a_venue_may_resume_beside_the_hour_and_come_back_to_it(tmp_path: Path) -> None:
    rows = [GOOD, NEXT.replace("01:00:00", "03:28:14"), NEXT.replace("01:00:00", "04:00:00")]
    items = read(file_of(tmp_path, HEADER + "".join(rows)))
    assert [i.missing for i in items if isinstance(i, Gap)] == [3, 1]


def test_only_the_window_is_delivered_and_nothing_after_it_is_read(tmp_path: Path) -> None:
    text = HEADER + GOOD + NEXT + NEXT.replace("T01", "T02") + "nonsense\n"
    window = Window(datetime(2020, 2, 24, 1, tzinfo=UTC), datetime(2020, 2, 24, 2, tzinfo=UTC))
    (bar,) = read(file_of(tmp_path, text), window)
    assert isinstance(bar, Bar)
    assert bar.opened == window.start


def test_the_carried_prices_are_whole_but_for_the_hour_the_venue_lost() -> None:
    items = list(carried_prices().bars(SERIES, Window()))
    gaps = [item for item in items if isinstance(item, Gap)]
    assert len(items) - len(gaps) == 623
    assert [gap.opened for gap in gaps] == [datetime(2020, 3, 4, 10, tzinfo=UTC)]
