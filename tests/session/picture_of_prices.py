"""Session records over the real hours of February and March 2020, with orders made up for them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from desired_state.values import Mode, StopClass
from layers.adapters.csv_bars import carried_prices
from layers.feed import Series, Window
from layers.market import Bar
from layers.orders import Fill, OrderState, Purpose, Side, TimeInForce
from reconciler.marks import Mark
from reconciler.session_ending import Ending
from reconciler.session_record import OrderLine, SessionRecord, SessionSetup, TriggerLine

HOUR = timedelta(hours=1)
SYMBOL = "BTC/USDT"
SIZE = Decimal("0.05")
TRIGGERS = (
    ("VOLATILITY_SPIKE", "2020-03-08T06:00:00+00:00", "2020-03-09T18:00:00+00:00"),
    ("VOLATILITY_SPIKE", "2020-03-09T12:00:00+00:00", "2020-03-10T02:00:00+00:00"),
    ("EXTREME_TREND", "2020-03-12T06:00:00+00:00", "2020-03-13T18:00:00+00:00"),
)


def day(month: int, number: int) -> datetime:
    return datetime(2020, month, number, tzinfo=UTC)


def prices(start: datetime, end: datetime) -> list[Bar]:
    items = carried_prices().bars(Series(SYMBOL, HOUR), Window(start, end))
    return [item for item in items if isinstance(item, Bar)]


def record(start: datetime, end: datetime, *, stop: StopClass | None = None) -> SessionRecord:
    """A session that buys below the price and sells above it, all day long."""
    bars = prices(start, end)
    orders = tuple(_orders(bars))
    fills = tuple(_fills(bars, orders))
    return SessionRecord(
        setup=setup(start, end),
        run_id="Sb7d3f8a1c2e4",
        ending=Ending.STOPPED if stop else Ending.COMPLETED,
        stop=stop,
        first=bars[0].closed,
        last=bars[-1].closed,
        bars=len(bars),
        orders=orders,
        fills=fills,
        marks=tuple(_marks(bars, fills)),
        triggers=tuple(
            TriggerLine(
                kind=kind,
                since=datetime.fromisoformat(since),
                until=datetime.fromisoformat(until),
            )
            for kind, since, until in TRIGGERS
        ),
        refusals={},
        plans=(),
    )


def setup(start: datetime, end: datetime) -> SessionSetup:
    digest = "sha256:" + "0" * 64
    return SessionSetup(
        symbol=SYMBOL,
        mode=Mode.PAPER,
        interval=HOUR,
        seed=7,
        start=start,
        end=end,
        feed=digest,
        configuration=digest,
        limits=digest,
    )


def empty_record(start: datetime) -> SessionRecord:
    return SessionRecord(
        setup=setup(start, datetime.max.replace(microsecond=0, tzinfo=UTC)),
        run_id="Sb7d3f8a1c2e4",
        ending=Ending.NOT_PERMITTED,
        stop=None,
        first=None,
        last=None,
        bars=0,
        orders=(),
        fills=(),
        marks=(),
        triggers=(),
        refusals={},
        plans=(),
    )


def _orders(bars: list[Bar]) -> Iterable[OrderLine]:
    for place in range(0, len(bars) - 8, 8):
        bar = bars[place]
        for side, factor in ((Side.BUY, "0.985"), (Side.SELL, "1.015")):
            price = (bar.close * Decimal(factor)).quantize(Decimal("0.01"))
            met = _met(bars[place + 1 : place + 8], side, price)
            yield OrderLine(
                client_order_id=f"g{place:016d}{side[0]}",
                intent_id=f"I-{place:016x}",
                purpose=Purpose.ENTRY if side is Side.BUY else Purpose.TAKE_PROFIT,
                side=side,
                time_in_force=TimeInForce.GTC,
                price=price,
                quantity=SIZE,
                filled=SIZE if met else Decimal(0),
                state=OrderState.FILLED if met else OrderState.CANCELLED,
                placed_at=bar.closed,
                ended_at=met.closed if met else bars[place + 7].closed,
            )


def _met(bars: list[Bar], side: Side, price: Decimal) -> Bar | None:
    touched = (b for b in bars if (b.low <= price if side is Side.BUY else b.high >= price))
    return next(touched, None)


def _fills(bars: list[Bar], orders: tuple[OrderLine, ...]) -> Iterable[Fill]:
    del bars
    for place, order in enumerate(orders):
        if order.state is OrderState.FILLED and order.ended_at:
            yield Fill(
                fill_id=str(place),
                client_order_id=order.client_order_id,
                symbol=SYMBOL,
                side=order.side,
                price=order.price,
                quantity=order.quantity,
                fee=Decimal(0),
                fee_currency="USDT",
                maker=True,
                at=order.ended_at,
            )


def _marks(bars: list[Bar], fills: tuple[Fill, ...]) -> Iterable[Mark]:
    cash, held = Decimal(10_000), Decimal(0)
    left = sorted(fills, key=lambda fill: fill.at)
    for _, bar in pairwise([bars[0], *bars]):
        while left and left[0].at <= bar.closed:
            fill = left.pop(0)
            sign = 1 if fill.side is Side.BUY else -1
            cash -= sign * fill.price * fill.quantity
            held += sign * fill.quantity
        worth = (cash + held * bar.close).quantize(Decimal("0.01"))
        yield Mark(at=bar.closed, equity=worth, realised=Decimal(0), price=str(bar.close))
