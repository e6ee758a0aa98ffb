"""What was sent, executed and lost so far, folded from the journal: L5's memory (risk.md, E, D, H).

The books say what is (which orders are unknown, what was refused, which answers were lost); this
says how it came about, and counts nothing that they count. Nothing but entries of the journal moves
it, so that a restart knows what the run before it knew. A stop that people released begins its
control's count anew: what was counted before it has been looked at.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from layers.l6_execution import events
from layers.l6_execution.books import Books, amount_of
from layers.l6_execution.terms import LET_GO
from layers.orders import AnswerKind, Fill, Intent, OrderState, Side
from layers.ports import JournalEntry
from layers.risk_snapshot import Conduct, window
from reconciler.round_trips import RoundTrips

ZERO: Final = Decimal(0)
HALF: Final = Decimal("0.5")
LAST: Final = 20  # B6, D5: so many orders and executions make the median
KEPT: Final = 1_000  # of what is counted in windows; far above any limit
HOUR: Final = timedelta(hours=1)
STOP: Final = "risk_stop"  # kind of the entry that says which control raised which stop
ENDED: Final = frozenset({OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED})
NOTHING_KNOWN: Final = Conduct(**dict.fromkeys(Conduct.__dataclass_fields__))


@dataclass(slots=True)
class _Order:
    symbol: str
    side: Side
    price: Decimal
    remaining: Decimal
    plan: str
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """For which order, when, and on what feed; ``released`` are stops that people released."""

    intent: Intent
    books: Books  # L6's: what it met and nobody explained is counted there (H3, H4)
    at: datetime
    interval: timedelta
    repeat_window: timedelta | None
    released: Container[str] = ()


@dataclass
class ConductRecord:
    """Everything that L5 counts. ``take`` moves it, ``seen`` answers for one order."""

    orders: dict[str, _Order] = field(default_factory=dict)
    resting: dict[tuple[str, Side], list[Decimal]] = field(default_factory=dict)
    stops: list[tuple[str, str, datetime]] = field(default_factory=list)  # stop, control, when
    _sizes: dict[str, deque[Decimal]] = field(default_factory=dict)
    _filled: dict[date, Decimal] = field(default_factory=dict)
    _fills: dict[date, int] = field(default_factory=dict)
    _cancels: dict[date, int] = field(default_factory=dict)
    _executed: dict[tuple[str, Side], dict[str, datetime]] = field(default_factory=dict)
    _rejects: deque[datetime] = field(default_factory=lambda: deque(maxlen=KEPT))
    _plans: dict[str, dict[str, Decimal]] = field(default_factory=dict)  # symbol: plan: wanted
    _trips: RoundTrips = field(default_factory=RoundTrips)
    _arrivals: dict[str, Decimal] = field(default_factory=dict)  # mid at the decision, by order
    _slips: deque[tuple[datetime, Decimal]] = field(default_factory=lambda: deque(maxlen=KEPT))

    @classmethod
    def rebuilt(cls, entries: Iterable[JournalEntry]) -> "ConductRecord":
        """What a journal tells. Raises ``Stalled`` where it cannot be read."""
        record = cls()
        for entry in entries:
            record.take(entry)
        return record

    # --- what happened -----------------------------------------------------------------------
    def take(self, entry: JournalEntry) -> None:
        """Fold one entry in; what is none of ours changes nothing."""
        if entry.kind == "decision":
            self._decided(entry.body)
        elif entry.kind == STOP:
            body = entry.body
            self.stops.append((str(body["stop"]), str(body["control"]), entry.at))
        elif entry.kind in events.KINDS:
            self._event(events.read(entry), entry.at)

    def _event(self, event: events.Event | None, at: datetime) -> None:
        match event:
            case events.Intended(intent=intent):
                self._intended(intent)
            case events.Answered(client_order_id=name, answer=answer):
                self._answered(name, answer.kind, at)
            case events.Filled(fill=fill):
                self._executed_by(fill, at)
            case events.Seen(order=order) if order.state in ENDED:
                self._end(order.client_order_id, at)
            case events.Absent(client_order_id=name):
                self._end(name, at)
            case events.Explained(subject=subject, told=told):
                self._explained(subject, told, at)
            case events.Compared(ok=True, scope="full"):
                self._let_go(at - LET_GO)
            case events.CancelAsked(asked=asked):
                today = at.date()
                self._cancels[today] = self._cancels.get(today, 0) + len(asked)
            case events.ResetAccepted():
                self._begin_again(at)
            case _:
                return

    def _decided(self, body: Mapping[str, Any]) -> None:
        if body["risk"]["outcome"] != "allow":
            return
        request = body["intent"]["request"]
        states = body["snapshot"]["symbols"]
        quote = next((s["quote"] for s in states if s["symbol"] == request["symbol"]), None)
        if quote and quote["bid"] and quote["ask"]:
            mid = (Decimal(quote["bid"]) + Decimal(quote["ask"])) * HALF
            self._arrivals[request["client_order_id"]] = mid

    def _intended(self, intent: Intent) -> None:
        request = intent.request
        order = _Order(
            request.symbol,
            request.side,
            Decimal(request.price),
            Decimal(request.quantity),
            intent.plan,
        )
        self.orders[request.client_order_id] = order
        sizes = self._sizes.setdefault(order.symbol, deque(maxlen=LAST))
        sizes.append(order.remaining)
        insort(self.resting.setdefault((order.symbol, order.side), []), order.price)
        if order.side is Side.BUY:
            self._want(order, order.remaining * order.price)

    def _answered(self, name: str, kind: AnswerKind, at: datetime) -> None:
        if kind is AnswerKind.ACCEPTED:
            self._rejects.clear()
        elif kind is AnswerKind.REJECTED:
            self._rejects.append(at)
        if kind in {AnswerKind.REJECTED, AnswerKind.NOT_SENT}:
            self._end(name, at)

    def _explained(self, subject: str, told: str, at: datetime) -> None:
        if told == events.GONE:
            self._end(subject, at)
        currency, total, _ = subject.partition(events.TOTAL)
        gap = amount_of(told) if total else None
        if gap is not None:
            self._trips.lack(currency, -gap, at)

    def _let_go(self, before: datetime) -> None:
        """As the books do (L6-10): a full comparison agreed on what ended before."""
        for name, order in list(self.orders.items()):
            if order.ended_at is not None and order.ended_at < before:
                del self.orders[name]
        for name in [n for n in self._arrivals if n not in self.orders]:
            del self._arrivals[name]  # it was allowed, and never left

    def _executed_by(self, fill: Fill, at: datetime) -> None:
        name = fill.client_order_id
        order = self.orders.get(name)
        value, today = fill.quantity * fill.price, fill.at.date()
        self._filled[today] = self._filled.get(today, ZERO) + value
        self._fills[today] = self._fills.get(today, 0) + 1
        self._trips.take(fill)
        if order is None:
            return
        done = self._executed.setdefault((order.symbol, order.side), {})
        done.pop(name, None)  # the last execution counts
        done[name] = fill.at
        while len(done) > KEPT:
            done.pop(next(iter(done)))
        arrival = self._arrivals.get(name)
        if arrival and not fill.maker:
            cost = fill.price - arrival if order.side is Side.BUY else arrival - fill.price
            self._slips.append((fill.at, cost / arrival))
        if order.side is Side.SELL:
            self._sold(order.symbol, value)
        order.remaining -= fill.quantity
        if order.remaining <= ZERO:
            self._end(name, at)

    def _begin_again(self, at: datetime) -> None:
        """A wipe that a person accepted: nothing rests, nothing is held, no plan wants anything.

        What was done stays counted, as the limits of the day do.
        """
        for name in [n for n, order in self.orders.items() if order.ended_at is None]:
            self._end(name, at)
        self._plans.clear()
        self._trips.begin_again()

    def _end(self, name: str, at: datetime) -> None:
        order = self.orders.get(name)
        if order is None or order.ended_at is not None:
            return
        order.ended_at = at
        self._arrivals.pop(name, None)
        prices = self.resting[order.symbol, order.side]
        prices.pop(bisect_left(prices, order.price))
        if order.side is Side.BUY and order.remaining > ZERO:
            self._want(order, -order.remaining * order.price)

    def _want(self, order: _Order, value: Decimal) -> None:
        plans = self._plans.setdefault(order.symbol, {})
        plans[order.plan] = max(ZERO, plans.get(order.plan, ZERO) + value)

    def _sold(self, symbol: str, value: Decimal) -> None:
        """What was sold makes room again, in the oldest plan first."""
        plans = self._plans.get(symbol, {})
        for plan in list(plans):
            taken = min(plans[plan], value)
            plans[plan] -= taken
            value -= taken
            if not plans[plan]:
                del plans[plan]

    # --- what L5 asks ------------------------------------------------------------------------
    def resting_prices(self, symbol: str) -> tuple[Decimal | None, Decimal | None]:
        """H1: our own highest buy and lowest sell."""
        buys = self.resting.get((symbol, Side.BUY))
        sells = self.resting.get((symbol, Side.SELL))
        return (buys[-1] if buys else None, sells[0] if sells else None)

    def seen(self, asked: Asked) -> Conduct:
        """What was done before this order, as L5 takes it."""
        request, at, interval = asked.intent.request, asked.at, asked.interval
        today = at.date()
        sizes = self._sizes.get(request.symbol, deque())
        since = {name: self._since(name, asked.released) for name in RESET}
        slips = [slip for when, slip in self._slips if _after(when, since["D5"])][-LAST:]
        recent = [slip for when, slip in self._slips if when > at - window(HOUR, interval)]
        return Conduct(
            sizes=len(sizes),
            median_size=_median(sizes),
            filled_today=self._filled.get(today, ZERO),
            fills_today=self._fills.get(today, 0),
            cancels_today=self._cancels.get(today, 0),
            executed=self._repeats(asked, since["E4"]),
            rejects=_count(self._rejects, since["E6"]),
            plan_notional=self._plans.get(request.symbol, {}).get(asked.intent.plan, ZERO),
            losing_streak=self._trips.losing_streak(since["D4"]),
            takers=len(slips),
            median_slip=_median(slips),
            worst_slip=max(recent, default=ZERO),
            implausible=len(asked.books.fills_refused),
            foreign=len(asked.books.foreign),
            undead=len(asked.books.undead),
        )

    def _repeats(self, asked: Asked, since: datetime | None) -> int | None:
        if asked.repeat_window is None:
            return None
        request = asked.intent.request
        begin = asked.at - window(asked.repeat_window, asked.interval)
        done = self._executed.get((request.symbol, request.side), {}).values()
        return _count((when for when in done if when > begin), since)

    def _since(self, control: str, released: Container[str]) -> datetime | None:
        freed = (at for stop, by, at in self.stops if by == control and stop in released)
        return max(freed, default=None)


RESET: Final = ("D4", "D5", "E4", "E6")  # controls that count, and latch


def _after(when: datetime, since: datetime | None) -> bool:
    return since is None or when > since


def _count(times: Iterable[datetime], since: datetime | None) -> int:
    return sum(1 for when in times if _after(when, since))


def _median(values: Iterable[Decimal]) -> Decimal | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) * HALF
