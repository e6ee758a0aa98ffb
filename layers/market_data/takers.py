"""Takers found in recorded quotes and trades: what strangers paid, for a calibration. Pure.

Trades of one instant and one aggressor are one order, as venues report the executions of a taker.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby

from layers.market_data.ticks import FINEST, Quote, Tick, Trade
from layers.orders import Side


@dataclass(frozen=True, slots=True)
class Taker:
    """One stranger's order, and the quotes before it."""

    trades: tuple[Trade, ...]
    decided: Quote  # the last quote known ``latency`` before
    arrived: Quote  # the last quote before the trades

    @property
    def side(self) -> Side:
        """The side that took."""
        return self.trades[0].aggressor

    @property
    def quantity(self) -> Decimal:
        """All that was taken."""
        return sum((trade.quantity for trade in self.trades), Decimal(0))

    @property
    def price(self) -> Decimal:
        """The average, weighted by size."""
        paid = sum((trade.price * trade.quantity for trade in self.trades), Decimal(0))
        return (paid / self.quantity).quantize(FINEST, ROUND_HALF_EVEN)

    @property
    def depth(self) -> Decimal:
        """Size shown on the side that was taken from."""
        return (self.arrived.ask if self.side is Side.BUY else self.arrived.bid).size


def takers(ticks: Iterable[Tick], latency: timedelta) -> Iterator[Taker]:
    """Every taker with a quote ``latency`` before it; ``ticks`` by time, as ``merged`` gives."""
    known: list[Quote] = []
    for (at, quoted), group in groupby(ticks, key=lambda t: (t.at, isinstance(t, Quote))):
        items = list(group)
        if quoted:
            known += [item for item in items if isinstance(item, Quote)]
            continue
        while len(known) > 1 and known[1].at <= at - latency:
            known.pop(0)
        if not known or known[0].at > at - latency:
            continue
        trades = [item for item in items if isinstance(item, Trade)]
        for side in Side:
            of_side = tuple(trade for trade in trades if trade.aggressor is side)
            if of_side:
                yield Taker(of_side, known[0], known[-1])
