"""What one tree object holds, and where two of them differ.

A folder of a thousand papers changes by a few entries at a time, and its entries are sorted. So
what begins and ends with the same bytes as a listing that is at hand is not parsed or compared
again. That changes what reading costs and never what is read.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

Raw = dict[bytes, tuple[bytes, bytes]]
FOLDER: Final = b"40000"
PLAIN: Final = b"100644"
_ENTRY: Final = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0(.{20})", re.DOTALL)
_AROUND: Final = 22  # bytes of an entry beside its mode and name
Found = list[tuple[bytes, bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries of a tree by name: mode and id, in bytes, for few of them are ever looked at."""

    raw: bytes
    ends: "array[int]"  # where each entry ends in these bytes
    entries: Raw
    twice: bool  # one name stands more than once


NOTHING: Final = Listing(b"", array("Q"), {}, twice=False)


def name_of(name: bytes) -> str:
    """The name as text; what is no text does not print."""
    return name.decode("utf-8", "surrogateescape")


def listing(raw: bytes, like: Iterable[Listing] = ()) -> Listing:
    """The entries of a tree's bytes; the same whatever others they are likened to.

    Raises:
        ValueError: they are no tree.
    """
    shared = [(sum(_shared(raw, near.raw)), near) for near in like if not near.twice]
    if shared:
        most, near = max(shared, key=lambda found: found[0])
        if found := _gone_on(raw, near) if most * 2 > len(raw) else None:
            return found
    parsed = _parsed(raw)
    if parsed is None:
        raise ValueError("not a tree")
    entries = _entries(parsed)
    return Listing(raw, array("Q", _ends(parsed, 0)), entries, len(entries) != len(parsed))


def fresh(after: Listing, before: Listing) -> Raw:
    """The entries of ``after`` that do not stand in ``before``."""
    head, tail = _shared(after.raw, before.raw)
    first, last = _between(after, head, tail)
    behind = len(after.raw) - _start(after, last)
    if after.twice or before.twice or not _is_start(before, len(before.raw) - behind):
        first, last = 0, len(after.ends)
    names = (_name(after, at) for at in range(first, last))
    new = {name: after.entries[name] for name in names}
    return {name: entry for name, entry in new.items() if before.entries.get(name) != entry}


def _gone_on(raw: bytes, near: Listing) -> Listing | None:
    """From a listing without a name that stands twice; none where that does not come out even."""
    first, last = _between(near, *_shared(near.raw, raw))
    start, behind = _start(near, first), len(near.raw) - _start(near, last)
    middle = _parsed(raw[start : len(raw) - behind])
    if middle is None:
        return None
    entries = dict(near.entries)
    for at in range(first, last):
        del entries[_name(near, at)]
    entries.update(_entries(middle))
    ends = near.ends[:first]
    ends.extend(_ends(middle, start))
    moved = len(raw) - len(near.raw)
    ends.extend(near.ends[last:] if not moved else [end + moved for end in near.ends[last:]])
    return Listing(raw, ends, entries, twice=False) if len(entries) == len(ends) else None


def _parsed(raw: bytes) -> Found | None:
    found: Found = _ENTRY.findall(raw)
    return found if sum(map(_length, found)) == len(raw) else None


def _length(found: tuple[bytes, bytes, bytes]) -> int:
    return len(found[0]) + len(found[1]) + _AROUND


def _ends(found: Found, start: int) -> Iterable[int]:
    return (end for _, end in pairwise(accumulate(map(_length, found), initial=start)))


def _entries(found: Found) -> Raw:
    # of two entries with one name git takes the first; a mode may be written with zeros
    return {name: (mode.lstrip(b"0"), oid) for mode, name, oid in reversed(found)}


def _name(found: Listing, at: int) -> bytes:
    entry = found.raw[_start(found, at) : found.ends[at]]
    return entry[entry.index(b" ") + 1 : 1 - _AROUND]


def _start(found: Listing, at: int) -> int:
    return found.ends[at - 1] if at else 0


def _is_start(found: Listing, place: int) -> bool:
    at = bisect_left(found.ends, place)
    return place == 0 or (at < len(found.ends) and found.ends[at] == place)


def _between(found: Listing, head: int, tail: int) -> tuple[int, int]:
    """The entries from the first that is not wholly in the head to those wholly in the tail."""
    first = bisect_right(found.ends, head)
    last = bisect_left(found.ends, len(found.raw) - tail) + 1
    return first, max(first, min(last, len(found.ends)))


def _shared(a: bytes, b: bytes) -> tuple[int, int]:
    """How many bytes are the same at the beginning, and of the others at the end."""
    most = min(len(a), len(b))
    head = _reach(most, lambda low, high: a[low:high] == b[low:high])
    tail = _reach(
        most - head,
        lambda low, high: a[len(a) - high : len(a) - low] == b[len(b) - high : len(b) - low],
    )
    return head, tail


def _reach(most: int, same: Callable[[int, int], bool]) -> int:
    """How far it is the same, found by halves."""
    if same(0, most):
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if same(low, middle):
            low = middle
        else:
            high = middle
    return low
