"""A desk under a marked root, beside a local exchange of its own, both through the command line."""

import contextlib
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from layers.local_exchange.shapes import account_number
from layers.local_exchange.terms import DESK
from reconciler.adapters.running_build import running_build
from reconciler.wiring.founding import Site, init
from tests.fakes.governed_desk import GovernedDesk, present

THE_FOUR = ("rita", "simon", "petra", "walter")
BINANCE = """
  binance:
    class: {kind}
    symbols: [BTC/USDT]
    types: [limit]
    time_in_force: [IOC, GTC, POST_ONLY]
    leverage: none
    dead_man_switch: false
"""


@dataclass
class RehearsalDesk(GovernedDesk):
    """``store`` is where the exchange keeps its own."""

    store: Path = Path()
    url: str = ""

    def ask_for(self, mode: str, **accounts: str) -> None:
        """Mode, build, account and venue as people would write them."""
        kind = {"testnet": "sandbox", "bounded_live": "live"}[mode]
        venues = (self.state / "venues.yaml").read_text()
        outlook = (self.state / "scopes/L2.yaml").read_text()
        # bars of a second are a second late, which is a whole bar
        outlook = outlook.replace("max_age_bars: 1,", "max_age_bars: 5,")
        outlook = outlook.replace("valid_bars: 2 ", "valid_bars: 8 ")
        (self.state / "scopes/L2.yaml").write_text(outlook)
        if "binance:" not in venues:
            self.push(venues__yaml=venues.rstrip() + BINANCE.format(kind=kind))
        text = (self.state / "mode.yaml").read_text()
        text = text.replace("mode: halted", f"mode: {mode}").replace(
            "{venue: paper,", "{venue: binance,"
        )
        account = accounts.get("account", str(account_number(DESK)))
        text += f'build: "{running_build()}"\naccounts: {{binance: "{account}"}}\n'
        self.push(mode__yaml=text)

    def grant(self, sequence: int = 1, *arguments: str) -> None:
        """Proposed by the operator and signed by the four."""
        asked = ("propose", "--reason", "a rehearsal", "--as", "olivia", "--push", *arguments)
        assert self.verb(*asked) == 0
        for person in THE_FOUR:
            assert self.verb("sign", str(sequence), "--as", person, "--yes", "--push") == 0


def gentle_prices(path: Path, bars: int = 240) -> Path:
    """Hours that swing by a quarter of a per cent, so that a ladder is met on both sides."""
    lines = ["open_time,open,high,low,close,volume,trades"]
    at, last = datetime(2020, 1, 1, tzinfo=UTC), 10_000.0
    for number in range(bars):
        close = 10_000 * (1 + 0.0025 * math.sin(number / 1.3))
        high, low = max(last, close) * 1.0002, min(last, close) * 0.9998
        prices = ",".join(f"{price:.2f}" for price in (last, high, low, close))
        lines.append(f"{at:%Y-%m-%dT%H:%M:%SZ},{prices},500.0,900")
        at, last = at + timedelta(hours=1), round(close, 2)
    path.write_text("\n".join(lines) + "\n")
    return path


def gentle_ticks(folder: Path, seconds: int = 400) -> tuple[str, ...]:
    """The same swing in seconds: ten quotes in each, and five trades, bought and sold in turn."""
    quotes, trades = (
        ["time,ask_size,ask,bid_size,bid"],
        ["time,trade_id,price,quantity,buyer_maker"],
    )
    for number in range(seconds * 10):
        at = datetime(2021, 1, 8, tzinfo=UTC) + timedelta(milliseconds=100 * number)
        time = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
        middle = 10_000 * (1 + 0.0025 * math.sin(number / 13))
        bid, ask = f"{middle - 0.5:.2f}", f"{middle + 0.5:.2f}"
        quotes.append(f"{time},3.0,{ask},3.0,{bid}")
        if number % 2:
            sold = number % 4 == 1
            trades.append(f"{time},{number // 2},{bid if sold else ask},1.5,{sold}")
    (folder / "quotes.csv").write_text("\n".join(quotes) + "\n")
    (folder / "trades.csv").write_text("\n".join(trades) + "\n")
    return "--quotes", str(folder / "quotes.csv"), "--trades", str(folder / "trades.csv")


@contextlib.contextmanager
def exchange(store: Path, *options: str, ticks: bool = False) -> Iterator[str]:
    """``governor venue serve`` in a process of its own; its address."""
    store.mkdir(parents=True, exist_ok=True)
    market = ("--prices", str(gentle_prices(store / "prices.csv")), "--pace", "1s")
    if ticks:
        market = gentle_ticks(store)
    command = [sys.executable, "-m", "reconciler", "venue", "serve", "--store", str(store)]
    child = subprocess.Popen(
        [*command, *market, "--warm", "200", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        words = child.stdout.readline().split()
        assert words[:1] == ["serving"], words
        yield words[1]
    finally:
        child.terminate()
        child.communicate(timeout=15)


def wire(desk: RehearsalDesk, *, rehearsal: bool = True) -> None:
    """The host's own way to the venue."""
    path = desk.folder / "governor.yaml"
    kept = path.read_text().partition("venues:")[0]
    lines = ["venues:", "  binance:", f"    credentials: {desk.store / 'credentials.yaml'}"]
    if rehearsal:
        lines.append(f'    rehearsal: "{desk.url}"')
    path.write_text(kept + "\n".join(lines) + "\n")


def rehearsal_desk(folder: Path, *, rehearses: bool = True) -> RehearsalDesk:
    """Founded, with nothing asked for yet."""
    site = Site(rehearses=rehearses)
    init(folder / "desk", now=present() - timedelta(minutes=5), demo_keys=True, site=site)
    desk = RehearsalDesk(folder / "desk", folder / "exchange")
    for key, value in (("user.name", "anyone"), ("user.email", "anyone@example.invalid")):
        desk.git("config", key, value)
    return desk
