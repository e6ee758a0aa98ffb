"""A venue that hides what it has, does not answer, or shows other balances, as told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from desired_state.errors import Waiting
from desired_state.reasons import Reason
from layers.l6_execution.execution import Execution
from layers.l6_execution.terms import Propagation
from layers.market import Book
from layers.orders import (
    AnswerKind,
    Balance,
    CancelReport,
    Fill,
    OrderRequest,
    VenueAnswer,
    VenueOrder,
)
from layers.ports import Leave
from tests.fakes.paper_desk import Desk


@dataclass
class Veil:
    """What is hidden, for all ports of one venue at once."""

    ids: set[str] = field(default_factory=set)  # orders that only ``kinds`` do not show
    kinds: set[str] = field(default_factory=lambda: {"order", "orders", "open", "fills"})
    silent: bool = False
    answers_lost: bool = False
    cancels_lost: bool = False
    extra: dict[str, Decimal] = field(default_factory=dict)  # shown on top of what is free
    fills: Callable[[tuple[Fill, ...]], tuple[Fill, ...]] = lambda fills: fills
    book: Callable[[str], Book | None] | None = None  # none: the venue's own
    asked: list[str] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)

    def ask(self, what: str) -> None:
        self.asked.append(what)
        if self.silent:
            raise Waiting(Reason.VENUE_UNREACHABLE, what, retry_after=timedelta(seconds=1))

    def hides(self, kind: str, name: str) -> bool:
        return kind in self.kinds and name in self.ids


@dataclass
class VeiledVenue:
    """``OrderEntry``, ``Cancels`` and ``VenueQueries`` in front of a desk's own."""

    entry: Any
    cancels: Any
    queries: Any
    veil: Veil

    def submit(self, request: OrderRequest, leave: Leave) -> VenueAnswer:
        answer = self.entry.submit(request, leave)
        if answer.kind is not AnswerKind.NOT_SENT:
            self.veil.submitted.append(request.client_order_id)
        if self.veil.answers_lost and answer.kind is not AnswerKind.NOT_SENT:
            return VenueAnswer(kind=AnswerKind.UNKNOWN, reason="", code=Reason.ORDER_UNKNOWN)
        return answer

    def cancel(self, symbol: str, name: str) -> CancelReport:
        if self.veil.cancels_lost:
            return CancelReport(confirmed=(), still_open=(name,), unreachable=True)
        return self.cancels.cancel(symbol, name)

    def cancel_all(self) -> CancelReport:
        return self.cancels.cancel_all()

    def open_orders(self) -> tuple[VenueOrder, ...]:
        self.veil.ask("open")
        found = self.cancels.open_orders()
        return tuple(o for o in found if not self.veil.hides("open", o.client_order_id))

    def order(self, symbol: str, name: str) -> VenueOrder | None:
        self.veil.ask("order")
        return None if self.veil.hides("order", name) else self.queries.order(symbol, name)

    def orders(self, symbol: str, since: datetime) -> tuple[VenueOrder, ...]:
        self.veil.ask("orders")
        found = self.queries.orders(symbol, since)
        return tuple(o for o in found if not self.veil.hides("orders", o.client_order_id))

    def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        self.veil.ask("fills")
        found = self.veil.fills(self.queries.fills(symbol, since))
        return tuple(f for f in found if not self.veil.hides("fills", f.client_order_id))

    def balances(self) -> tuple[Balance, ...]:
        self.veil.ask("balances")
        return tuple(
            b.model_copy(update={"free": b.free + self.veil.extra.get(b.currency, Decimal(0))})
            for b in self.queries.balances()
        )

    def book(self, symbol: str) -> Book | None:
        return (self.veil.book or self.queries.book)(symbol)


LATE = Propagation(timedelta(seconds=1), timedelta(seconds=5))


def veiled(folder: Path, *, epoch: int = 1, **parts: Any) -> tuple[Desk, Veil]:  # noqa: ANN401
    """A desk over the folder's venue whose execution sees it through the veil."""
    desk, veil = Desk(folder, epoch=epoch), Veil()
    venue = VeiledVenue(desk.door.entry, desk.cancels, desk.queries, veil)
    desk.door.entry = venue
    desk.execution = Execution(desk.door, venue, venue, desk.ledger, LATE, **parts)
    return desk, veil


def other_price(price: str) -> Callable[[tuple[Fill, ...]], tuple[Fill, ...]]:
    return lambda fills: tuple(f.model_copy(update={"price": Decimal(price)}) for f in fills)


__all__ = ["LATE", "Veil", "VeiledVenue", "other_price", "veiled"]
