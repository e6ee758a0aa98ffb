"""The gate: every control on every order, every finding kept, the worst one decides."""

from datetime import datetime
from typing import Final

from desired_state.limits import Limits
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.finding import ALLOW, DENY, HALT, WITHIN, RiskVerdict, Row
from layers.l5_risk_gate.market import market_rows
from layers.l5_risk_gate.table import CONTROLS, GRAVEST_FIRST, STOPS
from layers.orders import Intent
from layers.risk_snapshot import Snapshot

SEMANTICS: Final = 2  # raised when the same inputs may give another verdict (evidence.md)
_MARKET: Final = [control.id for control in CONTROLS if control.id.startswith("F")]
_BEFORE: Final = tuple(c.judge for c in CONTROLS if c.id < _MARKET[0])
_AFTER: Final = tuple(c.judge for c in CONTROLS if c.id > _MARKET[-1])


def evaluate(intent: Intent, snapshot: Snapshot, limits: Limits, now: datetime) -> RiskVerdict:
    """The verdict on one order. ``now`` is the wall clock; nothing else is read than arguments."""
    case = Case(intent, snapshot, limits, now)
    rows = (
        *[judge(case) for judge in _BEFORE],
        *market_rows(case),
        *[judge(case) for judge in _AFTER],
    )
    for row in rows:
        if row[1] is not WITHIN:
            return _refused(rows, case)
    return RiskVerdict(ALLOW, rows, not case.reduces, None)


def _refused(rows: tuple[Row, ...], case: Case) -> RiskVerdict:
    """The worst finding decides; of several stops the gravest is raised."""
    halting = [row[0] for row in rows if row[2] is HALT]
    if not halting:
        return RiskVerdict(DENY, rows, not case.reduces, None)
    control = min(halting, key=lambda name: GRAVEST_FIRST.index(STOPS[name]))
    return RiskVerdict(HALT, rows, not case.reduces, STOPS[control], control)
