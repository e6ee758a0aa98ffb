"""Everything known at one instant of a session, for one symbol and the account around it. Pure."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final

from desired_state.errors import Finding
from layers.l3_trade_plan import ladder
from layers.l5_risk_gate.worst import standing_exposure
from layers.l6_execution.books import Books
from layers.l6_execution.circuit import Circuit
from layers.orders import Balance, SymbolRules
from layers.pegs import in_quote, rate_of
from layers.risk_snapshot import Peg, Quote, SymbolState, Trigger, VenueClass
from reconciler.beside import Markets, held_or_worked, is_dust, quote_of
from reconciler.conduct import ConductRecord
from reconciler.gate import Verdict
from reconciler.marks import Mark, Marks
from reconciler.thinking import Thinking
from reconciler.venue_watch import VenueSeen

ZERO: Final = Decimal(0)
STRATEGY: Final = ladder.NAME  # C3: the planner's one, in every symbol


@dataclass(frozen=True)
class Wired:
    """What is really built, whatever anybody asked for."""

    venue: str
    account: str
    venue_class: VenueClass | None  # none: nothing is wired that could send
    rules: SymbolRules
    heartbeat_max_age: timedelta
    configuration: str | None = None  # digest of what runs (A2)
    build: str | None = None
    rehearsal: bool = False  # under a trust root for rehearsal (F8)


@dataclass(frozen=True)
class Scene:
    """Everything known at one instant of a session, for one symbol."""

    at: datetime  # market clock
    wired: Wired
    verdict: Verdict
    books: Books
    quote: Quote | None
    thinking: Thinking
    balances: tuple[Balance, ...]
    marks: Marks
    mark: Mark | None
    judged: AbstractSet[str]  # intent ids that L5 has judged before
    token: Finding | None
    heartbeat_at: datetime | None
    journal_writable: bool
    conduct: ConductRecord = field(default_factory=ConductRecord)
    venue: VenueSeen | None = None  # none: it was not asked, and nothing may leave
    peg: Peg | None = None  # of the quote currency; none: not known, and nothing is bought (F9)
    circuit: Circuit | None = None  # which answers were lost; none: not known (G2)
    markets: Markets = field(default_factory=dict)  # fresh books of other symbols

    @property
    def interval(self) -> timedelta:
        """Of the feed's bars; none: ticks."""
        return self.quote.interval if self.quote else timedelta()

    @cached_property
    def beside(self) -> tuple[SymbolState, ...]:
        """Every symbol that is held or worked, the session's own left out; built once a scene."""
        own, limits = self.wired.rules.symbol, self.verdict.permitted.limits
        dust = in_quote(limits.dust_notional, rate_of(self.peg, limits))
        states = (self.state_of(name) for name in held_or_worked(self.books) if name != own)
        return tuple(
            state
            for state in states
            if state.quote or not is_dust(state.symbol, self.books.symbol(state.symbol), own, dust)
        )

    @property
    def other_exposure(self) -> Decimal | None:
        """Worst case of every symbol but the session's own; none: not known (C1)."""
        total = ZERO
        for state in self.beside:
            exposure = standing_exposure(state)
            if exposure is None:
                return None
            total += exposure
        return total

    def state_of(self, name: str) -> SymbolState:
        """One symbol of the account."""
        held, entry = self.books.symbol(name), self.verdict.permitted.symbols.get(name)
        own = self.wired.rules.symbol
        outlook = self.thinking.outlook if name == own else None  # layers think of it alone
        highest_buy, lowest_sell = self.conduct.resting_prices(name)
        trading = self.venue.standing.trading if self.venue else {}
        return SymbolState(
            symbol=name,
            access=entry.access if entry else None,
            position=held.position,
            open_buy=held.open_buy,
            open_sell=held.open_sell,
            working_orders=held.working,
            increasing_orders=held.increasing,
            unknown_orders=held.unknown,
            quote=self.quote if name == own else quote_of(name, own, self.markets),
            triggers=tuple(Trigger(t.kind.value, t.expires) for t in outlook.triggers)
            if outlook
            else None,
            strategy=STRATEGY,
            unknown_since=held.unknown_since,
            highest_buy=highest_buy,
            lowest_sell=lowest_sell,
            active=trading.get(name),
            outlook_expires=outlook.expires if outlook else None,
            rules=self.wired.rules if name == own else None,
        )
