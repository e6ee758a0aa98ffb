"""What goes wrong, as data: which request, when, and how.

X-19: every draw is a hash of seed, rule and count, so a plan strikes the same requests in every
run. ``RECOVERABLE`` faults leave the truth where queries find it; the others change the truth.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AliasChoices, Field, StringConstraints

from desired_state.frozen import Frozen
from desired_state.values import Amount
from layers.local_exchange.rest import Asks
from layers.orders import Side


class FaultKind(StrEnum):
    """One way in which a venue fails."""

    # the request never reaches the engine
    HANG_BEFORE = "hang_before"
    RESET_BEFORE = "reset_before"
    BAD_GATEWAY_BEFORE = "bad_gateway_before"  # 502, HTML
    UNKNOWN_BEFORE = "unknown_before"  # 503, -1000
    OVERLOADED = "overloaded"  # 503, -1008
    INTERNAL = "internal"  # 400, -1001
    RATE_LIMITED = "rate_limited"  # 429, -1003
    BANNED = "banned"  # 418, -1003
    TIMESTAMP = "timestamp"  # 400, -1021
    # carried out, and the answer says nothing of it
    HANG_AFTER = "hang_after"
    RESET_AFTER = "reset_after"
    BAD_GATEWAY_AFTER = "bad_gateway_after"  # 502, HTML
    UNKNOWN_AFTER = "unknown_after"  # 503, -1000
    TIMEOUT_AFTER = "timeout_after"  # 504, -1007
    UNEXPECTED_AFTER = "unexpected_after"  # 400, -1006
    EMPTY = "empty"  # 200, {}
    TRUNCATED = "truncated"  # 200, half of the JSON
    # carried out, and the answer says something else
    DUPLICATE = "duplicate"  # the order stands; the answer is of its repetition on the wire
    LOST_CANCEL = "lost_cancel"  # answered as cancelled, and rests on
    STALE_BOOK = "stale_book"
    CROSSED_BOOK = "crossed_book"
    # the truth itself changes
    WIPE = "wipe"  # orders and trades are gone, balances as at first, keys survive
    WRONG_BALANCE = "wrong_balance"
    FOREIGN_ORDER = "foreign_order"


BEFORE: Final = frozenset(
    {
        FaultKind.HANG_BEFORE,
        FaultKind.RESET_BEFORE,
        FaultKind.BAD_GATEWAY_BEFORE,
        FaultKind.UNKNOWN_BEFORE,
        FaultKind.OVERLOADED,
        FaultKind.INTERNAL,
        FaultKind.RATE_LIMITED,
        FaultKind.BANNED,
        FaultKind.TIMESTAMP,
    }
)
UNRECOVERABLE: Final = frozenset({FaultKind.WIPE, FaultKind.WRONG_BALANCE, FaultKind.FOREIGN_ORDER})
RECOVERABLE: Final = frozenset(FaultKind) - UNRECOVERABLE
_SIGNED: Final = frozenset(Asks) - {Asks.PUBLIC, Asks.BOOK, Asks.KLINES, Asks.UNKNOWN}
_FITS: Final = {
    FaultKind.DUPLICATE: frozenset({Asks.PLACE}),
    FaultKind.LOST_CANCEL: frozenset({Asks.CANCEL}),
    FaultKind.STALE_BOOK: frozenset({Asks.BOOK}),
    FaultKind.CROSSED_BOOK: frozenset({Asks.BOOK}),
    FaultKind.TIMESTAMP: _SIGNED,
}
Change = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,8})?$")]
_DRAWS: Final = 1 << 64


class Fault(Frozen):
    """One rule. Without ``nth`` and ``chance`` it strikes every request that it fits."""

    kind: FaultKind
    # none: everything that the kind fits; in YAML a bare ``on`` is a truth value, hence two names
    at: tuple[Asks, ...] = Field(default=(), validation_alias=AliasChoices("at", "on"))
    nth: tuple[Annotated[int, Field(ge=1)], ...] = ()  # of the requests that it fits, from 1
    chance: Amount = Decimal(0)
    since_ms: int | None = None  # exchange time
    until_ms: int | None = None
    times: Annotated[int, Field(ge=1)] | None = None  # at most so often
    hold_ms: Annotated[int, Field(ge=0, le=600_000)] = 60_000  # of a hang; then the line drops
    wait_s: Annotated[int, Field(ge=1, le=259_200)] = 1  # Retry-After of a limit or a ban
    asset: str = "USDT"  # of a wrong balance
    change: Change = "-1"  # of a wrong balance, signed
    side: Side = Side.BUY  # of a foreign order
    quantity: Amount = Decimal("0.002")  # of a foreign order
    price: Amount | None = None  # of a foreign order; none: half or twice the last price

    def fits(self, asks: Asks, now_ms: int) -> bool:
        """Whether this rule counts such a request at that instant."""
        if asks not in _FITS.get(self.kind, frozenset(Asks)) or (self.at and asks not in self.at):
            return False
        return (self.since_ms is None or now_ms >= self.since_ms) and (
            self.until_ms is None or now_ms < self.until_ms
        )


class FaultPlan(Frozen):
    """Rules in order; the first that strikes a request is the one it meets."""

    seed: int = 7
    faults: tuple[Fault, ...] = ()


class Faults:
    """A plan under way: what was counted, what has struck."""

    __slots__ = ("_counts", "_rules", "_seed", "_struck", "strikes")

    def __init__(self, plan: FaultPlan) -> None:
        self._seed = plan.seed
        self._rules: list[Fault] = list(plan.faults)
        self._counts: list[int] = [0] * len(self._rules)
        self._struck: list[int] = [0] * len(self._rules)
        self.strikes: list[tuple[FaultKind, Asks]] = []

    def add(self, faults: Iterable[Fault]) -> None:
        """More rules, behind those that stand."""
        for fault in faults:
            self._rules.append(fault)
            self._counts.append(0)
            self._struck.append(0)

    def clear(self) -> None:
        """No rules any more; what has struck stays told."""
        self._rules, self._counts, self._struck = [], [], []

    def strike(self, asks: Asks, now_ms: int) -> Fault | None:
        """The fault that this request meets; every rule that fits counts it."""
        met: int | None = None
        for index, rule in enumerate(self._rules):
            if not rule.fits(asks, now_ms):
                continue
            self._counts[index] += 1
            if met is None and self._due(index):
                met = index
        if met is None:
            return None
        self._struck[met] += 1
        self.strikes.append((self._rules[met].kind, asks))
        return self._rules[met]

    def _due(self, index: int) -> bool:
        rule, count = self._rules[index], self._counts[index]
        if rule.times is not None and self._struck[index] >= rule.times:
            return False
        if not rule.nth and not rule.chance:
            return True
        return count in rule.nth or self._drawn(index, count) < rule.chance

    def _drawn(self, index: int, count: int) -> Decimal:
        text = f"{self._seed} {index} {count}".encode()
        return Decimal(int.from_bytes(hashlib.sha256(text).digest()[:8], "big")) / _DRAWS
