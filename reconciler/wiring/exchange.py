"""Serves a local exchange from one folder until it is told to end."""

import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from desired_state.document import load
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.csv_bars import CsvBars, carried_prices
from layers.adapters.exchange_control import ExchangeControl, ask
from layers.adapters.exchange_credentials import handed_out
from layers.adapters.exchange_host import LocalExchange
from layers.adapters.exchange_server import ExchangeServer
from layers.adapters.exchange_store import ExchangeStore
from layers.feed import BarFeed, Series, Window
from layers.local_exchange.clock import VirtualClock
from layers.local_exchange.control import Command, Told
from layers.local_exchange.crowd import Recording
from layers.local_exchange.faults import FaultPlan
from layers.local_exchange.terms import DOLLARS, ExchangeTerms, SymbolTerms
from layers.market import Bar
from reconciler.adapters.clock import wall_clock

__all__ = ["Command", "Serving", "Told", "ask", "serve"]
STORE: Final = "exchange.sqlite"
CREDENTIALS: Final = "credentials.yaml"
_MILLISECOND: Final = timedelta(milliseconds=1)
_TICK: Final = timedelta(milliseconds=500)  # so that who asks after a pause waits for nothing
_MOST_PLAN_BYTES: Final = 1 << 20
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served, and how: each field is an option of the command line."""

    folder: Path
    prices: Path | None  # none: the carried ones
    interval: timedelta  # of the recorded bars
    pace: timedelta  # how long one of them lasts here
    warm: int  # bars that have passed when the doors open
    seed: int
    port: int
    plan: Path | None
    virtual: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """Where an exchange is to be found."""

    url: str
    credentials: Path


def serve(terms: Serving, stop: threading.Event, tell: Callable[[Opened], None]) -> None:
    """Until ``stop`` is set; ``tell`` hears of it once the doors are open.

    The market moves whether anybody asks or not.

    Raises:
        Stalled: ``FEED_INVALID`` for the prices, the document's own reasons for the fault plan.
        Waiting: ``VENUE_UNREACHABLE`` for store, port or socket.
    """
    bars = _bars(terms)
    plan = _plan(terms.plan)
    terms.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    credentials = terms.folder / CREDENTIALS
    key = handed_out(credentials, lambda: secrets.token_hex(32))
    pace_ms = terms.pace // _MILLISECOND
    now_ms = _now_ms()
    start_ms = now_ms - now_ms % pace_ms - terms.warm * pace_ms
    recording = Recording("BTCUSDT", bars, start_ms, pace_ms, turns=True)
    virtual = VirtualClock(start_ms + terms.warm * pace_ms) if terms.virtual else None
    with ExitStack() as stack:
        store = ExchangeStore(terms.folder / STORE)
        stack.callback(store.close)
        exchange = LocalExchange(
            store,
            ExchangeTerms(seed=terms.seed, symbols=(SymbolTerms(), DOLLARS)),
            (key,),
            virtual or _now_ms,
            recording,
            plan,
        )
        if virtual is not None:
            virtual.now_ms = max(virtual.now_ms, exchange.state.now_ms)
        exchange.advance()
        server = stack.enter_context(closing(ExchangeServer(exchange, terms.port)))
        stack.enter_context(closing(ExchangeControl(terms.folder, exchange.obey)))
        server.start()
        tell(Opened(server.url, credentials))
        while not stop.wait(_TICK.total_seconds()):
            exchange.advance()


def _now_ms() -> int:
    return (wall_clock() - _EPOCH) // _MILLISECOND


def _bars(terms: Serving) -> tuple[Bar, ...]:
    feed: BarFeed = carried_prices() if terms.prices is None else CsvBars(terms.prices)
    items = feed.bars(Series("BTC/USDT", terms.interval), Window())
    bars = tuple(item for item in items if isinstance(item, Bar))
    if not bars:
        name = "carried" if terms.prices is None else terms.prices.name
        raise Stalled(Reason.FEED_INVALID, name, "expected at least one bar, found none")
    return bars


def _plan(path: Path | None) -> FaultPlan:
    if path is None:
        return FaultPlan()
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_PLAN_BYTES)
    except OSError as error:
        text = f"the fault plan cannot be read ({error.strerror})"
        raise Stalled(Reason.USAGE, path.name, text) from error
    return load(FaultPlan, data, path.name)
