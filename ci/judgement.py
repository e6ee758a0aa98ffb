"""What merging a change would do: the reconciler's own judgement, before and after. Pure.

There is no second rule book here: both sides are judged by ``Reader.verify``, and what is compared
is what came out. The rules CI-1 to CI-13 stand in the package's README.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from ci.papers import stray_papers, touched_paths, warnings
from desired_state.admission import Admission, Trust
from desired_state.authority import BOTTOM, Authority, points, settle, tighter
from desired_state.errors import Finding, Severity, finding
from desired_state.memory import Memory, Stop
from desired_state.reasons import Reason
from reconciler.facts import Facts
from reconciler.gate import Verdict, judge
from reconciler.outstanding import Outstanding, outstanding
from reconciler.proposing import Change, changes
from reconciler.reading import Reader, StateReader

MAX_INSTANTS: Final = 16  # later instants at which a complete proposal may begin to count
ABOUT_PAPERS: Final = ("SIGNOFF_", "PROPOSAL_", "STOP_UNKNOWN")
# What stays in memory whatever the tree says; its absence is never an accident (CI-5).
ERASING: Final = frozenset(
    {"VOTE_ERASED", "PROPOSAL_CHANGED", "REVOCATION_ERASED", "ROOT_ERASED", "ROOT_CHANGED"}
)
# What waits, narrows, or is judged path by path below; none of it is against a merge by itself.
TELLING: Final = frozenset(
    {
        "QUORUM_NOT_MET",
        "PROPOSAL_NOT_YET",
        "SIGNOFF_NOT_YET",
        "VETO",
        "CONFIGURATION_UNAPPROVED",
        "GATE_FRAGILE",
        "NOT_APPROVED",
        "FALLEN",
        "KILL_ENGAGED",
        "KILL_UNREADABLE",
    }
)


class Way(StrEnum):
    """How a change comes to main."""

    MERGE = "merge commit"
    SQUASH = "squash or rebase"
    PUSH = "push"


class Result(StrEnum):
    """Whether the change may come to main."""

    YES = "yes"
    NO = "no"
    CANNOT_JUDGE = "cannot_judge"


@dataclass(frozen=True, slots=True)
class Candidate:
    """The commit that main would stand at, if the change came in this way."""

    way: Way
    commit: str


@dataclass(frozen=True, slots=True)
class Bench:
    """What both sides are judged with."""

    state: StateReader
    trust: Trust
    repository: str  # its id, in stop ids
    now: datetime
    host_stops: Mapping[str, Stop] = field(default_factory=dict)  # CI-10


@dataclass(frozen=True, slots=True)
class Side:
    """Main before the change, or after it; what is permitted is told apart from stops (CI-9)."""

    commit: str | None
    admission: Admission | None
    verdict: Verdict | None

    @property
    def admitted(self) -> bool:
        """Whether this head is admissible."""
        return self.admission is not None and self.admission.admitted

    @property
    def memory(self) -> Memory:
        """What a host that had seen everything up to here would remember."""
        return self.admission.memory if self.admission else Memory()

    @property
    def desired(self) -> Authority:
        """What is asked for."""
        asked = self.verdict.desired if self.verdict else None
        return asked or BOTTOM

    @property
    def permitted(self) -> Authority:
        """What would be permitted if no stop were in force."""
        return self.verdict.permitted if self.verdict else BOTTOM

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was seen."""
        return self.verdict.findings if self.verdict else ()


