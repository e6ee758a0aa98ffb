"""Every bound in one place: the numbers of the design, section 8, by the name of the row."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bound:
    """``of`` is the statistic; the limit is in the row's unit."""

    of: Literal["p50", "p99", "max"]
    limit: float
    at_least: bool = False

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{self.of} {'≥' if self.at_least else '≤'} {self.limit:,g}"


# "Flat" has no number in the design; half as much again, at a thousand times the size, is ours.
FLAT = (Bound("p50", 1.5),)
# What ended is kept until a full comparison agreed, and two minutes more (L6-10): at fifty orders a
# second 9,000 orders of 4 kB, beside two bounded lists of 10 MB. From the fourth minute on nothing
# is added.
FILLING = (Bound("p50", 1.5),)
STEADY = (Bound("p50", 1.05),)
L5 = (Bound("p50", 25), Bound("p99", 200))
START = (Bound("p50", 500),)
MEMORY = (Bound("max", 120),)
IDLE, NEW = (Bound("p50", 10),), (Bound("p50", 25),)
OPEN = ("1", "100", "1,000", "10,000")
INSTANTS = ("", ", same instant")
CASES = ("", ", 10,000 commits", ", 1,000 proposals")

BOUNDS: dict[str, tuple[Bound, ...]] = {
    "stop: no order can leave": (Bound("p99", 50),),
    "stop: 100 cancels acknowledged": (Bound("p99", 1_000),),
    "stop: venue verified clean": (Bound("p99", 8_000),),
    **{f"cycle: nothing to do{case}": IDLE for case in CASES},
    **{f"cycle: new commit, four sign-offs{case}": NEW for case in CASES},
    **{f"cycle: nothing to do{case} by few": FLAT for case in CASES[1:]},
    **{f"cycle: new commit, four sign-offs{case} by few": FLAT for case in CASES[1:]},
    **{f"L5 decision{which}, {count} open": L5 for which in INSTANTS for count in OPEN},
    **{f"L5 decision{which}, 10,000 open by 1": FLAT for which in INSTANTS},
    "L5 snapshot and decision, 10,000 open by 1": FLAT,
    "journal: append on disk": (Bound("p50", 1_000),),
    "decision to wire: decision on disk": (Bound("p50", 1_000),),
    "decision to wire: intent on disk": (Bound("p50", 1_000),),
    "order's life, 2,000 open by 500": FLAT,
    "order's life, 2,000 open by 500: in memory": FLAT,
    "sustained: orders a second": (Bound("p50", 49.5, at_least=True),),
    "sustained: an order, the last minute by the first": FLAT,
    "sustained: memory, the last minute by the first": FILLING,
    "sustained: memory, the last minute by the sixth": STEADY,
    "sustained: memory that an order adds": (Bound("p50", 5),),
    "audit: leaves of a chain": (Bound("p50", 10_000, at_least=True),),
    "governor --help": START,
    "governor --help, memory": MEMORY,
    "governor verify": START,
    "governor verify, memory": MEMORY,
    "governor watch, until armed": START,
    "governor watch, memory": MEMORY,
}
