"""One cycle: fetch, admit, observe, judge, plan, apply, record, and one summary (design.md, 4).

What narrows is applied before it is recorded, what widens is recorded before it is applied. A
cycle that fails ends with less authority, never with more (CYCLE-1).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from desired_state.admission import Admission, Trust, admit
from desired_state.authority import BOTTOM, Authority, at_most
from desired_state.errors import Finding, GovernanceError, Waiting, finding
from desired_state.memory import Memory, Release, Stop
from desired_state.observation import Observation
from desired_state.reasons import Reason
from desired_state.repository import SwitchHistory
from desired_state.standing import Approval
from desired_state.survey import Repository, Survey, unread
from evidence_repo.journal import Journal
from layers.orders import CancelReport
from layers.ports import Cancels
from reconciler.acknowledgement import Acknowledgement, clean_stops
from reconciler.conditions import Condition, Kind
from reconciler.contents import Cached
from reconciler.gate import Facts, Verdict, judge, switch_of
from reconciler.plan import Action, Actual, Doing, VenueView, plan
from reconciler.stop_lane import stops_at
from reconciler.summarize import summarize
from reconciler.verdicts import LEAF_KIND, read_files, record, substance

STEPS: Final = ("fetch", "admit", "observe", "judge", "plan", "apply", "record")
FILES_A_LEAF: Final = 500
RENEW_BEFORE: Final = timedelta(seconds=10)
HEARTBEAT: Final = timedelta(seconds=2)  # where no root says otherwise


class StateReader(Repository, SwitchHistory, Protocol):
    """The state repository, whole."""

    @property
    def main(self) -> str:
        """Full name of the branch that holds the desired state."""
        ...


class MemoryStore(Protocol):
    """Where memory outlives the process."""

    def load(self) -> Memory | None:
        """None on a host that never had one. Raises ``Stalled(MEMORY_UNREADABLE)``."""
        ...

    def store(self, memory: Memory) -> None:
        """On disk when this returns. Raises ``Stalled``."""
        ...


class HostRecords(Protocol):
    """Stops, releases and acknowledgements of this host."""

    def stops(self) -> dict[str, Stop]:
        """By id."""
        ...

    def releases(self) -> dict[str, Release]:
        """By stop."""
        ...

    def acknowledgements(self) -> dict[str, Acknowledgement]:
        """By stop."""
        ...

    def put_stop(self, stop: Stop) -> None:
        """On disk when this returns."""
        ...

    def put_release(self, release: Release) -> None:
        """On disk when this returns."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside that a cycle touches."""

    state: StateReader
    records: HostRecords
    store: MemoryStore
    journal: Journal
    venues: Callable[[], Mapping[str, Cancels]]
    token_age_ns: Callable[[], int | None]
    trust: Trust
    repository: str  # its id, in stop ids
    host: str  # digest of governor.yaml
    build: str | None = None  # digest of what runs here
    # the open orders of a venue that L5 would refuse under this verdict; none: it cannot be asked
    rejudge: Callable[[str, Verdict], tuple[str, ...] | None] = lambda _venue, _verdict: None
    session: Callable[[], tuple[str, str] | None] = lambda: None


@dataclass(frozen=True)
class Report:
    """What one cycle saw, decided and did."""

    verdict: Verdict
    conditions: tuple[Condition, ...]
    actions: tuple[Action, ...]
    findings: tuple[Finding, ...]
    actual: Actual | None
    leaves: int  # written by this cycle
    recorded: Verdict  # the one in force that evidence holds; intents and permits cite it


