"""All that a session is given from outside: its orders, its venue, clocks, token and verdict. Pure.

A session holds no authority of its own: what it may do is asked for here, each time anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from desired_state.errors import Finding, Waiting, finding
from desired_state.reasons import Reason
from desired_state.values import Mode, StopClass, instant_text
from layers.l5_risk_gate.infrastructure import outlasts
from layers.market import Bar, Book
from layers.ports import Journal, VenueQueries
from reconciler.counter import Hand, Orders
from reconciler.gate import Verdict
from reconciler.peg_watch import PegWatch
from reconciler.session_ending import Ending, serves
from reconciler.venue_watch import VenueWatch


@dataclass(frozen=True)
class Desk:
    """What a session is given. ``halt`` raises a stop on this host and returns its id, if any."""

    execution: Orders
    hand: Hand
    queries: VenueQueries
    journal: Journal
    advance: Callable[[Bar], bool]  # moves the venue's virtual clock
    now: Callable[[Bar], datetime]  # market time once a bar is known
    verdict: Callable[[], Verdict]  # the one in force, judged again when due
    verdict_digest: Callable[[Verdict], str]
    token: Callable[[], tuple[Finding | None, datetime | None]]
    halt: Callable[[StopClass, str], str | None]
    wall_clock: Callable[[], datetime]
    venue: VenueWatch
    peg: PegWatch

    def ending(self, verdict: Verdict, mode: Mode) -> Ending | None:
        """Why a session in this mode may not go on under this verdict; none: it may."""
        problem, _ = self.token()
        if verdict.stops or (problem and problem.code is Reason.KILL_LATCHED):
            return Ending.STOPPED
        return None if serves(verdict, mode) else Ending.NOT_PERMITTED

    def book(self, symbol: str) -> Book | None:
        """None where it cannot be had now, such as after a wipe: then nothing is sent on it."""
        try:
            return self.queries.book(symbol)
        except Waiting:
            return None

    def note(self, bar: Bar, *, answered: bool) -> None:
        """G2 counts what was lost of a bar's questions as it counts other lost answers."""
        clock = self.wall_clock()
        self.execution.circuit.note(self.now(bar), clock, answered=answered)

    def outage(self, venue: str) -> tuple[Finding, ...]:
        """G2 between orders: a circuit that stays open is people's business."""
        since = self.execution.circuit.opened_at
        if since is None:
            return ()
        longest = self.verdict().permitted.limits.max_venue_outage
        if not outlasts(since, longest, self.wall_clock()):
            return ()
        text = f"its circuit is open since {instant_text(since)}"
        return (finding(Reason.VENUE_ERRORS, venue, text),)
