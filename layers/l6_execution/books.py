"""Our own books: a fold of L6's journal events, and nothing else moves them.

Aggregates: an event and a look cost the same with one open order as with a thousand. Spot: a
position is what was bought less what was sold, fees taken in the coin, and what is gone (L6-13).
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution import events
from layers.l6_execution.last_known import LastKnown
from layers.l6_execution.messages import Messages
from layers.l6_execution.money import Money
from layers.l6_execution.own_order import NOTHING, UNPROVEN, OwnOrder
from layers.l6_execution.states import Happening, after
from layers.l6_execution.symbol_book import SymbolBook, taken_from
from layers.l6_execution.terms import FILLS_KEPT, LET_GO
from layers.orders import WORKING, AnswerKind, Balance, Fill, Intent, OrderState, Side, VenueOrder
from layers.ports import JournalEntry

WHOLE_VENUE: Final = "venue"  # subject of a difference that concerns all of it
EQUALS_KEPT: Final = 10_000  # for E5, far above any window's limit; bounds memory

_ANSWERS: Final = {
    AnswerKind.ACCEPTED: (Happening.SENT, Happening.ACKED),
    AnswerKind.REJECTED: (Happening.SENT, Happening.REFUSED),
    AnswerKind.UNKNOWN: (Happening.SENT, Happening.ANSWER_LOST),
    AnswerKind.NOT_SENT: (Happening.WITHHELD,),
}
_SEEN: Final = {
    OrderState.OPEN: Happening.ACKED,
    OrderState.PARTIAL: Happening.ACKED,
    OrderState.CANCELLED: Happening.SEEN_CANCELLED,
    OrderState.REJECTED: Happening.SEEN_REJECTED,
    OrderState.EXPIRED: Happening.SEEN_EXPIRED,
}


@dataclass(slots=True)
class Books:
    """All of it. Read the attributes; change it through ``apply`` alone."""

    sequence: int = 0
    opened_at: datetime | None = None
    money: Money = field(default_factory=Money)
    orders: dict[str, OwnOrder] = field(default_factory=dict)
    by_intent: dict[str, str] = field(default_factory=dict)
    symbols: dict[str, SymbolBook] = field(default_factory=dict)
    working: dict[str, None] = field(default_factory=dict)  # ids, oldest first
    unproven: dict[str, None] = field(default_factory=dict)  # those in INTENT, SENT or UNKNOWN
    reserved_unproven: dict[str, Decimal] = field(default_factory=dict)  # not yet locked for sure
    fills: dict[str, Fill] = field(default_factory=dict)
    last: LastKnown = field(default_factory=LastKnown)
    unexplained: dict[str, str] = field(default_factory=dict)  # subject: what differs
    foreign: set[str] = field(default_factory=set)  # orders and fills without an intent (H4)
    undead: set[str] = field(default_factory=set)  # orders that we had ended, open there (H4)
    fills_refused: set[str] = field(default_factory=set)  # implausible ones (H3)
    unresolved: dict[str, datetime] = field(default_factory=dict)  # all look-ups made in vain
    reset: str | None = None  # the venue was wiped, and nobody has accepted it yet
    compared_at: datetime | None = None  # last full comparison that found nothing
    explained: set[str] = field(default_factory=set)  # subjects that a person spoke for
    let_go_at: datetime | None = None  # what ended before is on disk and no more in memory
    messages: Messages = field(default_factory=Messages)
    orders_on: dict[date, int] = field(default_factory=dict)  # UTC days of the market clock
    last_equal: dict[tuple[str, Side, Decimal, Decimal], datetime] = field(default_factory=dict)
    whole: bool = False  # nothing is let go

    @classmethod
    def rebuilt(cls, entries: Iterable[JournalEntry], *, whole: bool = False) -> "Books":
        """The books that a journal describes. Raises ``Stalled`` where it cannot be read.

        ``whole``: with every order and execution of its life, for a record and not to go on with.
        """
        books = cls(whole=whole)
        for entry in entries:
            event = events.read(entry)
            if event is not None:
                books.apply(event, entry.at, entry.sequence)
        return books

    def symbol(self, symbol: str) -> SymbolBook:
        """The symbol's aggregates, all zero before its first order."""
        return self.symbols.get(symbol) or SymbolBook()

    @property
    def fill_ids(self) -> AbstractSet[str]:
        """Ids of the executions taken in."""
        return self.fills.keys()

    def order_of(self, intent_id: str) -> OwnOrder | None:
        """The one order of an intent, in whatever state; none if it was never intended."""
        name = self.by_intent.get(intent_id)
        return None if name is None else self.orders[name]

    def check(self, event: events.Event) -> None:
        """Raises ``Stalled`` where ``apply`` would."""
        match event:
            case events.Intended(intent=intent):
                self._unseen(intent)
            case events.Filled(fill=fill):
                self._filled(fill)
            case events.Seen(order=order):
                self._seen(order)
            case events.Answered(client_order_id=name, answer=answer):
                self._moved(name, _ANSWERS[answer.kind])
            case events.Absent(client_order_id=name):
                self._moved(name, (Happening.PROVEN_ABSENT,))
            case events.Unresolved(client_order_id=name):
                self._known(name)
            case events.ResetAccepted() if self.reset is None:
                raise Stalled(Reason.RECON_DIFF, "venue", "no reset stands that could be accepted")
            case _:
                return

    def apply(self, event: events.Event, at: datetime, sequence: int) -> None:
        """Fold one event in. Raises ``Stalled(RECON_DIFF)`` for one that cannot have happened."""
        if not self._fold_order(event, at):
            self._fold_account(event, at)
        self.sequence = sequence

    def _fold_order(self, event: events.Event, at: datetime) -> bool:
        """What moves one order; true if the event was of that kind."""
        match event:
            case events.Intended(intent=intent):
                self._unseen(intent)
                self._intend(intent, at)
            case events.Answered(client_order_id=name, answer=answer):
                moved = self._moved(name, _ANSWERS[answer.kind])
                self._put(replace(moved, reason=answer.reason, changed_at=at))
                if answer.kind is AnswerKind.ACCEPTED and answer.order is not None:
                    self.last.saw(answer.order)
            case events.Filled(fill=fill):
                if fill.fill_id not in self.fills:
                    self._put(replace(self._filled(fill), changed_at=at))
                    self._book_fill(fill)
            case events.Seen(order=order):
                self._put(replace(self._seen(order), reason=order.reason, changed_at=at))
                self.last.saw(order)
            case events.Absent(client_order_id=name, code=code):
                moved = self._moved(name, (Happening.PROVEN_ABSENT,))
                self._put(replace(moved, reason=code, changed_at=at))
            case events.CancelAsked() | events.CancelGap():
                self._cancel(event, at)
            case events.Unresolved(client_order_id=name):
                self.unresolved[name] = at
            case _:
                return False
        return True

    def _fold_account(self, event: events.Event, at: datetime) -> None:
        """What concerns the account, and what was met there."""
        match event:
            case events.Opened(balances=balances):
                self.opened_at = at
                self.money.opening = _totals(balances)
            case events.Differs():
                self._differs(event)
            case events.Explained():
                self._explained(event, at)
            case events.Transferred(currency=currency, amount=amount, direction=direction):
                self._transferred(currency, amount if direction == "in" else -amount)
            case events.Reset(what=what):
                self.reset = self.unexplained[WHOLE_VENUE] = what
            case events.ResetAccepted():
                self._begin_again(event, at)
            case events.Compared(ok=True, scope="full"):
                self.compared_at = at
                self._let_go(at)
            case _:
                return

    def _transferred(self, currency: str, amount: Decimal) -> None:
        self.money.transferred(currency, amount)
        self.unexplained.pop(f"{currency}{events.TOTAL}", None)

    def _differs(self, event: events.Differs) -> None:
        self.unexplained[event.subject] = event.what
        if event.code == "FOREIGN_ORDER":
            self.foreign.add(event.subject)
        elif event.code == "FILL_IMPLAUSIBLE":
            self.fills_refused.add(event.subject)
        elif event.what == events.UNDEAD:
            self.undead.add(event.subject)

    def _explained(self, event: events.Explained, at: datetime) -> None:
        """Counted no more; an order of ours that is gone from the venue is gone from here too."""
        subject = event.subject
        self.unexplained.pop(subject, None)
        self.explained.add(subject)
        currency, total, _ = subject.partition(events.TOTAL)
        if total and (gap := amount_of(event.told)) is not None:
            self._lack(currency, self.money.explained(currency, gap))
        for kind in (self.foreign, self.undead, self.fills_refused):
            kind.discard(subject)
        if event.told == events.GONE:
            self.last.lost(subject)
        if event.told == events.GONE and subject in self.working:
            ended = self._moved(subject, (Happening.WIPED,))
            self._put(replace(ended, reason=Reason.RECON_DIFF, changed_at=at))

    def _lack(self, currency: str, missing: Decimal) -> None:
        """L6-13: what people explain as missing is held by nobody, and nothing gives it back."""
        held = {s: b.position for s, b in self.symbols.items() if s.startswith(f"{currency}/")}
        for symbol, quantity in taken_from(held, missing).items():
            self.symbols[symbol].lose(quantity)

    def _begin_again(self, event: events.ResetAccepted, at: datetime) -> None:
        """A wipe that a person accepted: what was there is gone, what was realised stays ours."""
        for name in list(self.working):
            ended = self._moved(name, (Happening.WIPED,))
            self._put(replace(ended, reason=Reason.VENUE_RESET, changed_at=at))
        for book in self.symbols.values():
            book.wipe(owed=event.moved)
        self.opened_at, self.reset = at, None
        self.money.begin_again(_totals(event.balances), owed=event.moved)
        self.last.clear()
        self.fills.clear()  # a wiped venue counts its executions from the start again
        for met in (self.foreign, self.undead, self.fills_refused):
            met.clear()
        self.unexplained.clear()

    def _unseen(self, intent: Intent) -> None:
        known = intent.intent_id in self.by_intent or intent.request.client_order_id in self.orders
        if known:  # E5: an intent leaves once in its life
            raise Stalled(Reason.DUPLICATE, intent.intent_id)

    def _intend(self, intent: Intent, at: datetime) -> None:
        request = intent.request
        quantity, price = Decimal(request.quantity), Decimal(request.price)
        held = self.symbol(request.symbol)
        reduces = request.side is Side.SELL and quantity <= held.position - held.open_sell
        order = OwnOrder(intent, price, quantity, NOTHING, OrderState.INTENT, not reduces, at)
        self.by_intent[intent.intent_id] = order.client_order_id
        self.messages.add(at)
        self.orders_on[at.date()] = self.orders_on.get(at.date(), 0) + 1
        same = (request.symbol, request.side, quantity, price)
        self.last_equal.pop(same, None)  # the last one counts, and stands last
        self.last_equal[same] = at
        if len(self.last_equal) > EQUALS_KEPT:
            del self.last_equal[next(iter(self.last_equal))]
        self._put(order)

    def _known(self, name: str) -> OwnOrder:
        order = self.orders.get(name)
        if order is None:
            raise Stalled(Reason.RECON_DIFF, name, "expected an order of ours, found none")
        return order

    def _moved(self, name: str, happenings: tuple[Happening, ...]) -> OwnOrder:
        order = self._known(name)
        state = order.state
        for happening in happenings:
            state = after(state, happening, name)
        return replace(order, state=state)

    def _seen(self, shown: VenueOrder) -> OwnOrder:
        name = shown.client_order_id
        order = self._known(name)
        asked = (order.symbol, order.side, order.price, order.quantity)
        if asked != (shown.symbol, shown.side, shown.price, shown.quantity):
            raise Stalled(Reason.RECON_DIFF, name, "the venue shows another order under our id")
        if shown.state not in _SEEN or shown.filled > order.filled:
            raise Stalled(Reason.RECON_DIFF, name, "the venue shows executions we have not seen")
        return self._moved(name, (_SEEN[shown.state],))

    def _filled(self, fill: Fill) -> OwnOrder:
        name = fill.client_order_id
        order = self._known(name)
        filled = order.filled + fill.quantity
        if fill.symbol != order.symbol or fill.side is not order.side or filled > order.quantity:
            raise Stalled(Reason.RECON_DIFF, fill.fill_id, f"does not fit order {name}")
        done = filled == order.quantity
        happening = Happening.FULLY_FILLED if done else Happening.PARTLY_FILLED
        return replace(order, filled=filled, state=after(order.state, happening, name))

    def _cancel(self, event: "events.CancelAsked | events.CancelGap", at: datetime) -> None:
        self.messages.add(at)
        for name in event.asked:
            if name in self.orders:
                moved = self._moved(name, (Happening.CANCEL_ASKED,))
                self._put(replace(moved, changed_at=at) if moved.state in WORKING else moved)

    def _let_go(self, at: datetime) -> None:
        """L6-10: orders that ended and whose intents expired before, unless somebody explained."""
        before = at - LET_GO
        past = [o for o in self.orders.values() if self._is_past(o, before)]
        fills = [n for n, f in self.fills.items() if f.at < before - FILLS_KEPT]
        if self.whole or not (past or fills):
            return
        self.let_go_at = before
        for order in past:
            del self.orders[order.client_order_id]
            del self.by_intent[order.intent.intent_id]
        for name in fills:
            del self.fills[name]

    def _is_past(self, order: OwnOrder, before: datetime) -> bool:
        ended = order.state not in WORKING and order.changed_at < before
        expired = order.intent.expires_at < before  # E5: else its id is still needed
        return ended and expired and order.client_order_id not in self.explained

    def take_out(self, name: str) -> None:
        """This order weighs nothing any more; for a copy in which orders are judged anew."""
        order = self.orders.pop(name)
        self._weigh(self.symbols[order.symbol], order, -1)
        self.by_intent.pop(order.intent.intent_id, None)
        _member(self.working, name, present=False)
        _member(self.unproven, name, present=False)

    def put_back(self, order: OwnOrder) -> None:
        """It weighs again what it weighed."""
        self.by_intent[order.intent.intent_id] = order.client_order_id
        self._put(order)

    def _put(self, order: OwnOrder) -> None:
        name = order.client_order_id
        book = self.symbols.setdefault(order.symbol, SymbolBook())
        before = self.orders.get(name)
        if before is not None:
            self._weigh(book, before, -1)
        self._weigh(book, order, 1)
        self.orders[name] = order
        _member(self.working, name, present=order.state in WORKING)
        _member(self.unproven, name, present=order.state in UNPROVEN)
        if order.state not in UNPROVEN:
            self.unresolved.pop(name, None)

    def _weigh(self, book: SymbolBook, order: OwnOrder, sign: int) -> None:
        book.weigh(order, sign)
        if order.state in UNPROVEN:
            currency, amount = order.reserved
            so_far = self.reserved_unproven.get(currency, NOTHING)
            self.reserved_unproven[currency] = so_far + sign * amount

    def _book_fill(self, fill: Fill) -> None:
        self.fills[fill.fill_id] = fill
        self.last.took(fill)
        self.symbols[fill.symbol].book(fill)
        self.money.executed(fill)


def amount_of(text: str) -> Decimal | None:
    """The amount that a difference tells; none where it tells something else."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _totals(balances: Iterable[Balance]) -> dict[str, Decimal]:
    return {balance.currency: balance.free + balance.locked for balance in balances}


def _member(names: dict[str, None], name: str, *, present: bool) -> None:
    if present:
        names.setdefault(name)
    else:
        names.pop(name, None)
