"""One cycle: fetch, admit, observe, judge, plan, apply, record, and one summary (design.md, 4).

What narrows is applied before it is recorded, what widens is recorded before it is applied. A
cycle that fails ends with less authority, never with more (CYCLE-1).
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from desired_state.admission import Admission, admit
from desired_state.authority import BOTTOM, Authority, at_most
from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, GovernanceError, Severity, Stalled, Waiting, finding
from desired_state.memory import Memory, Stop
from desired_state.observation import Observation
from desired_state.reasons import Reason
from desired_state.standing import Approval
from desired_state.survey import Survey, unread
from desired_state.trust_root import Use
from reconciler.acknowledgement import clean_stops
from reconciler.clearing import clear, view_of
from reconciler.conditions import Condition, Kind
from reconciler.contents import Cached, Mended
from reconciler.facts import Facts, Writer, levels
from reconciler.gate import Verdict, judge, switch_of
from reconciler.heartbeats import Ears, Known, heartbeat_keys
from reconciler.lifting import Held, after, begun_again
from reconciler.plan import Action, Actual, Doing, plan
from reconciler.ports import Ports, Report
from reconciler.proof import Prover
from reconciler.recording import Judged, Recording
from reconciler.recovery import Here, newest, recover
from reconciler.stop_lane import stops_at
from reconciler.summarize import summarize

STEPS: Final = ("fetch", "admit", "observe", "judge", "plan", "apply", "record")
HEARTBEAT: Final = timedelta(seconds=2)  # where no root says otherwise


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
    _conditions: dict[Kind, Condition] = field(default_factory=dict)
    approval: Approval | None = None  # as it stood in the last cycle
    evidence_behind_since: datetime | None = None  # set by whoever ships
    writer: Writer | None = None  # set by whoever ships
    keyless: bool = False  # the log's key counts no more; then nothing is shipped (LOG-5)
    clock_unsure: str = ""  # set by whoever read the clocks for the next cycle
    watched_since: datetime | None = None  # set by a run that counts on a watcher
    halted_after: timedelta = HEARTBEAT  # of the root in force
    _lifting: tuple[Held, ...] = ()
    _worked_under: dict[str, Authority] = field(default_factory=dict)  # as judged last, by venue
    _heartbeat: timedelta = HEARTBEAT
    _loaded: bool = False
    ears: Ears = field(init=False)
    _recording: Recording = field(init=False)

    def __post_init__(self) -> None:
        """The survey reads through a cache over the journal's objects."""
        self._cached = Cached(Mended(self.ports.journal, self.ports.chain))
        self._recording = Recording(self.ports, self._cached)
        self.ears = Ears(self.ports.host_name)
        self._survey = Survey(self.ports.state, self._cached)

    def run(self, now: datetime) -> Report:
        """One cycle at one instant. Never raises for anything it meets."""
        try:
            return self._run(now)
        except GovernanceError as error:
            self._loaded = False  # start-up and recovery are the same path
            return self._failed(error.finding, now)
        except Exception as error:  # noqa: BLE001  (CYCLE-1: the one edge of the cycle)
            self._loaded = False
            text = f"{type(error).__name__}: {error}"
            return self._failed(finding(Reason.INTERNAL, "cycle", text), now)

    def _run(self, now: datetime) -> Report:
        self._load(now)
        observation = self._fetch(now)
        admission = admit(observation, self._cached, self.memory, self.ports.trust, now)
        self.approval = admission.approval
        if admission.root:
            self._heartbeat = admission.root.bounds.heartbeat
            self.halted_after = admission.root.bounds.halted_after
        actual = self._observe(now)
        facts = self._facts(admission, now)
        verdict = judge(admission, facts, now)
        said = levels(admission, facts, now)
        self._lifting = after(facts.held, said, admitted=admission.admitted)
        actions = plan(verdict, admission.memory, actual, self._rejudged(verdict, actual))
        problems = self._apply(actions, widening=False)
        if not problems:  # else the same orders are judged again by the next cycle
            shown = (view.venue for view in actual.venues if view.open_orders is not None)
            self._worked_under.update(dict.fromkeys(shown, verdict.permitted))
        self._latch()
        leaves = self._record(Judged(observation, self.memory, facts, admission, verdict), actions)
        problems += self._apply(actions, widening=True)
        problems += tuple(
            finding(p.code, p.subject, p.message, severity=Severity.WARNING)
            for p in self.ears.problems
        )
        return self._summary(verdict, actual, actions, problems, leaves)

    # --- the steps ---------------------------------------------------------------------------
    def _load(self, now: datetime) -> None:
        """Memory as the chain says it was; a loss raises a stop and is told by a leaf (MEM-2)."""
        if self._loaded:
            return
        found: Memory | Stalled | None
        try:
            found = self.ports.store.load()
        except Stalled as error:
            if error.code is not Reason.MEMORY_UNREADABLE:
                raise
            found = error
        records = self.ports.records
        here = Here(self.ports.host_name, records.stops(), records.releases(), now)
        told = newest(self.ports.chain.newest_first())
        ports = self.ports
        prover = Prover(ports.chain, ports.state, ports.trust, ports.pinned)
        recovered = recover(found, told, prover, here)
        if recovered.stop:
            self._held[recovered.stop.id] = recovered.stop
        elif found != recovered.memory and told is not None:
            self.ports.store.store(recovered.memory)  # MEM-1
        self._recording.begin(recovered)
        self.memory, self._loaded = recovered.memory, True

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
        beats = self._listen(admission, now)
        return Facts(
            answered_at=self._answered_at,
            unreadable_since=self._unreadable_since,
            evidence_behind_since=self.evidence_behind_since,
            writer=self._writer(admission),
            clock_unsure=self.clock_unsure,
            watched_since=self.watched_since,
            beat_at=beats.beat_at,
            elsewhere_since=beats.elsewhere_since,
            elsewhere_stops=beats.elsewhere_stops,
            heartbeats=tuple(map(digest_bytes, beats.files)),
            held=self._lifting,
            build=self.ports.build,
            accounts=dict(self.ports.accounts()),
            rehearsed=self.ports.rehearsed,
        )

    def _writer(self, admission: Admission) -> Writer | None:
        """LOG-5: asked of the root in force and the revocations of this very cycle."""
        key = self.ports.log_key
        if key is not None and admission.root is not None:
            entry = admission.root.keys.get(key)
            listed = entry is not None and Use.EVIDENCE in entry.uses
            self.keyless = not listed or key in admission.revoked
        return Writer.KEYLESS if self.keyless else self.writer

    def _listen(self, admission: Admission, now: datetime) -> Ears:
        """What the watchers say, by keys of the root in force."""
        root, state = admission.root, self.ports.state

        def is_known(head: str) -> bool:
            tips = [tip for tip in (admission.revision, *self._tips) if tip]
            return head in tips or any(state.descends(tip, head) for tip in tips)

        self.ears = self.ears.heard(
            self.ports.heartbeats() if root else (),
            heartbeat_keys(root, now, admission.revoked) if root else (),
            Known(frozenset(admission.memory.stops), is_known),
            now,
        )
        return self.ears

    def _rejudged(self, verdict: Verdict, actual: Actual) -> dict[str, tuple[str, ...] | None]:
        """PLAN-2: every open order, where permission fell or nobody knows what it was before."""
        working = [view.venue for view in actual.venues if view.open_orders]
        fallen = (venue for venue in working if self._fell(venue, verdict.permitted))
        return {venue: self.ports.rejudge(venue, verdict) for venue in fallen}

    def _fell(self, venue: str, permitted: Authority) -> bool:
        before = self._worked_under.get(venue)
        return before is None or not at_most(before, permitted)

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
        only = action.orders if action.doing is Doing.CANCEL else None
        clear(action.subject, self.ports.venues()[action.subject], only)

    def _record(self, judged: Judged, actions: tuple[Action, ...]) -> int:
        """Step 9: evidence, then memory, each on disk before anything widens."""
        start = self.ports.journal.head.size
        if self._recording.tell(judged, self.ears.files):
            self.memory = judged.admission.memory
        self._recording.tell_acts(judged.verdict, actions)
        return self.ports.journal.head.size - start

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
        recorded = (self._recording.standing if actual else None) or verdict
        return Report(verdict, conditions, actions, findings, actual, leaves, recorded)

    def _failed(self, problem: Finding, now: datetime) -> Report:
        """A cycle that could not end permits nothing, and leaves nothing open that it can reach."""
        self.approval = None
        self._lifting = begun_again(self._lifting)
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
