"""What a session did, as its evidence pack holds it. Pure; nothing here depends on a wall clock."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from desired_state.canonical import canonical, digest
from desired_state.frozen import Frozen
from desired_state.values import Amount, Digest, Instant, Mode, Name, Span, StopClass, Symbol
from evidence_repo.manifest import Context, PackKind
from evidence_repo.packs import Pack, build
from layers.l6_execution.books import Books
from layers.l6_execution.events import Answered, Filled, Seen, read
from layers.l6_execution.reconciliation import ReconciliationReport
from layers.l6_execution.report_table import table
from layers.orders import WORKING, AnswerKind, Fill, OrderState, Purpose, Side, TimeInForce
from layers.ports import JournalEntry
from reconciler.marks import Mark
from reconciler.session_ending import Ending
from reconciler.slippage import Slippage, taken


class OrderLine(Frozen):
    """One order of the session, by its own ids."""

    client_order_id: str
    intent_id: str
    purpose: Purpose
    side: Side
    time_in_force: TimeInForce
    price: Amount
    quantity: Amount
    filled: Amount
    state: OrderState
    placed_at: Instant
    ended_at: Instant | None  # none: still open when the session ended


class TriggerLine(Frozen):
    """A NO-TRADE trigger while it stood."""

    kind: str
    since: Instant
    until: Instant


class SessionSetup(Frozen):
    """What was asked for; with the bars it decides everything that follows."""

    symbol: Symbol
    mode: Mode
    interval: Span
    seed: Annotated[int, Field(ge=0)]
    start: Instant
    end: Instant
    feed: Digest
    configuration: Digest
    limits: Digest

    @property
    def run_id(self) -> str:
        """The session's name: the same setup, the same name."""
        return f"S{digest(self).removeprefix('sha256:')[:12]}"


class SessionRecord(Frozen):
    """The session from its first bar to its end, in market time."""

    setup: SessionSetup
    run_id: Name | str
    ending: Ending
    stop: StopClass | None
    first: Instant | None
    last: Instant | None
    bars: int
    orders: tuple[OrderLine, ...]
    fills: tuple[Fill, ...]
    marks: tuple[Mark, ...]
    triggers: tuple[TriggerLine, ...]
    refusals: dict[str, int]  # by control
    plans: tuple[str, ...]  # packs of the layers, in order
    slippage: Slippage | None = None  # every fill beside its prediction


def order_lines(books: Books, entries: Iterable[JournalEntry]) -> tuple[OrderLine, ...]:
    """The orders that these journal entries are about, as the books have them now."""
    ended: dict[str, datetime] = {}
    intended: list[str] = []
    for entry in entries:
        event = read(entry)
        if entry.kind == "order_intent":
            intended.append(str(entry.body["intent"]["request"]["client_order_id"]))
        elif isinstance(event, Filled):
            ended[event.fill.client_order_id] = event.fill.at
        elif isinstance(event, Seen):
            ended[event.order.client_order_id] = entry.at
        elif isinstance(event, Answered) and event.answer.kind is not AnswerKind.ACCEPTED:
            ended[event.client_order_id] = entry.at
    return tuple(_line(books, name, ended.get(name)) for name in intended)


def _line(books: Books, name: str, ended: datetime | None) -> OrderLine:
    own = books.orders[name]
    return OrderLine(
        client_order_id=name,
        intent_id=own.intent.intent_id,
        purpose=own.intent.purpose,
        side=own.side,
        time_in_force=own.intent.request.time_in_force,
        price=own.price,
        quantity=own.quantity,
        filled=own.filled,
        state=own.state,
        placed_at=own.intent.created_at,
        ended_at=None if own.state in WORKING else ended,
    )


def session_pack(record: SessionRecord, picture: str, context: Context) -> Pack:
    """The session's pack; its id depends on the record, the picture and what went in alone."""
    setup = record.setup
    inputs: Mapping[str, str] = {
        "feed": setup.feed,
        "configuration": setup.configuration,
        "limits": setup.limits,
    }
    costs = record.slippage
    summed = costs.model_copy(update={"lines": ()}) if costs else None
    artifacts = {
        "session.json": canonical(record.model_copy(update={"marks": (), "slippage": summed})),
        "marks.json": canonical([mark.told() for mark in record.marks]),
        "picture.svg": picture.encode(),
    }
    if costs is not None:
        artifacts["slippage.json"] = canonical(costs)
        if costs.summary.took:
            artifacts["takers.jsonl"] = taken(costs)
    return build(PackKind.SESSION, setup.start.date(), inputs, artifacts, context)


def reconciliation_pack(
    record: SessionRecord, report: ReconciliationReport, session: str, context: Context
) -> Pack:
    """Expected against actual, after the session."""
    rows = (*report.orders, *report.fills, *report.balances)
    inputs = {
        "session": digest(session),
        "venue": digest([[row.subject, row.actual] for row in rows]),  # what the venue itself said
    }
    artifacts = {"report.json": canonical(report), "report.txt": table(report).encode()}
    return build(PackKind.RECONCILIATION, record.setup.start.date(), inputs, artifacts, context)
