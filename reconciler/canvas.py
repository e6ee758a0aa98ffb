"""Scales, axis marks and the few shapes a picture is drawn with. Pure, exact, and always the same.

Coordinates are ``Decimal`` with one place: the same record gives the same bytes everywhere.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

ZERO: Final = Decimal(0)
TENTH: Final = Decimal("0.1")
SMALLEST: Final = Decimal("1e-12")
HEADROOM: Final = Decimal("0.06")  # of the range, above and below what is drawn
STEPS: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun")
MONTHS_LATER: Final = ("Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
RESOLUTION: Final = timedelta.resolution
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
TIME_STEPS: Final = (
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 4, 7, 14, 28, 56, 112, 365, 1825)),
)
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Point = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the page, from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The lower edge."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Market time from left to right."""

    start: datetime
    end: datetime  # after the start
    box: Box

    def x(self, at: datetime) -> Decimal:
        """Where an instant stands; what lies outside stands at the edge."""
        inside = min(max(at, self.start), self.end) - self.start
        share = Decimal(inside // RESOLUTION) / ((self.end - self.start) // RESOLUTION)
        return near(self.box.left + self.box.width * share)

    def ticks(self, most: int) -> Iterator[tuple[Decimal, str]]:
        """At most about ``most`` round instants and their words."""
        span = self.end - self.start
        step = next((s for s in TIME_STEPS if span <= s * most), TIME_STEPS[-1])
        count = -((EPOCH - self.start) // step)  # rounded up
        while (at := EPOCH + step * count) <= self.end:
            yield self.x(at), day_text(at) if step >= DAY else f"{day_text(at)} {at:%H:%M}"
            count += 1


@dataclass(frozen=True, slots=True)
class ValueScale:
    """Values from the bottom up."""

    low: Decimal
    high: Decimal  # above the low one
    box: Box

    @classmethod
    def over(cls, values: Iterable[Decimal], box: Box) -> "ValueScale":
        """A scale that shows them all, with some room above and below."""
        found = tuple(values) or (ZERO, Decimal(1))
        low, high = min(found), max(found)
        room = (high - low) * HEADROOM or abs(high) * HEADROOM or Decimal(1)
        return cls(low - room, high + room, box)

    def y(self, value: Decimal) -> Decimal:
        """Where a value stands."""
        share = (self.high - value) / (self.high - self.low)
        return near(self.box.top + self.box.height * share)

    def ticks(self, most: int) -> Iterator[tuple[Decimal, str]]:
        """At most about ``most`` round values and their words."""
        wanted = max((self.high - self.low) / most, SMALLEST)
        power = Decimal(1).scaleb(wanted.adjusted())
        step = next(power * s for s in STEPS if power * s >= wanted)
        value = (self.low / step).to_integral_value(rounding="ROUND_CEILING") * step
        while value <= self.high:
            yield self.y(value), number_text(value)
            value += step


def near(value: Decimal) -> Decimal:
    """To one place, the precision of the page."""
    return value.quantize(TENTH)


def day_text(at: datetime) -> str:
    """``24 Feb``, in no locale."""
    return f"{at.day} {(*MONTHS, *MONTHS_LATER)[at.month - 1]}"


def number_text(value: Decimal) -> str:
    """Plain notation with thousands apart and no trailing zeros."""
    text = f"{value:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text.replace("-", "\u2212")


def safe(text: str) -> str:
    """Text that cannot be markup, whatever it is; what XML cannot hold is shown as replaced."""
    return escape(_NOT_XML.sub("\ufffd", text), {'"': "&quot;", "'": "&apos;"})


def number(text: str) -> Decimal | None:
    """A finite decimal, or nothing."""
    if not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,18})?", text):
        return None
    return Decimal(text)


def line(start: Point, end: Point, look: str) -> str:
    """A straight line in a class of the style sheet."""
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{look}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def rectangle(start: Point, end: Point, look: str, words: str = "") -> str:
    """A rectangle from its upper left to its lower right corner; ``words`` show on hovering."""
    (x1, y1), (x2, y2) = start, end
    shape = f'<rect class="{look}" x="{x1}" y="{y1}" width="{x2 - x1}" height="{y2 - y1}"'
    return f"{shape}><title>{safe(words)}</title></rect>" if words else f"{shape}/>"


def label(at: Point, words: str, look: str) -> str:
    """Words at a place."""
    return f'<text class="{look}" x="{at[0]}" y="{at[1]}">{safe(words)}</text>'


def shape(kind: str, points: Sequence[Point], look: str, words: str = "") -> str:
    """A polyline or polygon through these points."""
    places = " ".join(f"{x},{y}" for x, y in points)
    inside = f"<title>{safe(words)}</title>" if words else ""
    return f'<{kind} class="{look}" points="{places}">{inside}</{kind}>'


def triangle(at: Point, *, rising: bool, words: str = "") -> str:
    """A fill: upwards and blue if bought, downwards if sold."""
    (x, y), reach = at, Decimal(-6 if rising else 6)
    corners = ((x, y + reach), (x - 5, y - reach / 2), (x + 5, y - reach / 2))
    return shape("polygon", corners, "bought" if rising else "sold", words)


def thinned(points: Iterable[Point]) -> list[Point]:
    """One line's points with at most four in a column of pixels: first, extremes and last.

    A year of minutes has half a million marks; no more of them can be seen than this.
    """
    columns: dict[int, list[Point]] = {}
    for point in points:
        columns.setdefault(int(point[0]), []).append(point)
    kept: list[Point] = []
    for column in columns.values():
        extremes = {min(column, key=_height), max(column, key=_height), column[0], column[-1]}
        kept.extend(point for point in dict.fromkeys(column) if point in extremes)
    return kept


def _height(point: Point) -> Decimal:
    return point[1]
