"""Properties over random quotes, trades and requests: conservation, evidence, determinism."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from layers.market import Book
from layers.market_data.ticks import Trade
from layers.orders import Fill, Side, TimeInForce
from layers.paper_venue.venue import PaperVenue
from tests.fakes.paper_desk import FUNDS, START, SYMBOL, make_venue, request
from tests.fakes.tick_desk import quote, trade

prices = st.integers(96, 104).map(str)
sizes = st.integers(1, 300_000).map(lambda n: format(Decimal(n) / 100_000, "f"))
submits = st.tuples(
    st.just("submit"),
    st.sampled_from(Side),
    prices,
    st.integers(6_000, 80_000).map(lambda n: format(Decimal(n) / 100_000, "f")),
    st.sampled_from(TimeInForce),
)
cancels = st.tuples(st.just("cancel"), st.integers(0, 30), st.booleans())
quotes = st.tuples(st.just("quote"), st.integers(96, 103), st.integers(1, 3), sizes, sizes)
trades = st.tuples(st.just("trade"), prices, sizes, st.sampled_from(Side))
sessions = st.lists(st.one_of(submits, submits, cancels, quotes, trades, trades), max_size=40)
SHARE = Decimal("0.5")
HARSH = {
    "latency_max_ms": 40,
    "latency_min_ms": 1,
    "participation": SHARE,
    "stale_after_ms": 100,
    "answers_lost": SHARE,
    "answers_doubled": SHARE,
}


def ticks_of(steps: list[Any]) -> list[Book | Trade | None]:
    found: list[Book | Trade | None] = []
    for number, step in enumerate(steps):
        millis = 10 * (number + 1)
        if step[0] == "quote":
            _, bid, spread, *shown = step
            found.append(quote(millis, str(bid), str(bid + spread), tuple(shown)))
        else:
            found.append(trade(millis, *step[1:]) if step[0] == "trade" else None)
    return found


def play(folder: Path, steps: list[Any], seed: int) -> Iterator[PaperVenue]:
    venue = make_venue(folder, **{**HARSH, "seed": seed})
    venue.observe([quote(0)])
    for number, (step, tick) in enumerate(zip(steps, ticks_of(steps), strict=True)):
        if tick is not None:
            venue.observe([tick])
        elif step[0] == "submit":
            venue.submit(request(number, *step[1:]))
        else:
            venue.cancel(SYMBOL, request(step[1]).client_order_id, travels=step[2])
        yield venue


def totals(fills: tuple[Fill, ...]) -> dict[str, Decimal]:
    held = dict(FUNDS)
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        held["BTC"] += sign * fill.quantity
        held["USDT"] -= sign * fill.quantity * fill.price
        held[fill.fee_currency] -= fill.fee
    return held


def shown_or_traded(steps: list[Any]) -> Decimal:
    """All size that any quote or trade was evidence of."""
    evidence = Decimal(4)  # of the first quote
    for tick in ticks_of(steps):
        if isinstance(tick, Trade):
            evidence += tick.quantity
        elif tick is not None:
            evidence += tick.bids[0].size + tick.asks[0].size
    return evidence


@given(sessions, st.integers(0, 9))
@settings(max_examples=60)
def test_nothing_is_made_or_lost_and_no_fill_is_without_evidence(
    steps: list[Any], seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        venue = None
        for venue in play(Path(folder), steps, seed):
            assert all(b.free >= 0 and b.locked >= 0 for b in venue.balances())
        if venue is None:
            return
        fills = venue.fills(SYMBOL, START)
        assert {b.currency: b.free + b.locked for b in venue.balances()} == totals(fills)
        assert sum(f.quantity for f in fills) <= shown_or_traded(steps)
        traded = {tick.at: tick for tick in ticks_of(steps) if isinstance(tick, Trade)}
        by_trade: dict[Any, Decimal] = defaultdict(Decimal)
        for fill in fills:
            order = venue.order(SYMBOL, fill.client_order_id)
            assert order is not None
            worse = fill.price > order.price if fill.side is Side.BUY else fill.price < order.price
            assert not worse
            assert order.filled <= order.quantity
            if fill.maker and fill.at in traded:
                by_trade[fill.at] += fill.quantity
        assert all(total <= traded[when].quantity * SHARE for when, total in by_trade.items())
        venue.close()


@given(sessions, st.integers(0, 9))
@settings(max_examples=25)
def test_the_same_seed_ticks_and_requests_give_the_same_bytes(steps: list[Any], seed: int) -> None:
    dumps = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            *_, last = (None, *play(Path(folder), steps, seed))
            dumps.append(last and last.dump())
            if last:
                last.close()
    assert dumps[0] == dumps[1]


@given(sessions)
@settings(max_examples=25)
def test_without_quotes_and_trades_after_it_no_order_fills(steps: list[Any]) -> None:
    silent = [step for step in steps if step[0] not in {"quote", "trade"}]
    with tempfile.TemporaryDirectory() as folder:
        for venue in play(Path(folder), silent, 1):
            assert venue.fills(SYMBOL, START) == ()
        if silent:
            venue.close()
