"""Properties over random sessions: conservation, bounds, determinism."""

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from layers.orders import Fill, Side, TimeInForce
from layers.paper_venue.venue import PaperVenue
from tests.fakes.paper_desk import FUNDS, SYMBOL, bar, make_venue, request

cents = st.integers(8_000, 12_000).map(lambda n: str(Decimal(n) / 100))
submits = st.tuples(
    st.just("submit"),
    st.sampled_from(Side),
    cents,
    st.integers(6_000, 80_000).map(lambda n: format(Decimal(n) / 100_000, "f")),
    st.sampled_from(TimeInForce),
)
cancels = st.tuples(st.just("cancel"), st.integers(0, 30), st.booleans())
sweeps = st.tuples(st.just("cancel_all"))
bars = st.tuples(st.just("bar"), st.tuples(cents, cents, cents, cents), st.integers(0, 200))
sessions = st.lists(st.one_of(submits, cancels, sweeps, bars, bars), max_size=30)


def play(folder: Path, steps: list[Any], seed: int) -> Iterator[PaperVenue]:
    venue = make_venue(folder, seed=seed, latency_max_ms=3_000_000, participation=Decimal("0.1"))
    index = 0
    for number, step in enumerate(steps):
        if step[0] == "submit":
            _, side, price, quantity, tif = step
            venue.submit(request(number, side, price, quantity, tif))
        elif step[0] == "cancel":
            venue.cancel(SYMBOL, request(step[1]).client_order_id, travels=step[2])
        elif step[0] == "cancel_all":
            venue.cancel_all()
        else:
            first, second, third, fourth = step[1]
            low, high = min(step[1], key=Decimal), max(step[1], key=Decimal)
            del second, third
            venue.advance(bar(index, first, high, low, fourth, str(step[2])))
            index += 1
        yield venue


def totals(venue: PaperVenue) -> dict[str, Decimal]:
    return {b.currency: b.free + b.locked for b in venue.balances()}


def expected(fills: tuple[Fill, ...]) -> dict[str, Decimal]:
    held = dict(FUNDS)
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        held["BTC"] += sign * fill.quantity
        held["USDT"] -= sign * fill.quantity * fill.price
        held[fill.fee_currency] -= fill.fee
    return held


@given(sessions, st.integers(0, 9))
@settings(max_examples=60)
def test_nothing_is_made_or_lost_and_nothing_goes_below_zero(steps: list[Any], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        venue = None
        for venue in play(Path(folder), steps, seed):
            balances = venue.balances()
            assert all(b.free >= 0 and b.locked >= 0 for b in balances)
            needed = {"BTC": Decimal(0), "USDT": Decimal(0)}
            for order in venue.open_orders():
                assert order.filled < order.quantity
                left = order.quantity - order.filled
                pays = ("USDT", left * order.price) if order.side is Side.BUY else ("BTC", left)
                needed[pays[0]] += pays[1]
            assert {b.currency: b.locked for b in balances} == needed
        if venue is None:
            return
        fills = venue.fills(SYMBOL, venue.clock().replace(year=2000))
        assert totals(venue) == expected(fills)
        executed = {}
        for fill in fills:
            name = fill.client_order_id
            executed[name] = executed.get(name, 0) + fill.quantity
            order = venue.order(SYMBOL, name)
            worse = fill.price > order.price if fill.side is Side.BUY else fill.price < order.price
            assert not worse
        for name, quantity in executed.items():
            order = venue.order(SYMBOL, name)
            assert order.filled == quantity <= order.quantity
        venue.close()


@given(sessions, st.integers(0, 9))
@settings(max_examples=25)
def test_the_same_seed_bars_and_requests_give_the_same_bytes(steps: list[Any], seed: int) -> None:
    dumps = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            *_, last = (None, *play(Path(folder), steps, seed))
            dumps.append(last and last.dump())
            if last:
                last.close()
    assert dumps[0] == dumps[1]