@dataclass
class Cycle:
    """The reconciler's cycles on one host. Start-up and recovery are the same path."""

    ports: Ports
    memory: Memory = field(default_factory=Memory)
    _cached: Cached = field(init=False)
    _survey: Survey = field(init=False)
    _tips: set[str] = field(default_factory=set)
    _held: dict[str, Stop] = field(default_factory=dict)  # seen, whether a disk took them or not
    _answered_at: datetime | None = None
    _unreadable_since: datetime | None = None
    _last: tuple[str, Memory] | None = None
    _conditions: dict[Kind, Condition] = field(default_factory=dict)
    _recorded: set[str] = field(default_factory=set)
    approval: Approval | None = None  # as it stood in the last cycle
    evidence_behind_since: datetime | None = None  # set by whoever ships
    _standing: Verdict | None = None
    _worked_under: Authority | None = None  # what the open orders were last judged under
    _heartbeat: timedelta = HEARTBEAT
    _loaded: bool = False

    def __post_init__(self) -> None:
        """The survey reads through a cache over the journal's objects."""
        self._cached = Cached(self.ports.journal)
        self._survey = Survey(self.ports.state, self._cached)

    def run(self, now: datetime) -> Report:
        """One cycle at one instant. Never raises for anything it meets."""
        try:
            return self._run(now)
        except GovernanceError as error:
            return self._failed(error.finding, now)
        except Exception as error:  # noqa: BLE001  (CYCLE-1: the one edge of the cycle)
            text = f"{type(error).__name__}: {error}"
            return self._failed(finding(Reason.INTERNAL, "cycle", text), now)

    def _run(self, now: datetime) -> Report:
        self._load()
        observation = self._fetch(now)
        admission = admit(observation, self._cached, self.memory, self.ports.trust, now)
        self.approval = admission.approval
        if admission.root:
            self._heartbeat = admission.root.bounds.heartbeat
        actual = self._observe(now)
        facts = self._facts(admission, now)
        verdict = judge(admission, facts, now)
        actions = plan(verdict, admission.memory, actual, self._rejudged(verdict, actual))
        problems = self._apply(actions, widening=False)
        if not problems:  # else the same orders are judged again by the next cycle
            self._worked_under = verdict.permitted
        self._latch()
        leaves = self._record(observation, admission, facts, verdict, actions)
        problems += self._apply(actions, widening=True)
        return self._summary(verdict, actual, actions, problems, leaves)

    # --- the steps ---------------------------------------------------------------------------
    def _load(self) -> None:
        if not self._loaded:
            self.memory = self.ports.store.load() or Memory()
            self._loaded = True

    def _fetch(self, now: datetime) -> Observation:
        try:
            tips = dict(self.ports.state.tips())
            stops = stops_at(
                self.ports.state, self.ports.repository, tips.values(), (self._tips, now)
            )
        except Waiting as error:
            latched = {**self._held, **self.ports.records.stops()}
            return unread(error, latched.values())
        self._held.update({stop.id: stop for stop in stops})
        self._tips |= set(tips.values())
        self._answered_at = now
        latched = {**self._held, **self.ports.records.stops()}
        head = tips.get(self.ports.state.main)
        seen = self._survey.observe(head, self.memory, latched.values())
        clean = clean_stops(self.ports.records.acknowledgements().values())
        return seen.model_copy(update={"clean": clean})

    def _latch(self) -> None:
        """After the cancels: a disk that refuses a stop's record never delays them (STOP-10)."""
        for name in sorted(set(self._held) - set(self.ports.records.stops())):
            self.ports.records.put_stop(self._held[name])

    def _observe(self, now: datetime) -> Actual:
        age = self.ports.token_age_ns()
        running = self.ports.session()
        return Actual(
            venues=tuple(
                view_of(name, venue) for name, venue in sorted(self.ports.venues().items())
            ),
            token_age_ms=None if age is None else age // 1_000_000,
            session=running[0] if running else None,
            released=tuple(sorted(self.ports.records.releases())),
            journal_head=self.ports.journal.head.size,
            seen_at=now,
        )

    def _facts(self, admission: Admission, now: datetime) -> Facts:
        if not admission.unreadable:
            self._unreadable_since = None
        elif self._unreadable_since is None:
            self._unreadable_since = now
        return Facts(
            answered_at=self._answered_at,
            unreadable_since=self._unreadable_since,
            evidence_behind_since=self.evidence_behind_since,
            build=self.ports.build,
        )

    def _rejudged(self, verdict: Verdict, actual: Actual) -> dict[str, tuple[str, ...] | None]:
        """PLAN-2: every open order, where permission fell or nobody knows what it was before."""
        before = self._worked_under
        if before is not None and at_most(before, verdict.permitted):
            return {}
        working = [view.venue for view in actual.venues if view.open_orders]
        return {venue: self.ports.rejudge(venue, verdict) for venue in working}

    def _apply(self, actions: tuple[Action, ...], *, widening: bool) -> tuple[Finding, ...]:
        problems = []
        for action in actions:
            if action.widens is widening:
                try:
                    self._do(action)
                except GovernanceError as error:
                    problems.append(error.finding)
        return tuple(problems)

    def _do(self, action: Action) -> None:
        if action.doing is Doing.RELEASE:
            self.ports.records.put_release(self.memory.releases[action.subject])
            return
        venue = self.ports.venues()[action.subject]
        if action.doing is Doing.CANCEL:
            for order in venue.open_orders():
                if order.client_order_id in action.orders:
                    _proven(action.subject, venue.cancel(order.symbol, order.client_order_id))
            return
        _proven(action.subject, venue.cancel_all())

    def _record(
        self,
        observation: Observation,
        admission: Admission,
        facts: Facts,
        verdict: Verdict,
        actions: tuple[Action, ...],
    ) -> int:
        """Step 9: evidence, then memory, each on disk before anything widens."""
        before = self.ports.journal.head.size
        changed = (substance(verdict), admission.memory)
        if changed != self._last or self._ends_soon(verdict):
            self._record_stops(verdict)
            body, objects = record(
                admission,
                verdict,
                (observation, self.memory, facts),
                self.ports.trust,
                self.ports.host,
            )
            for data in objects.values():
                self._cached.keep(data)
            self._record_files(read_files(observation, admission.memory), verdict)
            self._leaf(LEAF_KIND, body.model_dump(mode="json"), verdict, sorted(objects))
            if admission.memory != self.memory:
                self.ports.store.store(admission.memory)
            self.memory, self._last, self._standing = admission.memory, changed, verdict
        self._record_acknowledgements(verdict)
        for action in actions:
            self._leaf("action", action.model_dump(mode="json"), verdict)
        return self.ports.journal.head.size - before

    def _ends_soon(self, verdict: Verdict) -> bool:
        """RECORD-2: every intent cites a leaf that was valid then, so a session's is renewed."""
        standing = self._standing
        if self.ports.session() is None or standing is None or standing.valid_until is None:
            return False
        return verdict.now >= standing.valid_until - RENEW_BEFORE

    def _record_files(self, files: frozenset[str], verdict: Verdict) -> None:
        """The governed files that a replay will read, each named by one leaf of this run."""
        new = sorted(files - self._recorded)
        for start in range(0, len(new), FILES_A_LEAF):
            batch = new[start : start + FILES_A_LEAF]
            self._leaf("governed_files", {"count": len(batch)}, verdict, batch)
        self._recorded.update(new)

    def _record_stops(self, verdict: Verdict) -> None:
        for stop in verdict.stops:
            if stop.id not in self._recorded:
                self._leaf("stop", stop.model_dump(mode="json"), verdict)
                self._recorded.add(stop.id)

    def _record_acknowledgements(self, verdict: Verdict) -> None:
        for ack in self.ports.records.acknowledgements().values():
            name = f"{ack.stop}:acknowledged"
            if ack.verified_clean and name not in self._recorded:
                self._leaf("acknowledgement", ack.model_dump(mode="json"), verdict)
                self._recorded.add(name)

    def _leaf(
        self, kind: str, body: dict[str, Any], verdict: Verdict, objects: list[str] | None = None
    ) -> None:
        self.ports.journal.append(kind, body, verdict.now, verdict.revision, objects or ())

    # --- the end -----------------------------------------------------------------------------
    def _summary(
        self,
        verdict: Verdict,
        actual: Actual | None,
        actions: tuple[Action, ...],
        problems: tuple[Finding, ...],
        leaves: int,
    ) -> Report:
        findings = (*verdict.findings, *problems)
        bound = int(self._heartbeat / timedelta(milliseconds=1))
        conditions = summarize(verdict, actual, findings, self._conditions, bound)
        self._conditions = {condition.kind: condition for condition in conditions}
        recorded = self._standing if actual and self._standing else verdict
        return Report(verdict, conditions, actions, findings, actual, leaves, recorded)

    def _failed(self, problem: Finding, now: datetime) -> Report:
        """A cycle that could not end permits nothing, and leaves nothing open that it can reach."""
        self.approval = None
        with suppress(Exception):  # CYCLE-1: what failed before may fail again, and must not raise
            self._close()
        verdict = Verdict(
            now=now,
            revision=None,
            admitted=False,
            desired=None,
            approved=None,
            permitted=BOTTOM,
            switch=switch_of(self.memory.in_force),
            stops=self.memory.in_force,
            sequence=None,
            people=(),
            configuration=None,
            findings=(problem,),
            valid_until=None,
        )
        return self._summary(verdict, None, (), (), 0)

    def _close(self) -> None:
        for _, venue in sorted(self.ports.venues().items()):
            venue.cancel_all()


def _proven(venue: str, report: CancelReport) -> None:
    if report.unreachable or report.still_open:
        raise Waiting(Reason.VENUE_NOT_CLEAN, venue, retry_after=timedelta(seconds=1))


def view_of(name: str, venue: Cancels) -> VenueView:
    """What one venue shows now."""
    try:
        orders = tuple(sorted(order.client_order_id for order in venue.open_orders()))
    except GovernanceError:
        return VenueView(venue=name, open_orders=None)  # cannot tell is not none
    return VenueView(venue=name, open_orders=orders)
