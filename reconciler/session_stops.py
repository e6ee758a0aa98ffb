"""The stops that a session raises: why, under which control, and how large the loss was then. Pure.

Each is in force before it is written down. A loss is kept beside every window, for what its release
holds.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from desired_state.errors import Finding
from desired_state.values import StopClass
from layers.l5_risk_gate.finding import ControlFinding, Outcome, RiskVerdict
from layers.l5_risk_gate.loss import watch_loss
from layers.l6_execution.stops import stop_for
from layers.ports import Journal
from reconciler.conduct import STOP
from reconciler.marks import LossStop, Marks, WindowName
from reconciler.scene import Scene
from reconciler.snapshots import account

LOSS_WINDOWS: Final[tuple[WindowName, ...]] = ("day", "rolling", "peak")  # D1, D2, D3


@dataclass(frozen=True)
class Stops:
    """Raises them. ``halt`` returns a stop's id; none where nobody could be stopped, as in shadow.

    ``refusals`` counts by control, the one that stopped included.
    """

    halt: Callable[[StopClass, str], str | None]
    journal: Journal
    marks: Marks
    refusals: Counter[str]

    def over_what_was_met(self, found: tuple[Finding, ...]) -> bool:
        """The one that the gravest of these findings asks for, in its own words (G3, G4)."""
        raised = stop_for(found)
        if raised is None:
            return False
        kind, cause = raised
        self.halt(kind, f"{cause.code}: {cause.subject}: {cause.message}")
        self.refusals[cause.code] += 1
        return True

    def over_an_order(self, scene: Scene, risk: RiskVerdict) -> None:
        """The one that L5's verdict on an order asks for."""
        kind = risk.stop_class or StopClass.INTEGRITY
        self._raise(scene, kind, risk.halting or risk.refusals[0])

    def over_a_loss(self, scene: Scene, interval: timedelta) -> bool:
        """The loss limits at every bar, not only when an order is wanted."""
        found = watch_loss(account(scene), scene.verdict.permitted.limits, interval)
        worst = next((one for one in found if one.outcome is Outcome.HALT), None)
        if worst is None:
            return False
        self._raise(scene, StopClass.LOSS, worst)
        return True

    def _raise(self, scene: Scene, kind: StopClass, worst: ControlFinding) -> None:
        text = f"{worst.code}: {worst.measured} of {worst.bound}"
        stop = self.halt(kind, text)
        if stop is None:
            would = {"class": kind.value, "control": worst.control, "text": text}
            self.journal.append("would_stop", would, scene.at)
        else:
            self.journal.append(STOP, {"stop": stop, "control": worst.control}, scene.at)
            if kind is StopClass.LOSS:
                self._keep_loss(scene, stop)
        self.refusals[worst.control] += 1

    def _keep_loss(self, scene: Scene, stop: str) -> None:
        if scene.mark is None:
            return
        for name in LOSS_WINDOWS:
            pnl = self.marks.pnl(name, scene.mark)
            if pnl is not None:
                found = LossStop(stop=stop, window=name, pnl=pnl, at=scene.at)
                self.marks.stops.append(found)
                self.journal.append("loss_stop", found.model_dump(mode="json"), scene.at)
