"""A process that sends one order and dies by SIGKILL at the point named on its command line."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from layers.orders import AnswerKind, OrderRequest, VenueAnswer
from layers.ports import Leave
from tests.fakes.paper_desk import START, SYMBOL, Desk, FaultAt, bar, intent

PARTLY = {"volume": "4"}  # a bar that fills a fifth of the order


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


POINTS = {
    "before the intent": ("journal", "append", 1, False),
    "after the intent": ("journal", "append", 1, True),
    "before the venue": ("entry", "submit", 1, False),
    "after the venue": ("entry", "submit", 1, True),
    "before the answer": ("journal", "append", 2, False),
    "after the answer": ("journal", "append", 2, True),
}
# what follows an order that the venue took: it executes in part, and is cancelled
LATER = {
    "before the execution is written": ("journal", "append", 3, False),
    "after the execution is written": ("journal", "append", 3, True),
    "before the cancel": ("cancels", "cancel", 1, False),
    "after the cancel": ("cancels", "cancel", 1, True),
    "before the cancel is written": ("journal", "append", 4, False),
    "after the cancel is written": ("journal", "append", 4, True),
}


class AnswersLost:
    """The venue takes the order, and its answer says nothing."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401
        self._inner = inner

    def submit(self, request: OrderRequest, leave: Leave) -> VenueAnswer:
        self._inner.submit(request, leave)
        return VenueAnswer(kind=AnswerKind.UNKNOWN)


def main(folder: Path, point: str, answers: str = "heard") -> None:
    port, method, nth, after = {**POINTS, **LATER}[point]
    wraps = {port: lambda inner: FaultAt(inner, method, nth, die, after=after)}
    if answers == "lost" and port != "entry":
        wraps["entry"] = AnswersLost
    desk = Desk(folder, **wraps)
    desk.send(intent("crash", quantity="1"))
    desk.venue.advance(bar(0, **PARTLY))
    desk.execution.poll(START)
    desk.execution.cancel(SYMBOL, intent("crash").request.client_order_id, START)


if __name__ == "__main__":
    main(*sys.argv[1:])
