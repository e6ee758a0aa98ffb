"""What one trust root lets people do that another does not, path by path. Pure.

Every path says whether its new value is looser or tighter. What has no direction that this module
knows counts as looser, so that nobody signs it unread (AUTH-2 in the same spirit).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from desired_state.canonical import plain
from desired_state.limits import DIRECTIONS, Tighter
from desired_state.trust_root import GateRule, KeyEntry, Root
from desired_state.values import amount_text, instant_text, span_text

ABSENT: Final = "-"
_TOLD: Final = frozenset(
    {"all_of", "distinct", "at_most_days", "at_most_minutes", "ceilings", "touch", "evidence"}
)
Value = int | Decimal | datetime | timedelta | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RootChange:
    """One path of the root that differs."""

    path: str
    now: str
    then: str
    looser: bool


def root_changes(old: Root, new: Root) -> tuple[RootChange, ...]:
    """Path by path what differs, the looser first; number, chain and time of issue left out."""
    before, after = dict(_points(old)), dict(_points(new))
    found = []
    for path in sorted(before.keys() | after.keys()):
        a, b = before.get(path), after.get(path)
        if a == b:
            continue
        looser = _judge(path)(a, b)
        found.append(RootChange(path, _text(a), _text(b), looser))
    return tuple(sorted(found, key=lambda change: (not change.looser, change.path)))


def _points(root: Root) -> Iterator[tuple[str, Value]]:
    yield "expires", root.expires
    for name, person in root.persons.items():
        yield f"person {name}", 1
        for role in person.roles:
            yield f"person {name} role {role}", 1
        for forge, number in person.forge.items():
            yield f"person {name} at {forge}", (str(number),)
    for key_id, key in root.keys.items():
        yield from _key_points(f"key {key_id} of {key.person}", key)
    for role, threshold in root.thresholds.items():
        yield f"threshold {role}", threshold
    for name, rule in root.gates.items():
        yield from _gate_points(f"gate {name}", rule)
    for name in type(root.bounds).model_fields:
        yield f"bound {name}", getattr(root.bounds, name)
    if root.rehearses:
        yield f"rehearses {root.rehearses}", 1
    for roles in root.incompatible:
        yield f"incompatible {' and '.join(sorted(roles))}", 1


def _key_points(path: str, key: KeyEntry) -> Iterator[tuple[str, Value]]:
    yield path, 1
    for use in key.uses:
        yield f"{path} use {use}", 1
    yield f"{path} valid_from", key.valid_from
    yield f"{path} valid_until", key.valid_until
    yield f"{path} hardware", int(key.hardware)


def _gate_points(path: str, rule: GateRule) -> Iterator[tuple[str, Value]]:
    yield path, 1
    yield f"{path} signers", tuple(sorted(slot.words for slot in rule.all_of))
    yield f"{path} distinct", rule.distinct
    yield f"{path} touch", int(rule.touch)
    yield f"{path} evidence", tuple(sorted(rule.evidence))
    for name in ("at_most_days", "at_most_minutes"):
        if getattr(rule, name) is not None:
            yield f"{path} {name}", getattr(rule, name)
    ceilings = rule.ceilings
    for name in DIRECTIONS:
        value = getattr(ceilings, name)
        if value is not None:
            yield f"{path} ceiling {name}", value
    if ceilings.currency:
        yield f"{path} ceiling currency", (ceilings.currency,)
    for name, value in plain(rule).items():
        if name not in _TOLD and value is not None:
            yield f"{path} {name}", (str(value),)


def _more(before: Value | None, after: Value | None) -> bool:
    """Looser when it is there, or larger."""
    if before is None or after is None:
        return before is None
    return bool(after > before)  # type: ignore[operator]  # one path has one type


def _less(before: Value | None, after: Value | None) -> bool:
    """Looser when it is gone, or smaller."""
    if before is None or after is None:
        return after is None
    return bool(after < before)  # type: ignore[operator]  # one path has one type


def _bounded(before: Value | None, after: Value | None) -> bool:
    """Looser when the bound is gone, or larger."""
    if before is None or after is None:
        return after is None
    return bool(after > before)  # type: ignore[operator]  # one path has one type


def _signers(before: Value | None, after: Value | None) -> bool:
    """Tighter only where everybody who had to sign still has to."""
    if not isinstance(before, tuple) or not isinstance(after, tuple):
        return before is None
    return bool(Counter(before) - Counter(after))


def _always(_before: Value | None, _after: Value | None) -> bool:
    return True


_Judge = Callable[[Value | None, Value | None], bool]
_LAST: Final[Mapping[str, _Judge]] = {
    "expires": _more,
    "valid_from": _less,
    "valid_until": _more,
    "hardware": _less,
    "distinct": _less,
    "at_most_days": _bounded,
    "at_most_minutes": _bounded,
    "touch": _less,
    "evidence": _signers,
    "signers": _signers,
    "currency": _always,
}
_FIRST: Final[Mapping[str, _Judge]] = {
    "person": _more,
    "key": _more,
    "threshold": _less,
    "bound": _more,
    "incompatible": _less,
}


def _judge(path: str) -> _Judge:
    words = path.split(" ")
    if words[-1] in _LAST:
        return _LAST[words[-1]]
    if len(words) > 3 and words[2] == "ceiling":  # noqa: PLR2004  (gate NAME ceiling LIMIT)
        return _less if DIRECTIONS[words[3]] is Tighter.HIGHER else _bounded
    if words[0] == "gate":
        return _more if len(words) == 2 else _always  # noqa: PLR2004  (gate NAME)
    if words[0] == "person" and "at" in words:
        return _always
    return _FIRST.get(words[0], _always)


def _text(value: Value | None) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, timedelta):
        return span_text(value)
    if isinstance(value, Decimal):
        return amount_text(value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def root_change_lines(changes: Iterable[RootChange]) -> Iterator[str]:
    """``+`` what would be looser, ``-`` what would be tighter."""
    for change in changes:
        sign, word = ("+", "looser") if change.looser else ("-", "tighter")
        if {change.now, change.then} <= {ABSENT, "1"}:
            turn = "removed" if change.then == ABSENT else "added"
            yield f"  {sign} {change.path}: {turn} ({word})"
        else:
            yield f"  {sign} {change.path}: {change.now} -> {change.then} ({word})"
