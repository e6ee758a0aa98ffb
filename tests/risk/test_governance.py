"""I: rules over the limits themselves, and where they are kept."""

import ast
from pathlib import Path

import pytest
from pydantic import ValidationError

from desired_state.limits import Limits
from layers.l5_risk_gate.finding import Outcome
from layers.l5_risk_gate.gate import evaluate
from layers.l5_risk_gate.table import CONTROLS, ELSEWHERE
from tests.risk.judged_order import LIMITS, NOW, SNAPSHOT, intent

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [("enforce_limits", "false"), ("allow_override", "true"),
     ("require_kill_switch_active", "false")],
)  # fmt: skip
def test_i2_there_is_no_override(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate_json(f'{{"currency": "USD", "{name}": {value}}}')
    forced = LIMITS.model_copy(update={name: value == "true", "max_order_notional": None})
    assert evaluate(intent(), SNAPSHOT, forced, NOW).outcome is Outcome.DENY  # nobody reads it


def test_what_a_single_order_cannot_show_names_a_test_that_is_there() -> None:
    for rule in ELSEWHERE:
        path, _, name = rule.test.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, rule.id


def test_every_id_of_the_specification_stands_in_one_of_the_two_tables() -> None:
    # F9 is the specification's line on the currency, which has no number of its own
    numbers = {"A": 8, "B": 8, "C": 8, "D": 6, "E": 7, "F": 9, "G": 9, "H": 4, "I": 4}
    expected = {f"{family}{n}" for family, most in numbers.items() for n in range(1, most + 1)}
    held, kept = [c.id for c in CONTROLS], [e.id for e in ELSEWHERE]
    assert sorted(held + kept) == sorted(expected)
