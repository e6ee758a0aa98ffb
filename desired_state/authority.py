"""What may be done, in values with a direction, ordered by how much they allow.

An authority is taken apart into *points*: one comparable value a path, such as
``limits.USD.max_daily_loss`` or ``symbols.BTC/USDT@paper``. A path that is absent allows nothing,
so another currency or a missing key counts as 0 by construction (AUTH-2). ``compare`` is a partial
order on settled authorities and ``meet`` its greatest lower bound (AUTH-1).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

from pydantic import model_validator

from desired_state.frozen import Frozen
from desired_state.limits import DIRECTIONS, NO_LIMITS, Limits, Tighter
from desired_state.values import (
    Access,
    Account,
    Amount,
    Digest,
    Instant,
    LayerId,
    Mode,
    Name,
    Symbol,
    Trading,
    amount_text,
    instant_text,
    parse_amount,
    parse_instant,
    parse_span,
    span_text,
)

Point = Mode | Trading | Access | Decimal | int | timedelta | datetime
Points = Mapping[str, Point]

ALWAYS: Final = datetime(1, 1, 1, tzinfo=UTC)  # a not-before that never holds anything back
FOREVER: Final = datetime(9999, 12, 31, tzinfo=UTC)  # an expiry that never comes


class SymbolAccess(Frozen):
    """Where one symbol may be traded, and how."""

    venue: Name
    access: Access


class Authority(Frozen):
    """Everything that may be done. What is signed is what is read (spec: state-files)."""

    mode: Mode
    trading: Trading
    symbols: dict[Symbol, SymbolAccess]
    limits: Limits
    layers: tuple[LayerId, ...]
    budgets: dict[Name, Amount]
    build: Digest | None = None  # of wheel and lock; from testnet up none permits nothing there
    accounts: dict[Name, Account] = {}  # noqa: RUF012  (venue: its id; frozen: pydantic copies it)
    not_before: Instant | None = None
    expires: Instant | None = None

    @model_validator(mode="after")
    def _layers_once(self) -> Self:
        if len(set(self.layers)) != len(self.layers):
            raise ValueError("expected each layer once")
        return self


BOTTOM: Final = Authority(
    mode=Mode.HALTED,
    trading=Trading.HALTED,
    symbols={},
    limits=NO_LIMITS,
    layers=(),
    budgets={},
)


class Order(StrEnum):
    """Outcome of a comparison, said of the first argument."""

    EQUAL = "equal"
    TIGHTER = "tighter"
    LOOSER = "looser"
    INCOMPARABLE = "incomparable"


def points(authority: Authority) -> dict[str, Point]:
    """The authority as comparable values by path; a value of 0 or ``none`` is left out."""
    words: dict[str, Mode | Trading] = {"mode": authority.mode, "trading": authority.trading}
    found: dict[str, Point] = {path: word for path, word in words.items() if word.rank}
    for symbol, entry in authority.symbols.items():
        if entry.access.rank:
            found[f"symbols.{symbol}@{entry.venue}"] = entry.access
    limits = authority.limits
    for name, path, counts in _paths_in(limits.currency) if limits.currency else ():
        value = getattr(limits, name)
        if value or (value is not None and counts):
            found[path] = value
    found.update({f"layers.{layer}": 1 for layer in authority.layers})
    found.update({f"budgets.{name}": held for name, held in authority.budgets.items() if held})
    if authority.build:
        found[f"build.{authority.build}"] = 1
    found.update({f"accounts.{venue}.{name}": 1 for venue, name in authority.accounts.items()})
    found["not_before"] = authority.not_before or ALWAYS
    found["expires"] = authority.expires or FOREVER
    return found


def from_points(found: Points) -> Authority:
    """The authority that has exactly these points; none of them is ``BOTTOM``."""
    limits: dict[str, object] = {}
    symbols: dict[str, SymbolAccess] = {}
    named: dict[str, dict[str, object]] = {"layers": {}, "budgets": {}, "build": {}, "accounts": {}}
    for path, value in found.items():
        head, _, rest = path.partition(".")
        if head == "limits":
            limits["currency"], name = rest.split(".")
            limits[name] = value
        elif head == "symbols":
            symbol, venue = rest.split("@")
            symbols[symbol] = SymbolAccess.model_validate({"venue": venue, "access": value})
        elif head in named:
            named[head][rest] = value
    start, end = found.get("not_before"), found.get("expires")
    return Authority.model_validate(
        {
            "mode": found.get("mode", Mode.HALTED),
            "trading": found.get("trading", Trading.HALTED),
            "symbols": dict(sorted(symbols.items())),
            "limits": Limits.model_validate(limits),
            "layers": tuple(sorted(named["layers"])),
            "budgets": dict(sorted(named["budgets"].items())),
            "build": next(iter(named["build"]), None),
            "accounts": dict(sorted(path.split(".", 1) for path in named["accounts"])),
            "not_before": None if start == ALWAYS else start,
            "expires": None if end == FOREVER else end,
        }
    )


def settle(authority: Authority) -> Authority:
    """The one representative of everything that allows the same (AUTH-3).

    From testnet up the authority says which build may run and on which account; without a build,
    or without an account at any venue that its symbols name, what is left is at most ``paper``,
    where neither means anything (AUTH-4). Where nothing could be sent, what is left is at most
    ``advisory`` with its layers, and with no layer or an empty time window it is ``BOTTOM``.
    Settling never adds and keeps the order.
    """
    return from_points(_settled(points(authority)))


def meet(first: Authority, *others: Authority) -> Authority:
    """The most that all of them allow."""
    found: Points = points(first)
    for other in others:
        found = meet_points(found, points(other))
    return from_points(_settled(found))


def compare(first: Authority, second: Authority) -> Order:
    """How much the first allows, seen from the second."""
    a, b = _settled(points(first)), _settled(points(second))
    below, above = _within(a, b), _within(b, a)
    if below and above:
        return Order.EQUAL
    return Order.TIGHTER if below else Order.LOOSER if above else Order.INCOMPARABLE


def at_most(first: Authority, second: Authority) -> bool:
    """Whether the first allows nothing that the second does not."""
    return compare(first, second) in {Order.EQUAL, Order.TIGHTER}


def meet_points(a: Points, b: Points) -> dict[str, Point]:
    """Path by path the tighter value; what one side lacks is gone."""
    return {
        path: a[path] if tighter(path, a[path], b[path]) else b[path] for path in a if path in b
    }


def tighter(path: str, a: Point, b: Point) -> bool:
    """Whether ``a`` allows strictly less than ``b`` at this path."""
    return bool(a > b) if _way(path) is Tighter.HIGHER else bool(a < b)  # type: ignore[operator]


def unaccounted(authority: Authority) -> tuple[str, ...]:
    """Venues that the symbols name and for which no account is named; none below testnet."""
    if authority.mode < Mode.TESTNET:
        return ()
    entries = authority.symbols.values()
    named = {entry.venue for entry in entries if entry.access is not Access.NONE}
    return tuple(sorted(named - authority.accounts.keys()))


def point_text(value: Point) -> str:
    """One value as people write it."""
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, timedelta):
        return span_text(value)
    if isinstance(value, datetime):
        return instant_text(value)
    return str(value)


def parse_point(path: str, text: str) -> Point:
    """The value that ``point_text`` wrote for this path."""
    head = path.partition(".")[0]
    if head in _WORDS:
        return _WORDS[head](text)
    if head in {"not_before", "expires"}:
        return parse_instant(text)
    if head in {"layers", "build", "accounts"}:
        return int(text)
    if head == "budgets":
        return parse_amount(text)
    kind = str(Limits.model_fields[path.rpartition(".")[2]].annotation)
    if "timedelta" in kind:
        return parse_span(text)
    return parse_amount(text) if "Decimal" in kind else int(text)


def differences(first: Authority, second: Authority) -> Iterable[tuple[str, str, str]]:
    """``(path, in the first, in the second)`` for each path that differs; ``-`` is absent."""
    a, b = points(first), points(second)
    for path in sorted(a.keys() | b.keys()):
        if a.get(path) != b.get(path):
            yield (
                path,
                point_text(a[path]) if path in a else "-",
                point_text(b[path]) if path in b else "-",
            )


_WORDS: Final[Mapping[str, Callable[[str], Point]]] = {
    "mode": Mode,
    "trading": Trading,
    "symbols": Access,
}


def _limit_paths(currency: str) -> tuple[tuple[str, str, bool], ...]:
    """Each limit's name, its path in this currency, and whether 0 holds more back than none."""
    return tuple((name, f"limits.{currency}.{name}", name in _HIGHER) for name in DIRECTIONS)


