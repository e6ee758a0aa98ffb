"""G: what the order stands on: reconciliation, the watcher, the journal. Held against all."""

from desired_state.reasons import Reason
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import (
    ALLOW,
    DENY,
    HALT,
    MISSING,
    WITHIN,
    ControlFinding,
    finding,
)


def g4_reconciliation(case: Case) -> ControlFinding:
    """Our books and the venue's agree; a difference nobody can explain halts."""
    found = case.snapshot.safety.unexplained
    code, outcome = WITHIN, ALLOW
    if found is None:
        code, outcome = MISSING, DENY
    elif found:
        code, outcome = Reason.RECON_DIFF, HALT
    return finding(("G4", code, outcome, found, 0, "differences", "account", None, None))


def g5_safety_net(case: Case) -> ControlFinding:
    """The watcher's last heartbeat, on the wall clock, is no older than the root allows."""
    beat, most = case.snapshot.safety.heartbeat_at, case.snapshot.safety.heartbeat_max_age
    age = None if beat is None else case.now - beat
    if age is None or most is None:
        code = MISSING
    else:
        # a beat may be newer than the cycle's one instant, but not by more than its bound
        code = WITHIN if -most <= age <= most else Reason.SAFETY_NET_DOWN
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("G5", code, outcome, age, most, "age", "host", None, None))


def g6_journal(case: Case) -> ControlFinding:
    """The journal takes what must be on disk before an order leaves."""
    writable = case.snapshot.safety.journal_writable
    code = MISSING if writable is None else WITHIN if writable else Reason.JOURNAL
    outcome = ALLOW if code is WITHIN else DENY
    return finding(("G6", code, outcome, str(writable), "True", "writable", "host", None, None))
