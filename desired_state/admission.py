"""Admission: from what was read to what may be believed of it (trust.md, section 6).

A pure function over bytes already read; fetching, walking and persisting are done elsewhere. The
steps keep the numbers of the specification. A bad file never helps: where the head is not
admissible, roots, votes and approvals are not taken from it, while stops always are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from desired_state.announcements import announcements
from desired_state.approvals import Approved, Pending, approve
from desired_state.authority import BOTTOM, Authority, from_points, meet_points, points
from desired_state.configuration import configuration_digest, configuration_findings
from desired_state.document import load
from desired_state.errors import Finding, Severity, Stalled, finding
from desired_state.frozen import Frozen
from desired_state.memory import Memory
from desired_state.observation import LineRevision, Observation
from desired_state.proposals import proposal_path
from desired_state.ratchet import falls, merge
from desired_state.reasons import Reason
from desired_state.remembering import through, with_papers
from desired_state.root_chain import Candidate, Trusted
from desired_state.standing import Approval
from desired_state.state_files import LIMITS, MODE, LimitsFile, ModeFile, asked, is_configuration
from desired_state.suspension import suspension_findings
from desired_state.trust_history import (
    Seen,
    Turn,
    follow,
    noted,
    pinned,
    revocation_findings,
    root_standing,
)
from desired_state.trust_root import Root
from desired_state.values import instant_text
from desired_state.votes import Papers
from desired_state.winding_down import WindDown, winding_down

CLOCK_TOLERANCE = timedelta(seconds=5)  # trust.md, section 6, step 0
FLOOR_INTERVAL = timedelta(minutes=1)
VOTES = ("proposals/", "signoffs/")  # of the others, ROOT_* and REVOCATION_ERASED speak
ROOT_PATH = "trust/root/{}.yaml"
M = TypeVar("M", bound=Frozen)
_MODE_PARTS = tuple(name for name in ModeFile.model_fields if name in Authority.model_fields)


@dataclass(frozen=True, slots=True)
class Trust:
    """What the host pins: digest of the first root, and the repository's id where it names one."""

    pin: str
    repository: str | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """What one cycle may believe."""

    admitted: bool
    revision: str | None
    root: Root | None
    desired: Authority | None
    unreadable: bool  # a governed file of the head does not read: reducing (trust.md, section 4)
    approval: Approval | None
    pending: tuple[Pending, ...]
    configuration: str | None  # digest at the head
    findings: tuple[Finding, ...]
    memory: Memory
    changes: tuple[datetime, ...]
    next_roots: tuple[Candidate, ...] = ()  # files of the head that would be the next root
    revoked: frozenset[str] = frozenset()  # key ids that count for nothing, whatever their use
    wind_down: Authority | None = None  # what people may send by hand; never what the machine may
    last_approved: Authority | None = None  # the authority of `high`, standing or not


