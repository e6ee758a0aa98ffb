"""What a difference between journal and venue is: expected lag, explained, or unexplained. Pure.

Lag is granted for what is in flight alone, and no longer than the venue may be late since the
difference was first seen; for an order that is being looked up, as long as that takes. An
explanation names the entry of the journal that explains it. Whatever is neither is unexplained,
and an integrity stop (G4).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from layers.l6_execution.rows import FILL, ORDER, Kind, Row
from layers.l6_execution.terms import PATIENCE
from layers.l6_execution.witness import ABSENT, NOTHING, UNRESOLVED, Witness

_LOCKED = " locked"


@dataclass(frozen=True, slots=True)
class Moment:
    """When and how patiently rows are judged.

    ``late`` is how late the venue may be; zero: nothing is excused. ``seen`` says when each
    subject first differed without a break, on the wall clock.
    """

    at: datetime  # market clock
    wall: datetime
    late: timedelta = timedelta(0)
    seen: Mapping[str, datetime] = field(default_factory=dict)


def classified(rows: Iterable[Row], witness: Witness, moment: Moment) -> tuple[Row, ...]:
    """The same rows, each difference with its kind and why."""
    given = tuple(rows)
    first = tuple(_judged(row, witness, moment) for row in given)
    excused = {row.order for row in first if row.kind in {Kind.LAG, Kind.EXPLAINED}}
    return tuple(_locks(row, witness, excused) for row in first)


def _judged(row: Row, witness: Witness, moment: Moment) -> Row:
    if not row.difference:
        return row
    told = witness.explained.get((row.subject, row.told))
    why = told or _not_taken_in(row, witness) or _cancelled(row, witness)
    if why:
        return row.model_copy(update={"kind": Kind.EXPLAINED, "why": why})
    flying = _in_flight(row, witness, moment)
    waited = moment.wall - moment.seen.get(row.subject, moment.wall)
    for why, patience in flying:
        if moment.late and waited < patience:
            return row.model_copy(update={"kind": Kind.LAG, "why": why})
    return row.model_copy(update={"kind": Kind.UNEXPLAINED})


def _not_taken_in(row: Row, witness: Witness) -> str:
    """An execution that our books refused, explained when it was met: the row says it again."""
    absent = row.difference == FILL and row.expected == ABSENT
    return witness.not_ours.get(row.subject, "") if absent else ""


def _cancelled(row: Row, witness: Witness) -> str:
    """An order that stands in the journal and ended at the venue, as we had asked it to."""
    asked = witness.cancels.get(row.order)
    if row.difference != ORDER or asked is None or not witness.is_live(row.order):
        return ""
    same_fill = row.expected.split(" ", 1)[-1] == row.actual.split(" ", 1)[-1]
    ended = row.actual.startswith("cancelled ") and same_fill
    return f"entry {asked}: its cancel was asked for" if ended else ""


def _in_flight(row: Row, witness: Witness, moment: Moment) -> Iterator[tuple[str, timedelta]]:
    """What may still be on its way between us and the venue, in words, and how long."""
    if row.order:
        yield from _order_in_flight(row.order, witness, moment, own=True)
        return
    currency = row.subject.partition(" ")[0]
    for name, intent in witness.intents.items():
        if currency in intent.request.symbol.split("/"):
            yield from _order_in_flight(name, witness, moment, own=False)


def _order_in_flight(
    name: str, witness: Witness, moment: Moment, *, own: bool
) -> Iterator[tuple[str, timedelta]]:
    if name not in witness.intents:
        return
    fate = witness.fate_of(name)
    touched = witness.touched.get(name)
    if fate == UNRESOLVED:
        # nobody expects it anywhere; while it is looked up, G3 keeps the time and calls a person
        yield f"{name} is being looked up", timedelta.max if own else PATIENCE
    elif witness.is_live(name):
        yield f"{name} is open and may execute", moment.late
    elif fate != ABSENT and touched is not None and moment.at - touched < moment.late:
        yield f"{name} has just ended", moment.late  # what was proven absent must never show


def _locks(row: Row, witness: Witness, excused: set[str]) -> Row:
    """A locked amount that differs by exactly what excused orders lock differs for their reason."""
    if row.kind is not Kind.UNEXPLAINED or not row.subject.endswith(_LOCKED):
        return row
    currency = row.subject.removesuffix(_LOCKED)
    held = [witness.lock(n) for n in excused if n in witness.intents and witness.is_live(n)]
    gone = sum((amount for name, amount in held if name == currency), NOTHING)
    if gone and Decimal(row.difference) == -gone:
        why = "the orders above that ended at the venue"
        return row.model_copy(update={"kind": Kind.EXPLAINED, "why": why})
    return row
