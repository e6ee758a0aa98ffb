"""A session on the carried prices over a desk, run in this process."""

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from desired_state.limits import Limits
from layers.l6_execution.execution import Execution
from layers.market import Bar
from reconciler.adapters.kept_objects import KeptObjects
from reconciler.counter import Counter
from reconciler.gate import Verdict
from reconciler.session import Session
from reconciler.session_request import Request
from reconciler.wiring.counters import Place
from reconciler.wiring.desk import Desk, open_desk
from reconciler.wiring.session import SessionRun
from reconciler.wiring.session_evidence import Outcome
from tests.fakes.governed_desk import GovernedDesk, in_child
from tests.fakes.paper_desk import FaultAt

FIRST = datetime(2020, 2, 24, tzinfo=UTC)
LAST = datetime(2020, 2, 26, tzinfo=UTC)
Watch = Callable[[Session, Bar], None]


@contextmanager
def opened(desk: GovernedDesk) -> Any:  # noqa: ANN401
    """The writer's side of the desk, beside a stop lane of its own."""
    with desk.guarded(), open_desk(desk.host) as writer:
        yield writer


def run(desk: GovernedDesk, watch: Watch | None = None, **asked: object) -> Outcome:
    request = Request(**{"start": FIRST, "end": LAST, **asked})
    with opened(desk) as writer:
        return SessionRun(writer, request, watch or (lambda _session, _bar: None)).run()


def after(bars: int, act: Callable[[], object]) -> Callable[[Session, Bar], None]:
    return lambda session, _bar: act() if session.bars == bars else None  # type: ignore[func-returns-value]


def release(desk: GovernedDesk, sequence: int) -> None:
    stops = [word for stop in sorted(desk.latch.in_force()) for word in ("--clears", stop)]
    desk.propose_and_sign(sequence, *stops)
    with opened(desk) as writer:
        assert writer.reconcile().verdict.stops == ()


def limits_of(desk: GovernedDesk, decision: dict[str, Any]) -> Limits:
    """Those of the verdict that the decision cites, from the bytes kept beside the journal."""
    kept = KeptObjects(desk.var / "journal").kept(decision["verdict"])
    return Verdict.model_validate_json(kept).permitted.limits


@dataclass
class DyingRun(SessionRun):
    """Dies at the n-th submission, before or after the venue took it."""

    nth: int = 0
    after: bool = False

    def _counter(self, place: Place) -> Counter:
        made = super()._counter(place)
        assert isinstance(made.orders, Execution)
        door = made.orders.door
        door.entry = FaultAt(door.entry, "submit", self.nth, lambda: os._exit(9), after=self.after)
        return made


def die_sending(desk: GovernedDesk, nth: int, *, after: bool) -> int:
    """The exit code of a process that dies between journal and venue, or right after."""

    def work() -> None:
        with opened(desk) as writer:
            DyingRun(writer, Request(start=FIRST, end=LAST), nth=nth, after=after).run()

    return in_child(work)


def die_after_bars(desk: GovernedDesk, bars: int) -> int:
    def work() -> None:
        run(desk, lambda session, _bar: os._exit(9) if session.bars >= bars else None)

    return in_child(work)


__all__ = ["FIRST", "LAST", "Desk", "die_after_bars", "die_sending", "opened", "run"]
