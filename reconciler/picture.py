"""A picture of what a session did, as SVG: price, orders, fills, triggers, stop, profit and loss.

Pure and deterministic. It loads nothing from anywhere, and no text of a record can become markup.
Several sessions of one symbol share one time axis, with the stops that ended them between.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, pairwise
from typing import Final

from desired_state.values import amount_text, instant_text
from layers.orders import Side
from reconciler.canvas import (
    ZERO,
    Box,
    Point,
    TimeScale,
    ValueScale,
    day_text,
    label,
    line,
    near,
    number,
    number_text,
    rectangle,
    safe,
    shape,
    thinned,
)
from reconciler.marks import Mark
from reconciler.session_record import OrderLine, SessionRecord

WIDTH: Final = 1200
MARGIN: Final = 24
LEFT: Final = 138  # room for the names of the triggers
LANE: Final = 13  # height of one kind of trigger above the price
LANES_TOP: Final = 96
PRICE_HEIGHT: Final = 390
PNL_HEIGHT: Final = 150
BETWEEN: Final = 46
TIME_TICKS: Final = 10
NARROWEST: Final = Decimal(3)  # an order that lived for no time is still seen
STYLE: Final = """
text{font-family:Helvetica,Arial,sans-serif;font-size:11px;fill:#475569}
.page{fill:#ffffff}.panel{fill:#fbfcfe;stroke:#cbd5e1}.grid{stroke:#e8edf3}
.head{font-size:17px;font-weight:bold;fill:#0f172a}.under{font-size:12.5px}
.left{text-anchor:end}.mid{text-anchor:middle}.caption{font-weight:bold;fill:#334155}
.lane{font-size:9.5px;text-anchor:end;fill:#6d5a9c}
.band{fill:#8b7bc0;fill-opacity:.10}.span{fill:#8b7bc0;fill-opacity:.75}
.price{fill:none;stroke:#334155;stroke-width:1.3;stroke-linejoin:round}
.buy{stroke:#2563eb;stroke-opacity:.55}.sell{stroke:#d97706;stroke-opacity:.55}
.bought{fill:#2563eb;stroke:#fff;stroke-width:.8}.sold{fill:#d97706;stroke:#fff;stroke-width:.8}
.stop{stroke:#c81e1e;stroke-width:1.8}.alarm{fill:#c81e1e;font-weight:bold}
.edge{stroke:#94a3b8;stroke-dasharray:3 4}.zero{stroke:#64748b}
.pnl{fill:none;stroke:#334155;stroke-width:1.2;stroke-linejoin:round}
.gain{fill:#2e9e6b;fill-opacity:.22}.loss{fill:#c81e1e;fill-opacity:.18}
""".strip().replace("\n", "")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands."""

    time: TimeScale
    price: ValueScale
    pnl: ValueScale
    kinds: tuple[str, ...]

    @property
    def height(self) -> int:
        """Of the whole page."""
        return self.pnl.box.bottom + 44


def draw(record: SessionRecord) -> str:
    """The session as one SVG document."""
    return draw_many((record,))


def draw_many(records: Sequence[SessionRecord]) -> str:
    """Sessions that follow each other, as one SVG document; nothing at all is a picture too.

    Raises:
        ValueError: records of more than one symbol, whose prices have no axis in common.
    """
    if len({record.setup.symbol for record in records}) > 1:
        raise ValueError("one picture shows one symbol")
    layout = _layout(records)
    parts = chain(
        _head(records),
        _legend(layout),
        _panels(layout),
        _bands(layout, records),
        chain.from_iterable(_orders(layout, record) for record in records),
        _prices(layout, records),
        _profits(layout, records),
        chain.from_iterable(_fills(layout, record) for record in records),
        _endings(layout, records),
    )
    size = f'width="{WIDTH}" height="{layout.height}" viewBox="0 0 {WIDTH} {layout.height}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{safe(_title(records))}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{layout.height}"/>',
            *parts,
            "</svg>\n",
        )
    )


# --- the page --------------------------------------------------------------------------------
def _layout(records: Sequence[SessionRecord]) -> Layout:
    kinds = tuple(sorted({t.kind for record in records for t in record.triggers}))
    top = LANES_TOP + LANE * len(kinds) + 6
    upper = Box(LEFT, top, WIDTH - LEFT - MARGIN, PRICE_HEIGHT)
    lower = Box(LEFT, upper.bottom + BETWEEN, upper.width, PNL_HEIGHT)
    times = [at for record in records for at in _instants(record)]
    start = min(times, default=datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
    end = max(max(times, default=start), start + timedelta(minutes=1))
    profits = (amount for series in _series(records) for _, amount in series)
    return Layout(
        time=TimeScale(start, end, upper),
        price=ValueScale.over(chain.from_iterable(map(_levels, records)), upper),
        pnl=ValueScale.over((ZERO, *profits), lower),
        kinds=kinds,
    )


def _instants(record: SessionRecord) -> Iterator[datetime]:
    """Times at which something is drawn; where there are none, the session's planned start.

    The planned end is not one of them: a session without one ends with its feed.
    """
    found = [
        *(at for at in (record.first, record.last) if at),
        *(mark.at for mark in record.marks),
        *(fill.at for fill in record.fills),
        *(order.placed_at for order in record.orders),
        *(order.ended_at for order in record.orders if order.ended_at),
    ]
    yield from found or [record.setup.start]


def _levels(record: SessionRecord) -> Iterator[Decimal]:
    yield from (price for _, price in _priced(record.marks))
    yield from (order.price for order in record.orders)
    yield from (fill.price for fill in record.fills)


def _priced(marks: Iterable[Mark]) -> Iterator[tuple[datetime, Decimal]]:
    for mark in marks:
        price = number(mark.price)
        if price is not None:
            yield mark.at, price


def _series(records: Sequence[SessionRecord]) -> list[list[tuple[datetime, Decimal]]]:
    """Profit and loss since the first mark of all, one list for each session."""
    first = next((mark.equity for record in records for mark in record.marks), ZERO)
    return [[(m.at, m.equity - first) for m in record.marks] for record in records]


def _end(record: SessionRecord, layout: Layout) -> datetime:
    return record.last or max(_instants(record), default=layout.time.end)


def _title(records: Sequence[SessionRecord]) -> str:
    if not records:
        return "No session"
    modes = " / ".join(dict.fromkeys(record.setup.mode.value for record in records))
    return f"{records[0].setup.symbol} \u00b7 {modes}"


def _summary(records: Sequence[SessionRecord]) -> str:
    if not records:
        return "nothing was run"
    times = [at for record in records for at in _instants(record)]
    orders = sum(len(record.orders) for record in records)
    fills = sum(len(record.fills) for record in records)
    profit = [amount for series in _series(records) for _, amount in series][-1:]
    words = [
        f"{_moment(min(times))} to {_moment(max(times))} UTC",
        f"{orders} orders",
        f"{fills} fills",
        "ended: " + ", then ".join(_ending(record) for record in records),
        *(f"profit and loss {number_text(amount.quantize(Decimal('0.01')))}" for amount in profit),
    ]
    return " \u00b7 ".join(words)


def _ending(record: SessionRecord) -> str:
    kind = f" ({record.stop.value})" if record.stop else ""
    return record.ending.value.replace("_", " ") + kind


def _moment(at: datetime) -> str:
    return f"{day_text(at)} {at.year:04d} {at.hour:02d}:{at.minute:02d}"


def _head(records: Sequence[SessionRecord]) -> Iterator[str]:
    names = " \u2192 ".join(record.run_id for record in records)
    yield label((Decimal(MARGIN), Decimal(32)), _title(records), "head")
    yield label((Decimal(WIDTH - MARGIN), Decimal(32)), names, "left")
    yield label((Decimal(MARGIN), Decimal(53)), _summary(records), "under")


def _legend(layout: Layout) -> Iterator[str]:
    x, y = Decimal(MARGIN), Decimal(76)
    entries = (
        ("price", "price (close)"),
        ("buy", "resting buy"),
        ("sell", "resting sell"),
        ("bought", "bought"),
        ("sold", "sold"),
        ("span", "no-trade trigger"),
        ("stop", "stop"),
    )
    for look, words in entries:
        if look in {"bought", "sold"}:
            yield _triangle((x + 9, y), rising=look == "bought")
        elif look == "span":
            yield rectangle((x, y - 5), (x + 18, y + 5), look)
        else:
            yield line((x, y), (x + 18, y), look)
        yield label((x + 24, y + 4), words, "under")
        x += 44 + near(Decimal("6.6") * len(words))
    yield label((Decimal(layout.price.box.right), y + 4), "market time, UTC", "left")


def _panels(layout: Layout) -> Iterator[str]:
    panels = ((layout.price, 8, "price"), (layout.pnl, 4, "profit and loss"))
    for scale, most, words in panels:
        box = scale.box
        left, right = Decimal(box.left), Decimal(box.right)
        yield rectangle((left, Decimal(box.top)), (right, Decimal(box.bottom)), "panel")
        for y, value in scale.ticks(most):
            yield line((left, y), (right, y), "grid")
            yield label((left - 8, y + 4), value, "left")
        yield label((Decimal(MARGIN), Decimal(box.top + 12)), words, "caption")
        for x, _ in layout.time.ticks(TIME_TICKS):
            yield line((x, Decimal(box.top)), (x, Decimal(box.bottom)), "grid")
    for x, value in layout.time.ticks(TIME_TICKS):
        yield label((x, Decimal(layout.pnl.box.bottom + 18)), value, "mid")


# --- what happened ---------------------------------------------------------------------------
def _bands(layout: Layout, records: Sequence[SessionRecord]) -> Iterator[str]:
    box = layout.price.box
    for lane, kind in enumerate(layout.kinds):
        top = Decimal(LANES_TOP + LANE * lane)
        yield label((Decimal(LEFT - 8), top + 9), kind, "lane")
        for since, until in _joined(records, kind):
            x1, x2 = layout.time.x(since), layout.time.x(until)
            if x1 < x2:  # what lies outside what is shown has no width
                words = f"{kind} {instant_text(since)} to {instant_text(until)}"
                yield rectangle((x1, top), (x2, top + LANE - 4), "span", words)
                yield rectangle((x1, Decimal(box.top)), (x2, Decimal(box.bottom)), "band")


def _joined(records: Sequence[SessionRecord], kind: str) -> list[tuple[datetime, datetime]]:
    """Spans of one kind; those that touch are one."""
    spans = sorted((t.since, t.until) for r in records for t in r.triggers if t.kind == kind)
    joined: list[tuple[datetime, datetime]] = []
    for since, until in spans:
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((since, until))
    return joined


def _orders(layout: Layout, record: SessionRecord) -> Iterator[str]:
    for order in record.orders:
        x1, x2 = layout.time.x(order.placed_at), layout.time.x(_ended(order, record, layout))
        y = layout.price.y(order.price)
        yield line((x1, y), (max(x2, x1 + NARROWEST), y), _look(order.side, "buy", "sell"))


def _ended(order: OrderLine, record: SessionRecord, layout: Layout) -> datetime:
    return order.ended_at or _end(record, layout)


def _look(side: Side, buy: str, sell: str) -> str:
    return buy if side is Side.BUY else sell


def _prices(layout: Layout, records: Sequence[SessionRecord]) -> Iterator[str]:
    for record in records:
        points = [(layout.time.x(at), layout.price.y(p)) for at, p in _priced(record.marks)]
        if points:
            yield shape("polyline", thinned(points), "price")


def _fills(layout: Layout, record: SessionRecord) -> Iterator[str]:
    for fill in record.fills:
        at = (layout.time.x(fill.at), layout.price.y(fill.price))
        verb = _look(fill.side, "bought", "sold")
        words = f"{verb} {amount_text(fill.quantity)} at {amount_text(fill.price)}"
        yield _triangle(at, rising=fill.side is Side.BUY, words=words)


def _triangle(at: Point, *, rising: bool, words: str = "") -> str:
    (x, y), reach = at, Decimal(-6 if rising else 6)
    corners = ((x, y + reach), (x - 5, y - reach / 2), (x + 5, y - reach / 2))
    return shape("polygon", corners, "bought" if rising else "sold", words)


def _profits(layout: Layout, records: Sequence[SessionRecord]) -> Iterator[str]:
    scale, zero = layout.pnl, layout.pnl.y(ZERO)
    for series in _series(records):
        points = thinned((layout.time.x(at), scale.y(amount)) for at, amount in series)
        for look, side in (("gain", min), ("loss", max)):
            area = [(x, side(y, zero)) for x, y in _crossed(points, zero)]
            if any(y != zero for _, y in area):
                closed = [(area[0][0], zero), *area, (area[-1][0], zero)]
                yield shape("polygon", closed, look)
        if points:
            yield shape("polyline", points, "pnl")
    yield line((Decimal(scale.box.left), zero), (Decimal(scale.box.right), zero), "zero")


def _crossed(points: Sequence[Point], zero: Decimal) -> Iterator[Point]:
    """The points, and those where the line between two of them meets zero."""
    yield from points[:1]
    for (x1, y1), (x2, y2) in pairwise(points):
        if (y1 - zero) * (y2 - zero) < ZERO:
            yield near(x1 + (x2 - x1) * (zero - y1) / (y2 - y1)), zero
        yield x2, y2


def _endings(layout: Layout, records: Sequence[SessionRecord]) -> Iterator[str]:
    top, bottom = Decimal(layout.price.box.top), Decimal(layout.pnl.box.bottom)
    for place, record in enumerate(records):
        x = layout.time.x(_end(record, layout))
        if record.stop:
            yield line((x, top), (x, bottom), "stop")
            side = "alarm left" if x > WIDTH // 2 else "alarm"
            beside = x - 6 if x > WIDTH // 2 else x + 6
            yield label((beside, bottom - 8), f"stop: {record.stop.value}", side)
        elif place < len(records) - 1:
            yield line((x, top), (x, bottom), "edge")
