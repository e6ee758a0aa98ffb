"""``governor venue`` as people and rehearsals run it: real processes, real signals."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import ccxt
import pytest

from layers.local_exchange.terms import Key
from reconciler.cli.main import main
from tests.fakes.exchange import Client, ccxt_binance
from tests.fakes.governed_desk import wait_for

SYMBOL = "BTC/USDT"
PROGRAM = [sys.executable, "-m", "reconciler", "venue"]


Governor = Callable[..., tuple[int, str, str]]


@pytest.fixture
def governor(capsys: pytest.CaptureFixture[str]) -> Governor:
    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["venue", *map(str, words)])
        return code, *capsys.readouterr()

    return run


@contextmanager
def serving(folder: Path, *words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--store", str(folder), "--warm", "3", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout
    assert process.stderr
    try:
        line = process.stdout.readline()
        assert line.startswith("serving http://127.0.0.1:"), process.stderr.read()
        assert process.stdout.readline().strip() == f"credentials {folder / 'credentials.yaml'}"
        yield process, line.split()[1]
    finally:
        process.kill()
        process.wait(timeout=10)
        process.stdout.close()
        process.stderr.close()


def key_of(folder: Path) -> Key:
    lines = (folder / "credentials.yaml").read_text(encoding="ascii").splitlines()
    name, secret = (line.split('"')[1] for line in lines)
    return Key(name=name, secret=secret)


@contextmanager
def trading(url: str, folder: Path) -> Iterator[Client]:
    client = ccxt_binance(url, key_of(folder), lambda: 0)
    client.nonce = client.fetch_time  # whatever clock the exchange lives by
    client.load_markets()
    yield client
    client.session.close()


def test_what_was_acknowledged_is_there_after_the_server_was_killed(tmp_path: Path) -> None:
    with serving(tmp_path / "venue") as (process, url):
        with trading(url, tmp_path / "venue") as client:
            last = client.fetch_ticker(SYMBOL)["last"]
            price = f"{last * 0.8:.2f}"
            for index in range(5):
                told = {"clientOrderId": f"kept{index}"}
                client.create_order(SYMBOL, "limit", "buy", "0.001", price, told)
            client.create_order(SYMBOL, "limit", "buy", "0.001", f"{last * 1.2:.2f}")
            balance = client.fetch_balance()["total"]
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    with serving(tmp_path / "venue") as (_, url), trading(url, tmp_path / "venue") as client:
        names = [order["clientOrderId"] for order in client.fetch_open_orders(SYMBOL)]
        assert names == [f"kept{index}" for index in range(5)]
        assert len(client.fetch_my_trades(SYMBOL)) == 1
        assert client.fetch_balance()["total"] == balance


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_ends_cleanly(tmp_path: Path, name: signal.Signals) -> None:
    with serving(tmp_path / "venue") as (process, _):
        process.send_signal(name)
        assert process.wait(timeout=10) == 0
        assert process.stderr
        assert process.stderr.read() == ""
    assert not (tmp_path / "venue" / "control.sock").exists()


def test_credentials_are_for_this_user_alone_and_are_shown_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "venue"
    with serving(folder) as (process, url), trading(url, folder) as client:
        client.fetch_balance()
        key = key_of(folder)
        process.terminate()
        out, err = process.communicate(timeout=10)
    assert stat.S_IMODE((folder / "credentials.yaml").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for secret in (key.secret, key.name):
        assert secret not in out + err
        assert secret.encode() not in (folder / "exchange.sqlite").read_bytes()
    with serving(folder):
        assert key_of(folder) == key


def test_a_virtual_exchange_moves_by_the_hand_alone(tmp_path: Path, governor: Governor) -> None:
    folder = tmp_path / "venue"
    with serving(folder, "--virtual", "--pace", "1h") as (_, url):
        with trading(url, folder) as client:
            before = client.fetch_time()
            time.sleep(0.05)
            assert client.fetch_time() == before
            bars = client.fetch_ohlcv(SYMBOL, "1h")
            assert len(bars) == 4
            assert bars[0][1] == 9936.4
        code, _, err = governor("advance", "1h", "--store", folder)
        assert (code, err) == (0, "")
        told = json.loads(governor("show", "--store", folder, "--json")[1])
        assert told["now_ms"] == before + 3_600_000


QUOTES = """time,ask_size,ask,bid_size,bid
2021-01-08T00:00:00.250Z,3,39002.00,0.5,39000.00
2021-01-08T00:00:05.000Z,3,39002.00,0.6,39000.00
2021-01-08T00:01:00.000Z,3,39012.00,0.6,39010.00
"""
TRADES = """time,trade_id,price,quantity,buyer_maker
2021-01-08T00:00:00.250Z,7,39002.0,0.000263,False
2021-01-08T00:00:02.000Z,8,39000.0,0.4,True
2021-01-08T00:00:07.000Z,9,39000.0,0.1004,True
2021-01-08T00:00:09.000Z,10,39000.0,3,True
"""


@pytest.fixture
def ticks(tmp_path: Path) -> tuple[str, str, str, str]:
    quotes, trades = tmp_path / "quotes.csv", tmp_path / "trades.csv"
    quotes.write_text(QUOTES)
    trades.write_text(TRADES)
    return "--quotes", str(quotes), "--trades", str(trades)


def test_recorded_quotes_and_trades_are_the_market_and_fill_what_rests_in_their_queue(
    tmp_path: Path, governor: Governor, ticks: tuple[str, str, str, str]
) -> None:
    folder = tmp_path / "venue"
    words = (*ticks, "--virtual", "--warm", 1)
    with serving(folder, *words) as (process, url), trading(url, folder) as client:
        began = client.fetch_time() - 1000
        assert began % 1000 == 250
        book = client.fetch_order_book(SYMBOL)
        assert (book["bids"], book["asks"]) == ([[39000.0, 0.5]], [[39002.0, 3.0]])
        client.create_order(SYMBOL, "limit", "buy", "0.001", "39000", {"clientOrderId": "own"})
        governor("advance", "1s", "--store", folder)  # 0.1 are left ahead of us
        assert client.fetch_my_trades(SYMBOL) == []
        process.kill()  # in the middle of it
        process.wait(timeout=10)
    with serving(folder, *words) as (_, url), trading(url, folder) as client:
        governor("advance", "6s", "--store", folder)
        (first,) = client.fetch_my_trades(SYMBOL)
        assert (first["amount"], first["takerOrMaker"]) == (0.0004, "maker")
        governor("advance", "2s", "--store", folder)
        assert client.fetch_open_orders(SYMBOL) == []
        prints = client.fetch_trades(SYMBOL)
        assert sum(Decimal(str(t["amount"])) for t in prints) == Decimal("3.500663")
        governor("advance", "1h", "--store", folder)
        assert client.fetch_order_book(SYMBOL)["bids"] == [[39010.0, 0.6]]


def test_ticks_on_a_real_clock_go_on_by_themselves(
    tmp_path: Path, ticks: tuple[str, str, str, str]
) -> None:
    folder = tmp_path / "venue"
    with serving(folder, *ticks, "--warm", 1) as (_, url), trading(url, folder) as client:
        wait_for(lambda: client.fetch_trades(SYMBOL)[-1]["price"] == 39000.0, 30)
        first = client.fetch_trades(SYMBOL)[0]["timestamp"]
        wait_for(lambda: client.fetch_trades(SYMBOL)[-1]["timestamp"] == first + 8750, 30)
        assert client.fetch_time() >= first + 8750


def test_a_real_exchange_is_not_advanced(tmp_path: Path, governor: Governor) -> None:
    with serving(tmp_path / "venue"):
        code, _, err = governor("advance", "1h", "--store", tmp_path / "venue")
    assert (code, "real time" in err) == (1, True)


def test_faults_are_ordered_by_hand_and_told(tmp_path: Path, governor: Governor) -> None:
    folder = tmp_path / "venue"
    with serving(folder, "--virtual", "--pace", "1h") as (_, url), trading(url, folder) as client:
        code, _, err = governor("fault", "unknown_after", "--at", "place", "--store", folder)
        assert (code, err) == (0, "")
        price = f"{client.fetch_ticker(SYMBOL)['last'] * 0.8:.2f}"
        with pytest.raises(ccxt.OperationFailed):
            client.create_order(SYMBOL, "limit", "buy", "0.001", price)
        assert governor("fault", "foreign_order", "--store", folder)[0] == 0
        assert len(client.fetch_open_orders(SYMBOL)) == 2
        words = ("fault", "wrong_balance", "--asset", "BTC", "--change", "-0.5")
        assert governor(*words, "--store", folder)[0] == 0
        assert client.fetch_balance()["BTC"]["total"] == 0.5
        assert "fault unknown_after on place" in governor("fault", "wipe", "--store", folder)[1]
        assert client.fetch_orders(SYMBOL) == []


def test_a_plan_comes_from_a_file(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text('faults:\n  - kind: "bad_gateway_before"\n    at: ["account"]\n    nth: [2]\n')
    folder = tmp_path / "venue"
    with serving(folder, "--faults", plan) as (_, url), trading(url, folder) as client:
        client.fetch_balance()
        with pytest.raises(ccxt.ExchangeNotAvailable):
            client.fetch_balance()
        client.fetch_balance()


def test_a_second_server_on_one_store_is_refused_and_the_first_goes_on(
    tmp_path: Path, governor: Governor
) -> None:
    folder = tmp_path / "venue"
    with serving(folder):
        code, out, err = governor("serve", "--warm", 3, "--store", folder)
        assert (code, out) == (2, "")
        assert "locked" in err
        assert governor("show", "--store", folder)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serve", "--pace", "0s"), "above zero"),
        (("serve", "--pace", "soon"), "--pace"),
        (("serve", "--faults", "missing.yaml"), "missing.yaml"),
        (("serve", "--prices", "missing.csv"), "missing.csv"),
        (("serve", "--quotes", "q.csv"), "together"),
        (("serve", "--quotes", "q.csv", "--trades", "t.csv", "--prices", "p.csv"), "--prices"),
        (("serve", "--quotes", "q.csv", "--trades", "t.csv", "--pace", "1s"), "--pace"),
        (("serve", "--quotes", "q.csv", "--trades", "t.csv"), "FEED_INVALID"),
        (("show",), "VENUE_UNREACHABLE"),
        (("fault", "wrong_balance", "--change", "NaN"), "venue fault"),
    ],
    ids=range(10),
)
def test_what_cannot_be_carried_out_is_refused_by_name(
    tmp_path: Path, governor: Governor, words: tuple[str, ...], said: str
) -> None:
    code, out, err = governor(*words, "--store", tmp_path / "venue")
    assert (code, out) == (2, "")
    assert said in err
    assert not (tmp_path / "venue").exists()


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path, governor: Governor) -> None:
    with serving(tmp_path / "one") as (_, url):
        words = ("serve", "--warm", 0, "--port", urlsplit(url).port)
        code, _, err = governor(*words, "--store", tmp_path / "two")
    assert (code, "VENUE_UNREACHABLE" in err) == (2, True)
