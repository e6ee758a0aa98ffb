"""The gate: every control on every order, every finding kept, the worst one decides."""

from datetime import datetime
from operator import itemgetter
from typing import Final

from desired_state.limits import Limits
from layers.l5_risk_gate.aftermath import aftermath_rows
from layers.l5_risk_gate.authority import authority_rows
from layers.l5_risk_gate.case import Case
from layers.l5_risk_gate.exposure import exposure_rows
from layers.l5_risk_gate.finding import ALLOW, DENY, HALT, WITHIN, RiskVerdict, Row
from layers.l5_risk_gate.flow import flow_rows
from layers.l5_risk_gate.infrastructure import infrastructure_rows
from layers.l5_risk_gate.loss import loss_rows
from layers.l5_risk_gate.market import market_rows
from layers.l5_risk_gate.peg import f9_peg
from layers.l5_risk_gate.sanity import sanity_rows
from layers.l5_risk_gate.table import CONTROLS, GRAVEST_FIRST, STOPS
from layers.orders import Intent
from layers.risk_snapshot import Snapshot

# raised when the same inputs may give another verdict, or its record reads otherwise (evidence.md)
SEMANTICS: Final = 4
_ALL: Final = len(CONTROLS)
_code: Final = itemgetter(1)


def evaluate(intent: Intent, snapshot: Snapshot, limits: Limits, now: datetime) -> RiskVerdict:
    """The verdict on one order. ``now`` is the wall clock; nothing else is read than arguments."""
    case = Case(intent, snapshot, limits, now)
    rows = (
        *authority_rows(case),
        *sanity_rows(case),
        *exposure_rows(case),
        *loss_rows(case),
        *flow_rows(case),
        *market_rows(case),
        f9_peg(case),
        *infrastructure_rows(case),
        *aftermath_rows(case),
    )
    # all of them, counted, so that a control which did not answer can never allow
    if [*map(_code, rows)].count(WITHIN) == _ALL:
        return RiskVerdict(ALLOW, rows, not case.reduces, None)
    return _refused(rows, case)


def _refused(rows: tuple[Row, ...], case: Case) -> RiskVerdict:
    """The worst finding decides; of several stops the gravest is raised."""
    halting = [row[0] for row in rows if row[2] is HALT]
    if not halting:
        return RiskVerdict(DENY, rows, not case.reduces, None)
    control = min(halting, key=lambda name: GRAVEST_FIRST.index(STOPS[name]))
    return RiskVerdict(HALT, rows, not case.reduces, STOPS[control], control)
