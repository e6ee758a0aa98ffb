"""However long a desk sends and cancels, what it holds in memory does not grow (L6-10)."""

import gc
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from layers.l6_execution.books import Books
from layers.l6_execution.events import Answered, CancelAsked, Compared, Event, Intended, Seen
from layers.l6_execution.ledger import Ledger
from layers.orders import AnswerKind, OrderState, VenueAnswer, VenueOrder
from layers.ports import JournalEntry
from reconciler.conduct import ConductRecord
from reconciler.noted_journal import NotedJournal
from tests.fakes.paper_desk import START, SYMBOL, intent

A_MINUTE = 30  # orders; a desk at fifty a second has a hundred times as many
FILLED = 5  # minutes until the first orders are let go, and some more


@dataclass
class NoDisk:
    """Numbers entries and forgets them: what the desk holds is its own alone."""

    size: int = 0

    def append(self, kind: str, body: Any, at: datetime) -> int:  # noqa: ANN401, ARG002
        self.size += 1
        return self.size

    def entries(self, first: int = 0) -> Iterable[JournalEntry]:  # noqa: ARG002
        return ()


@dataclass
class Desk:
    conduct: ConductRecord = field(default_factory=ConductRecord)
    minutes: int = 0

    def __post_init__(self) -> None:
        self.books = Books()
        self.ledger = Ledger(NotedJournal(NoDisk(), self.conduct), self.books)

    def decide(self, name: str) -> None:
        """L5 allowed it, as the journal says; whether it left is another entry."""
        wanted = intent(name)
        quote = {"bid": "99", "ask": "101"}
        body = {
            "risk": {"outcome": "allow"},
            "intent": {"request": wanted.request.model_dump(mode="json")},
            "snapshot": {"symbols": [{"symbol": SYMBOL, "quote": quote}]},
        }
        self.ledger.journal.append("decision", body, START)

    def live(self, name: str, at: datetime) -> None:
        """One order from its decision to its end."""
        self.decide(name)
        wanted = intent(name, at).model_copy(update={"expires_at": at + timedelta(minutes=1)})
        own, request = wanted.request.client_order_id, wanted.request
        shown = VenueOrder(
            symbol=SYMBOL,
            client_order_id=own,
            venue_order_id=name,
            side=request.side,
            price=Decimal(95),
            quantity=Decimal(1),
            filled=Decimal(0),
            state=OrderState.CANCELLED,
            updated_at=at,
        )
        asked = {"asked": (own,), "confirmed": (own,), "still_open": (), "unreachable": False}
        events: list[Event] = [
            Intended(intent=wanted, permit="p"),
            Answered(client_order_id=own, answer=VenueAnswer(kind=AnswerKind.ACCEPTED)),
            CancelAsked(scope="one", **asked),
            Seen(order=shown),
        ]
        for event in events:
            self.ledger.record(event, at)

    def minute(self, *, agrees: bool = True) -> None:
        """A minute's orders, some that never left, and a full comparison."""
        begin = START + timedelta(minutes=self.minutes)
        for number in range(A_MINUTE):
            self.live(f"{self.minutes}:{number}", begin + timedelta(seconds=number))
        self.decide(f"kept {self.minutes}")
        self.minutes += 1
        compared = {"report": "r", "compared": 1, "missing": (), "unexplained": ()}
        end = begin + timedelta(minutes=1)
        self.ledger.record(Compared(scope="full", ok=agrees, **compared), end)

    def objects(self) -> int:
        """Everything that can be reached from what it holds."""
        # these two fill up to a bound of their own within a day
        seen = {id(self.books.messages), id(self.books.last_equal)}
        found: list[Any] = [self.books, self.ledger.witness, self.conduct]
        while found:
            one = found.pop()
            if id(one) not in seen and not isinstance(one, type):
                seen.add(id(one))
                found += gc.get_referents(one)
        return len(seen)


def held(desk: Desk, minutes: int, *, agrees: bool = True) -> int:
    while desk.minutes < minutes:
        desk.minute(agrees=agrees)
    return desk.objects()


def test_what_a_desk_holds_does_not_grow_with_what_it_did() -> None:
    desk = Desk()
    filled = held(desk, FILLED)
    assert abs(held(desk, 4 * FILLED) - filled) < FILLED  # not even a word a minute


def test_it_grows_while_no_comparison_agrees() -> None:
    desk = Desk()
    filled = held(desk, FILLED, agrees=False)
    assert held(desk, 4 * FILLED, agrees=False) - filled > 10 * FILLED * A_MINUTE
