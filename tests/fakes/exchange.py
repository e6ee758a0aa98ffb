"""A local exchange in this process, and the unmodified ``ccxt.binance`` class on its line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from layers.adapters.csv_bars import carried_prices
from layers.adapters.exchange_host import LocalExchange
from layers.adapters.exchange_server import ExchangeServer
from layers.adapters.exchange_store import ExchangeStore
from layers.feed import Series, Window
from layers.local_exchange.clock import VirtualClock
from layers.local_exchange.crowd import Recording
from layers.local_exchange.exchange import Exchange
from layers.local_exchange.faults import Fault, FaultPlan
from layers.local_exchange.terms import ExchangeTerms, Key, RateTerms
from layers.local_exchange.ticks import AnyRecording, TickRecording
from layers.market import Bar
from layers.market_data.ticks import Quote, Trade

START_MS = 1_582_502_400_000  # 2020-02-24T00:00:00Z, where the carried prices begin
HOUR_MS = 3_600_000
ROOMY = RateTerms(weight_per_minute=10_000_000, orders_per_ten_seconds=1_000_000)
Client: TypeAlias = Any  # ``ccxt.binance``, which is not typed
KEY = Key(name="k" * 64, secret="s" * 64)


@dataclass
class Served:
    url: str
    exchange: LocalExchange
    credentials: Key
    clock: VirtualClock
    server: ExchangeServer

    @property
    def state(self) -> Exchange:
        return self.exchange.state

    def advance(self, by: timedelta) -> None:
        """Move the clock; everything due on the way happens."""
        self.clock.advance(by // timedelta(milliseconds=1))
        self.exchange.advance()

    def inject(self, *faults: Fault) -> None:
        self.exchange.inject(*faults)


def carried_bars(count: int | None = None) -> tuple[Bar, ...]:
    feed = carried_prices().bars(Series("BTC/USDT", timedelta(hours=1)), Window())
    bars = (item for item in feed if isinstance(item, Bar))
    return tuple(islice(bars, count))


@contextmanager
def served(  # noqa: PLR0913  (each has a default)
    folder: Path,
    *,
    terms: ExchangeTerms | None = None,
    bars: tuple[Bar, ...] | None = None,
    interval: timedelta = timedelta(hours=1),
    plan: FaultPlan | None = None,
    keys: tuple[Key, ...] = (KEY,),
    clock: VirtualClock | None = None,
    turns: bool = False,
    ticks: tuple[Quote | Trade, ...] = (),
) -> Iterator[Served]:
    """An exchange with the carried prices on a free port; its store is in ``folder``.

    The first recorded bar opens at the clock's first instant, or the first of ``ticks`` happens
    then; nothing has been traded before.
    """
    ticking = clock or VirtualClock(START_MS)
    recording: AnyRecording = Recording(
        symbol="BTCUSDT",
        bars=carried_bars() if bars is None else bars,
        start_ms=ticking.now_ms,
        interval_ms=interval // timedelta(milliseconds=1),
        turns=turns,
    )
    if ticks:
        recording = TickRecording("BTCUSDT", ticks, ticking.now_ms)
    store = ExchangeStore(folder / "exchange.sqlite")
    exchange = LocalExchange(
        store, terms or ExchangeTerms(rates=ROOMY), keys, ticking, recording, plan
    )
    server = ExchangeServer(exchange)
    server.start()
    try:
        exchange.advance()
        yield Served(server.url, exchange, keys[0], ticking, server)
    finally:
        server.close()
        exchange.close()


def ccxt_binance(
    url: str, key: Key, clock: Callable[[], int], *, sandbox: bool = True, timeout_ms: int = 2000
) -> Client:
    """The real class with its transport led to ``url`` and its clock to the exchange's."""
    import ccxt  # noqa: PLC0415  (a quarter of a second)
    import requests  # noqa: PLC0415

    class Redirect(requests.adapters.HTTPAdapter):
        def send(self, request, **told):  # noqa: ANN001, ANN003, ANN202
            asked = urlsplit(request.url or "")
            request.url = url + asked.path + (f"?{asked.query}" if asked.query else "")
            return super().send(request, **told)

    class Blackhole(requests.adapters.HTTPAdapter):
        def send(self, request, **_told):  # noqa: ANN001, ANN003, ANN202
            raise AssertionError(f"egress to {request.url}")

    client = ccxt.binance(
        {
            "apiKey": key.name,
            "secret": key.secret,
            "enableRateLimit": False,
            "timeout": timeout_ms,
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "warnOnFetchOpenOrdersWithoutSymbol": False,
                "fetchMargins": False,
            },
        }
    )
    client.has["fetchCurrencies"] = False
    if sandbox:
        client.set_sandbox_mode(True)
    host = "https://testnet.binance.vision/" if sandbox else "https://api.binance.com/"
    client.session.mount("https://", Blackhole())
    client.session.mount("http://", Blackhole())
    client.session.mount(host, Redirect())
    client.nonce = clock
    return client
