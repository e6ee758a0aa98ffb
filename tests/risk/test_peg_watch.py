"""What is seen of a quote currency's price, and how seldom it is asked for."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from desired_state.errors import GovernanceError, Stalled, Waiting
from desired_state.reasons import Reason
from layers.configuration import PegRow
from layers.market import Level
from layers.market_data.ticks import Quote
from reconciler.peg_watch import EVERY, PegWatch

WALL = datetime(2026, 1, 1, tzinfo=UTC)
SILENT = Waiting(Reason.VENUE_UNREACHABLE, "venue", "silent", retry_after=timedelta(seconds=1))
UNLISTED = Stalled(Reason.USAGE, "USDC/USDT", "not listed")


@dataclass
class Venue:
    """One pair's touch, or why there is none."""

    bid: str = "0"
    ask: str = "0"
    fault: GovernanceError | None = None
    asked: list[str] = field(default_factory=list)
    steady: timedelta = timedelta()

    def touch(self, pair: str) -> Quote | None:
        self.asked.append(pair)
        if self.fault is not None:
            raise self.fault
        if self.bid == "none":
            return None
        bid, ask = (Level(Decimal(price), Decimal(1)) for price in (self.bid, self.ask))
        return Quote(pair, WALL, bid, ask)

    def watch(self, row: PegRow | None) -> PegWatch:
        return PegWatch("USDT", row, self.touch, lambda: WALL + self.steady, lambda: self.steady)


def watched(pair: str) -> PegRow:
    return PegRow(currency="USD", rate=Decimal(1), watched=pair)


def test_a_pair_of_the_currency_itself_is_taken_as_it_is() -> None:
    seen = Venue("0.9990", "0.9991").watch(watched("USDT/USD")).look()
    assert (seen.bid, seen.ask, seen.asked_at) == (Decimal("0.9990"), Decimal("0.9991"), WALL)
    assert (seen.quote, seen.currency, seen.rate, seen.assumed) == ("USDT", "USD", 1, False)


def test_a_pair_priced_in_the_currency_is_turned_over_and_never_in_our_favour() -> None:
    seen = Venue("1.03", "1.07").watch(watched("USDC/USDT")).look()
    assert (seen.bid, seen.ask) == (Decimal("0.93457943"), Decimal("0.97087379"))
    assert seen.bid < 1 / Decimal("1.07")
    assert seen.ask > 1 / Decimal("1.03")


@pytest.mark.parametrize(
    "venue",
    [Venue(fault=SILENT), Venue(fault=UNLISTED), Venue("none"), Venue("0", "1"), Venue("1", "0")],
)
def test_a_venue_that_says_nothing_leaves_the_price_unknown(venue: Venue) -> None:
    seen = venue.watch(watched("USDC/USDT")).look()
    assert (seen.bid, seen.ask) == (None, None)
    assert seen.assumed is False


def test_it_asks_again_after_its_time_and_forgets_what_it_knew_where_nobody_answers() -> None:
    venue = Venue("1", "1")
    watch = venue.watch(watched("USDC/USDT"))
    first = watch.look()
    assert watch.look() is first  # the very same, so that nothing made of it is made again
    venue.steady = EVERY
    again = watch.look()
    assert again.asked_at == WALL + EVERY
    venue.fault, venue.steady = SILENT, EVERY * 2
    assert watch.look().bid is None
    assert len(venue.asked) == 3


@pytest.mark.parametrize("row", [watched("assumed"), None])
def test_where_no_pair_is_configured_nobody_is_asked(row: PegRow | None) -> None:
    venue = Venue("1", "1")
    watch = venue.watch(row)
    seen = watch.look()
    venue.steady = EVERY * 9
    assert watch.look() is seen
    assert venue.asked == []
    assert (seen.assumed, seen.rate) == ((True, 1) if row else (False, None))
    assert seen.bid is seen.ask is seen.asked_at is None
