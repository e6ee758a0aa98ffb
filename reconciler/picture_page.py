"""The page of a picture: where everything stands, its head, legend, panels and axes. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Final

from reconciler.canvas import (
    ZERO,
    Box,
    TimeScale,
    ValueScale,
    day_text,
    label,
    line,
    near,
    number,
    number_text,
    rectangle,
    triangle,
)
from reconciler.marks import Mark
from reconciler.session_record import SessionRecord

WIDTH: Final = 1200
MARGIN: Final = 24
LEFT: Final = 138  # room for the names of the triggers
LANE: Final = 13  # height of one kind of trigger above the price
LANES_TOP: Final = 96
PRICE_HEIGHT: Final = 390
PNL_HEIGHT: Final = 150
BETWEEN: Final = 46
TIME_TICKS: Final = 10
STYLE: Final = """
text{font-family:Helvetica,Arial,sans-serif;font-size:11px;fill:#475569}
.page{fill:#ffffff}.panel{fill:#fbfcfe;stroke:#cbd5e1}.grid{stroke:#e8edf3}
.head{font-size:17px;font-weight:bold;fill:#0f172a}.under{font-size:12.5px}
.left{text-anchor:end}.mid{text-anchor:middle}.caption{font-weight:bold;fill:#334155}
.lane{font-size:9.5px;text-anchor:end;fill:#6d5a9c}
.band{fill:#8b7bc0;fill-opacity:.10}.span{fill:#8b7bc0;fill-opacity:.75}
.price{fill:none;stroke:#334155;stroke-width:1.3;stroke-linejoin:round}
.buy{stroke:#2563eb;stroke-opacity:.7;stroke-width:1.3}
.sell{stroke:#d97706;stroke-opacity:.8;stroke-width:1.3}
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


def layout_of(records: Sequence[SessionRecord]) -> Layout:
    """A page that shows these records whole."""
    kinds = tuple(sorted({t.kind for record in records for t in record.triggers}))
    top = LANES_TOP + LANE * len(kinds) + 6
    upper = Box(LEFT, top, WIDTH - LEFT - MARGIN, PRICE_HEIGHT)
    lower = Box(LEFT, upper.bottom + BETWEEN, upper.width, PNL_HEIGHT)
    times = [at for record in records for at in instants(record)]
    start = min(times, default=datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
    end = max(max(times, default=start), start + timedelta(minutes=1))
    profits = (amount for series in profits_of(records) for _, amount in series)
    return Layout(
        time=TimeScale(start, end, upper),
        price=ValueScale.over(chain.from_iterable(map(_levels, records)), upper),
        pnl=ValueScale.over((ZERO, *profits), lower),
        kinds=kinds,
    )


def instants(record: SessionRecord) -> Iterator[datetime]:
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
    yield from (price for _, price in priced(record.marks))
    yield from (order.price for order in record.orders)
    yield from (fill.price for fill in record.fills)


def priced(marks: Iterable[Mark]) -> Iterator[tuple[datetime, Decimal]]:
    """The marks that have a readable price."""
    for mark in marks:
        price = number(mark.price)
        if price is not None:
            yield mark.at, price


def profits_of(records: Sequence[SessionRecord]) -> list[list[tuple[datetime, Decimal]]]:
    """Profit and loss since the first mark of all, one list for each session."""
    first = next((mark.earned for record in records for mark in record.marks), ZERO)
    return [[(m.at, m.earned - first) for m in record.marks] for record in records]


def end_of(record: SessionRecord, layout: Layout) -> datetime:
    """The last instant of a session."""
    return record.last or max(instants(record), default=layout.time.end)


def title(records: Sequence[SessionRecord]) -> str:
    """Symbol and modes."""
    if not records:
        return "No session"
    modes = " / ".join(dict.fromkeys(record.setup.mode.value for record in records))
    return f"{records[0].setup.symbol} \u00b7 {modes}"


def _summary(records: Sequence[SessionRecord]) -> str:
    if not records:
        return "nothing was run"
    times = [at for record in records for at in instants(record)]
    orders = sum(len(record.orders) for record in records)
    fills = sum(len(record.fills) for record in records)
    profit = [amount for series in profits_of(records) for _, amount in series][-1:]
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


def head(records: Sequence[SessionRecord]) -> Iterator[str]:
    """Title, summary and the names of the runs."""
    names = " \u2192 ".join(record.run_id for record in records)
    yield label((Decimal(MARGIN), Decimal(32)), title(records), "head")
    yield label((Decimal(WIDTH - MARGIN), Decimal(32)), names, "left")
    yield label((Decimal(MARGIN), Decimal(53)), _summary(records), "under")


def legend(layout: Layout) -> Iterator[str]:
    """What the colours and shapes mean."""
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
            yield triangle((x + 9, y), rising=look == "bought")
        elif look == "span":
            yield rectangle((x, y - 5), (x + 18, y + 5), look)
        else:
            yield line((x, y), (x + 18, y), look)
        yield label((x + 24, y + 4), words, "under")
        x += 44 + near(Decimal("6.6") * len(words))
    yield label((Decimal(layout.price.box.right), y + 4), "market time, UTC", "left")


def panels(layout: Layout) -> Iterator[str]:
    """The two panels with their grids and axes."""
    for scale, most in ((layout.price, 8), (layout.pnl, 4)):
        box = scale.box
        left, right = Decimal(box.left), Decimal(box.right)
        yield rectangle((left, Decimal(box.top)), (right, Decimal(box.bottom)), "panel")
        for y, value in scale.ticks(most):
            yield line((left, y), (right, y), "grid")
            yield label((left - 8, y + 4), value, "left")
        for x, _ in layout.time.ticks(TIME_TICKS):
            yield line((x, Decimal(box.top)), (x, Decimal(box.bottom)), "grid")
    for x, value in layout.time.ticks(TIME_TICKS):
        at_edge = x > layout.pnl.box.right - MARGIN
        yield label((x, Decimal(layout.pnl.box.bottom + 18)), value, "left" if at_edge else "mid")


def captions(layout: Layout, records: Sequence[SessionRecord]) -> Iterator[str]:
    """What the panels show, and that there is nothing to show."""
    upper, lower = layout.price.box, layout.pnl.box
    currency = "".join(f", {record.setup.symbol.split('/')[1]}" for record in records[:1])
    yield label((Decimal(MARGIN), Decimal(upper.top + 14)), f"price{currency}", "caption")
    words = f"profit and loss since the first mark{currency}"
    yield label((Decimal(LEFT), Decimal(lower.top - 8)), words, "caption")
    if not any(record.marks for record in records):
        middle = (Decimal(LEFT + upper.width // 2), Decimal(upper.top + upper.height // 2))
        yield label(middle, "no bar was traded on", "mid")
