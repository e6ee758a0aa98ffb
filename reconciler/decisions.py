"""L5's decision on one order as evidence, and the same decision made again from it. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from desired_state.canonical import plain
from desired_state.errors import Finding, Stalled, finding
from desired_state.limits import Limits
from desired_state.reasons import Reason
from desired_state.values import instant_text, parse_instant
from layers.l5_risk_gate.finding import RiskVerdict
from layers.l5_risk_gate.gate import SEMANTICS, evaluate
from layers.orders import Intent
from layers.risk_snapshot import Snapshot, from_plain, to_plain

LEAF_KIND: Final = "decision"
FIRST_SEMANTICS: Final = 1  # of records that do not say


def decision_body(
    intent: Intent, given: Snapshot, made: tuple[datetime, str], risk: RiskVerdict
) -> dict[str, Any]:
    """The leaf's body; ``made`` is the wall clock and the digest of the verdict in force.

    The limits are that verdict's, whose bytes lie beside its own leaf: they stand there once.
    """
    now, verdict = made
    return {
        "semantics": SEMANTICS,
        "intent": plain(intent),
        "snapshot": to_plain(given),
        "now": instant_text(now),
        "verdict": verdict,
        "risk": risk.plain(),
    }


def replay(body: Mapping[str, Any], limits: Limits) -> tuple[Finding, ...]:
    """Decide again from the record and the limits of the verdict that it cites (AUDIT-3).

    A record of other semantics is not read by the rules of this build: it takes the build of then.
    """
    made = body.get("semantics", FIRST_SEMANTICS)
    if made != SEMANTICS:
        text = f"expected semantics {SEMANTICS} of this build, found {made}"
        return (finding(Reason.REPLAY_MISMATCH, "decision", text),)
    try:
        intent = Intent.model_validate_json(json.dumps(body["intent"]))
        given = from_plain(body["snapshot"])
        again = evaluate(intent, given, limits, parse_instant(body["now"])).plain()
    except (KeyError, TypeError, ValueError, ValidationError, Stalled) as error:
        text = f"the record does not read: {type(error).__name__}"
        return (finding(Reason.REPLAY_MISMATCH, "decision", text),)
    if again == body.get("risk"):
        return ()
    text = f"recorded {body.get('risk', {}).get('outcome')}, decided again {again['outcome']}"
    return (finding(Reason.REPLAY_MISMATCH, intent.intent_id, text),)
