"""Builds the one door of a session that sends: the same behind every venue's entry (L6-1).

In a module of its own, so that what runs in shadow does not load it (SESSION-3).
"""

from layers.l6_execution.door import Door
from layers.l6_execution.ledger import Ledger
from layers.ports import OrderEntry
from reconciler.wiring.counters import Place


def door_of(place: Place, entry: OrderEntry) -> Door:
    """The door to ``entry``, on the books that this counter's journal tells.

    Raises:
        Stalled: ``MODE_FORBIDS`` in a mode that sends nothing, ``JOURNAL``.
    """
    keys = place.door_keys
    return Door(
        entry=entry,
        armed=keys.armed,
        seal_key=keys.permits.key,
        epoch=keys.epoch,
        ledger=Ledger.rebuilt(place.journal),
        wall_clock=place.clock.wall,
        verdicts=keys.permits,
    )
