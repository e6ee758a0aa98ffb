"""What stops a session of this host at once: the flag beside the token, and the stop it raises.

A session that cannot go on leaves nothing open, as far as anybody can tell (SESSION-1).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from desired_state.errors import Finding, finding
from desired_state.reasons import Reason
from desired_state.values import StopClass
from reconciler.adapters.armed_token import TokenReader
from reconciler.counter import Counter
from reconciler.wiring.desk import Desk
from reconciler.wiring.host_parts import local_stop
from reconciler.wiring.renewal import Renewal


@dataclass
class Flag:
    """In memory beside the token: either says stop, so it is a stop (risk.md, A3)."""

    token: TokenReader
    raised: Finding | None = None

    def check(self) -> Finding | None:
        """None while neither says stop."""
        return self.raised or self.token.check()


@dataclass(frozen=True)
class Raised:
    """The stop of class integrity that the session raised, and what stood in our books then."""

    stop: str
    subjects: frozenset[str]


@dataclass
class SessionHalt:
    """The stops of one session at its counter; the last one's id, and what stood beside it."""

    desk: Desk
    counter: Counter
    flag: Flag
    renewal: Renewal
    stop: str | None = None
    raised: Raised | None = None

    def token(self) -> tuple[Finding | None, datetime | None]:
        """What is against sending, and when the watcher last said that nothing is."""
        age = self.desk.token.age_ns()
        beat = None if age is None else self.desk.clock.wall() - timedelta(microseconds=age // 1000)
        return self.flag.check(), beat

    def halt(self, kind: StopClass, text: str) -> str | None:
        """L5's latching controls (trust.md, 7)."""
        self.flag.raised = finding(Reason.KILL_LATCHED, kind.value, text)
        if not self.counter.may_halt(kind):
            return None  # SESSION-3: a loss of made-up money stops nobody
        here = local_stop(self.desk.host, self.desk.clock)
        stop = here.engage(kind, text, "L5", self.counter.way_out)
        self.stop = stop.id
        self.renewal.overtake()
        if kind is StopClass.INTEGRITY:
            subjects = self.counter.orders.books.unexplained
            self.raised = Raised(stop.id, frozenset(subjects))
        return stop.id

    def leave(self) -> None:
        """Cancel everything; what cannot be proven gone is a stop."""
        report, books = self.counter.way_out(), self.counter.orders.books
        ours = books.working if report.unreachable else books.unproven
        self.not_gone(tuple(dict.fromkeys((*report.still_open, *ours))))

    def not_gone(self, left: tuple[str, ...]) -> None:
        """An order that outlives its session is a stop, whose watch goes on until it is gone."""
        if left:
            told = f"{Reason.VENUE_NOT_CLEAN}: {len(left)} may still be open: {', '.join(left)}"
            self.halt(StopClass.TECHNICAL, told)