NOTHING: Final = Side(None, None, None)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the change would do, and whether anything is against it."""

    base: str | None
    head: str
    now: datetime
    ways: tuple[Way, ...]
    before: Side
    after: Side
    asked: tuple[Change, ...]
    permitted: tuple[Change, ...]
    proposals: tuple[Outstanding, ...]
    refusals: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    stops: tuple[Stop, ...] = ()

    @property
    def result(self) -> Result:
        """CI-1: a stop is never refused, whatever else is in the change."""
        return Result.YES if self.stops or not self.refusals else Result.NO

    def with_stops(self, stops: tuple[Stop, ...]) -> "Judgement":
        """The same change, with the stops that come with it."""
        return replace(self, stops=stops)


def judge_change(
    bench: Bench, base: str | None, head: str, candidates: Sequence[Candidate]
) -> Judgement:
    """Judge what each way of merging would give; what one of them is refused for counts (CI-3).

    Raises:
        Waiting: ``FETCH`` where the repository does not answer.
        Stalled: ``SHALLOW``.
    """
    before = _side(bench, base, Memory()) if base else NOTHING
    found = [_compare(bench, before, head, candidate) for candidate in candidates]
    worst = max(found, key=lambda one: len(one.refusals))  # the first of the worst
    return replace(
        worst,
        ways=tuple(candidate.way for candidate in candidates),
        refusals=_told_by_way(found),
    )


def _told_by_way(found: Sequence[Judgement]) -> tuple[Finding, ...]:
    ways: dict[tuple[Reason, str], list[Way]] = {}
    first: dict[tuple[Reason, str], Finding] = {}
    for one in found:
        for item in one.refusals:
            ways.setdefault(_key(item), []).extend(one.ways)
            first.setdefault(_key(item), item)
    everywhere = {way for one in found for way in one.ways}
    return tuple(
        item
        if set(ways[key]) == everywhere
        else item.model_copy(update={"message": f"{item.message} (if by {ways[key][0]})"})
        for key, item in first.items()
    )


def _side(bench: Bench, commit: str, memory: Memory, now: datetime | None = None) -> Side:
    at = now or bench.now
    reader = Reader(
        state=bench.state,
        memory=memory,
        trust=bench.trust,
        repository=bench.repository,
        latched=bench.host_stops,
    )
    admission, _ = reader.verify(commit, at)
    # CI-9: which stops a host has released stands in its memory, which nobody has here
    armed = replace(admission, memory=admission.memory.model_copy(update={"stops": {}}))
    facts = Facts(answered_at=at, unreadable_since=at if admission.unreadable else None)
    return Side(commit, admission, judge(armed, facts, at))


def _compare(bench: Bench, before: Side, head: str, candidate: Candidate) -> Judgement:
    after = _side(bench, candidate.commit, before.memory)
    proposals = outstanding(after.admission, bench.now) if after.admission else ()
    touched = touched_paths(bench.state, before.commit, candidate.commit)
    known = {_key(item) for item in before.findings}
    new = [item for item in after.findings if _key(item) not in known]
    refusals = [item for item in new if _refuses(item, touched)]
    if after.admitted:
        refusals += stray_papers(touched, proposals, refusals)
    asked = changes(before.desired, after.desired)
    refusals += _uncovered(bench, before, after, asked)
    return Judgement(
        base=before.commit,
        head=head,
        now=bench.now,
        ways=(candidate.way,),
        before=before,
        after=after,
        asked=asked,
        permitted=changes(before.permitted, after.permitted),
        proposals=proposals,
        refusals=tuple({_key(item): item for item in refusals}.values()),
        notices=(
            *(item for item in new if item not in refusals),
            *_foreseen(bench, before, after),
        ),
    )


def _foreseen(bench: Bench, before: Side, after: Side) -> Iterable[Finding]:
    """CI-13: what L5 will refuse under the proposals of this change, whoever signs them."""
    old, new = (
        warnings(bench.state, side.admission, side.commit) if side.admission and side.commit else ()
        for side in (before, after)
    )
    known = {_key(item) for item in old}
    return [item for item in new if _key(item) not in known]


def _key(item: Finding) -> tuple[Reason, str]:
    return item.code, item.subject


def _refuses(item: Finding, touched: frozenset[str]) -> bool:
    """Whether what is new after the change is against it (CI-2, CI-5, CI-6)."""
    if item.code in ERASING:
        return True
    if item.code in TELLING:
        return False
    if item.code.startswith(ABOUT_PAPERS):
        # what a revocation or a new root takes from older papers is a tightening: CI-7
        return _is_about(item.subject, touched)
    return item.severity is Severity.ERROR


def _is_about(subject: str, touched: frozenset[str]) -> bool:
    """Subjects are ``PATH``, ``PATH:LINE`` or ``PROPOSAL: PERSON``."""
    paths = {path.removesuffix(".sig") for path in touched}
    if any(subject.startswith(path) for path in paths if path):
        return True
    proposal, _, person = subject.partition(": ")
    number = proposal.removeprefix("proposals/").removesuffix(".yaml")
    return bool(person) and any(p.startswith(f"signoffs/{number}/{person}.") for p in paths)


def _uncovered(
    bench: Bench, before: Side, after: Side, asked: Iterable[Change]
) -> Iterable[Finding]:
    """What the change asks for and nobody granted, now or from a later start on (CI-4)."""
    looser = [change for change in asked if change.looser]
    if not looser:
        return
    granted = [after, *_later(bench, before, after)]
    wanted = points(settle(after.desired))
    held = [points(settle(side.permitted)) for side in granted]
    for change in looser:
        path = change.path
        if any(path in h and not tighter(path, h[path], wanted[path]) for h in held):
            continue
        said = [f for f in after.findings if f.code in {"NOT_APPROVED", "FALLEN"}]
        named = [f for f in said if f.subject == path] or [
            f for f in said if f.subject == "authority"
        ]
        text = f"{change.now} -> {change.then} is asked for, and no complete approval covers it"
        yield named[0] if named else finding(Reason.NOT_APPROVED, path, text)


def _later(bench: Bench, before: Side, after: Side) -> Iterable[Side]:
    if after.admission is None or after.commit is None:
        return
    if not any(item.code is Reason.PROPOSAL_NOT_YET for item in after.findings):
        return
    for instant in after.admission.changes[:MAX_INSTANTS]:
        yield _side(bench, after.commit, before.memory, instant)
