"""One cycle: fetch, admit, observe, judge, plan, apply, record, and one summary (design.md, 4).

What narrows is applied before it is recorded, what widens is recorded before it is applied. A
cycle that fails ends with less authority, never with more (CYCLE-1).
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from desired_state.admission import Admission, admit
from desired_state.authority import BOTTOM, Authority, at_most
from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, GovernanceError, Severity, Stalled, Waiting, finding
from desired_state.memory import Memory, Stop, snapshot
from desired_state.observation import Observation
from desired_state.reasons import Reason
from desired_state.standing import Approval
from desired_state.survey import Survey, unread
from desired_state.trust_root import Use
from layers.orders import CancelReport
from layers.ports import Cancels
from reconciler.acknowledgement import clean_stops
from reconciler.conditions import Condition, Kind
from reconciler.contents import Cached, Mended
from reconciler.facts import Facts, Writer, levels
from reconciler.gate import Verdict, judge, switch_of
from reconciler.heartbeats import Ears, Known, heartbeat_keys
from reconciler.lifting import Held, after, begun_again
from reconciler.plan import Action, Actual, Doing, VenueView, plan
from reconciler.ports import Ports, Report
from reconciler.proof import Prover
from reconciler.recovery import RECOVERED, STORED, Here, Recovered, newest, recover
from reconciler.stop_lane import stops_at
from reconciler.summarize import summarize
from reconciler.verdicts import LEAF_KIND, ledger_nodes, read_files, record, substance

STEPS: Final = ("fetch", "admit", "observe", "judge", "plan", "apply", "record")
FILES_A_LEAF: Final = 500
RENEW_BEFORE: Final = timedelta(seconds=10)
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
    _last: tuple[str, Memory] | None = None
    _conditions: dict[Kind, Condition] = field(default_factory=dict)
    _recorded: set[str] = field(default_factory=set)
    approval: Approval | None = None  # as it stood in the last cycle
    evidence_behind_since: datetime | None = None  # set by whoever ships
    writer: Writer | None = None  # set by whoever ships
    keyless: bool = False  # the log's key counts no more; then nothing is shipped (LOG-5)
    clock_unsure: str = ""  # set by whoever read the clocks for the next cycle
    watched_since: datetime | None = None  # set by a run that counts on a watcher
    halted_after: timedelta = HEARTBEAT  # of the root in force
    _lifting: tuple[Held, ...] = ()
    _standing: Verdict | None = None
    _worked_under: Authority | None = None  # what the open orders were last judged under
    _heartbeat: timedelta = HEARTBEAT
    _loaded: bool = False
    ears: Ears = field(init=False)
    _recovered: Recovered | None = None  # from a loss that no leaf tells yet

    def __post_init__(self) -> None:
        """The survey reads through a cache over the journal's objects."""
        self._cached = Cached(Mended(self.ports.journal, self.ports.chain))
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
            self._worked_under = verdict.permitted
        self._latch()
        leaves = self._record(observation, admission, facts, verdict, actions)
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
        self._recovered = recovered if recovered.stop else None
        if recovered.stop:
            self._held[recovered.stop.id] = recovered.stop
        elif found != recovered.memory and told is not None:
            self.ports.store.store(recovered.memory)  # MEM-1
        self.memory, self._last, self._loaded = recovered.memory, None, True

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
            self._record_recovery(verdict)
            body, objects = record(
                admission,
                verdict,
                (observation, self.memory, facts),
                self.ports.trust,
                self.ports.host,
            )
            objects |= dict(zip(facts.heartbeats, self.ears.files, strict=True))
            nodes, papers = ledger_nodes((self.memory, admission.memory), self._recorded)
            for data in (*objects.values(), *nodes.values()):
                self._cached.keep(data)
            self._cached.settle()
            files = read_files(observation, admission.memory)
            self._record_files(files | papers | nodes.keys(), verdict)
            self._leaf(LEAF_KIND, body.model_dump(mode="json"), verdict, sorted(objects))
            if admission.memory != self.memory:
                self.ports.store.store(admission.memory)
                self._leaf(STORED, {"memory": body.memory_after}, verdict)
            self.memory, self._last, self._standing = admission.memory, changed, verdict
        self._record_acknowledgements(verdict)
        for action in actions:
            self._leaf("action", action.model_dump(mode="json"), verdict)
        return self.ports.journal.head.size - before

    def _record_recovery(self, verdict: Verdict) -> None:
        lost = self._recovered
        if lost is None or lost.stop is None:
            return
        nodes, _ = ledger_nodes((self.memory,), ())
        name = self._cached.keep(snapshot(self.memory), *nodes.values())
        self._cached.settle()
        told = {"stop": lost.stop.id, "code": lost.code, "memory": name, "found": lost.found}
        self._leaf(RECOVERED, told, verdict, [name, *sorted(nodes)])
        self._recovered = None

    def _ends_soon(self, verdict: Verdict) -> bool:
        """RECORD-2: every intent cites a leaf that was valid then, so a session's is renewed."""
        standing = self._standing
        if self.ports.session() is None or standing is None or standing.valid_until is None:
            return False
        return verdict.now >= standing.valid_until - RENEW_BEFORE

    def _record_files(self, files: frozenset[str], verdict: Verdict) -> None:
        """The governed files that a replay will read, each named by one leaf of this run."""
        new = sorted(files - self._recorded)
        for name in new:
            self._cached.kept(name)  # MEM-4: a leaf rests on what is kept here
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
