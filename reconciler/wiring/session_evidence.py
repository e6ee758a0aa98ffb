"""What a session leaves: its record and picture as a pack, and expected against actual."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from desired_state.build import __version__
from desired_state.values import StopClass
from evidence_repo.manifest import Claim, Code, Context, EvidenceLevel
from layers.l6_execution.books import Books
from layers.l6_execution.events import Filled, read
from layers.l6_execution.reconciliation import ReconciliationReport
from layers.l6_execution.rows import Kind
from layers.ports import JournalEntry
from reconciler import picture
from reconciler.counter import Counter
from reconciler.fill_costs import Terms, slippage
from reconciler.marking import value_of
from reconciler.marks import Mark
from reconciler.session import Session
from reconciler.session_ending import Ending
from reconciler.session_record import (
    SessionRecord,
    SessionSetup,
    TriggerLine,
    order_lines,
    reconciliation_pack,
    session_pack,
)
from reconciler.slippage import Slippage
from reconciler.wiring.desk import Desk, ship
from reconciler.wiring.host_parts import local_stop
from reconciler.wiring.renewal import Renewal
from reconciler.wiring.session_halt import Raised


@dataclass(frozen=True)
class Outcome:
    """How the session went."""

    record: SessionRecord
    session_pack: str
    reconciliation: ReconciliationReport | None  # none: nothing was sent, so nothing is compared
    reconciliation_pack: str
    stop: str | None = None  # id of the stop that it raised itself

    @property
    def agrees(self) -> bool:
        """Whether nothing at the venue differs from our books."""
        return self.reconciliation is None or self.reconciliation.ok


@dataclass(frozen=True)
class Kept:
    """The session as it stands at its end, and where its evidence goes."""

    desk: Desk
    session: Session
    setup: SessionSetup
    ending: Ending
    report: ReconciliationReport | None  # expected against actual; none: nothing was sent
    renewal: Renewal  # keeps packs, under the revision that stands
    spans: Mapping[tuple[str, datetime], datetime]
    raised: Raised | None = None


def keep_evidence(
    kept: Kept,
    counter: Counter,
    since: tuple[JournalEntry, ...],
    orders: tuple[JournalEntry, ...],
) -> Outcome:
    """The session's packs, shipped; a difference that nobody can explain is under a stop (G4)."""
    record = _record(kept, since, orders, _books(kept.session, counter))
    record = record.model_copy(update={"slippage": _slippage(kept, counter, record, since, orders)})
    context = Context(
        run_id=record.run_id,
        decision=record.ending.value,
        revision=kept.renewal.revision() or "",
        code=Code(version=__version__),
        seed=record.setup.seed,
        ended=kept.desk.clock.wall(),
        claim=Claim(text=counter.claim, level=EvidenceLevel.E2),
    )
    pack = session_pack(record, picture.draw(record), context)
    kept.renewal.keep(pack, record.setup.start)
    report, second, stop = kept.report, "", None
    if report is not None:
        compared = reconciliation_pack(record, report, pack.id, context)
        kept.renewal.keep(compared, record.setup.start)
        second = compared.id
        stop = _stands(kept, report) or _unexplained(kept.desk, counter, report)
    ship(kept.desk)
    return Outcome(record, pack.id, report, second, stop)


def _stands(kept: Kept, report: ReconciliationReport) -> str | None:
    """SESSION-7: the stop under which all that the report finds stands already; none: there is one.

    It is this session's own, in force on this host and of class integrity; whatever it was not
    raised over, what could not be read, or was still on its way, asks for one of its own.
    """
    raised, found = kept.raised, {one.subject for one in report.unexplained}
    if raised is None or report.missing or not report.is_final or not found <= raised.subjects:
        return None
    stop = kept.desk.latch.in_force().get(raised.stop)
    return stop.id if found and stop and stop.kind is StopClass.INTEGRITY else None


def _unexplained(desk: Desk, counter: Counter, report: ReconciliationReport) -> str | None:
    if report.ok:
        return None
    text = "; ".join(
        f"{f.subject}: {f.message}" for f in (*report.unexplained, *report.missing)[:3]
    )
    late = ", ".join(row.subject for row in report.rows if row.kind is Kind.LAG)
    text = text or f"still on its way when the session was over: {late}"
    stop = local_stop(desk.host, desk.clock).engage(
        StopClass.INTEGRITY, text, "reconciliation", counter.way_out
    )
    return stop.id


def _books(session: Session, counter: Counter) -> Books:
    """With every order of the session, those included that memory let go of (L6-10)."""
    books = session.desk.execution.books
    if books.let_go_at is None:
        return books
    return Books.rebuilt(counter.journal.entries(), whole=True)


def _record(
    kept: Kept, since: tuple[JournalEntry, ...], orders: tuple[JournalEntry, ...], books: Books
) -> SessionRecord:
    session, setup = kept.session, kept.setup
    marks = tuple(value_of(Mark, entry) for entry in since if entry.kind == "mark")
    events = (read(entry) for entry in orders)
    return SessionRecord(
        setup=setup,
        run_id=setup.run_id,
        ending=kept.ending,
        stop=_stop_class(kept),
        first=marks[0].at if marks else None,
        last=marks[-1].at if marks else None,
        bars=session.bars,
        orders=order_lines(books, orders),
        fills=tuple(event.fill for event in events if isinstance(event, Filled)),
        marks=marks,
        triggers=tuple(
            TriggerLine(kind=kind, since=begun, until=until)
            for (kind, begun), until in sorted(kept.spans.items())
        ),
        refusals=dict(sorted(session.outcomes.items())),
        plans=tuple(session.thinking.packs),
    )


def _slippage(
    kept: Kept,
    counter: Counter,
    record: SessionRecord,
    since: tuple[JournalEntry, ...],
    orders: tuple[JournalEntry, ...],
) -> Slippage:
    """Every fill beside its prediction; an order of a session before has its decision there."""
    sent = {line.client_order_id for line in record.orders}
    whole = counter.goes_on and any(fill.client_order_id not in sent for fill in record.fills)
    entries = tuple(counter.journal.entries()) if whole else (*since, *orders)
    terms = Terms(counter.costs, kept.session.wired.rules.tick, kept.setup.interval)
    return slippage(record.fills, entries, terms)


def _stop_class(kept: Kept) -> StopClass | None:
    if kept.ending is not Ending.STOPPED:
        return None
    stops = kept.desk.latch.in_force()
    return next((stops[name].kind for name in sorted(stops)), None)
