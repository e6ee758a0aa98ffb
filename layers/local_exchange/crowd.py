"""Everybody else in the market: quotes and trades that come from recorded prices.

The crowd trades through the same matching engine as its customers. Each step of a recorded bar
prints its volume at its price, so that resting orders in between are met on the way, and then
quotes a new ladder around it.
"""

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from layers.local_exchange.exchange import Exchange
from layers.local_exchange.matching import cancel, trade_for_crowd
from layers.local_exchange.order import Order, opposite
from layers.local_exchange.path import Step, ladder, walk
from layers.local_exchange.terms import CROWD, Force
from layers.market import Bar
from layers.orders import Side


@dataclass(frozen=True, slots=True)
class Recording:
    """Recorded bars re-dated: the first opens at ``start_ms``, each lasts ``interval_ms``.

    X-15: where ``turns`` is set and the bars end, the market walks them back, and forth again; else
    it stands still. A bar walked backwards has its open and close exchanged, so prices join.
    """

    symbol: str
    bars: tuple[Bar, ...]
    start_ms: int
    interval_ms: int
    turns: bool = False

    @property
    def name(self) -> str:
        """What a store remembers of it: a digest of its bars and their pace."""
        text = f"{self.symbol} {self.interval_ms} {self.turns} {self.bars}"
        return hashlib.sha256(text.encode()).hexdigest()

    def bar(self, number: int) -> Bar | None:
        """The bar that is walked as number ``number`` from 0."""
        count = len(self.bars)
        if not count or (number >= count and not self.turns):
            return None
        lap, place = divmod(number, count)
        if lap % 2 == 0:
            return self.bars[place]
        bar = self.bars[count - 1 - place]
        return Bar(
            bar.symbol, bar.opened, bar.interval, bar.close, bar.high, bar.low, bar.open, bar.volume
        )

    def opens_ms(self, number: int) -> int:
        """When that bar opens; bars that the recording lacks leave their time empty."""
        count = len(self.bars)
        lap, place = divmod(number, count)
        span = self._slot(count - 1) + 1
        slot = self._slot(place) if lap % 2 == 0 else span - 1 - self._slot(count - 1 - place)
        return self.start_ms + (lap * span + slot) * self.interval_ms

    def _slot(self, place: int) -> int:
        bar = self.bars[place]
        return (bar.opened - self.bars[0].opened) // bar.interval


def advance(exchange: Exchange, recording: Recording | None, now_ms: int) -> bool:
    """Bring the market to ``now_ms``; whether anything happened. Time never goes back."""
    moved = False
    while recording is not None and _walk_on(exchange, recording, now_ms):
        moved = True
    exchange.now_ms = max(exchange.now_ms, now_ms)
    return moved


def _walk_on(exchange: Exchange, recording: Recording, now_ms: int) -> bool:
    """Take the steps of one bar that are due; whether there were any."""
    terms = exchange.symbol(recording.symbol)
    per_bar = 3 * exchange.terms.crowd.steps_per_leg + 1
    number, first = divmod(exchange.steps_taken, per_bar)
    bar = recording.bar(number)
    if bar is None or terms is None:
        return False
    opens_ms = recording.opens_ms(number)
    due = [
        (part, opens_ms + recording.interval_ms * part // per_bar) for part in range(first, per_bar)
    ]
    due = [(part, at_ms) for part, at_ms in due if at_ms <= now_ms]
    steps = walk(bar, terms, exchange.terms.crowd) if due else ()
    for part, at_ms in due:
        exchange.now_ms = max(exchange.now_ms, at_ms)
        take_step(exchange, recording.symbol, bar, steps[part])
        exchange.steps_taken += 1
    return bool(due)


def take_step(exchange: Exchange, symbol: str, bar: Bar, step: Step) -> None:
    """X-13: the step's volume is printed at its price; who rests better is met first."""
    terms = exchange.symbol(symbol)
    if terms is None:
        return
    last = exchange.tapes[symbol].last
    seller = step.price < last if last is not None else bar.close < bar.open
    taker = Side.SELL if seller else Side.BUY
    bids, asks = ladder(step.price, bar, terms, exchange.terms.crowd, exchange.terms.seed)
    withdraw(exchange, symbol, step.price, step.price)
    print_trade(exchange, symbol, taker, step.price, step.volume)
    quote(exchange, symbol, Side.BUY, bids)
    quote(exchange, symbol, Side.SELL, asks)


def print_trade(
    exchange: Exchange, symbol: str, taker: Side, price: Decimal, volume: Decimal
) -> None:
    """So much is taken at ``price`` or better; what nobody rests for, the crowd itself makes."""
    if volume <= 0:
        return
    made = trade_for_crowd(exchange, symbol, opposite(taker), price, volume)
    trade_for_crowd(exchange, symbol, taker, price, volume, Force.IOC)
    if made.live:
        cancel(exchange, made)


def withdraw(exchange: Exchange, symbol: str, bid: Decimal, ask: Decimal) -> None:
    """Take back the crowd's quotes that the market has passed: bids above, asks below."""
    book = exchange.books[symbol]
    passed = [o for o in book.resting(Side.BUY) if o.account == CROWD and o.price > bid]
    passed += [o for o in book.resting(Side.SELL) if o.account == CROWD and o.price < ask]
    for order in passed:
        cancel(exchange, order)


def quote(exchange: Exchange, symbol: str, side: Side, wanted: dict[Decimal, Decimal]) -> None:
    """X-14: a quote that stays keeps its place in the queue; only what is missing joins behind.

    Where a customer rests, who came before it does not leave because the ladder moved on.
    """
    book = exchange.books[symbol]
    standing: dict[Decimal, list[Order]] = {}
    shared = set()
    for order in book.resting(side):
        if order.account == CROWD:
            standing.setdefault(order.price, []).append(order)
        else:
            shared.add(order.price)
    for price, orders in standing.items():
        if price not in wanted and price not in shared:
            for order in orders:
                cancel(exchange, order)
    for price, size in wanted.items():
        there = sum((o.remaining for o in standing.get(price, [])), Decimal(0))
        if there < size:
            trade_for_crowd(exchange, symbol, side, price, size - there)
        elif there > size:
            _shrink(exchange, standing[price], there - size)


def _shrink(exchange: Exchange, orders: list[Order], surplus: Decimal) -> None:
    """Those who came last leave first."""
    for order in reversed(orders):
        if surplus <= 0:
            return
        if order.remaining <= surplus:
            surplus -= order.remaining
            cancel(exchange, order)
        else:
            order.quantity -= surplus
            exchange.note(order)
            return
