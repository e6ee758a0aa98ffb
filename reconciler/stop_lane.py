"""Finding stops: every commit the remote advertises, whatever its ancestry (trust.md, 7)."""

from collections.abc import Collection, Iterable
from datetime import datetime

from desired_state.memory import Stop
from desired_state.repository import SwitchHistory
from desired_state.stops import raised, read_switch, stop_of


def find_stops(
    history: SwitchHistory, repository: str, known: Collection[str], seen_at: datetime
) -> tuple[Stop, ...]:
    """Stops in commits reachable from the advertised tips and not from ``known`` ones.

    Raises:
        Waiting: ``FETCH`` where a tip cannot be read within its bound.
    """
    return stops_at(history, repository, history.tips().values(), (known, seen_at))


def stops_at(
    history: SwitchHistory,
    repository: str,
    tips: Iterable[str],
    seen: tuple[Collection[str], datetime],
) -> tuple[Stop, ...]:
    """As ``find_stops``, for these tips; ``seen`` is what was looked at before, and the time."""
    known, seen_at = seen
    new = sorted(set(tips) - set(known))
    if not new:
        return ()
    found = {s.id: s for s in raised(history.switch_changes(new, known), repository, seen_at)}
    for tip in new:
        if history.switch(tip) is None:  # a file that never was raises no change: STOP-4
            first = history.first_commit(tip)
            if history.switch(first) is None:
                stop = stop_of(repository, first, read_switch(None), seen_at)
                found[stop.id] = stop
    return tuple(found[key] for key in sorted(found))
