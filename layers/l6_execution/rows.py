"""One comparison of what the journal expects with what the venue shows, as text. Pure.

The words are those of the report, of the journal's differences and of a person's explanation, so
that what was explained can be told from what was not.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from desired_state.canonical import canonical
from desired_state.frozen import Frozen
from desired_state.values import amount_text
from layers.l6_execution.events import TOTAL
from layers.l6_execution.witness import ABSENT, NOTHING, Witness, word
from layers.orders import Archived, Balance, Fill, Side, VenueOrder


class Kind(StrEnum):
    """What a difference is; ``SAME`` where there is none."""

    SAME = ""
    LAG = "expected lag"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"


class Row(Frozen):
    """One comparison; ``difference`` is empty where both sides agree."""

    subject: str
    expected: str
    actual: str
    difference: str
    order: str = ""  # client id of the order that it concerns
    kind: Kind = Kind.SAME
    why: str = ""  # which event explains it, or what is in flight

    @property
    def told(self) -> str:
        """What differs, in the words that a person explains."""
        if self.difference in {FOREIGN, ORDER, FILL}:
            return f"expected {self.expected}, found {self.actual} ({self.difference})"
        return self.difference  # an amount; what it is explains itself at any level


ORDER = "order"
FILL = "fill"
FOREIGN = "foreign"
ARCHIVED = "archived"


def order_rows(
    witness: Witness, names: Iterable[str], shown: Mapping[str, VenueOrder | Archived | None]
) -> tuple[Row, ...]:
    """Our orders as the journal and the venue have them; then those that are nobody's.

    L6-12: one that is archived agrees with a record that it ended unfilled so long ago.
    """
    rows = []
    for name in sorted(names):
        found = shown.get(name)
        expected = _expected(witness, name)
        if isinstance(found, VenueOrder):
            actual = _shown(found)
        elif found is not None:
            actual = expected if is_archived(witness, name, found) else ARCHIVED
        else:
            actual = ABSENT
        rows.append(_row(name, (expected, actual), ORDER, name))
    foreign = (o for n, o in sorted(shown.items()) if n not in witness.intents)
    rows.extend(foreign_row(order) for order in foreign if isinstance(order, VenueOrder))
    return tuple(rows)


def is_archived(witness: Witness, name: str, word: Archived) -> bool:
    """Whether what the venue archived can be this order, by the journal alone."""
    ended = witness.ended_unfilled(name)
    return ended is not None and ended < word.before


def foreign_row(order: VenueOrder) -> Row:
    """An order without an intent; in these words it is met, compared and explained."""
    return Row(
        subject=order.client_order_id,
        expected=ABSENT,
        actual=f"{order.symbol} {_shown(order)}",
        difference=FOREIGN,
        order=order.client_order_id,
    )


def fill_rows(witness: Witness, theirs: Mapping[str, Fill], since: datetime) -> tuple[Row, ...]:
    """Every execution at or after ``since`` on both sides, field by field.

    What others executed before the account was opened belongs to an earlier journal. What is ours
    is told by its order: the venue's clock may be behind the one that dated the opening.
    """
    opened = witness.opened_at
    ours = {n: f for n, f in witness.fills.items() if f.at >= since}
    shown = {
        n: f
        for n, f in theirs.items()
        if f.at >= since
        and (f.client_order_id in witness.intents or (opened is not None and f.at > opened))
    }
    rows = []
    for name in sorted({*ours, *shown}):
        pair = ours.get(name), shown.get(name)
        one = pair[0] or pair[1]
        texts = (_fill_text(pair[0]), _fill_text(pair[1]))
        rows.append(_row(name, texts, FILL, one.client_order_id if one else ""))
    return tuple(rows)


def balance_rows(witness: Witness, theirs: tuple[Balance, ...]) -> tuple[Row, ...]:
    """Total and locked amount of each currency."""
    locked: dict[str, Decimal] = {}
    for name in witness.live:
        currency, amount = witness.lock(name)
        locked[currency] = locked.get(currency, NOTHING) + amount
    shown = {b.currency: b for b in theirs}
    rows = []
    for currency in sorted({*witness.totals, *shown}):
        found = shown.get(currency)
        free, held = (NOTHING, NOTHING) if found is None else (found.free, found.locked)
        total = witness.totals.get(currency, NOTHING)
        rows.append(_amount_row(f"{currency}{TOTAL}", total, free + held))
        rows.append(_amount_row(f"{currency} locked", locked.get(currency, NOTHING), held))
    return tuple(rows)


def _expected(witness: Witness, name: str) -> str:
    fate = witness.fate_of(name)
    if fate == ABSENT:
        return ABSENT
    request = witness.intents[name].request
    numbers = (
        witness.filled.get(name, NOTHING),
        Decimal(request.quantity),
        Decimal(request.price),
    )
    return _text(fate, request.side, numbers)


def _shown(order: VenueOrder) -> str:
    return _text(word(order.state), order.side, (order.filled, order.quantity, order.price))


def _text(fate: str, side: Side, numbers: tuple[Decimal, ...]) -> str:
    return f"{fate} {side.value} " + "{}/{} at {}".format(*(amount_text(n) for n in numbers))


def _fill_text(fill: Fill | None) -> str:
    return ABSENT if fill is None else canonical(fill).decode()


def _row(subject: str, texts: tuple[str, str], kind: str, order: str) -> Row:
    expected, actual = texts
    difference = "" if expected == actual else kind
    return Row(
        subject=subject, expected=expected, actual=actual, difference=difference, order=order
    )


def _amount_row(subject: str, expected: Decimal, actual: Decimal) -> Row:
    gap = actual - expected
    return Row(
        subject=subject,
        expected=format(expected, "f"),
        actual=format(actual, "f"),
        difference=amount_text(gap) if gap else "",  # the same amount has one text
    )