def admit(
    observation: Observation,
    blobs: Mapping[str, bytes],
    memory: Memory,
    trust: Trust,
    now: datetime,
) -> Admission:
    """Judge the observed head. ``memory`` in the result is what must be persisted next."""
    given = memory
    memory = _with_stops(memory, observation)  # stops come first and from everywhere
    found = [*observation.problems, *_way_here(observation, memory, now)]  # steps 0 to 2
    trusted, turns, candidates, problems = _trust(observation, blobs, memory, trust)  # 3 and 4
    found += problems
    mode, limits, problems = _governed(observation, blobs)  # step 5
    configuration, more = _configuration(observation, blobs)
    found += [*problems, *more]
    admitted = trusted is not None and observation.revision is not None and not _errors(found)
    desired, memory = _desired(observation, blobs, memory, admitted=admitted)
    at = max(now, memory.floor or now)  # a clock set back brings no vote back (CLOCK-1)
    if admitted and trusted is not None:
        memory = through(trusted, turns, memory, (observation, blobs), at)
        trusted = turns[-1].after if turns else trusted
        memory = noted(trusted, _advance(memory, observation, desired))
        found += _erased(memory)
    told, ends = suspension_findings(mode.suspension if mode else None, now)
    found += told
    papers = Papers(memory.ledger, blobs, trusted.root, trusted.taken) if trusted else None
    armed = admitted and observation.switch_armed
    outcome, exits = _papers(observation, papers, memory, at, armed=armed)  # steps 6 and 7
    root = trusted.root if trusted else None
    if root is not None and at >= root.expires:
        found.append(finding(Reason.ROOT_EXPIRED, ROOT_PATH.format(root.version)))
    found += _runs(observation, outcome.approval)
    soon, days = announcements(root, outcome.approval, now)
    found += soon
    return Admission(
        admitted=admitted,
        revision=observation.revision,
        root=root,
        desired=desired,
        unreadable=observation.revision is not None and (mode is None or limits is None),
        approval=outcome.approval,
        pending=(*outcome.pending, *exits.pending),
        configuration=configuration,
        findings=(*found, *outcome.findings, *exits.findings),
        memory=_with_floor(given, exits.memory, now),
        changes=tuple(sorted((*outcome.changes, *exits.changes, *ends, *days))),
        next_roots=candidates,
        revoked=trusted.taken if trusted else frozenset(),
        wind_down=exits.authority,
        last_approved=exits.last_approved,
    )


def _way_here(observation: Observation, memory: Memory, now: datetime) -> Iterable[Finding]:
    """What the clock and the line of main say against this head."""
    if memory.floor and now < memory.floor - CLOCK_TOLERANCE:
        text = f"expected {instant_text(memory.floor)} or later, found {instant_text(now)}"
        yield finding(Reason.CLOCK_UNSURE, "wall clock", text)
    if observation.revision and not observation.descends:
        text = f"expected a descendant of {memory.head}, found {observation.revision}"
        yield finding(Reason.HEAD_REWRITE, "main", text)


def _papers(
    observation: Observation, papers: Papers | None, memory: Memory, at: datetime, *, armed: bool
) -> tuple[Approved, WindDown]:
    """What stands approved, and what people may send by hand; nothing where nobody is trusted."""
    if papers is None:
        nothing = Approved(memory, None, (), (), ())
        return nothing, WindDown(nothing.memory, None, None)
    bases, clean = observation.bases, observation.clean
    outcome = approve(memory, papers, bases, at, armed=armed, clean=clean)
    return outcome, winding_down(outcome.memory, papers, at)


def _with_floor(given: Memory, memory: Memory, now: datetime) -> Memory:
    """The floor moves with other changes, or once a minute, so an idle cycle writes nothing."""
    floor = given.floor
    if floor is None or memory != given or now - floor >= FLOOR_INTERVAL:
        return memory.model_copy(update={"floor": max(now, floor or now)})
    return memory


def _errors(found: Iterable[Finding]) -> bool:
    return any(item.severity is Severity.ERROR for item in found)


def _with_stops(memory: Memory, observation: Observation) -> Memory:
    seen = {stop.id: stop for stop in observation.stops}
    return memory.model_copy(update={"stops": {**seen, **memory.stops}})


def _trust(
    observation: Observation, blobs: Mapping[str, bytes], memory: Memory, trust: Trust
) -> tuple[Trusted | None, tuple[Turn, ...], tuple[Candidate, ...], list[Finding]]:
    """Who is trusted before this head, what it changes, and what is wrong with it."""
    files = observation.files
    trusted, problems = pinned(memory, files, blobs, trust.pin, trust.repository)
    unread = observation.revision is None or bool(observation.problems)
    if trusted is None or unread:
        return trusted, (), (), list(problems)
    turns = follow(trusted, memory.ledger, observation.ledger, blobs)
    latest = turns[-1].after if turns else trusted
    seen = Seen(memory.ledger, observation.ledger)
    candidates, found = root_standing(latest, files, seen, blobs)
    return trusted, turns, candidates, [*found, *revocation_findings(latest, files, seen, blobs)]


