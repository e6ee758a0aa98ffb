"""The ports of L6 and the session: what the desk needs from a venue, in its own words.

Sending is a port of its own (``layers.l6_execution.door`` is its one user); a cancel needs no
permit, so that narrowing never waits for anybody.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from desired_state.errors import Finding
from layers.market import Book
from layers.orders import (
    Archived,
    Balance,
    CancelReport,
    Fill,
    OrderRequest,
    SymbolRules,
    VenueAnswer,
    VenueOrder,
)
from layers.risk_snapshot import VenueClass


class Leave(Protocol):
    """The door's last word on one order, asked where the bytes leave."""

    def refuses(self, wire: OrderRequest) -> Finding | None:
        """None while flag, token, permit and its end hold for exactly this order.

        ``wire`` is the order read back from the signed request, so that what was permitted is
        compared with what is sent and not with what was meant.
        """
        ...


class OrderEntry(Protocol):
    """The one way to risk: hands a request to a venue. Never raises for a venue's behaviour."""

    def submit(self, request: OrderRequest, leave: Leave) -> VenueAnswer:
        """Send once. Whatever does not prove acceptance or refusal is UNKNOWN.

        The transport asks ``leave`` after every wait (rate limit, connect) and right before it
        writes; a refusal is ``NOT_SENT`` with its code, and nothing has left the machine.
        """
        ...


class Cancels(Protocol):
    """The way out. Safe to call twice, from any process, at any time."""

    def cancel(self, symbol: str, client_order_id: str) -> CancelReport:
        """Ask for one order to be cancelled; an order already gone counts as confirmed."""
        ...

    def cancel_all(self) -> CancelReport:
        """Cancel every own open order of the account."""
        ...

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """Every open order of the account, ours or not. Raises ``Waiting`` if it cannot tell."""
        ...


class VenueQueries(Protocol):
    """What a venue says of itself, apart from any answer it gave when asked to act."""

    def order(self, symbol: str, client_order_id: str) -> VenueOrder | Archived | None:
        """The order with this client id in any state, or none where it never was there.

        ``Archived`` where the venue knows it and does not show it any more.
        """
        ...

    def orders(self, symbol: str, since: datetime) -> tuple[VenueOrder, ...]:
        """Every order of the account in any state that was made at or after ``since``.

        The second way to an order whose fate is unknown (spec: venues): an index by client id
        may lag behind the list.
        """
        ...

    def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        """Executions at or after ``since``, oldest first."""
        ...

    def balances(self) -> tuple[Balance, ...]:
        """All balances of the account."""
        ...

    def book(self, symbol: str) -> Book | None:
        """The present book, or none where the venue has none."""
        ...

    def rules(self, symbol: str) -> SymbolRules:
        """Filters and fees. Raises ``Stalled`` for a symbol the venue does not list."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What a venue says of itself and of our key. None is not known, and L5 takes it for no."""

    at: datetime  # wall clock
    venue_class: VenueClass | None  # proven on a signed request (host and header), never asked for
    account: str | None  # the venue's own id of the account
    can_withdraw: bool | None  # the key's scope
    address_bound: bool | None  # the key works from our address alone
    clock_offset: timedelta | None  # the venue's clock less ours
    headroom: Decimal | None  # share of the rate limit that is left, 0 to 1
    trading: Mapping[str, bool]  # whether a symbol is open for trading; left out: not known


class VenueProbe(Protocol):
    """Looks at the venue itself and sends no order. Never raises: what fails is not known."""

    def standing(self) -> Standing:
        """Asked at the start and again while a session runs (G1, G7, G8, G9, F6)."""
        ...


@dataclass(frozen=True, slots=True)
class Remains:
    """What a venue still shows of what it is known to have held for us."""

    orders: AbstractSet[str]  # client ids that it showed: those that stand, the last that ended
    orders_shown: AbstractSet[str]  # those of them that it still knows
    fills: AbstractSet[str]  # executions that it showed us: of the last day, and the last of all
    fills_shown: AbstractSet[str]
    expected: Mapping[str, Decimal]  # totals by currency, of our record: what it held for us
    balances: tuple[Balance, ...]  # as it shows them now


class ResetSigns(Protocol):
    """Tells a venue that was wiped from one that lost an order (VENUE_RESET). Pure."""

    def recognise(self, remains: Remains) -> str | None:
        """Why this is a wipe of the whole venue, in words, or none.

        Raises ``Waiting`` where the venue must be asked something that it does not answer now.
        """
        ...


class Journal(Protocol):
    """Write-ahead record. What is appended is on disk (fsync) when the call returns."""

    def append(self, kind: str, body: Mapping[str, Any], at: datetime) -> int:
        """Sequence number of the entry. Raises ``Stalled(JOURNAL)`` if it is not on disk."""
        ...


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry as it stands in the journal; ``at`` is the market clock given to ``append``."""

    sequence: int
    kind: str
    body: Mapping[str, Any]
    at: datetime


class JournalReader(Protocol):
    """What was written, oldest first. Start-up folds it; reconciliation reads it again."""

    def entries(self) -> Iterable[JournalEntry]:
        """Every entry. Raises ``Stalled(JOURNAL)`` where the record is broken or missing."""
        ...
