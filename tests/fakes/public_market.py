"""A venue's public data from memory, under a clock that only sleeping moves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.market import Bar, Level
from layers.market_data.ticks import Quote, Trade
from layers.orders import Side

START = datetime(2020, 3, 1, tzinfo=UTC)
SYMBOL = "BTC/USDT"
MINUTE = timedelta(minutes=1)


class Time:
    """Wall clock of the venue and of whoever waits for it; ``left`` naps until the end."""

    def __init__(self, now: datetime = START, left: int = 10_000) -> None:
        self.now, self.left = now, left
        self.naps: list[timedelta] = []
        self.on_nap: Callable[[], object] = lambda: None

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, span: timedelta) -> bool:
        self.naps.append(span)
        self.now += span
        self.on_nap()
        self.left -= 1
        return self.left >= 0


def minute(index: int, price: int = 100) -> Bar:
    value = Decimal(price + index % 7)
    low, high = value - 1, value + 1
    return Bar(SYMBOL, START + index * MINUTE, MINUTE, value, high, low, value, Decimal(3))


def single(number: int) -> Trade:
    at = START + timedelta(milliseconds=100 * number)
    return Trade(SYMBOL, at, number, Decimal(100 + number % 5), Decimal("0.25"), Side.BUY)


class FakeMarket:
    """Serves what has opened by now, the running bar with what is known of it, in small pages."""

    def __init__(self, time: Time, bars: list[Bar], trades: list[Trade] | None = None) -> None:
        self.time, self.known, self.single = time, bars, trades or []
        self.fails = 0
        self.calls = 0
        self.page = 1000

    def bars(
        self, _symbol: str, interval: timedelta, start: datetime, limit: int
    ) -> tuple[Bar, ...]:
        self._ask()
        found = [b for b in self.known if start <= b.opened <= self.time.now]
        return tuple(self._as_known(b, interval) for b in found[: min(limit, self.page)])

    def trades(self, _symbol: str, first: int | None, limit: int) -> tuple[Trade, ...]:
        self._ask()
        found = [t for t in self.single if t.at <= self.time.now]
        size = min(limit, self.page)
        if first is None:
            return tuple(found[-size:])
        return tuple([t for t in found if t.number >= first][:size])

    def trade_at(self, _symbol: str, start: datetime) -> int | None:
        self._ask()
        return next((t.number for t in self.single if start <= t.at <= self.time.now), None)

    def quote(self, symbol: str) -> Quote | None:
        self._ask()
        bid, ask = Level(Decimal(99), Decimal(1)), Level(Decimal(101), Decimal(2))
        return Quote(symbol, self.time.now, bid, ask)

    def _as_known(self, bar: Bar, interval: timedelta) -> Bar:
        if bar.opened + interval <= self.time.now:
            return bar
        price = bar.open
        return Bar(bar.symbol, bar.opened, interval, price, price, price, price, Decimal(1))

    def _ask(self) -> None:
        self.calls += 1
        if self.fails:
            self.fails -= 1
            raise Waiting(
                Reason.VENUE_UNREACHABLE, "fake", "no answer", retry_after=timedelta(seconds=1)
            )
