"""One order's life with 500 and with 2,000 orders open: intent, L5, journal, exchange, books.

Ours is every order that was sent while so many rested, over HTTP and with three fsyncs each, beside
NautilusTrader's mean over a backtest that ends with so many, in memory.
"""

from collections.abc import Iterator
from statistics import median

from tests.bench import peer_order_life
from tests.bench.measurement import Measured, Peer, Plan, microseconds
from tests.bench.order_desk import OrderDesk, order_desk

OPEN = (500, 2_000)
FULL = 500
PEER_RUNS = 3
TITLE = "order's life, {:,} open"
LOOK = "a look at {:,} open orders"


def rows(plan: Plan) -> Iterator[Measured]:
    """A row for each number, how flat they are, and what a look at all of them costs."""
    counts = OPEN if plan.share else (1, 2)  # once: that it runs
    lives: dict[int, list[float]] = {}
    looks: dict[int, list[float]] = {}
    with order_desk(plan.folder / "life") as desk:
        for title, count in zip(OPEN, counts, strict=True):
            _fill(desk, count)
            lives[title] = [_life(desk) for _ in range(plan.some(FULL))]
            looks[title] = [microseconds(desk.upkeep) / 1_000 for _ in range(plan.some(5))]
    for title, count in zip(OPEN, counts, strict=True):
        yield _beside(TITLE.format(title), lives[title], _peer(count, plan))
    ratio = median(lives[OPEN[1]]) / median(lives[OPEN[0]])
    yield Measured(f"{TITLE.format(OPEN[1])} by 500", "ratio", (ratio,), note="of the medians")
    for title, taken in looks.items():
        yield Measured(LOOK.format(title), "ms", tuple(taken), note="not per order")


def _fill(desk: OrderDesk, count: int) -> None:
    while len(desk.execution.books.working) < count:
        desk.order()


def _life(desk: OrderDesk) -> float:
    """One more, and one away again, so that the number stays."""
    name = desk.order()
    taken = desk.watch.between("start", "end")
    desk.cancel(name)
    desk.take_in(name)
    return taken


def _peer(count: int, plan: Plan) -> tuple[float, ...] | None:
    runs = [peer_order_life.microseconds_an_order(count) for _ in range(plan.some(PEER_RUNS))]
    found = tuple(run for run in runs if run is not None)
    return found or None


def _beside(name: str, taken: list[float], theirs: tuple[float, ...] | None) -> Measured:
    note = "three fsyncs and a venue over HTTP; theirs in memory, the mean up to there"
    return Measured(name, "µs", tuple(taken), Peer("NautilusTrader backtest", theirs), note)
