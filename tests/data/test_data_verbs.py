"""``governor data`` against the local exchange and on recordings."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.canonical import canonical
from layers.adapters.csv_bars import CsvBars
from layers.adapters.table_file import read_label
from layers.feed import Series, Window
from layers.market import Provenance
from layers.orders import Side
from layers.paper_venue.calibration import RecordedFill
from reconciler.cli.main import main
from reconciler.wiring.market import SOURCES, Order, fetch
from tests.fakes.exchange import Served, carried_bars, served
from tests.fakes.tick_desk import shared_file

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)
FROM = ("--from", "2020-02-24T00:00:00Z")


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, bars=carried_bars(12)) as found:
        found.advance(timedelta(hours=6, minutes=30))
        yield found


def arguments(venue: Served, path: Path, *more: str) -> list[str]:
    return ["data", "fetch", "--venue", "local", "--at", venue.url, *FROM, *more, str(path)]


def test_what_a_venue_serves_is_kept_and_continued(
    venue: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hours.csv"
    assert main(arguments(venue, path, "--json")) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["rows"], first["added"], first["complete"]) == (6, 6, True)
    assert first["provenance"] == "synthetic"
    venue.advance(timedelta(hours=2))
    assert main(arguments(venue, path, "--json")) == 0
    second = json.loads(capsys.readouterr().out)
    assert (second["rows"], second["added"]) == (8, 2)
    items = list(CsvBars(path).bars(Series("BTC/USDT", HOUR), Window()))
    assert len(items) == 8
    label = read_label(path)
    assert label is not None
    assert (label.market, label.provenance) == ("local", Provenance.SYNTHETIC)


def test_single_trades_are_kept_too(
    venue: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trades.csv"
    assert main(arguments(venue, path, "--interval", "trades", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["complete"]
    assert found["rows"] > 10
    assert found["gaps"] == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--venue", "nowhere", *FROM],
        ["--venue", "local", *FROM],
        ["--venue", "binance", "--at", "http://127.0.0.1:9", *FROM],
        ["--venue", "local", "--at", "http://127.0.0.1:9", "--from", "yesterday"],
        ["--venue", "local", "--at", "http://127.0.0.1:9", *FROM, "--interval", "0h"],
        ["--venue", "local", "--at", "http://127.0.0.1:9", *FROM],
        ["--venue", "local", "--at", "http://example.invalid:80", *FROM],
    ],
)
def test_bad_words_and_a_silent_venue_make_no_file(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "fetch", *words, str(tmp_path / "x.csv")]) == 2
    assert capsys.readouterr().err.startswith("✗ ")
    assert list(tmp_path.iterdir()) == []


def test_an_interval_or_symbol_that_the_venue_does_not_have_is_told(
    venue: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in (["--interval", "7m"], ["--symbol", "ETH/BTC"]):
        assert main(arguments(venue, tmp_path / f"{more[1][:1]}.csv", *more)) == 2
        assert "USAGE" in capsys.readouterr().err


def test_killed_on_the_way_it_goes_on_to_the_same_file(venue: Served, tmp_path: Path) -> None:
    path, whole = tmp_path / "killed.csv", tmp_path / "whole.csv"
    words = arguments(venue, path, "--interval", "1m")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while not path.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert main(words) == 0
    assert main(arguments(venue, whole, "--interval", "1m")) == 0
    assert path.read_bytes() == whole.read_bytes()
    assert len(path.read_bytes().splitlines()) > 50


def test_whoever_interrupts_it_keeps_what_came_and_is_told_that_it_is_not_all(
    venue: Served, tmp_path: Path
) -> None:
    start = datetime(2020, 2, 24, tzinfo=UTC)
    path = tmp_path / "hours.csv"
    order = Order(SOURCES["local"], venue.url, "BTC/USDT", HOUR, start, None, path)
    told: list[int] = []
    found = fetch(order, lambda so_far, _end: told.append(so_far.rows), lambda _span: False)
    assert (found.complete, found.rows, told) == (False, 6, [0, 6])
    assert fetch(order, lambda _found, _end: None, lambda _span: True).complete


def test_a_calibration_is_shown_with_what_it_gets_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = ["--quotes", str(shared_file("quotes")), "--trades", str(shared_file("trades"))]
    assert main(["data", "calibrate", *files]) == 0
    assert "median error" in capsys.readouterr().out.splitlines()[-1]
    assert main(["data", "calibrate", *files, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["digest"].startswith("sha256:")
    assert len(found["calibration"]["lines"]) > 1_000


def test_our_own_fills_are_calibrated_on_and_a_wrong_line_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    fill = RecordedFill(
        fill_id="f",
        side=Side.SELL,
        decision_mid=Decimal(10_000),
        arrival_mid=Decimal(10_000),
        spread=Decimal(2),
        depth=Decimal(4),
        price=Decimal(9_997),
        quantity=Decimal(1),
        at=start,
    )
    path = tmp_path / "fills.jsonl"
    made = [fill.model_copy(update={"at": start + n * HOUR}) for n in range(40)]
    path.write_bytes(b"".join(canonical(one) + b"\n" for one in made))
    assert main(["data", "calibrate", "--fills", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("k 4 bps from 26 fills")
    path.write_bytes(canonical(fill) + b"\n")
    assert main(["data", "calibrate", "--fills", str(path)]) == 1  # one fill says nothing
    path.write_bytes(canonical(fill) + b'\n{"fill_id": 1}\n')
    assert main(["data", "calibrate", "--fills", str(path)]) == 2
    assert "fills.jsonl:2" in capsys.readouterr().err
    assert main(["data", "calibrate", "--fills", str(path), "--quotes", str(path)]) == 2
    assert "USAGE" in capsys.readouterr().err
