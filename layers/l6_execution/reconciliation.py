"""Expected against actual, after the session, along a path of its own.

Expected is computed here from the journal's entries, actual is asked of the venue; the running
books have no part in it. What cannot be read is a difference, never a zero (L6-7).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from desired_state.canonical import canonical
from desired_state.errors import Finding, GovernanceError, finding
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from desired_state.values import amount_text
from layers.l6_execution import events
from layers.orders import AnswerKind, Fill, Intent, OrderState, Side, VenueOrder
from layers.ports import JournalEntry, VenueQueries

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


class Row(Frozen):
    """One comparison; ``difference`` is empty where both sides agree."""

    subject: str
    expected: str
    actual: str
    difference: str


class ReconciliationReport(Frozen):
    """Every order, fill and balance compared. ``ok`` only if all agree and all could be read."""

    ok: bool
    orders: tuple[Row, ...]
    fills: tuple[Row, ...]
    balances: tuple[Row, ...]
    unexplained: tuple[Finding, ...]


@dataclass(slots=True)
class _Record:
    """What the journal says, read without the books."""

    opened: events.Opened | None = None
    opened_at: datetime | None = None
    intents: dict[str, Intent] = field(default_factory=dict)
    fate: dict[str, str] = field(default_factory=dict)
    fills: dict[str, Fill] = field(default_factory=dict)

    def filled(self, name: str) -> Decimal:
        parts = (f.quantity for f in self.fills.values() if f.client_order_id == name)
        return sum(parts, NOTHING)


def reconcile(
    entries: Iterable[JournalEntry],
    queries: VenueQueries,
    open_orders: Callable[[], tuple[VenueOrder, ...]],
) -> ReconciliationReport:
    """Compare the journal with the venue. Never raises for either of them."""
    try:
        record = _read(entries)
        if record.opened is None or record.opened_at is None:
            missing = finding(Reason.JOURNAL, "journal", "it does not say what the account held")
            return _failed(missing)
        orders = _order_rows(record, queries, open_orders())
        fills = _fill_rows(record, queries, record.opened_at)
        balances = _balance_rows(record, record.opened, queries)
    except GovernanceError as fault:
        return _failed(fault.finding)
    unexplained = [
        finding(
            Reason.RECON_DIFF,
            row.subject,
            f"expected {row.expected}, found {row.actual} ({row.difference})",
        )
        for row in (*orders, *fills, *balances)
        if row.difference
    ]
    return ReconciliationReport(
        ok=not unexplained,
        orders=orders,
        fills=fills,
        balances=balances,
        unexplained=tuple(unexplained),
    )


def _failed(cause: Finding) -> ReconciliationReport:
    return ReconciliationReport(ok=False, orders=(), fills=(), balances=(), unexplained=(cause,))


def _read(entries: Iterable[JournalEntry]) -> _Record:
    record = _Record()
    for entry in entries:
        match events.read(entry):
            case events.Opened() as opened:
                record.opened, record.opened_at = opened, entry.at
            case events.Intended(intent=intent):
                record.intents[intent.request.client_order_id] = intent
            case events.Filled(fill=fill):
                record.fills[fill.fill_id] = fill
            case events.Answered(client_order_id=name, answer=answer):
                record.fate[name] = _ANSWERED[answer.kind]
            case events.Seen(order=order):
                record.fate[order.client_order_id] = _word(order.state)
            case events.Absent(client_order_id=name):
                record.fate[name] = ABSENT
            case _:
                continue
    return record


def _word(state: OrderState) -> str:
    return state.value.lower() if state in _ENDED else OPEN


def _order_rows(
    record: _Record, queries: VenueQueries, listed: tuple[VenueOrder, ...]
) -> tuple[Row, ...]:
    rows = []
    for name, intent in record.intents.items():
        shown = queries.order(intent.request.symbol, name)
        expected, actual = _expected(record, name), ABSENT if shown is None else _shown(shown)
        difference = "" if expected == actual else "order"
        rows.append(Row(subject=name, expected=expected, actual=actual, difference=difference))
    rows.extend(
        Row(subject=o.client_order_id, expected=ABSENT, actual=_shown(o), difference="foreign")
        for o in listed
        if o.client_order_id not in record.intents
    )
    return tuple(rows)


def _fate(record: _Record, name: str) -> str:
    request = record.intents[name].request
    if record.filled(name) == Decimal(request.quantity):
        return OrderState.FILLED.value.lower()
    return record.fate.get(name, UNRESOLVED)


def _expected(record: _Record, name: str) -> str:
    fate = _fate(record, name)
    if fate == ABSENT:
        return ABSENT
    request = record.intents[name].request
    return _text(
        fate,
        request.side,
        record.filled(name),
        Decimal(request.quantity),
        Decimal(request.price),
    )


def _shown(order: VenueOrder) -> str:
    return _text(_word(order.state), order.side, order.filled, order.quantity, order.price)


def _text(fate: str, side: Side, filled: Decimal, quantity: Decimal, price: Decimal) -> str:
    parts = (amount_text(part) for part in (filled, quantity, price))
    return f"{fate} {side.value} " + "{}/{} at {}".format(*parts)


def _fill_rows(record: _Record, queries: VenueQueries, opened: datetime) -> tuple[Row, ...]:
    symbols = sorted({intent.request.symbol for intent in record.intents.values()})
    theirs = {
        fill.fill_id: fill
        for symbol in symbols
        for fill in queries.fills(symbol, opened)
        if fill.at > opened  # what was executed before belongs to an earlier journal
    }
    rows = []
    for name in sorted({*record.fills, *theirs}):
        expected, actual = (_fill_text(side.get(name)) for side in (record.fills, theirs))
        difference = "" if expected == actual else "fill"
        rows.append(Row(subject=name, expected=expected, actual=actual, difference=difference))
    return tuple(rows)


def _fill_text(fill: Fill | None) -> str:
    return ABSENT if fill is None else canonical(fill).decode()


def _balance_rows(record: _Record, opened: events.Opened, queries: VenueQueries) -> tuple[Row, ...]:
    totals = {b.currency: b.free + b.locked for b in opened.balances}
    locked = dict.fromkeys(totals, NOTHING)
    for fill in record.fills.values():
        for currency, amount in _moves(fill):
            totals[currency] = totals.get(currency, NOTHING) + amount
    for name, intent in record.intents.items():
        if _fate(record, name) in (OPEN, UNRESOLVED):
            currency, amount = _lock(intent, record.filled(name))
            locked[currency] = locked.get(currency, NOTHING) + amount
    theirs = {b.currency: b for b in queries.balances()}
    rows = []
    for currency in sorted({*totals, *theirs}):
        shown = theirs.get(currency)
        free, held = (NOTHING, NOTHING) if shown is None else (shown.free, shown.locked)
        rows.append(_amount_row(f"{currency} total", totals.get(currency, NOTHING), free + held))
        rows.append(_amount_row(f"{currency} locked", locked.get(currency, NOTHING), held))
    return tuple(rows)


def _moves(fill: Fill) -> tuple[tuple[str, Decimal], ...]:
    base, quote = fill.symbol.split("/")
    sign = Decimal(1 if fill.side is Side.BUY else -1)
    notional = fill.price * fill.quantity
    return (
        (base, sign * fill.quantity),
        (quote, -sign * notional),
        (fill.fee_currency, -fill.fee),
    )


def _lock(intent: Intent, filled: Decimal) -> tuple[str, Decimal]:
    request = intent.request
    base, quote = request.symbol.split("/")
    remaining = Decimal(request.quantity) - filled
    if request.side is Side.BUY:
        return quote, remaining * Decimal(request.price)
    return base, remaining


def _amount_row(subject: str, expected: Decimal, actual: Decimal) -> Row:
    gap = actual - expected
    return Row(
        subject=subject,
        expected=format(expected, "f"),
        actual=format(actual, "f"),
        difference=format(gap, "f") if gap else "",
    )
