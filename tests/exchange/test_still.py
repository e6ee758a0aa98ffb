"""A market that no recording moves, as a desk sees it: where the price of USDT is watched."""

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from layers.adapters.binance_market import BinanceMarket, open_market
from layers.adapters.ccxt_line import Clock
from layers.configuration import PegRow
from layers.local_exchange.faults import Fault, FaultKind
from layers.local_exchange.terms import DOLLARS, ExchangeTerms, SymbolTerms
from layers.market import EPOCH
from reconciler.peg_watch import PegWatch
from tests.fakes.binance_desk import terms
from tests.fakes.exchange import ROOMY, Served, carried_bars, served

PAIR = "USDC/USDT"
MARKETS = ExchangeTerms(symbols=(SymbolTerms(), DOLLARS), rates=ROOMY)
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, terms=MARKETS, bars=carried_bars(4)) as made:
        yield made


@pytest.fixture
def market(venue: Served) -> Iterator[BinanceMarket]:
    clock = Clock(lambda: EPOCH + venue.clock.now_ms * MILLISECOND, time.monotonic)
    found, line = open_market(terms(venue.url, timeout=timedelta(seconds=5)), clock)
    yield found
    line.close()


def touch(market: BinanceMarket) -> tuple[Decimal, Decimal] | None:
    quote = market.quote(PAIR)
    return None if quote is None else (quote.bid.price, quote.ask.price)


def depeg(venue: Served, change: str) -> None:
    venue.exchange.change(Fault(kind=FaultKind.DEPEG, change=change))


def test_x24_it_stands_a_tick_on_each_side_of_its_price_however_the_other_market_goes(
    venue: Served, market: BinanceMarket
) -> None:
    assert touch(market) == (Decimal("0.9999"), Decimal("1.0001"))
    venue.advance(timedelta(hours=3))
    assert touch(market) == (Decimal("0.9999"), Decimal("1.0001"))
    assert venue.state.tapes["USDCUSDT"].last is None


def test_x24_a_hand_moves_it_and_takes_it_away(venue: Served, market: BinanceMarket) -> None:
    depeg(venue, "0.05")
    assert touch(market) == (Decimal("1.0499"), Decimal("1.0501"))
    venue.advance(timedelta(hours=1))
    assert touch(market) == (Decimal("1.0499"), Decimal("1.0501"))
    depeg(venue, "-1")
    assert touch(market) is None
    depeg(venue, "0")
    assert touch(market) == (Decimal("0.9999"), Decimal("1.0001"))


def test_x24_where_it_was_moved_it_stands_after_a_restart_and_as_at_first_after_a_wipe(
    tmp_path: Path,
) -> None:
    bars = carried_bars(4)
    with served(tmp_path, terms=MARKETS, bars=bars) as venue:
        depeg(venue, "0.05")
    with served(tmp_path, terms=MARKETS, bars=bars) as venue:
        assert best(venue) == (Decimal("1.0499"), Decimal("1.0501"))
        venue.exchange.change(Fault(kind=FaultKind.WIPE))
        venue.advance(timedelta(minutes=1))
        assert best(venue) == (Decimal("0.9999"), Decimal("1.0001"))


def best(venue: Served) -> tuple[Decimal, ...]:
    book = venue.state.books["USDCUSDT"]
    return tuple(order.price for side in ("buy", "sell") if (order := book.best(side)))


def test_the_peg_is_watched_there_and_its_fall_is_seen(
    venue: Served, market: BinanceMarket
) -> None:
    row = PegRow(currency="USD", rate=Decimal(1), watched=PAIR)
    steady = [timedelta()]
    watch = PegWatch("USDT", row, market.quote, lambda: EPOCH, lambda: steady[0])
    first = watch.look()
    assert (first.bid, first.ask) == (Decimal("0.99990000"), Decimal("1.00010002"))
    depeg(venue, "0.05")
    steady[0] += timedelta(seconds=10)
    fallen = watch.look()
    assert fallen.ask is not None
    assert fallen.ask < Decimal("0.953")
    depeg(venue, "-1")
    steady[0] += timedelta(seconds=10)
    assert watch.look().bid is None
