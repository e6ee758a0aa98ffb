"""One measured thing, its quantiles, and whether its bounds hold."""

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

from tests.bench.bounds import BOUNDS, Bound

NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure, and where: ``folder`` lies on a disk whose fsync is real."""

    folder: Path
    runs: int  # stops
    share: float = 1.0  # of everything else; 0: once

    def some(self, most: int) -> int:
        """How often, where ``most`` is the full measurement."""
        return max(1, round(most * self.share))


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else's cost of the same thing, measured in the same run; none: not installed."""

    name: str
    values: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A name that bounds.py may know, and every value that was seen."""

    name: str
    unit: str
    values: tuple[float, ...]
    peer: Peer | None = None
    note: str = ""

    @property
    def p50(self) -> float:
        return statistics.median(self.values)

    @property
    def p99(self) -> float:
        """The smallest value that at least 99 of 100 do not exceed."""
        ordered = sorted(self.values)
        return ordered[math.ceil(0.99 * len(ordered)) - 1]

    @property
    def most(self) -> float:
        return max(self.values)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        return BOUNDS.get(self.name, ())

    @property
    def ok(self) -> bool | None:
        """None where nothing bounds it."""
        found = {"p50": self.p50, "p99": self.p99, "max": self.most}
        return all(b.holds(found[b.of]) for b in self.bounds) if self.bounds else None

    @property
    def peer_p50(self) -> float | None:
        return statistics.median(self.peer.values) if self.peer and self.peer.values else None

    @property
    def ratio(self) -> float | None:
        """Ours by theirs; below one is faster."""
        return self.p50 / self.peer_p50 if self.peer_p50 else None


Rows = Callable[[Plan], Iterator[Measured]]


def microseconds(act: Callable[[], object]) -> float:
    """What one call took."""
    start = perf_counter_ns()
    act()
    return (perf_counter_ns() - start) / 1_000
