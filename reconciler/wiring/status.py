"""What stands on this host, read without the writer's lock and without writing anything."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from desired_state.authority import BOTTOM
from desired_state.errors import finding
from desired_state.reasons import Reason
from evidence_repo.adapters.file_journal import newest_first
from evidence_repo.chain import parse
from reconciler.adapters.clock import wall_clock
from reconciler.adapters.kept_objects import KeptObjects
from reconciler.adapters.latch import Latch
from reconciler.adapters.session_slot import SessionSlot
from reconciler.clearing import view_of
from reconciler.gate import Verdict, as_running
from reconciler.host import Host
from reconciler.plan import Actual
from reconciler.ports import Report
from reconciler.summarize import summarize
from reconciler.verdicts import LEAF_KIND
from reconciler.wiring.host_parts import HEARTBEAT, latch, token_reader, venues
from reconciler.wiring.reading import open_reading

MILLISECOND: Final = timedelta(milliseconds=1)


def look(host: Host) -> tuple[Report, Latch]:
    """The verdict of this instant and what is running. Raises as ``governor verify``."""
    now, records = wall_clock(), latch(host)
    with open_reading(host) as reading:
        admission, verdict = reading.reader.verify(None, now)
    age, slot = token_reader(host).age_ns(), SessionSlot(host.var)
    head, running = reading.journal_head, slot.running()
    if running or slot.hosted:
        verdict = _as_running(host, verdict)
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


def _as_running(host: Host, verdict: Verdict) -> Verdict:
    """With what the reconciler that runs here last recorded; what does not read permits nothing."""
    folder = host.var / "journal"
    try:
        recorded = _newest(newest_first(folder), KeptObjects(folder))
    except ValueError:  # pydantic's refusals are ValueErrors
        text = "what the reconciler here recorded last does not read; is it another build?"
        found = (*verdict.findings, finding(Reason.JOURNAL, "verdict", text))
        return verdict.model_copy(update={"permitted": BOTTOM, "findings": found})
    return as_running(verdict, recorded) if recorded else verdict


def _newest(lines: Iterable[bytes], objects: KeptObjects) -> Verdict | None:
    leaves = (leaf for leaf in map(parse, lines) if leaf.kind == LEAF_KIND)
    leaf = next(leaves, None)
    if leaf is None:
        return None
    return Verdict.model_validate_json(objects.kept(str(leaf.body.get("verdict"))))
