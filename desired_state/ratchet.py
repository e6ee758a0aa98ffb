"""The ratchet: what desired once fell to stays down until people raise it (trust.md, section 4).

A fall is recorded per path, with the revision in which it happened. Completing a proposal forgets
only the falls that its base revision already contained, so nobody wipes one they never saw.
"""

from collections.abc import Collection, Iterable

from desired_state.authority import (
    Authority,
    Point,
    from_points,
    parse_point,
    point_text,
    points,
    settle,
    tighter,
)
from desired_state.frozen import Frozen
from desired_state.values import Commit


class Fall(Frozen):
    """One path that became tighter in one revision; ``value`` none means it was taken away."""

    path: str
    value: str | None
    revision: Commit


def falls(before: Authority, after: Authority, revision: str) -> tuple[Fall, ...]:
    """Every path on which ``after`` is tighter than ``before`` (RATCHET-1).

    Compared with the revision just before: over a totally ordered field the least value that any
    later revision dropped to is always the target of such a step.
    """
    old, new = points(before), points(after)
    return tuple(
        Fall(
            path=path,
            value=point_text(new[path]) if path in new else None,
            revision=revision,
        )
        for path in sorted(old)
        if path not in new or tighter(path, new[path], old[path])
    )


def lower(authority: Authority, fallen: Iterable[Fall]) -> Authority:
    """The authority held down to every value fallen to: meet(authority, low)."""
    found: dict[str, Point] = points(authority)
    for fall in fallen:
        if fall.path not in found:
            continue
        if fall.value is None:
            del found[fall.path]
            continue
        value = parse_point(fall.path, fall.value)
        if tighter(fall.path, value, found[fall.path]):
            found[fall.path] = value
    return settle(from_points(found))


def forget(fallen: Iterable[Fall], seen: Collection[str]) -> tuple[Fall, ...]:
    """What stays fallen after a proposal whose base contains the revisions ``seen`` (RATCHET-2)."""
    return tuple(fall for fall in fallen if fall.revision not in seen)


def merge(fallen: Iterable[Fall], new: Iterable[Fall]) -> tuple[Fall, ...]:
    """Both, without repeating a fall of the same path in the same revision."""
    found = {(fall.path, fall.revision): fall for fall in fallen}
    found.update({(fall.path, fall.revision): fall for fall in new})
    return tuple(found[key] for key in sorted(found))
