"""The matching engine: submissions, cancels and bars in, orders, fills and balances out.

No clock, no I/O, no random generator: time comes with the bars, and latency is a hash of the seed
and the order's id, so that the same requests over the same bars give the same state (P-1).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

from layers.market import Bar, Level
from layers.orders import Fill, OrderRequest, Side, SymbolRules, TimeInForce
from layers.paper_venue.draws import draw
from layers.paper_venue.filters import screen
from layers.paper_venue.price_path import Step, ladder, on_grid, walk
from layers.paper_venue.queueing import shown_ahead
from layers.paper_venue.taking import adverse_move, beyond, reaches, walk_book
from layers.paper_venue.terms import (
    LIVE,
    NOTHING,
    Market,
    MarketModel,
    Order,
    Purse,
    Refusal,
    Status,
)

FEE_UNIT: Final = Decimal("0.00000001")  # P-8: fees are rounded up to this, in either currency
IMMEDIATE: Final = {TimeInForce.IOC: "immediate or cancel", TimeInForce.FOK: "fill or kill"}


@dataclass(slots=True)
class Exchange:
    """One account's working state between two transactions; ``fills`` and ``changed`` are new."""

    model: MarketModel
    rules: dict[str, SymbolRules]
    clock: datetime
    next_order: int
    next_fill: int
    purses: dict[str, Purse]
    markets: dict[str, Market]
    orders: dict[int, Order]
    fills: list[Fill] = field(default_factory=list)
    changed: dict[int, Order] = field(default_factory=dict)

    # --- requests ----------------------------------------------------------------------------
    def submit(self, request: OrderRequest) -> Order | Refusal:
        """Accept and lock the funds, or refuse; it reaches the book after its latency (P-6)."""
        numbers = screen(request, self.rules.get(request.symbol))
        if isinstance(numbers, Refusal):
            return numbers
        order = Order(
            number=self.next_order,
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            side=request.side,
            time_in_force=request.time_in_force,
            price=numbers.price,
            quantity=numbers.quantity,
            filled=NOTHING,
            status=Status.SUBMITTED,
            effective_at=self.clock + self._latency(request.client_order_id, "submit"),
            cancel_at=None,
            queue_ahead=NOTHING,
            updated_at=self.clock,
            reason="",
        )
        purse = self._purse(order.pays)
        if purse.free < order.locked:
            return Refusal.INSUFFICIENT_BALANCE
        purse.free -= order.locked
        purse.locked += order.locked
        self.next_order += 1
        self.keep(order)
        return order

    def cancel(self, number: int) -> Order:
        """End a live order now; works while the virtual clock stands still (P-7)."""
        return self._end(self.orders[number], Status.CANCELLED, self.clock, "")

    def ask_cancel(self, number: int) -> Order:
        """Let a cancel travel to the book: until it arrives the order may still fill (P-7)."""
        order = self.orders[number]
        if order.cancel_at is None:
            arrives = self.clock + self._latency(order.client_order_id, "cancel")
            order = self.keep(replace(order, cancel_at=arrives, updated_at=self.clock))
        return order

    # --- time --------------------------------------------------------------------------------
    def advance(self, bar: Bar) -> bool:
        """Walk the bar; false if the symbol is already there (a bar may be given twice)."""
        rules = self.rules[bar.symbol]
        market = self.markets.get(bar.symbol)
        if market is None:
            market = Market(bar.opened, bar.interval, bar.open, [], [])
            self.markets[bar.symbol] = market
        elif bar.closed <= market.as_of:
            return False
        market.interval = bar.interval
        steps = walk(bar, rules, self.model)
        for index, step in enumerate(steps):
            self._trade_resting(market, step, rules)
            market.bids, market.asks = ladder(step.price, bar, rules, self.model)
            market.last_price, market.as_of = step.price, step.at
            until = steps[index + 1].at if index + 1 < len(steps) else step.at
            self.arrivals(bar.symbol, step.at, until, until)
        self.clock = max(self.clock, bar.closed)
        return True

    def arrivals(self, symbol: str, start: datetime, until: datetime, fresh: datetime) -> None:
        """Orders and cancels that reach the book before ``until`` meet the present ladder.

        An order that arrives after ``fresh`` waits for a newer one (P-12); a cancel never waits.
        """
        due: list[tuple[datetime, int, int]] = []
        for order in self.live(symbol):
            arrives = order.effective_at
            if order.cancel_at is not None and order.cancel_at < until:
                due.append((max(order.cancel_at, start), 1, order.number))
            if order.status is Status.SUBMITTED and arrives < until and arrives <= fresh:
                due.append((max(arrives, start), 0, order.number))
            ends = self._ends(order)
            if ends is not None and ends < until:
                due.append((max(ends, start), 2, order.number))
        for at, kind, number in sorted(due):
            found = self.orders.get(number)
            if found is None:
                continue
            if kind == 0:
                self._arrive(found, self.markets[symbol], at)
            else:
                status = Status.CANCELLED if kind == 1 else Status.EXPIRED
                self._end(found, status, at, "" if kind == 1 else "good till date")

    def _ends(self, order: Order) -> datetime | None:
        """P-14: an order that rests ends by itself, if the venue says so."""
        if not self.model.good_for_s:
            return None
        return order.effective_at + timedelta(seconds=self.model.good_for_s)

    # --- matching ----------------------------------------------------------------------------
    def _arrive(self, order: Order, market: Market, at: datetime) -> None:
        levels = market.asks if order.side is Side.BUY else market.bids
        crossing = bool(levels) and reaches(order, levels[0].price)
        if self._crosses_own(order):
            self._end(order, Status.EXPIRED, at, "self-trade prevention")
            return
        if crossing and order.time_in_force is TimeInForce.POST_ONLY:
            self._end(order, Status.REJECTED, at, "order would immediately match")
            return
        order = self._take(order, market, levels, at)
        if order.status not in LIVE:
            return
        if order.time_in_force in IMMEDIATE:
            self._end(order, Status.EXPIRED, at, IMMEDIATE[order.time_in_force])
            return
        status = Status.PARTIALLY_FILLED if order.filled else Status.OPEN
        ahead = self.queue_at(order, market)
        self.keep(replace(order, status=status, queue_ahead=ahead, updated_at=at))

    def queue_at(self, order: Order, market: Market) -> Decimal | None:
        """What stands before an order that joins the book now; none where that is not shown."""
        own_side = market.bids if order.side is Side.BUY else market.asks
        if market.recorded:
            return shown_ahead(order, own_side, self.model)
        return (own_side[0].size if own_side else NOTHING) * self.model.queue_share

    def _take(self, order: Order, market: Market, levels: list[Level], at: datetime) -> Order:
        """P-4: walk the ladder; what is taken is gone until the next step refreshes it."""
        rules = self.rules[order.symbol]
        adverse = adverse_move(order, levels, rules, self.model) if market.recorded else NOTHING
        takes, left = walk_book(order, levels, rules, adverse)
        whole = sum((take.quantity for take in takes), NOTHING) == order.remaining
        if order.time_in_force is TimeInForce.FOK and not whole:
            return order
        levels[:] = left
        for take in takes:
            order = self.fill(order, take.price, take.quantity, at, maker=False)
        return order

    def _trade_resting(self, market: Market, step: Step, rules: SymbolRules) -> None:
        """P-5: resting orders fill only where trades went through them, or exhausted the queue."""
        low = min(market.last_price, step.price)
        high = max(market.last_price, step.price)
        budget = on_grid(step.volume * self.model.participation, rules.step, ROUND_DOWN)
        for order in self.live(rules.symbol):
            if order.status is Status.SUBMITTED:
                continue
            extreme = low if order.side is Side.BUY else high
            if extreme == order.price and step.price == order.price:
                ahead = order.queue_ahead or NOTHING
                evidence = step.volume - ahead
                left = max(NOTHING, ahead - step.volume)
                order = self.keep(replace(order, queue_ahead=left))  # noqa: PLW2901
            elif beyond(order, extreme):
                evidence = step.volume
            else:
                continue
            fillable = min(order.remaining, budget, on_grid(evidence, rules.step, ROUND_DOWN))
            if fillable > 0:
                budget -= fillable
                self.fill(order, order.price, fillable, step.at, maker=True)

    def _crosses_own(self, order: Order) -> bool:
        return any(
            other.side is not order.side
            and other.status is not Status.SUBMITTED
            and reaches(order, other.price)
            for other in self.live(order.symbol)
        )

    # --- bookkeeping -------------------------------------------------------------------------
    def fill(
        self, order: Order, price: Decimal, quantity: Decimal, at: datetime, *, maker: bool
    ) -> Order:
        """Execute so much at this price: order, balances, fee (P-8) and the fill itself."""
        base, quote = order.symbol.split("/")
        buying = order.side is Side.BUY
        rules = self.rules[order.symbol]
        received = quantity if buying else quantity * price
        rate = rules.maker_fee if maker else rules.taker_fee
        if self.model.worst_fee:
            rate = max(rules.maker_fee, rules.taker_fee)
        fee = on_grid(received * rate, FEE_UNIT, ROUND_UP)
        filled = order.filled + quantity
        status = Status.FILLED if filled == order.quantity else Status.PARTIALLY_FILLED
        after = replace(order, filled=filled, status=status, updated_at=at)
        paying = self._purse(order.pays)
        unlocked = order.locked - after.locked
        paying.locked -= unlocked
        paying.free += unlocked - (quantity * price if buying else quantity)
        self._purse(base if buying else quote).free += received - fee
        self.fills.append(
            Fill(
                fill_id=f"F-{self.next_fill:09d}",
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                side=order.side,
                price=price,
                quantity=quantity,
                fee=fee,
                fee_currency=base if buying else quote,
                maker=maker,
                at=at,
            )
        )
        self.next_fill += 1
        return self.keep(after)

    def _end(self, order: Order, status: Status, at: datetime, reason: str) -> Order:
        purse = self._purse(order.pays)
        purse.locked -= order.locked
        purse.free += order.locked
        return self.keep(replace(order, status=status, updated_at=at, reason=reason))

    def keep(self, order: Order) -> Order:
        """Remember the order as it is now."""
        self.changed[order.number] = order
        if order.status in LIVE:
            self.orders[order.number] = order
        else:
            self.orders.pop(order.number, None)
        return order

    def live(self, symbol: str) -> Iterator[Order]:
        """Live orders by time priority; one that ends on the way is left out."""
        numbers = sorted(n for n, order in self.orders.items() if order.symbol == symbol)
        return (self.orders[number] for number in numbers if number in self.orders)

    def _purse(self, currency: str) -> Purse:
        return self.purses.setdefault(currency, Purse(NOTHING, NOTHING))

    def _latency(self, client_order_id: str, what: str) -> timedelta:
        return latency(self.model, client_order_id, what)


def made_at(model: MarketModel, order: Order) -> datetime:
    """When its request came in: as long before it reached the book as it travelled (P-6)."""
    return order.effective_at - latency(model, order.client_order_id, "submit")


def latency(model: MarketModel, client_order_id: str, what: str) -> timedelta:
    """P-6: uniform between the model's bounds, a function of seed, id and direction."""
    low, high = model.latency_min_ms, model.latency_max_ms
    drawn = draw(model.seed, client_order_id, what)
    return timedelta(milliseconds=low + drawn % (max(high, low) - low + 1))
