"""The gate: from what was admitted, facts and the time to what is permitted. Pure (trust.md, 4).

    permitted = meet(desired, approved, low), narrowed by stops and by facts

Adding a problem, a stop or a missing fact can only make the result tighter (GATE-1).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from desired_state.admission import Admission
from desired_state.authority import (
    BOTTOM,
    Authority,
    differences,
    meet,
    parse_point,
    points,
    settle,
    tighter,
)
from desired_state.errors import Finding, Severity, finding
from desired_state.frozen import Frozen
from desired_state.memory import Stop
from desired_state.proposals import proposal_path
from desired_state.ratchet import lower
from desired_state.reasons import HALTED, Reason
from desired_state.stops import LOST, loss_code
from desired_state.trust_root import Root
from desired_state.values import (
    Commit,
    Digest,
    Instant,
    Mode,
    Switch,
    Trading,
)
from reconciler.conditions import narrows
from reconciler.facts import Facts, Narrowing, narrowings

SEMANTICS: Final = 4  # raised when the same inputs may give another verdict (evidence.md)
_VALIDITY: Final = frozenset({"not_before", "expires"})


class Verdict(Frozen):
    """What is permitted, why not more, and until when time alone cannot change it."""

    now: Instant
    revision: Commit | None
    admitted: bool
    desired: Authority | None
    approved: Authority | None
    permitted: Authority
    switch: Switch
    stops: tuple[Stop, ...]  # in force
    sequence: int | None  # of the approval that grants it
    people: tuple[str, ...]
    configuration: Digest | None  # the approved one, which is what runs
    findings: tuple[Finding, ...]
    valid_until: Instant | None
    wind_down: Authority | None = None  # people's own orders alone: it permits the machine nothing
    semantics: int = SEMANTICS

    @property
    def as_asked(self) -> bool:
        """Whether everything asked for is permitted and nothing is wrong."""
        errors = any(f.severity is Severity.ERROR for f in self.findings)
        if self.desired is None or not self.admitted or errors:
            return False
        if _unnamed(self.desired):
            return False
        asked, held = points(settle(self.desired)), points(self.permitted)
        return all(
            path in held and not tighter(path, held[path], wanted)
            for path, wanted in asked.items()
            if path not in _VALIDITY
        )


def judge(admission: Admission, facts: Facts, now: datetime) -> Verdict:
    """The verdict of this instant."""
    approval = admission.approval
    approved = approval.authority if approval else None
    stops = admission.memory.in_force
    narrowed = [*narrowings(admission, approved, facts, now), _refusals(admission)]
    trading = min(n.trading for n in narrowed)
    permitted = BOTTOM
    if admission.desired and approved and trading is not Trading.HALTED and not stops:
        permitted = lower(meet(admission.desired, approved), admission.memory.falls)
        permitted = meet(permitted, _capped(permitted, trading))
    found = [*admission.findings, *(f for n in narrowed for f in n.findings)]
    found += _stop_findings(stops)
    found += _shortfalls(admission, approved)
    changes = [*admission.changes, *(t for n in narrowed for t in n.changes)]
    return Verdict(
        now=now,
        revision=admission.revision,
        admitted=admission.admitted,
        desired=admission.desired,
        approved=approved,
        permitted=permitted,
        switch=switch_of(stops),
        stops=stops,
        sequence=approval.proposal.sequence if approval else None,
        people=approval.people if approval else (),
        configuration=approval.proposal.configuration if approval else None,
        findings=tuple(dict.fromkeys(found)),
        valid_until=min((t for t in changes if t > now), default=None),
        wind_down=admission.wind_down,
    )


def as_running(verdict: Verdict, recorded: Verdict) -> Verdict:
    """No more than the reconciler that runs here permits, and its reasons beside ours (GATE-4).

    It knows facts that nobody else asks for, such as the accounts that venues told it of.
    """
    known = {(found.code, found.subject) for found in verdict.findings}
    beside = tuple(
        found
        for found in recorded.findings
        if narrows(found) and (found.code, found.subject) not in known
    )
    return verdict.model_copy(
        update={
            "permitted": meet(verdict.permitted, recorded.permitted),
            "findings": (*verdict.findings, *beside),
        }
    )


def _capped(authority: Authority, trading: Trading) -> Authority:
    return authority.model_copy(update={"trading": min(authority.trading, trading)})


def _refusals(admission: Admission) -> Narrowing:
    """Codes whose own explanation says that nothing is permitted afterwards."""
    halting = any(
        f.severity is Severity.ERROR and f.code.explanation.afterwards == HALTED
        for f in admission.findings
    )
    return Narrowing(Trading.HALTED if halting or admission.root is None else Trading.ACTIVE)


def switch_of(stops: Iterable[Stop]) -> Switch:
    """What the stops in force say of the switch; engaged and unreadable are two things."""
    states = {stop.switch for stop in stops}
    if not states:
        return Switch.ARMED
    return Switch.ENGAGED if Switch.ENGAGED in states else Switch.UNREADABLE


def _stop_findings(stops: Iterable[Stop]) -> Iterable[Finding]:
    for stop in stops:
        unreadable = stop.switch is Switch.UNREADABLE
        code = Reason.KILL_UNREADABLE if unreadable else Reason.KILL_ENGAGED
        text = f"{stop.reason or 'no reason given'} ({stop.kind}, by {stop.by or 'unknown'})"
        yield finding(code, stop.id, text)
        if stop.id.startswith(LOST):  # MEM-2: for as long as nobody released it
            yield finding(loss_code(stop), "memory", stop.reason)


def _shortfalls(admission: Admission, approved: Authority | None) -> Iterable[Finding]:
    """What is asked for and not granted, path by path, and who could grant it."""
    desired, root = admission.desired, admission.root
    if desired is None:
        return
    asked = points(settle(desired))
    granted = points(approved) if approved else {}
    gate = desired.mode.value
    needs = f"needs gate {gate}: {_signers(root, gate)}; not signed"
    if _unnamed(desired):
        text = f"mode {gate} is asked for without its build or an account; it counts as paper"
        yield finding(Reason.NOT_APPROVED, "mode", text, severity=Severity.WARNING)
    if asked and approved is None:
        text = f"mode {gate} is asked for, nothing stands approved; {needs}"
        yield finding(Reason.NOT_APPROVED, "authority", text, severity=Severity.WARNING)
    for path, wanted, held in differences(settle(desired), approved or BOTTOM):
        looser = path not in granted or tighter(path, granted[path], asked.get(path, granted[path]))
        if approved is None or path in _VALIDITY or path not in asked or not looser:
            continue
        text = f"asked {wanted}, approved {held}; {needs}"
        yield finding(Reason.NOT_APPROVED, path, text, severity=Severity.WARNING)
    restore = _signers(root, "restore")
    for fall in admission.memory.falls:
        if fall.path not in asked:
            continue
        if fall.value and not tighter(
            fall.path, parse_point(fall.path, fall.value), asked[fall.path]
        ):
            continue  # what is asked is no more than what it fell to
        text = (
            f"fell to {fall.value or 'nothing'} at main@sha1:{fall.revision};"
            f" needs gate restore: {restore}; not signed"
        )
        yield finding(Reason.FALLEN, fall.path, text, severity=Severity.INFO)
    approval = admission.approval
    if approval and admission.configuration not in {None, approval.proposal.configuration}:
        text = f"the head has {admission.configuration}, {approval.proposal.configuration} runs"
        subject = proposal_path(approval.proposal.sequence)
        yield finding(Reason.CONFIGURATION_UNAPPROVED, subject, text, severity=Severity.WARNING)


def _unnamed(desired: Authority) -> bool:
    """From testnet up what does not name its build and accounts asks for paper alone (AUTH-4)."""
    return desired.mode >= Mode.TESTNET and settle(desired).mode < desired.mode


def _signers(root: Root | None, gate: str) -> str:
    rule = root.gates.get(gate) if root else None
    if rule is None:
        return "no such gate in the trust root"
    return " and ".join(slot.words for slot in rule.all_of)
