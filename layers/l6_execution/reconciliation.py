"""Expected against actual: at the start, all along, and after the session, along a path of its own.

Expected comes from the journal's entries alone (``Witness``), actual is asked of the venue; the
running books have no part in it. What cannot be read was not compared, and the report says so:
it is never a zero (L6-7). The same inputs give the same report, byte by byte.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final

from desired_state.canonical import canonical
from desired_state.errors import Finding, GovernanceError, finding
from desired_state.frozen import Frozen
from desired_state.reasons import Reason
from layers.l6_execution.classification import Moment, classified
from layers.l6_execution.rows import (
    FOREIGN,
    Kind,
    Row,
    balance_rows,
    fill_rows,
    is_archived,
    order_rows,
)
from layers.l6_execution.schedule import Scope
from layers.l6_execution.terms import FILL_OVERLAP, LIST_OVERLAP, SEVERAL
from layers.l6_execution.witness import ABSENT, Witness
from layers.market import EPOCH
from layers.orders import Archived, Fill, VenueOrder
from layers.ports import JournalEntry, VenueQueries

RECENT: Final = timedelta(minutes=10)  # executions that a comparison between two full ones covers
ORDERS, FILLS, BALANCES = "orders", "fills", "balances"
TABLES: Final = (ORDERS, FILLS, BALANCES)


class ReconciliationReport(Frozen):
    """Every order, fill and balance of its scope.

    ``ok`` only if all could be read, all agree or are explained, none is excused as being on its
    way, and no difference that was met before stands without an explanation.
    """

    ok: bool
    scope: Scope
    compared: int
    expected: int  # comparisons that the scope asks for, those included that could not be made
    orders: tuple[Row, ...]
    fills: tuple[Row, ...]
    balances: tuple[Row, ...]
    unexplained: tuple[Finding, ...]
    missing: tuple[Finding, ...]  # what could not be read, and why

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of them, in the order of the report."""
        return (*self.orders, *self.fills, *self.balances)

    @property
    def id(self) -> str:
        """Digest of everything that it says."""
        found = sha256()
        for part in self._canonical():
            found.update(part)
        return f"sha256:{found.hexdigest()}"

    def _canonical(self) -> Iterator[bytes]:
        """Its canonical bytes, row by row: thousands of them are never plain data at once."""
        told: dict[str, tuple[Row, ...]] = {name: getattr(self, name) for name in TABLES}
        rest = self.model_dump(mode="json", exclude=set(told))
        for place, name in enumerate(sorted((*told, *rest))):
            yield b"," if place else b"{"
            yield canonical(name) + b":"
            if name not in told:
                yield canonical(rest[name])
                continue
            for row_place, row in enumerate(told[name]):
                yield (b"," if row_place else b"[") + canonical(row)
            yield b"]" if told[name] else b"[]"
        yield b"}"

    @property
    def differing(self) -> "ReconciliationReport":
        """What a session keeps of it: the counts, and the rows that do not agree."""
        rows = {name: getattr(self, name) for name in TABLES}
        kept = {name: tuple(r for r in table if r.difference) for name, table in rows.items()}
        return self.model_copy(update=kept)

    @property
    def is_final(self) -> bool:
        """Whether nothing was excused as being on its way; else compare again a little later."""
        return not any(row.kind is Kind.LAG for row in self.rows)

    @property
    def coverage(self) -> Decimal:
        """Per cent of the comparisons that were made, rounded down: 100 means all."""
        return Decimal(100 * self.compared // self.expected if self.expected else 100)


@dataclass(slots=True)
class Reading:
    """Asks a venue for what a scope needs; each part by itself, so that one gap hides no other."""

    witness: Witness
    queries: VenueQueries
    open_orders: Callable[[], tuple[VenueOrder, ...]]
    scope: Scope
    since: datetime
    missing: list[Finding] = field(default_factory=list)
    lost: int = 0  # comparisons that could not be made

    def rows(self) -> tuple[tuple[Row, ...], tuple[Row, ...], tuple[Row, ...]]:
        """Orders, fills and balances; what could not be read is empty, and in ``missing``."""
        orders = self._try(ORDERS, len(self._names()), self._orders)
        if self.scope is Scope.OPEN_ORDERS:
            return orders, (), ()
        own = sum(1 for fill in self.witness.fills.values() if fill.at >= self.since)
        fills = self._try(FILLS, own, self._fills)
        balances = self._try(BALANCES, 2 * len(self.witness.totals), self._balances)
        return orders, fills, balances

    def _try(self, part: str, rows: int, read: Callable[[], tuple[Row, ...]]) -> tuple[Row, ...]:
        try:
            return read()
        except GovernanceError as fault:
            self.missing.append(finding(fault.code, part, f"not compared: {fault.message}"))
            self.lost += max(rows, 1)
            return ()

    def _names(self) -> Collection[str]:
        return self.witness.intents if self.scope is Scope.FULL else self.witness.live

    def _orders(self) -> tuple[Row, ...]:
        names = tuple(self._names())
        shown: dict[str, VenueOrder | Archived | None] = {}
        if self.scope is Scope.FULL:
            since = self._listed_since()
            for symbol in self._symbols():
                shown.update({o.client_order_id: o for o in self.queries.orders(symbol, since)})
            shown = {name: shown.get(name) for name in names}  # others' past is not our business
        listed = {o.client_order_id: o for o in self.open_orders()}
        shown.update(listed)
        self._look_up([n for n in names if shown.get(n) is None], shown)
        own_ended = {n for n in listed if n in self.witness.intents} - set(names)
        return order_rows(self.witness, {*names, *own_ended}, shown)

    def _listed_since(self) -> datetime:
        """So that few of those that are compared were made before: each of them is a question."""
        known, live = self.witness.intents, self.witness.live
        made = sorted(intent.created_at for name, intent in known.items() if name not in live)
        few = made[SEVERAL - 1] - LIST_OVERLAP if len(made) >= SEVERAL else self.since
        return min(self.since, few)

    def _look_up(self, names: list[str], shown: dict[str, VenueOrder | Archived | None]) -> None:
        """Each by its id; what the venue's word on one says of others needs no question (L6-12)."""
        witness, word = self.witness, None
        for name in names:
            if witness.fate_of(name) == ABSENT:
                continue
            if word is not None and is_archived(witness, name, word):
                shown[name] = word
                continue
            found = self.queries.order(witness.intents[name].request.symbol, name)
            shown[name] = found
            word = found if isinstance(found, Archived) else word

    def _fills(self) -> tuple[Row, ...]:
        theirs: dict[str, Fill] = {}
        for symbol in self._symbols():
            for fill in self.queries.fills(symbol, self.since):
                # H3: of two under one id, the one that is not ours is what has to be explained
                if fill.fill_id not in theirs or fill != self.witness.fills.get(fill.fill_id):
                    theirs[fill.fill_id] = fill
        return fill_rows(self.witness, theirs, self.since)

    def _balances(self) -> tuple[Row, ...]:
        return balance_rows(self.witness, self.queries.balances())

    def _symbols(self) -> list[str]:
        return sorted({intent.request.symbol for intent in self.witness.intents.values()})


def reconcile(
    entries: Iterable[JournalEntry],
    queries: VenueQueries,
    open_orders: Callable[[], tuple[VenueOrder, ...]],
) -> ReconciliationReport:
    """Compare a whole journal with the venue, excusing nothing. Never raises for either of them."""
    try:
        witness = Witness.of(entries, whole=True)
    except GovernanceError as fault:
        return _unread(fault.finding)
    since = EPOCH if witness.opened_at is None else witness.opened_at - FILL_OVERLAP
    reading = Reading(witness, queries, open_orders, Scope.FULL, since)
    return report(reading, Moment(at=EPOCH, wall=EPOCH))


def report(reading: Reading, moment: Moment) -> ReconciliationReport:
    """Read what the scope asks for, compare and classify it."""
    witness = reading.witness
    if witness.opened_at is None:
        return _unread(finding(Reason.JOURNAL, "journal", "it does not say what the account held"))
    if witness.reset is not None:
        why = f"entry {witness.reset}: the venue was wiped, and nobody has accepted it"
        return _unread(finding(Reason.VENUE_RESET, "venue", why))
    parts = reading.rows()
    judged = classified((row for part in parts for row in part), witness, moment)
    bounds = (len(parts[0]), len(parts[0]) + len(parts[1]))
    unexplained = (
        *(_odd(row) for row in judged if row.kind is Kind.UNEXPLAINED),
        *_standing(witness, judged),
    )
    return ReconciliationReport(
        ok=not unexplained
        and not reading.missing
        and not any(row.kind is Kind.LAG for row in judged),
        scope=reading.scope,
        compared=len(judged),
        expected=len(judged) + reading.lost,
        orders=judged[: bounds[0]],
        fills=judged[bounds[0] : bounds[1]],
        balances=judged[bounds[1] :],
        unexplained=unexplained,
        missing=tuple(reading.missing),
    )


def _standing(witness: Witness, judged: tuple[Row, ...]) -> tuple[Finding, ...]:
    """Differences that were met before and that nobody has explained since."""
    told = {row.subject for row in judged if row.kind is Kind.UNEXPLAINED}
    return tuple(
        finding(Reason.RECON_DIFF, subject, f"met before, and not explained: {what}")
        for subject, what in sorted(witness.standing.items())
        if subject not in told
    )


def _odd(row: Row) -> Finding:
    code = Reason.FOREIGN_ORDER if row.difference == FOREIGN else Reason.RECON_DIFF
    return finding(
        code, row.subject, f"expected {row.expected}, found {row.actual} ({row.difference})"
    )


def _unread(cause: Finding) -> ReconciliationReport:
    return ReconciliationReport(
        ok=False,
        scope=Scope.FULL,
        compared=0,
        expected=1,
        orders=(),
        fills=(),
        balances=(),
        unexplained=(),
        missing=(cause,),
    )
