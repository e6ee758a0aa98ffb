"""A picture of what a session did, as SVG: price, orders, fills, triggers, stop, profit and loss.

Pure and deterministic. It loads nothing from anywhere, and no text of a record can become markup.
Several sessions of one symbol share one time axis, with the stops that ended them between.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain, pairwise
from typing import Final

from desired_state.values import amount_text, instant_text
from layers.orders import Side
from reconciler.canvas import (
    ZERO,
    Point,
    label,
    line,
    near,
    rectangle,
    safe,
    shape,
    thinned,
    triangle,
)
from reconciler.picture_page import (
    LANE,
    LANES_TOP,
    LEFT,
    STYLE,
    WIDTH,
    Layout,
    captions,
    end_of,
    head,
    layout_of,
    legend,
    panels,
    priced,
    profits_of,
    title,
)
from reconciler.session_record import OrderLine, SessionRecord

NARROWEST: Final = Decimal(3)  # an order that lived for no time is still seen


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
    layout = layout_of(records)
    parts = chain(
        head(records),
        legend(layout),
        panels(layout),
        captions(layout, records),
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
            f"<title>{safe(title(records))}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{layout.height}"/>',
            *parts,
            "</svg>\n",
        )
    )


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
    return order.ended_at or end_of(record, layout)


def _look(side: Side, buy: str, sell: str) -> str:
    return buy if side is Side.BUY else sell


def _prices(layout: Layout, records: Sequence[SessionRecord]) -> Iterator[str]:
    for record in records:
        points = [(layout.time.x(at), layout.price.y(p)) for at, p in priced(record.marks)]
        if points:
            yield shape("polyline", thinned(points), "price")


def _fills(layout: Layout, record: SessionRecord) -> Iterator[str]:
    for fill in record.fills:
        at = (layout.time.x(fill.at), layout.price.y(fill.price))
        verb = _look(fill.side, "bought", "sold")
        words = f"{verb} {amount_text(fill.quantity)} at {amount_text(fill.price)}"
        yield triangle(at, rising=fill.side is Side.BUY, words=words)


def _profits(layout: Layout, records: Sequence[SessionRecord]) -> Iterator[str]:
    scale, zero = layout.pnl, layout.pnl.y(ZERO)
    for series in profits_of(records):
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
        x = layout.time.x(end_of(record, layout))
        if record.stop:
            yield line((x, top), (x, bottom), "stop")
            side = "alarm left" if x > WIDTH // 2 else "alarm"
            beside = x - 6 if x > WIDTH // 2 else x + 6
            yield label((beside, bottom - 8), f"stop: {record.stop.value}", side)
        elif place < len(records) - 1:
            yield line((x, top), (x, bottom), "edge")
