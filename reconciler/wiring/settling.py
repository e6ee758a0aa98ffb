"""Books and venue are brought to agree, before a session's first bar and after its last.

Start-up and recovery are one path: what is not known is looked up before anything is sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution.books import Books
from layers.l6_execution.reconciliation import ReconciliationReport
from reconciler.adapters.clock import HostClock
from reconciler.counter import Counter
from reconciler.session import Session
from reconciler.session_ending import Ending

PATIENCE: Final = timedelta(seconds=30)  # a start or an end that takes longer needs people
WAIT: Final = 0.1  # seconds between two looks at what is not settled yet
LONGEST: Final = 1.0  # seconds between two comparisons of everything at the end


@dataclass(frozen=True)
class Settling:
    """At one counter, within ``patience`` on the wall clock."""

    counter: Counter
    clock: HostClock
    patience: timedelta

    def begin(self, session: Session, between: Callable[[], Ending | None]) -> Ending | None:
        """Until nothing is held back; an ending where the session is over before its first bar.

        Raises:
            Stalled: ``NOT_RECONCILED`` where books and venue do not agree in time.
        """
        orders, start = self.counter.orders, self.counter.start
        ending = session.upkeep(start, orders.start(start, self.clock.wall()))
        end = self.clock.wall() + self.patience
        while ending is None and not orders.is_ready:
            if self.clock.wall() >= end:
                text = "books and venue did not come to agree"
                raise Stalled(Reason.NOT_RECONCILED, self.counter.venue, text)
            self.clock.pause(WAIT)
            ending = between() or session.tick(start)
        return ending

    def finish(self, now: Callable[[], datetime]) -> ReconciliationReport | None:
        """Everything cancelled and compared, again while something is on its way or unanswered.

        After ever longer pauses: to compare everything costs a good part of a venue's rate limit.
        """
        orders, wait = self.counter.orders, WAIT
        end = self.clock.wall() + self.patience
        while True:
            report = orders.finish(now(), self.clock.wall())
            if _is_settled(report, orders.books) or self.clock.wall() >= end:
                return report
            again = self.clock.wall() + timedelta(seconds=wait)
            while self.clock.wall() < again:
                self.clock.pause(WAIT)
                orders.tick(now(), self.clock.wall())
            wait = min(2 * wait, LONGEST)


def still_open(books: Books) -> tuple[str, ...]:
    """Orders of ours that may be there still; what differs is told by its own difference."""
    if books.reset is not None:
        return ()
    return tuple(name for name in books.working if name not in books.unexplained)


def _is_settled(report: ReconciliationReport | None, books: Books) -> bool:
    """Whether to compare once more would say the same."""
    if report is None:
        return True
    unanswered = any(gap.code is Reason.VENUE_UNREACHABLE for gap in report.missing)
    return report.is_final and not unanswered and not still_open(books)
