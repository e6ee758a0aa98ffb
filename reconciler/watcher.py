"""The stop lane as it runs: sees stops, closes the gate, cancels, sweeps, and keeps the token.

Before and independent of admission, and never delayed by anything else. What raises a stop is
everything that can; what lifts one is a release by name alone (trust.md, section 7).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from desired_state.errors import GovernanceError, Stalled
from desired_state.memory import Release, Stop
from desired_state.repository import SwitchHistory
from desired_state.stops import read_switch
from desired_state.values import Switch
from layers.ports import Cancels
from reconciler.acknowledgement import Acknowledgement, cancelled, sweep_due, swept
from reconciler.stop_lane import stops_at


class StopRecords(Protocol):
    """Stops, releases and acknowledgements of this host."""

    def stops(self) -> dict[str, Stop]:
        """Every stop, by id."""
        ...

    def releases(self) -> dict[str, Release]:
        """Every release, by stop."""
        ...

    def acknowledgements(self) -> dict[str, Acknowledgement]:
        """By stop."""
        ...

    def put_stop(self, stop: Stop) -> None:
        """On disk when this returns."""
        ...

    def put_acknowledgement(self, ack: Acknowledgement) -> None:
        """On disk when this returns."""
        ...


class Token(Protocol):
    """The file without which no order leaves."""

    def arm(self) -> None:
        """Fresh."""
        ...

    def disarm(self) -> None:
        """Gone."""
        ...


@dataclass
class Watcher:
    """One a host. ``repository`` is the id that stands in stop ids."""

    history: SwitchHistory
    records: StopRecords
    token: Token
    venues: Callable[[], Mapping[str, Cancels]]
    repository: str
    clock: Callable[[], datetime]
    problem: GovernanceError | None = None
    scanned: bool = False
    tips: Mapping[str, str] = field(default_factory=dict)  # as the remote last advertised them
    _known: set[str] = field(default_factory=set)
    _held: dict[str, Stop] = field(default_factory=dict)  # in memory even where no disk takes them
    _acks: dict[str, Acknowledgement] = field(default_factory=dict)
    _closed: datetime | None = None  # when the newest tips alone closed the gate

    def step(self) -> bool:
        """One look at everything; true while the gate is open."""
        new = self._look()
        in_force = self._in_force()
        if in_force or self.problem or not self.scanned:
            self.token.disarm()
            closed = self._closed or self.clock()
            self._closed = None
            self._halt([s for s in in_force.values() if s.id not in self._acks], closed)
            if self.problem and not in_force:
                self._clear()
            for stop in new:
                self._write(lambda stop=stop: self.records.put_stop(stop))  # type: ignore[misc]
            self._sweep()
            return False
        self.token.arm()
        if self._in_force():  # somebody raised one while the token was being written: STOP-7
            self.token.disarm()
            return False
        return True

    def hold(self, stop: Stop) -> None:
        """Take a stop from a signal or a socket."""
        self.token.disarm()
        self._held[stop.id] = stop

    @property
    def settled(self) -> bool:
        """Whether every stop in force is verified clean."""
        return all(
            stop in self._acks and self._acks[stop].verified_clean for stop in self._in_force()
        )

    @property
    def stops(self) -> tuple[str, ...]:
        """Ids of every stop known here, released or not."""
        return tuple(sorted({**self.records.stops(), **self._held}))

    def _look(self) -> tuple[Stop, ...]:
        try:
            self.tips = dict(self.history.tips())
            tips = set(self.tips.values())
        except GovernanceError:
            # a remote that does not answer is a matter of staleness, which the gate judges
            return ()
        try:
            self._close_early(tips - self._known)
            now = self.clock()
            new = stops_at(self.history, self.repository, tips, (self._known, now))
        except GovernanceError as error:
            self.problem = error  # SOURCE_UNREADABLE: halted until it reads
            return ()
        self._known |= tips
        self.problem, self.scanned = None, True
        known = self.records.stops()
        new = tuple(stop for stop in new if stop.id not in known)
        self._held.update({stop.id: stop for stop in new})
        return new

    def _close_early(self, new: set[str]) -> None:
        """The newest word first: the walk of what lies behind it may take its time (STOP-9)."""
        for tip in new:
            if read_switch(self.history.switch(tip)).state is not Switch.ARMED:
                self.token.disarm()
                self._closed = self.clock()
                return

    def _in_force(self) -> dict[str, Stop]:
        releases = self.records.releases()
        found = {**self.records.stops(), **self._held}
        return {name: stop for name, stop in found.items() if name not in releases}

    def _halt(self, stops: list[Stop], closed: datetime) -> None:
        if not stops:
            return
        known = self.records.acknowledgements()
        for stop in stops:
            # a record that does not read says nothing of when it was raised
            seen = closed if stop.switch is Switch.UNREADABLE and not stop.commit else stop.seen_at
            fresh = Acknowledgement(
                stop=stop.id, requested=None, observed=min(seen, closed), gate_closed=closed
            )
            self._acks[stop.id] = known.get(stop.id, fresh)
        self._cancel()

    def _cancel(self) -> None:
        """Cancels go out before anything waits for a disk."""
        sent = self.clock()
        reports = [venue.cancel_all() for venue in self.venues().values()]
        still: tuple[str, ...] | None = None
        if not any(report.unreachable for report in reports):
            still = tuple(sorted(order for report in reports for order in report.still_open))
        confirmed = sum(len(report.confirmed) for report in reports)
        at = self.clock()
        for name, ack in self._acks.items():
            if not ack.verified_clean:
                self._acks[name] = cancelled(ack, confirmed, still, (sent, at))
                self._store(name)

    def _sweep(self) -> None:
        now, in_force = self.clock(), self._in_force()
        due = [n for n, ack in self._acks.items() if n in in_force and sweep_due(ack, now)]
        if not due:
            return
        still, at = self._open_orders(), self.clock()
        told = [name for name in due if still or not self._acks[name].verified_clean]
        for name in due:
            self._acks[name] = swept(self._acks[name], still, at)
        if still:
            self._cancel()
        for name in told:
            self._store(name)

    def _clear(self) -> None:
        """A tip that cannot be read halts as a stop does, and lifts by itself (trust.md, 7)."""
        if self._open_orders() != ():
            for venue in self.venues().values():
                venue.cancel_all()

    def _open_orders(self) -> tuple[str, ...] | None:
        """What any venue shows; none where nothing is seen and not every venue can tell (STOP-5).

        So one that cannot tell never keeps another from being cancelled at again.
        """
        found: list[str] = []
        all_told = True
        for venue in self.venues().values():
            try:
                found += [order.client_order_id for order in venue.open_orders()]
            except GovernanceError:
                all_told = False
        return tuple(sorted(found)) if found or all_told else None

    def _store(self, name: str) -> None:
        self._write(lambda: self.records.put_acknowledgement(self._acks[name]))

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Stalled:
            return  # a disk that refuses delays neither stop nor cancel; memory holds it
