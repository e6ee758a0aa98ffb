"""What stands on this host, read without the writer's lock and without writing anything."""

from datetime import timedelta

from reconciler.adapters.clock import wall_clock
from reconciler.adapters.latch import Latch
from reconciler.adapters.session_slot import SessionSlot
from reconciler.clearing import view_of
from reconciler.host import Host
from reconciler.plan import Actual
from reconciler.ports import Report
from reconciler.summarize import summarize
from reconciler.wiring.host_parts import HEARTBEAT, latch, token_reader, venues
from reconciler.wiring.reading import open_reading


def look(host: Host) -> tuple[Report, Latch]:
    """The verdict of this instant and what is running. Raises as ``governor verify``."""
    now, records = wall_clock(), latch(host)
    with open_reading(host) as reading:
        admission, verdict = reading.reader.verify(None, now)
    age = token_reader(host).age_ns()
    head, running = reading.journal_head, SessionSlot(host.var).running()
    actual = Actual(
        venues=tuple(view_of(name, venue) for name, venue in sorted(venues(host)().items())),
        token_age_ms=None if age is None else age // 1_000_000,
        session=(running.run_id or "beginning") if running else None,
        session_mode=running.mode if running else None,
        released=tuple(sorted(records.releases())),
        journal_head=head,
        seen_at=now,
    )
    bound = int((admission.root.bounds.heartbeat if admission.root else HEARTBEAT) / MILLISECOND)
    conditions = summarize(verdict, actual, verdict.findings, {}, bound)
    return Report(verdict, conditions, (), verdict.findings, actual, 0, verdict), records


MILLISECOND = timedelta(milliseconds=1)
