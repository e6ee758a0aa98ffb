"""What the journal says, read without the books (L6-7).

The running books have no part in it and none of their arithmetic is used: two ways from the same
entries that agree are worth more than one that is right about itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from layers.l6_execution import events
from layers.l6_execution.terms import FILLS_KEPT, LET_GO
from layers.orders import AnswerKind, Balance, Fill, Intent, OrderState, Side
from layers.ports import JournalEntry

NOTHING: Final = Decimal(0)
ABSENT: Final = "absent"
UNRESOLVED: Final = "unresolved"
OPEN: Final = "open"
_ANSWERED: Final = {
    AnswerKind.ACCEPTED: OPEN,
    AnswerKind.REJECTED: ABSENT,  # a refused submission leaves no record at the venue
    AnswerKind.UNKNOWN: UNRESOLVED,
    AnswerKind.NOT_SENT: ABSENT,
}
_ENDED: Final = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}
)


@dataclass(slots=True)
class Witness:
    """Intents, fates, executions and balances by the journal alone; at ``at``, market clock."""

    opened_at: datetime | None = None
    totals: dict[str, Decimal] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    fate: dict[str, str] = field(default_factory=dict)
    filled: dict[str, Decimal] = field(default_factory=dict)
    fills: dict[str, Fill] = field(default_factory=dict)
    touched: dict[str, datetime] = field(default_factory=dict)  # last event of each order
    ended: dict[str, datetime] = field(default_factory=dict)  # seen as ended: since when, there
    cancels: dict[str, int] = field(default_factory=dict)  # entry in which its cancel was asked
    live: dict[str, None] = field(default_factory=dict)  # what may stand at the venue
    explained: dict[tuple[str, str], str] = field(default_factory=dict)  # (subject, told): why
    standing: dict[str, str] = field(default_factory=dict)  # differences met and not explained
    refused: set[str] = field(default_factory=set)  # executions that were not taken in
    not_ours: dict[str, str] = field(default_factory=dict)  # those that people explained: why
    reset: int | None = None  # entry that says that the venue was wiped, not yet accepted
    sequence: int = 0
    whole: bool = False  # nothing is let go

    @classmethod
    def of(cls, entries: Iterable[JournalEntry], *, whole: bool = False) -> "Witness":
        """Read it all, and let go of nothing if ``whole``.

        Raises ``Stalled(JOURNAL)`` for what cannot be read.
        """
        witness = cls(whole=whole)
        for entry in entries:
            event = events.read(entry)
            if event is not None:
                witness.take(event, entry.at, entry.sequence)
        return witness

    def fate_of(self, name: str) -> str:
        """Where the journal says that the order is."""
        if self.filled.get(name, NOTHING) == Decimal(self.intents[name].request.quantity):
            return OrderState.FILLED.value.lower()
        return self.fate.get(name, UNRESOLVED)

    def is_live(self, name: str) -> bool:
        """Whether it may stand at the venue."""
        return self.fate_of(name) in {OPEN, UNRESOLVED}

    def ended_unfilled(self, name: str) -> datetime | None:
        """Since when it stands as ended without an execution, by the venue's clock; else none."""
        return None if self.filled.get(name, NOTHING) else self.ended.get(name)

    def lock(self, name: str) -> tuple[str, Decimal]:
        """Currency and amount that the venue locks while the order rests."""
        request = self.intents[name].request
        base, quote = request.symbol.split("/")
        remaining = Decimal(request.quantity) - self.filled.get(name, NOTHING)
        if request.side is Side.BUY:
            return quote, remaining * Decimal(request.price)
        return base, remaining

    def take(self, event: events.Event, at: datetime, sequence: int) -> None:
        """One more event."""
        self.sequence = sequence
        if not self._order(event, at, sequence):
            self._account(event, at, sequence)

    def _order(self, event: events.Event, at: datetime, sequence: int) -> bool:
        match event:
            case events.Intended(intent=intent):
                name = intent.request.client_order_id
                self.intents[name] = intent
            case events.Answered(client_order_id=name, answer=answer):
                self.fate[name] = _ANSWERED[answer.kind]
            case events.Seen(order=order):
                name = order.client_order_id
                self.fate[name] = word(order.state)
                if order.state in _ENDED:
                    self.ended[name] = order.updated_at
            case events.Absent(client_order_id=name):
                self.fate[name] = ABSENT
            case events.Filled(fill=fill):
                name = fill.client_order_id
                self._fill(fill)
            case events.CancelAsked(asked=asked) | events.CancelGap(asked=asked):
                self.cancels.update(dict.fromkeys(asked, sequence))
                self.touched.update(dict.fromkeys(asked, at))
                return True
            case _:
                return False
        self.touched[name] = at
        self.live.pop(name, None)
        if name in self.intents and self.is_live(name):
            self.live[name] = None
        return True

    def _account(self, event: events.Event, at: datetime, sequence: int) -> None:
        match event:
            case events.Opened(balances=balances):
                self.opened_at = at
                self.totals = {b.currency: b.free + b.locked for b in balances}
            case events.Transferred(currency=currency, amount=amount, direction=direction):
                self._move(currency, amount if direction == "in" else -amount)
                self.standing.pop(f"{currency}{events.TOTAL}", None)
            case events.Differs() | events.Explained():
                self._difference(event, sequence)
            case events.Compared(ok=True, scope="full"):
                self._let_go(at - LET_GO)
            case events.Reset():
                self.reset = sequence
            case events.ResetAccepted(balances=balances):
                self._begin_again(balances, at)
            case _:
                return

    def _difference(self, event: "events.Differs | events.Explained", sequence: int) -> None:
        subject = event.subject
        if isinstance(event, events.Differs):
            self.standing[subject] = event.what
            if event.code != "RECON_DIFF":
                self.refused.add(subject)
            return
        self.standing.pop(subject, None)
        why = f"entry {sequence}, {event.by}: {event.why}"
        self.explained[subject, event.told] = why
        if event.told == events.GONE and subject in self.intents:
            self.fate[subject] = ABSENT
            self.live.pop(subject, None)
        if subject in self.refused:
            self.not_ours[subject] = why

    def _begin_again(self, balances: tuple[Balance, ...], at: datetime) -> None:
        """A wipe was accepted: ids and balances begin anew, and what was said meant others."""
        self.reset, self.opened_at = None, at
        self.totals = {b.currency: b.free + b.locked for b in balances}
        for words in (self.standing, self.explained, self.refused, self.not_ours):
            words.clear()
        for orders in (self.intents, self.fate, self.live, self.fills, self.filled, self.ended):
            orders.clear()

    def _let_go(self, before: datetime) -> None:
        """L6-10: what the books let go of, by this record alone."""
        if self.whole:
            return
        spoken_for = {subject for subject, _ in self.explained}
        past = [
            name
            for name, intent in self.intents.items()
            if name not in self.live and self.touched[name] < before and intent.expires_at < before
        ]
        for name in (n for n in past if n not in spoken_for):
            for kept in (self.intents, self.fate, self.filled, self.touched, self.cancels):
                kept.pop(name, None)
            self.ended.pop(name, None)
        for fill in [f for f in self.fills.values() if f.at < before - FILLS_KEPT]:
            del self.fills[fill.fill_id]

    def _fill(self, fill: Fill) -> None:
        if fill.fill_id in self.fills:
            return
        self.fills[fill.fill_id] = fill
        if self.fate.get(fill.client_order_id, UNRESOLVED) == UNRESOLVED:
            self.fate[fill.client_order_id] = OPEN  # what executes is there
        so_far = self.filled.get(fill.client_order_id, NOTHING)
        self.filled[fill.client_order_id] = so_far + fill.quantity
        base, quote = fill.symbol.split("/")
        bought = fill.side is Side.BUY
        self._move(base, fill.quantity if bought else -fill.quantity)
        notional = fill.price * fill.quantity
        self._move(quote, -notional if bought else notional)
        self._move(fill.fee_currency, -fill.fee)

    def _move(self, currency: str, amount: Decimal) -> None:
        self.totals[currency] = self.totals.get(currency, NOTHING) + amount


def word(state: OrderState) -> str:
    """An order's state in the words of a comparison: open, or how it ended."""
    return state.value.lower() if state in _ENDED else OPEN
