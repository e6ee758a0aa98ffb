from importlib.resources import files
from pathlib import Path

from desired_state.document import load
from desired_state.limits import DIRECTIONS, Limits
from layers.l5_risk_gate import gate, table


def test_the_readme_shows_the_table_of_controls_with_the_template_s_bounds() -> None:
    template = files("desired_state").joinpath("templates", "limits.yaml").read_bytes()
    shown = table.control_table(load(Limits, template, "limits.yaml"))
    assert gate.__file__ is not None
    readme = (Path(gate.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert shown in readme
    assert table.elsewhere_table() in readme


def test_every_limit_is_held_by_some_control_and_ids_stand_once_in_order() -> None:
    held = {key for control in table.CONTROLS for key in control.limits}
    assert held == set(DIRECTIONS)
    ids = [control.id for control in table.CONTROLS]
    assert ids == sorted(set(ids))
