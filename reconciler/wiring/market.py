"""Public market data of a venue, kept in a file that grows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.adapters.csv_bars import CsvBars
from layers.adapters.csv_ticks import CsvTrades
from layers.adapters.table_file import TableFile
from layers.feed import Gap, Series, Window
from layers.market import Bar, Provenance
from layers.market_data.fetching import (
    BAR_COLUMNS,
    Page,
    Persistent,
    bar_pages,
    trade_pages,
)
from layers.market_data.source import Label, PublicMarket, Sleep
from layers.market_data.ticks import TRADE_COLUMNS, Trade, TradeGap
from layers.risk_snapshot import VenueClass
from reconciler.adapters.clock import wall_clock

SETTLE: Final = timedelta(seconds=2)  # a bar is final so long after its close
Row: TypeAlias = Bar | Trade


@dataclass(frozen=True, slots=True)
class Source:
    """A venue as the command line names it, and what its data are."""

    venue: str
    market: str
    venue_class: VenueClass
    provenance: Provenance


SOURCES: Final = {
    "binance": Source("binance", "live", VenueClass.LIVE, Provenance.RECORDED),
    "binance-testnet": Source("binance", "testnet", VenueClass.TESTNET, Provenance.RECORDED),
    # what the local exchange serves was never traded by anybody
    "local": Source("local", "local", VenueClass.TESTNET, Provenance.SYNTHETIC),
}


@dataclass(frozen=True, slots=True)
class Order:
    """What to fetch; without an interval single trades, without an end up to now."""

    source: Source
    address: str | None  # of the local exchange
    symbol: str
    interval: timedelta | None
    start: datetime
    end: datetime | None
    path: Path

    @property
    def label(self) -> Label:
        """What the file's companion says."""
        return Label(
            format=1,
            kind="bars" if self.interval else "trades",
            venue=self.source.venue,
            market=self.source.market,
            symbol=self.symbol,
            interval=self.interval,
            start=self.start,
            provenance=self.source.provenance,
        )


@dataclass(slots=True)
class Fetched:
    """What the file holds now, and what this run added."""

    rows: int = 0
    added: int = 0
    gaps: int = 0  # places where the venue has nothing
    reached: datetime | None = None
    complete: bool = False


def fetch(order: Order, tell: Callable[[Fetched, datetime], None], sleep: Sleep) -> Fetched:
    """Append to the file what the venue has and the file has not; goes on where it stands.

    ``tell`` hears of every page and of the end that is aimed at.

    Raises:
        Stalled: ``DATA_FILE``, ``FEED_INVALID``, ``VENUE_UNPROVEN``, ``TOOL_MISSING``, ``USAGE``.
        Waiting: ``VENUE_UNREACHABLE`` where the venue stayed silent; what came before is kept.
    """
    columns = BAR_COLUMNS if order.interval else TRADE_COLUMNS
    with market_of(order) as (market, now), TableFile(order.path, order.label, columns) as file:
        found, last = _kept(order)
        end = min(order.end or now, now)
        tell(found, end)
        for page in _pages(order, Persistent(market, sleep), end, last):
            file.append(page.rows)
            found.rows, found.added = found.rows + len(page.rows), found.added + len(page.rows)
            found.gaps += len(page.gaps)
            found.reached = page.reached
            tell(found, end)
            if not sleep(timedelta(0)):
                return found
        found.complete = True
        return found


@contextmanager
def market_of(order: Order) -> Iterator[tuple[PublicMarket, datetime]]:
    """The venue's public data, and its own time, less what a bar needs to settle."""
    if (order.address is not None) is not (order.source.market == "local"):
        text = "expected an address for the local exchange, and for no other venue"
        raise Stalled(Reason.USAGE, "--at", text)
    try:
        # requests and ccxt are an extra, which paper and calibration do without
        from reconciler.wiring.public_line import public_line  # noqa: PLC0415
    except ImportError as error:
        text = "expected requests and ccxt, found none; install the extra named live"
        raise Stalled(Reason.TOOL_MISSING, order.source.venue, text) from error
    names = (order.source.venue, order.symbol)
    with public_line(names, order.source.venue_class, order.address) as (market, offset):
        yield market, wall_clock() + offset - SETTLE


def _kept(order: Order) -> tuple[Fetched, Row | None]:
    """The whole file is read again: what cannot be read would be no use to go on with."""
    found, last = Fetched(), None
    items = (
        CsvBars(order.path).bars(Series(order.symbol, order.interval), Window())
        if order.interval
        else CsvTrades(order.path).trades(order.symbol, Window())
    )
    for item in items:
        if isinstance(item, Gap | TradeGap):
            found.gaps += 1
            continue
        found.rows += 1
        last = item
    return found, last


def _pages(order: Order, market: PublicMarket, end: datetime, last: Row | None) -> Iterator[Page]:
    if order.interval:
        bar = last if isinstance(last, Bar) else None
        return bar_pages(market, Series(order.symbol, order.interval), (order.start, end), bar)
    trade = last if isinstance(last, Trade) else None
    first = trade.number if trade else market.trade_at(order.symbol, order.start)
    return iter(()) if first is None else trade_pages(market, order.symbol, (first, end), trade)
