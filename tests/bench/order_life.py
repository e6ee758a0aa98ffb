"""One order's life with 500 and with 2,000 orders open: intent, L5, journal, exchange, books.

Ours is every order that was sent while so many rested, over HTTP and with three fsyncs each, and
the same less what disk and venue took: L5, its record, permit, door and books. Beside both stands
NautilusTrader's mean over a backtest in memory that ends with so many.
"""

from collections.abc import Iterator
from statistics import median

from tests.bench import peer_order_life
from tests.bench.measurement import Measured, Peer, Plan, microseconds
from tests.bench.order_desk import OrderDesk, order_desk

OPEN = (500, 2_000)
FULL = 500
PEER_RUNS = 3
ELSEWHERE = (  # what NautilusTrader's backtest has no part for
    ("start", "scene"),
    ("decision due", "decision on disk"),
    ("order_intent due", "order_intent on disk"),
    ("order_intent on disk", "order_answer due"),
    ("order_answer due", "order_answer on disk"),
)
TITLE = "order's life, {:,} open"
LOOK = "a look at {:,} open orders"


def rows(plan: Plan) -> Iterator[Measured]:
    """A row for each number, how flat they are, and what a look at all of them costs."""
    counts = OPEN if plan.share else (1, 2)  # once: that it runs
    lives: dict[int, list[float]] = {}
    own: dict[int, list[float]] = {}
    looks: dict[int, list[float]] = {}
    with order_desk(plan.folder / "life") as desk:
        for title, count in zip(OPEN, counts, strict=True):
            _fill(desk, count)
            taken = [_life(desk) for _ in range(plan.some(FULL))]
            lives[title], own[title] = ([pair[n] for pair in taken] for n in (0, 1))
            looks[title] = [microseconds(desk.upkeep) / 1_000 for _ in range(plan.some(5))]
    for title, count in zip(OPEN, counts, strict=True):
        theirs = Peer("NautilusTrader backtest", _peer(count, plan))
        name = TITLE.format(title)
        yield Measured(name, "µs", tuple(lives[title]), theirs, "theirs knows no disk and no wire")
        yield Measured(f"{name}: in memory", "µs", tuple(own[title]), theirs, "less disk and venue")
    for what, found in (("", lives), (": in memory", own)):
        ratio = median(found[OPEN[1]]) / median(found[OPEN[0]])
        name = f"{TITLE.format(OPEN[1])} by 500{what}"
        yield Measured(name, "ratio", (ratio,), note="of the medians")
    for title, taken in looks.items():
        yield Measured(LOOK.format(title), "ms", tuple(taken), note="not per order")


def _fill(desk: OrderDesk, count: int) -> None:
    while len(desk.execution.books.working) < count:
        desk.order()


def _life(desk: OrderDesk) -> tuple[float, float]:
    """One more, whole and in memory, and one away again, so that the number stays."""
    name = desk.order()
    taken = desk.watch.between("start", "end")
    elsewhere = sum(desk.watch.between(*ends) for ends in ELSEWHERE)
    desk.cancel(name)
    desk.take_in(name)
    return taken, taken - elsewhere


def _peer(count: int, plan: Plan) -> tuple[float, ...] | None:
    runs = [peer_order_life.microseconds_an_order(count) for _ in range(plan.some(PEER_RUNS))]
    found = tuple(run for run in runs if run is not None)
    return found or None
