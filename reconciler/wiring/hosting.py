"""One session on this host at a time, in the process that holds the writer's lock (SESSION-4).

The process tells how far it has come, answers whoever asked, refuses a second request, and ends
the session in order when somebody asks for that.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from desired_state.errors import GovernanceError, Stalled
from desired_state.reasons import Reason
from layers.market import Bar
from reconciler.adapters.clock import wall_clock
from reconciler.adapters.session_slot import SessionSlot
from reconciler.host import Host
from reconciler.ports import Report
from reconciler.session import Session
from reconciler.session_ending import Ending
from reconciler.session_request import Asked, Standing, Told
from reconciler.wiring.desk import Desk
from reconciler.wiring.session import SessionRun
from reconciler.wiring.session_evidence import Outcome

TELL: Final = timedelta(milliseconds=200)
Follow = Callable[[Standing], None]


def slot_of(host: Host) -> SessionSlot:
    """The place for a session of this host."""
    return SessionSlot(host.var)


@dataclass
class Hosting:
    """Runs one request on the desk. ``ends`` says that this process was asked to end."""

    desk: Desk
    asked: Asked
    ends: Callable[[], bool] = lambda: False
    told: Callable[[Report], None] = lambda _report: None
    follow: Follow = lambda _standing: None
    _standing: Standing = field(init=False)
    _next_tell: datetime | None = None

    def __post_init__(self) -> None:
        """Nothing has been told yet."""
        request = self.asked.request
        self._standing = Standing(
            ticket=self.asked.ticket, mode=request.mode, symbol=request.symbol
        )

    def run(self) -> Outcome:
        """The session, with its answer left for whoever asked.

        Raises:
            Stalled: ``SESSION_RUNNING``, or why it could not run; that is the answer then.
        """
        slot = slot_of(self.desk.host)
        with slot.taken(self._standing):
            run = SessionRun(self.desk, self.asked.request, self._bar, self._between, self.told)
            try:
                outcome = run.run()
            except GovernanceError as error:
                slot.finished(self._refused(error, run.run_id))
                raise
            slot.finished(answer(self.asked.ticket, outcome))
        return outcome

    def _refused(self, error: GovernanceError, run_id: str) -> Told:
        return Told(
            ticket=self.asked.ticket,
            run_id=run_id,
            refused=error.code,
            subject=error.subject,
            message=error.message,
        )

    def _bar(self, session: Session, bar: Bar) -> None:
        now = wall_clock()
        if self._next_tell is not None and now < self._next_tell:
            return
        self._next_tell = now + TELL
        run_id = self.desk.running.session[0] if self.desk.running.session else ""
        told = {"run_id": run_id, "bars": session.bars, "market_time": bar.closed}
        self._standing = self._standing.model_copy(update=told)
        slot_of(self.desk.host).tell(self._standing)
        self.follow(self._standing)

    def _between(self) -> Ending | None:
        slot = slot_of(self.desk.host)
        refuse_others(slot)
        asked = slot.end_asked(self.asked.ticket)
        if asked is not None:
            body = {"run": self._standing.run_id, "by": asked.by}
            self.desk.journal.append("session_end_asked", body, wall_clock())
        return Ending.ENDED if asked is not None or self.ends() else None


def refuse_others(slot: SessionSlot) -> None:
    """A request that comes while a session runs is answered at once."""
    try:
        other = slot.asked()
    except Stalled:
        return  # who wrote it cannot read an answer
    if other is not None:
        text = "one is running here"
        told = Told(ticket=other.ticket, refused=Reason.SESSION_RUNNING, message=text)
        slot.answer(told)


def clear(desk: Desk) -> None:
    """What a process that is gone left of a session, told in evidence and taken away."""
    left = slot_of(desk.host).left_behind()
    if left:
        desk.journal.append("session_cleared", {"files": list(left)}, wall_clock())


def answer(whose: str, outcome: Outcome) -> Told:
    """How the session went, for another process."""
    record = outcome.record
    return Told(
        ticket=whose,
        run_id=record.run_id,
        session_pack=outcome.session_pack,
        reconciliation_pack=outcome.reconciliation_pack,
        ending=record.ending.value,
        first=record.first,
        last=record.last,
        orders=len(record.orders),
        fills=len(record.fills),
        reconciled=None if outcome.reconciliation is None else outcome.reconciliation.ok,
        stop=outcome.stop,
    )


def serve(hosting_desk: Desk, ends: Callable[[], bool], told: Callable[[Report], None]) -> None:
    """Run the session that somebody asked for, if anybody did; its answer says how it went."""
    slot = slot_of(hosting_desk.host)
    try:
        asked = slot.asked()
        if asked is not None:
            Hosting(hosting_desk, asked, ends, told).run()
    except GovernanceError as error:  # the reconciler goes on; nothing is open any more
        body = {"code": error.code.value, "subject": error.subject, "message": error.message}
        hosting_desk.journal.append("session_refused", body, wall_clock())
