"""What L5 found on an order, as the record of its decision tells it."""

from typing import Any

from layers.l5_risk_gate.finding import COLUMNS


def recorded_findings(body: dict[str, Any]) -> list[dict[str, str]]:
    """Every control's finding, those against the order first."""
    risk = body["risk"]
    within = ({"code": "WITHIN", **dict(zip(COLUMNS, row, strict=False))} for row in risk["within"])
    return [*risk["against"], *within]