def _direction(path: str) -> Tighter:
    """Whatever bears a limit's name and is none goes its own way."""
    limit = path.startswith("limits.") and path.rpartition(".")[2] in _HIGHER
    return Tighter.HIGHER if limit or path == "not_before" else Tighter.LOWER


_HIGHER: Final = frozenset(name for name, way in DIRECTIONS.items() if way is Tighter.HIGHER)
# asked of the same few hundred paths again and again; a path has one direction for ever
_paths_in: Final = lru_cache(maxsize=64)(_limit_paths)
_way: Final = lru_cache(maxsize=4096)(_direction)


def _settled(found: Points) -> dict[str, Point]:
    start, end = found.get("not_before"), found.get("expires")
    in_time = isinstance(start, datetime) and isinstance(end, datetime) and start < end
    mode = found.get("mode")
    if not isinstance(mode, Mode) or not in_time:
        return {}
    if _can_send(mode, found):
        return _answered_for(mode, found)
    kept = {p: v for p, v in found.items() if p.partition(".")[0] in _ADVISORY_PATHS}
    if not any(path.startswith("layers.") for path in kept):
        return {}
    return {**kept, "mode": min(mode, Mode.ADVISORY)}


_ADVISORY_PATHS: Final = frozenset({"layers", "budgets", "not_before", "expires"})


def _answered_for(mode: Mode, found: Points) -> dict[str, Point]:
    """AUTH-4, asked of some venue and not of each: only so is settling monotone.

    Whole to the letter, two symbols of which one venue has an account would settle to paper, while
    the one alone settles to testnet: less would allow more, and no meet could be a greatest lower
    bound. A venue without its account is refused elsewhere: no proposal grants it, no order passes.
    """
    if mode >= Mode.TESTNET and _has_build(found) and _accounted(found):
        return dict(found)
    kept = {p: v for p, v in found.items() if not p.startswith(("build.", "accounts."))}
    return {**kept, "mode": min(mode, Mode.PAPER)}


def _has_build(found: Points) -> bool:
    return any(path.startswith("build.") for path in found)


def _accounted(found: Points) -> bool:
    venues = {p.split(".")[1] for p in found if p.startswith("accounts.")}
    return any(p.split("@")[1] in venues for p in found if p.startswith("symbols."))


def _can_send(mode: Mode, found: Points) -> bool:
    def has(prefix: str, suffix: str = "") -> bool:
        return any(path.startswith(prefix) and path.endswith(suffix) for path in found)

    return (
        mode >= Mode.SHADOW
        and "trading" in found
        and has("symbols.")
        and has("limits.", ".max_order_notional")
        and has("limits.", ".max_total_exposure")
    )


def _within(a: Points, b: Points) -> bool:
    return all(path in b and not tighter(path, b[path], a[path]) for path in a)
