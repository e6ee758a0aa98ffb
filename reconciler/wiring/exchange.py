"""Serves a local exchange from one folder until it is told to end."""

import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final

from desired_state.document import load
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.csv_bars import CsvBars, carried_prices
from layers.adapters.csv_ticks import CsvQuotes, CsvTrades
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
from layers.local_exchange.terms import ExchangeTerms, SymbolTerms
from layers.local_exchange.ticks import AnyRecording, TickRecording
from layers.market import Bar
from layers.market_data.ticks import Quote, Trade, TradeGap, merged
from reconciler.adapters.clock import wall_clock

__all__ = ["Command", "Serving", "Ticks", "Told", "ask", "serve"]
STORE: Final = "exchange.sqlite"
CREDENTIALS: Final = "credentials.yaml"
_MILLISECOND: Final = timedelta(milliseconds=1)
_TICK: Final = timedelta(milliseconds=500)  # so that who asks after a pause waits for nothing
_MOST_PLAN_BYTES: Final = 1 << 20
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00Z")


_SYMBOL: Final = "BTC/USDT"
_LISTED: Final = "BTCUSDT"
_SECOND_MS: Final = 1000
_WARM_BARS: Final = 100
_MOST_TICKS: Final = 500_000  # they are held in memory; some hours of a busy market
# what Binance's BTCUSDT was cut into when trades were six digits fine
_FINE: Final = SymbolTerms(step=Decimal("0.000001"), min_quantity=Decimal("0.000001"))


@dataclass(frozen=True, slots=True)
class Ticks:
    """Recorded quotes and single trades of the same time, as files."""

    quotes: Path
    trades: Path


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served, and how: each field is an option of the command line."""

    folder: Path
    prices: Path | Ticks | None  # none: the carried bars
    interval: timedelta  # of the recorded bars
    pace: timedelta  # how long one of them lasts here
    warm: int | None  # bars (none: 100) or seconds of ticks (none: 0) passed at the opening
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
    recording, opens_ms = _market(terms, _now_ms())
    plan = _plan(terms.plan)
    terms.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    credentials = terms.folder / CREDENTIALS
    key = handed_out(credentials, lambda: secrets.token_hex(32))
    virtual = VirtualClock(opens_ms) if terms.virtual else None
    listed = _FINE if isinstance(recording, TickRecording) else SymbolTerms()
    with ExitStack() as stack:
        store = ExchangeStore(terms.folder / STORE)
        stack.callback(store.close)
        exchange = LocalExchange(
            store,
            ExchangeTerms(seed=terms.seed, symbols=(listed,)),
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


def _market(terms: Serving, now_ms: int) -> tuple[AnyRecording, int]:
    """What is replayed, and the instant at which the doors open."""
    if isinstance(terms.prices, Ticks):
        ticks = _ticks(terms.prices)
        warm_ms = (terms.warm or 0) * _SECOND_MS
        part_ms = (ticks[0].at - _EPOCH) // _MILLISECOND % _SECOND_MS  # of its second, as recorded
        start_ms = now_ms - warm_ms - part_ms
        start_ms += part_ms - start_ms % _SECOND_MS
        return TickRecording(_LISTED, ticks, start_ms), start_ms + warm_ms
    pace_ms = terms.pace // _MILLISECOND
    warm_ms = (_WARM_BARS if terms.warm is None else terms.warm) * pace_ms
    start_ms = now_ms - now_ms % pace_ms - warm_ms
    bars = _bars(terms.prices, terms.interval)
    return Recording(_LISTED, bars, start_ms, pace_ms, turns=True), start_ms + warm_ms


def _ticks(files: Ticks) -> tuple[Quote | Trade, ...]:
    """Both files by time; trades that the recording lacks are lacking here."""
    both = merged(
        CsvQuotes(files.quotes).quotes(_SYMBOL, Window()),
        CsvTrades(files.trades).trades(_SYMBOL, Window()),
    )
    seen = (tick for tick in both if not isinstance(tick, TradeGap))
    ticks = tuple(islice(seen, _MOST_TICKS + 1))
    if not 0 < len(ticks) <= _MOST_TICKS:
        text = f"expected 1 to {_MOST_TICKS} ticks, found {len(ticks) or 'none'}"
        raise Stalled(Reason.FEED_INVALID, files.trades.name, text)
    return ticks


def _bars(prices: Path | None, interval: timedelta) -> tuple[Bar, ...]:
    feed: BarFeed = carried_prices() if prices is None else CsvBars(prices)
    items = feed.bars(Series(_SYMBOL, interval), Window())
    bars = tuple(item for item in items if isinstance(item, Bar))
    if not bars:
        name = "carried" if prices is None else prices.name
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
