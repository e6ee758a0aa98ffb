"""Fifty orders a second for ten minutes, each with its own decision, permit and three fsyncs.

They rest at the local exchange until the second's end. Then all are cancelled in one sweep, as by a
session whose permission falls, what the venue shows is taken in order by order, and whatever
comparison of books and venue is due is made, a full one each minute. Orders are due on a fixed
beat: whoever is late sends at once, and the time of an order does not count the wait for its beat.
The exchange is a process of its own, so the memory is ours alone. A short run says how much an
order adds to it while nothing is let go yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic, sleep

from tests.bench.measurement import Measured, Plan, microseconds
from tests.bench.order_desk import OrderDesk, order_desk

RATE = 50
SECONDS = 600
MINUTE = 60
KB_A_MB = 1024
# Rows of the full run alone, and the minute that they compare the last one with. What ended stays
# for two minutes, for its intent's minute, and until the next full comparison: four fill memory.
LONG = {
    "sustained: memory, the last minute by the first": 0,
    "sustained: memory, the last minute by the sixth": 5,
}
STATUS = Path("/proc/self/status")


@dataclass(slots=True)
class Taken:
    """Microseconds an order, milliseconds of a second's ends and late, memory a minute."""

    orders: list[float] = field(default_factory=list)
    cancels: list[float] = field(default_factory=list)
    upkeep: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


def rows(plan: Plan) -> Iterator[Measured]:
    """The rate that was held, what an order took, and what stayed in memory."""
    seconds = max(2, plan.some(SECONDS))
    minute = min(MINUTE, max(1, seconds // 10))  # a short run counts tenths
    with order_desk(plan.folder / "sustained") as desk:
        taken = _run(desk, seconds, minute)
    note = f"{len(taken.orders):,} orders, each minute's" if minute == MINUTE else "a short run's"
    yield Measured("sustained: orders a second", "/s", tuple(taken.rates), note=note)
    yield Measured("sustained: an order, to its answer on disk", "µs", tuple(taken.orders))
    yield Measured("sustained: a second's cancel of all", "ms", tuple(taken.cancels))
    yield Measured("sustained: a second's upkeep", "ms", tuple(taken.upkeep))
    yield Measured("sustained: behind the beat", "ms", tuple(taken.late))
    part = minute * RATE
    growth = median(taken.orders[-part:]) / median(taken.orders[:part])
    yield Measured("sustained: an order, the last minute by the first", "ratio", (growth,))
    yield Measured("sustained: memory", "MB", tuple(taken.memory), note="resident, each minute")
    if minute == MINUTE:
        for name, place in LONG.items():
            yield Measured(name, "ratio", (taken.memory[-1] / taken.memory[place],))
    else:  # what ended minutes ago is let go, so that a run of one minute only fills
        grown = (taken.memory[-1] - taken.memory[0]) * KB_A_MB
        orders = part * (len(taken.memory) - 1)
        yield Measured("sustained: memory that an order adds", "kB", (grown / orders,))


def _run(desk: OrderDesk, seconds: int, minute: int) -> Taken:
    taken = Taken()
    begun = began_minute = monotonic()
    for second in range(seconds):
        for beat in range(RATE):
            _wait(begun + second + beat / RATE)
            taken.late.append(max(0.0, monotonic() - begun - second - beat / RATE) * 1_000)
            desk.order()
            taken.orders.append(desk.watch.between("start", "end"))
        taken.cancels.append(microseconds(desk.cancel_all) / 1_000)
        taken.upkeep.append(microseconds(desk.upkeep) / 1_000)
        if (second + 1) % minute == 0:
            taken.memory.append(_resident())
            now = monotonic()
            taken.rates.append(minute * RATE / (now - began_minute))
            began_minute = now
    return taken


def _wait(until: float) -> None:
    left = until - monotonic()
    if left > 0:
        sleep(left)


def _resident() -> float:
    line = next(x for x in STATUS.read_text().splitlines() if x.startswith("VmRSS:"))
    return int(line.split()[1]) / KB_A_MB
