"""What the journal holds of a stop that L5 raised: which control, how large the loss was then."""

from typing import Final, NamedTuple

from desired_state.values import StopClass
from layers.ports import Journal
from reconciler.conduct import STOP
from reconciler.marks import LossStop, Marks, WindowName
from reconciler.snapshots import Scene

LOSS_WINDOWS: Final[tuple[WindowName, ...]] = ("day", "rolling", "peak")  # D1, D2, D3


class Told(NamedTuple):
    """``stop`` is its id; none where nobody could be stopped, as in shadow."""

    stop: str | None
    kind: StopClass
    control: str
    text: str


def tell_stop(journal: Journal, scene: Scene, marks: Marks, told: Told) -> None:
    """On disk when this returns. A loss is kept beside each window, for what its release holds."""
    if told.stop is None:
        would = {"class": told.kind.value, "control": told.control, "text": told.text}
        journal.append("would_stop", would, scene.at)
        return
    journal.append(STOP, {"stop": told.stop, "control": told.control}, scene.at)
    if told.kind is not StopClass.LOSS or scene.mark is None:
        return
    for name in LOSS_WINDOWS:
        pnl = marks.pnl(name, scene.mark)
        if pnl is not None:
            found = LossStop(stop=told.stop, window=name, pnl=pnl, at=scene.at)
            marks.stops.append(found)
            journal.append("loss_stop", found.model_dump(mode="json"), scene.at)
