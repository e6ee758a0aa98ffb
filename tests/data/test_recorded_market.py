"""The paper venue and the calibration on 46 seconds of the real market; skips where absent."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

import pytest

from layers.market_data.takers import takers
from layers.market_data.ticks import Quote, Tick, Trade
from layers.orders import OrderRequest, Side, TimeInForce
from layers.paper_venue.calibration import calibrate, recorded
from layers.paper_venue.venue import PaperVenue
from tests.fakes.paper_desk import SYMBOL, make_venue, request
from tests.fakes.tick_desk import recording, seen

FUNDS = {"USDT": Decimal(1_000_000), "BTC": Decimal(20)}
SIZE = "0.00127"  # about 50 dollars


@pytest.fixture(scope="module")
def ticks() -> list[Tick]:
    return recording()


def session(folder: Path, ticks: list[Tick], taking: Side, **model: object) -> PaperVenue:
    """Each second one order at the near touch that rests, and one that takes."""
    venue = make_venue(folder, FUNDS, **model)
    due = ticks[0].at
    pending: list[Tick] = []
    for tick in ticks:
        pending.append(tick)
        if isinstance(tick, Quote) and tick.at >= due:
            venue.observe(seen(pending))
            pending = []
            due = tick.at + timedelta(seconds=1)
            for order in orders_at(tick, taking):
                venue.submit(order)
    venue.observe(seen(pending))
    return venue


def orders_at(quote: Quote, taking: Side) -> tuple[OrderRequest, OrderRequest]:
    resting = Side.SELL if taking is Side.SELL else Side.BUY
    near = quote.bid.price if resting is Side.BUY else quote.ask.price
    far = (
        quote.ask.price * Decimal("1.001")
        if taking is Side.BUY
        else quote.bid.price * Decimal("0.999")
    )
    return (
        request(f"rest {quote.at}", resting, f"{near:.2f}", SIZE, TimeInForce.POST_ONLY),
        request(f"take {quote.at}", taking, f"{far:.2f}", SIZE, TimeInForce.IOC),
    )


def test_the_recording_is_whole_and_in_order(ticks: list[Tick]) -> None:
    trades = [tick for tick in ticks if isinstance(tick, Trade)]
    quotes = [tick for tick in ticks if isinstance(tick, Quote)]
    assert (len(trades), len(quotes)) == (2001, 428)  # 451 quotes, 23 in the instant of another
    assert len(ticks) == len(trades) + len(quotes)  # no trade is missing
    assert [t.at for t in ticks] == sorted(t.at for t in ticks)
    assert trades[2].quantity == Decimal("0.000311")  # 0.00031099999999999997 in the file


@pytest.mark.parametrize("taking", Side)
def test_fills_on_the_real_market_have_evidence_and_cost_at_least_the_spread(
    tmp_path: Path, ticks: list[Tick], taking: Side
) -> None:
    venue = session(tmp_path, ticks, taking)
    fills = venue.fills(SYMBOL, ticks[0].at)
    takes = [f for f in fills if not f.maker]
    rests = [f for f in fills if f.maker]
    assert len(takes) >= 40
    assert 3 <= len({f.client_order_id for f in rests}) < len(takes)  # the queue holds some back
    quotes = [tick for tick in ticks if isinstance(tick, Quote)]
    for fill in takes:
        last = max((q for q in quotes if q.at <= fill.at), key=lambda q: q.at)
        shown = last.ask if taking is Side.BUY else last.bid
        worse = fill.price - shown.price if taking is Side.BUY else shown.price - fill.price
        assert worse == Decimal("0.01")  # the touch, and the pessimistic tick
    stamps = {tick.at for tick in ticks}
    assert all(fill.at in stamps for fill in rests)  # a trade or a quote of that instant


def test_the_same_seed_gives_the_same_store_on_the_real_market(
    tmp_path: Path, ticks: list[Tick]
) -> None:
    runs = [
        session(tmp_path / n, ticks, Side.BUY, seed=s) for n, s in (("a", 7), ("b", 7), ("c", 8))
    ]
    dumps = [venue.dump() for venue in runs]
    assert dumps[0] == dumps[1] != dumps[2]


def test_more_queue_ahead_fills_later(tmp_path: Path, ticks: list[Tick]) -> None:
    waited = []
    for share in ("0", "1", "50"):
        venue = session(tmp_path / share, ticks, Side.BUY, queue_share=Decimal(share))
        fills = [f for f in venue.fills(SYMBOL, ticks[0].at) if f.maker]
        assert sum(f.quantity for f in fills) == Decimal("0.04699")  # the price went through all
        waited.append(sum((f.at - ticks[0].at).total_seconds() * float(f.quantity) for f in fills))
    assert waited[0] < waited[1] < waited[2]


def test_what_real_takers_paid_is_predicted_within_the_stated_residual(ticks: list[Tick]) -> None:
    found = calibrate([recorded(t) for t in takers(ticks, timedelta(milliseconds=250))])
    assert found.fitted + found.held_out > 1_000
    assert found.median_error_bps < Decimal("0.1")
    assert found.coverage > Decimal("0.8")
    assert found.usable
    blind = median(abs(Decimal(line.realised_bps)) for line in found.lines if line.held_out)
    assert found.median_error_bps < blind * 2
