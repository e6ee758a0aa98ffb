"""The hand that keeps: in shadow what would have been sent is written down, and nothing is sent.

Nothing here can send, and nothing here is reached from what can (SESSION-3). The account is made
up: it holds what the configuration says, and a would-be order executes only where a later bar
traded through its price. Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Final

from desired_state.canonical import plain
from desired_state.errors import Finding, Stalled
from desired_state.reasons import Reason
from layers.l5_risk_gate.finding import RiskVerdict
from layers.l6_execution import events
from layers.l6_execution.books import Books
from layers.l6_execution.circuit import Circuit
from layers.l6_execution.own_order import OwnOrder
from layers.market import Bar, Book
from layers.orders import (
    AnswerKind,
    Balance,
    CancelReport,
    Fill,
    Intent,
    OrderState,
    Side,
    SymbolRules,
    TimeInForce,
    VenueAnswer,
    VenueOrder,
)
from layers.ports import Journal, JournalEntry, Standing
from reconciler.counter import NOTHING_MORE, Handed

SHADOW: Final = "shadow"  # the account's name, and that of its books in the journal
WOULD_SEND: Final = "would_send"
WOULD_CANCEL: Final = "would_cancel"
WOULD_FILL: Final = "would_fill"
# what L5 asks of a venue that is wired; in shadow none is, and they rightly refuse every order
OF_THE_VENUE: Final = frozenset({"A1", "A2", "F6", "F9", "G1", "G7", "G8", "G9"})
NOTHING: Final = Decimal(0)
FEE_UNIT: Final = Decimal("0.00000001")


@dataclass
class Shadow:
    """``Orders``, ``Hand`` and ``VenueQueries`` of a session in shadow, for one symbol."""

    journal: Journal
    note: Callable[[JournalEntry], None]  # L5's memory counts what was imagined
    wall_clock: Callable[[], datetime]
    symbol_rules: SymbolRules
    opening: tuple[Balance, ...]
    aimed_at: str  # the venue that the authority names; nothing of it is wired
    book_of: Callable[[Bar], Book]
    verdict: Callable[[], str]  # digest of the one in force
    books: Books = field(default_factory=Books)
    circuit: Circuit = field(default_factory=Circuit)  # made-up money is asked of nobody
    imagined: list[JournalEntry] = field(default_factory=list)  # L6's events, in memory alone
    _book: Book | None = None

    # --- the hand ----------------------------------------------------------------------------
    def __call__(self, intent: Intent, risk: RiskVerdict, at: datetime) -> Handed:
        """On disk if nothing but the missing venue is against it; the rest is in the decision."""
        if any(f.control not in OF_THE_VENUE for f in risk.refusals):
            return NOTHING_MORE
        told = {
            "intent": plain(intent),
            "aimed_at": self.aimed_at,
            "verdict": self.verdict(),
            "risk": risk.plain(),
            "set_aside": [found.control for found in risk.refusals],
        }
        self.journal.append(WOULD_SEND, told, at)
        self._happened(events.Intended(intent=intent, permit="none: shadow"), at)
        name = intent.request.client_order_id
        shown = self._shown(self.books.orders[name], OrderState.OPEN, at)
        answer = VenueAnswer(kind=AnswerKind.ACCEPTED, order=shown)
        self._happened(events.Answered(client_order_id=name, answer=answer), at)
        self._meet_the_book(self.books.orders[name], at)
        return NOTHING_MORE

    # --- what the market would have done -------------------------------------------------------
    def advance(self, bar: Bar) -> bool:
        """Orders that the bar traded through are executed at their own price, whole."""
        for name in tuple(self.books.working):
            own = self.books.orders[name]
            if own.symbol == bar.symbol and _through(own, bar):
                self._execute(own, own.price, bar.closed, maker=True)
        self._book = self.book_of(bar)
        return True

    def _meet_the_book(self, own: OwnOrder, at: datetime) -> None:
        """What crosses is taken at the best price; what may not rest is gone."""
        touch = self._touch(own.side)
        crosses = touch is not None and (
            own.price >= touch if own.side is Side.BUY else own.price <= touch
        )
        tif = own.intent.request.time_in_force
        if crosses and touch is not None and tif is not TimeInForce.POST_ONLY:
            self._execute(own, touch, at, maker=False)
        elif crosses or tif is TimeInForce.IOC:
            self._end(own, at)

    def _touch(self, side: Side) -> Decimal | None:
        levels = () if self._book is None else self._book.asks
        if side is Side.SELL and self._book is not None:
            levels = self._book.bids
        return levels[0].price if levels else None

    def _execute(self, own: OwnOrder, price: Decimal, at: datetime, *, maker: bool) -> None:
        base, quote = own.symbol.split("/")
        buying = own.side is Side.BUY
        rules = self.symbol_rules
        rate = rules.maker_fee if maker else rules.taker_fee
        received = own.remaining if buying else own.remaining * price
        fill = Fill(
            fill_id=f"would-{len(self.books.fill_ids) + 1}",
            client_order_id=own.client_order_id,
            symbol=own.symbol,
            side=own.side,
            price=price,
            quantity=own.remaining,
            fee=(received * rate).quantize(FEE_UNIT, ROUND_UP),
            fee_currency=base if buying else quote,
            maker=maker,
            at=at,
        )
        self.journal.append(WOULD_FILL, {"fill": plain(fill)}, at)
        self._happened(events.Filled(fill=fill), at)

    # --- orders ------------------------------------------------------------------------------
    @property
    def is_ready(self) -> bool:
        """Nothing is ever unknown here."""
        return True

    def start(self, at: datetime, wall: datetime) -> tuple[Finding, ...]:
        """An account that holds what the configuration says."""
        del wall
        self._happened(events.Opened(balances=self.opening), at)
        return ()

    def tick(self, at: datetime, wall: datetime) -> tuple[Finding, ...]:
        """Nothing is ever due."""
        del at, wall
        return ()

    def finish(self, at: datetime, wall: datetime) -> None:
        """Nothing was sent, so nothing is compared."""
        del wall
        for name in tuple(self.books.working):
            self.cancel(self.books.orders[name].symbol, name, at)

    def poll(self, at: datetime) -> tuple[Finding, ...]:
        """Nothing happens here but what ``advance`` did."""
        del at
        return ()

    def record_gap(self, at: datetime) -> bool:
        """Nothing is missing."""
        del at
        return True

    def cancel(self, symbol: str, client_order_id: str, at: datetime) -> CancelReport:
        """Gone at once."""
        del symbol
        own = self.books.orders.get(client_order_id)
        if own is not None and client_order_id in self.books.working:
            self.journal.append(WOULD_CANCEL, {"client_order_id": client_order_id}, at)
            self._end(own, at)
        return CancelReport(confirmed=(client_order_id,), still_open=())

    def _end(self, own: OwnOrder, at: datetime) -> None:
        seen = self._shown(own, OrderState.CANCELLED, at)
        self._happened(events.Seen(order=seen), at)

    def _happened(self, event: events.Event, at: datetime) -> None:
        sequence = len(self.imagined) + 1
        self.books.apply(event, at, sequence)
        entry = JournalEntry(sequence, event.KIND, events.body(event), at)
        self.imagined.append(entry)
        self.note(entry)

    @staticmethod
    def _shown(own: OwnOrder, state: OrderState, at: datetime) -> VenueOrder:
        return VenueOrder(
            symbol=own.symbol,
            client_order_id=own.client_order_id,
            venue_order_id=SHADOW,
            side=own.side,
            price=own.price,
            quantity=own.quantity,
            filled=own.filled,
            state=state,
            updated_at=at,
        )

    def standing(self) -> Standing:
        """Nothing is wired that could tell, so nothing is known (``VenueProbe``)."""
        return Standing(self.wall_clock(), None, None, None, None, None, None, {})

    # --- queries -----------------------------------------------------------------------------
    def order(self, symbol: str, client_order_id: str) -> VenueOrder | None:
        """The would-be order, or none."""
        own = self.books.orders.get(client_order_id)
        if own is None or own.symbol != symbol or self.books.opened_at is None:
            return None
        return self._shown(own, own.state, own.intent.created_at)

    def orders(self, symbol: str, since: datetime) -> tuple[VenueOrder, ...]:
        """Every would-be order since then."""
        made = (o for o in self.books.orders.values() if o.intent.created_at >= since)
        return tuple(
            self._shown(own, own.state, own.intent.created_at)
            for own in made
            if own.symbol == symbol
        )

    def fills(self, symbol: str, since: datetime) -> tuple[Fill, ...]:
        """Would-be executions."""
        found = (events.read(entry) for entry in self.imagined)
        fills = (event.fill for event in found if isinstance(event, events.Filled))
        return tuple(f for f in fills if f.symbol == symbol and f.at >= since)

    def balances(self) -> tuple[Balance, ...]:
        """What would be held, with what would be locked for open orders."""
        held = {b.currency: b.free + b.locked for b in self.opening}
        for currency, change in self.books.money.flows.items():
            held[currency] = held.get(currency, NOTHING) + change
        locked: dict[str, Decimal] = {}
        for name in self.books.working:
            currency, amount = self.books.orders[name].reserved
            locked[currency] = locked.get(currency, NOTHING) + amount
        return tuple(
            Balance(
                currency=currency,
                free=max(NOTHING, total - locked.get(currency, NOTHING)),
                locked=min(total, locked.get(currency, NOTHING)),
            )
            for currency, total in sorted(held.items())
        )

    def book(self, symbol: str) -> Book | None:
        """The book that the last bar left, or none before there was one."""
        return self._book if self._book is not None and self._book.symbol == symbol else None

    def rules(self, symbol: str) -> SymbolRules:
        """Filters and fees of the one symbol. Raises ``Stalled(FEED_INVALID)`` for another."""
        if symbol != self.symbol_rules.symbol:
            raise Stalled(Reason.FEED_INVALID, symbol, f"expected {self.symbol_rules.symbol}")
        return self.symbol_rules


def _through(own: OwnOrder, bar: Bar) -> bool:
    """Touched is not enough: nobody knows the queue (venues.md, paper fills, 3)."""
    return bar.low < own.price if own.side is Side.BUY else bar.high > own.price
