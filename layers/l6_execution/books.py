"""Our own books: a fold of L6's journal events, and nothing else moves them.

Orders, positions and reservations are kept as aggregates, so that an event and a look cost the
same with one open order as with a thousand. Spot: a position is what was bought less what was
sold and less fees taken in the coin; cost is average cost.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from layers.l6_execution import events
from layers.l6_execution.states import Happening, after
from layers.orders import WORKING, AnswerKind, Fill, Intent, OrderState, Side, VenueOrder
from layers.ports import JournalEntry

NOTHING: Final = Decimal(0)
# C1, C5: in these states nothing proves that the venue has locked the funds
UNPROVEN: Final = frozenset({OrderState.INTENT, OrderState.SENT, OrderState.UNKNOWN})
MESSAGES_KEPT: Final = 100_000  # far above any window's limit; bounds memory

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


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """One order as our books have it."""

    intent: Intent
    price: Decimal
    quantity: Decimal
    filled: Decimal
    state: OrderState
    increasing: bool  # did not only reduce when it was intended
    reason: str = ""

    @property
    def client_order_id(self) -> str:
        """The id it goes by at the venue."""
        return self.intent.request.client_order_id

    @property
    def symbol(self) -> str:
        """Its symbol."""
        return self.intent.request.symbol

    @property
    def side(self) -> Side:
        """Its direction."""
        return self.intent.request.side

    @property
    def remaining(self) -> Decimal:
        """What may still execute, in base units; nothing once it has ended."""
        return self.quantity - self.filled if self.state in WORKING else NOTHING

    @property
    def reserved(self) -> tuple[str, Decimal]:
        """Currency and amount that the remaining quantity may need."""
        base, quote = self.symbol.split("/")
        if self.side is Side.BUY:
            return quote, self.remaining * self.price
        return base, self.remaining


@dataclass(slots=True)
class SymbolBook:
    """Aggregates of one symbol. Quantities in base units, money in quote currency."""

    position: Decimal = NOTHING
    cost: Decimal = NOTHING  # what the position cost, fees included
    realised: Decimal = NOTHING  # profit and loss of what was sold, fees included
    open_buy: Decimal = NOTHING
    open_sell: Decimal = NOTHING
    open_buy_notional: Decimal = NOTHING  # remaining buys at their own limit prices
    working: int = 0
    increasing: int = 0
    unknown: int = 0
    last_fill_at: datetime | None = None


@dataclass(slots=True)
class Books:
    """All of it. Read the attributes; change it through ``apply`` alone."""

    sequence: int = 0
    opened_at: datetime | None = None
    opening: dict[str, Decimal] = field(default_factory=dict)  # totals when the session began
    orders: dict[str, OwnOrder] = field(default_factory=dict)
    by_intent: dict[str, str] = field(default_factory=dict)
    symbols: dict[str, SymbolBook] = field(default_factory=dict)
    working: dict[str, None] = field(default_factory=dict)  # ids, oldest first
    unproven: dict[str, None] = field(default_factory=dict)  # those in INTENT, SENT or UNKNOWN
    reserved_unproven: dict[str, Decimal] = field(default_factory=dict)  # not yet locked for sure
    flows: dict[str, Decimal] = field(default_factory=dict)  # net change by executions
    fill_ids: set[str] = field(default_factory=set)
    unexplained: dict[str, str] = field(default_factory=dict)  # subject: what differs
    messages: deque[datetime] = field(default_factory=lambda: deque(maxlen=MESSAGES_KEPT))
    orders_on: dict[date, int] = field(default_factory=dict)  # UTC days of the market clock
    last_equal: dict[tuple[str, Side, Decimal, Decimal], datetime] = field(default_factory=dict)

    @classmethod
    def rebuilt(cls, entries: Iterable[JournalEntry]) -> "Books":
        """The books that a journal describes. Raises ``Stalled`` where it cannot be read."""
        books = cls()
        for entry in entries:
            event = events.read(entry)
            if event is not None:
                books.apply(event, entry.at, entry.sequence)
        return books

    def symbol(self, symbol: str) -> SymbolBook:
        """The symbol's aggregates, all zero before its first order."""
        return self.symbols.get(symbol) or SymbolBook()

    def order_of(self, intent_id: str) -> OwnOrder | None:
        """The one order of an intent, in whatever state; none if it was never intended."""
        name = self.by_intent.get(intent_id)
        return None if name is None else self.orders[name]

    def messages_since(self, at: datetime) -> int:
        """New orders and cancels at or after ``at`` (E1); costs what the window holds."""
        count = 0
        for when in reversed(self.messages):
            if when < at:
                break
            count += 1
        return count

    def check(self, event: events.Event) -> None:
        """Raises ``Stalled`` where ``apply`` would; nothing is changed."""
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
            case _:
                return

    def apply(self, event: events.Event, at: datetime, sequence: int) -> None:
        """Fold one event in. Raises ``Stalled(RECON_DIFF)`` for one that cannot have happened."""
        match event:
            case events.Intended(intent=intent):
                self._unseen(intent)
                self._intend(intent, at)
            case events.Answered(client_order_id=name, answer=answer):
                moved = self._moved(name, _ANSWERS[answer.kind])
                self._put(replace(moved, reason=answer.reason))
            case events.Filled(fill=fill):
                if fill.fill_id not in self.fill_ids:
                    self._put(self._filled(fill))
                    self._book_fill(fill)
            case events.Seen(order=order):
                self._put(replace(self._seen(order), reason=order.reason))
            case events.Absent(client_order_id=name):
                self._put(self._moved(name, (Happening.PROVEN_ABSENT,)))
            case events.CancelAsked() | events.CancelGap():
                self._cancel(event, at)
            case events.Opened(balances=balances):
                self.opened_at = at
                self.opening = {b.currency: b.free + b.locked for b in balances}
            case events.Differs(subject=subject, what=what):
                self.unexplained[subject] = what
        self.sequence = sequence

    # --- orders ------------------------------------------------------------------------------
    def _unseen(self, intent: Intent) -> None:
        known = intent.intent_id in self.by_intent or intent.request.client_order_id in self.orders
        if known:  # E5: an intent leaves once in its life
            raise Stalled(Reason.DUPLICATE, intent.intent_id)

    def _intend(self, intent: Intent, at: datetime) -> None:
        request = intent.request
        quantity, price = Decimal(request.quantity), Decimal(request.price)
        held = self.symbol(request.symbol)
        reduces = request.side is Side.SELL and quantity <= held.position - held.open_sell
        order = OwnOrder(intent, price, quantity, NOTHING, OrderState.INTENT, not reduces)
        self.by_intent[intent.intent_id] = order.client_order_id
        self.messages.append(at)
        self.orders_on[at.date()] = self.orders_on.get(at.date(), 0) + 1
        self.last_equal[request.symbol, request.side, quantity, price] = at
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
        request = (order.symbol, order.side, order.price, order.quantity)
        if request != (shown.symbol, shown.side, shown.price, shown.quantity):
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
        self.messages.append(at)
        for name in event.asked:
            if name in self.orders:
                self._put(self._moved(name, (Happening.CANCEL_ASKED,)))

    # --- as if it were not there ---------------------------------------------------------------
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

    # --- aggregates --------------------------------------------------------------------------
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

    def _weigh(self, book: SymbolBook, order: OwnOrder, sign: int) -> None:
        if order.state not in WORKING:
            return
        remaining = sign * order.remaining
        if order.side is Side.BUY:
            book.open_buy += remaining
            book.open_buy_notional += remaining * order.price
        else:
            book.open_sell += remaining
        book.working += sign
        book.increasing += sign * order.increasing
        book.unknown += sign * (order.state is OrderState.UNKNOWN)
        if order.state in UNPROVEN:
            currency, amount = order.reserved
            so_far = self.reserved_unproven.get(currency, NOTHING)
            self.reserved_unproven[currency] = so_far + sign * amount

    def _book_fill(self, fill: Fill) -> None:
        self.fill_ids.add(fill.fill_id)
        book = self.symbols[fill.symbol]
        book.last_fill_at = max(fill.at, book.last_fill_at or fill.at)
        change = changes(fill)
        for currency, amount in change.items():
            self.flows[currency] = self.flows.get(currency, NOTHING) + amount
        base, quote = fill.symbol.split("/")
        if fill.side is Side.BUY:
            book.position += change.get(base, NOTHING)
            book.cost -= change.get(quote, NOTHING)
            return
        whole = fill.quantity >= book.position
        cost = book.cost if whole else book.cost * fill.quantity / book.position
        book.position += change.get(base, NOTHING)
        book.cost -= cost
        book.realised += change.get(quote, NOTHING) - cost


def changes(fill: Fill) -> Mapping[str, Decimal]:
    """What an execution changed in each currency; the fee is taken where the venue took it."""
    base, quote = fill.symbol.split("/")
    sign = 1 if fill.side is Side.BUY else -1
    change = {base: sign * fill.quantity, quote: -sign * fill.quantity * fill.price}
    change[fill.fee_currency] = change.get(fill.fee_currency, NOTHING) - fill.fee
    return change


def _member(names: dict[str, None], name: str, *, present: bool) -> None:
    if present:
        names.setdefault(name)
    else:
        names.pop(name, None)