def _governed(
    observation: Observation, blobs: Mapping[str, bytes]
) -> tuple[ModeFile | None, LimitsFile | None, list[Finding]]:
    if observation.revision is None:
        return None, None, []
    if observation.problems:  # the tree was refused as a whole, which is said already
        return None, None, []
    found: list[Finding] = []
    mode = _read(ModeFile, MODE, observation.files.get(MODE), blobs, found)
    limits = _read(LimitsFile, LIMITS, observation.files.get(LIMITS), blobs, found)
    return mode, limits, found


def _read(
    model: type[M], path: str, digest: str | None, blobs: Mapping[str, bytes], found: list[Finding]
) -> M | None:
    if digest is None:
        found.append(finding(Reason.STATE_MISSING, path))
        return None
    try:
        return load(model, blobs[digest], path)
    except Stalled as error:
        found.append(error.finding)
        return None


def _configuration(
    observation: Observation, blobs: Mapping[str, bytes]
) -> tuple[str | None, list[Finding]]:
    if observation.revision is None or observation.problems:
        return None, []
    files = {p: blobs[d] for p, d in observation.files.items() if is_configuration(p)}
    problems = list(configuration_findings(files))
    return (None if problems else configuration_digest(files)), problems


def _runs(observation: Observation, approval: Approval | None) -> list[Finding]:
    """CONFIG-1: the approved configuration is what runs, and it is there to be run.

    Said of a head that was read: a source that does not answer narrows by its own bounds.
    """
    if approval is None or observation.revision is None or not observation.descends:
        return []
    proposal = approval.proposal
    at = {base.revision: base.configuration for base in observation.bases}
    found = at.get(proposal.base)
    if found == proposal.configuration:
        return []
    text = f"expected {proposal.configuration} at {proposal.base}, found {found or 'none'}"
    return [finding(Reason.CONFIGURATION_LOST, proposal_path(proposal.sequence), text)]


def _desired(
    observation: Observation, blobs: Mapping[str, bytes], memory: Memory, *, admitted: bool
) -> tuple[Authority | None, Memory]:
    """What the head asks for, and memory with what has fallen on the way there.

    Each revision of main since the last head is judged, so a tightening that was reverted within
    one push is a fall as well, and polling never decides what is remembered (RATCHET-3).
    """
    before = memory.desired
    for step in observation.line:
        after = _overlay(step, before, blobs)
        if before is not None:
            fallen = falls(before, after, step.revision)
            memory = memory.model_copy(update={"falls": merge(memory.falls, fallen)})
        before = after
    if admitted or memory.desired is None or before is None:
        return before, memory
    return from_points(meet_points(points(memory.desired), points(before))), memory


def _overlay(step: LineRevision, before: Authority | None, blobs: Mapping[str, bytes]) -> Authority:
    """What this revision asks; a file that does not read leaves its part as it was before."""
    mode = _read(ModeFile, MODE, step.mode, blobs, [])
    limits = _read(LimitsFile, LIMITS, step.limits, blobs, [])
    now, last = asked(mode, limits), before or BOTTOM
    parts = {} if mode else {name: getattr(last, name) for name in _MODE_PARTS}
    if limits is None:
        parts["limits"] = last.limits
    return now.model_copy(update=parts)


def _advance(memory: Memory, observation: Observation, desired: Authority | None) -> Memory:
    memory = with_papers(memory, observation.ledger)
    erased = set(memory.erased)
    for path, digest in observation.standing.items():
        if path in memory.ledger and memory.ledger[path][0] != digest and path.startswith(VOTES):
            erased.add(path)
        else:
            erased.discard(path)
    update = {"head": observation.revision, "desired": desired, "erased": tuple(sorted(erased))}
    return memory.model_copy(update=update)


def _erased(memory: Memory) -> list[Finding]:
    """Ledger files that were seen and are gone or changed: said, and without any effect."""
    return [
        finding(
            Reason.PROPOSAL_CHANGED if path.startswith("proposals/") else Reason.VOTE_ERASED,
            path,
            severity=Severity.WARNING,
        )
        for path in memory.erased
    ]
