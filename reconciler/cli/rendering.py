"""Reports as text for people: tables as in the GitOps world, symbols as in Flux."""

import io
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

from desired_state.errors import Severity
from desired_state.reasons import Reason
from desired_state.values import instant_text
from reconciler.acknowledgement import Acknowledgement
from reconciler.authority_words import authority_words
from reconciler.cli.shared import finding_lines
from reconciler.conditions import Condition, Kind, Status, narrows
from reconciler.ports import Report
from reconciler.reporting import differing

WIDTH = 118
ANNOUNCED = frozenset({Reason.EXPIRES_SOON, Reason.SUSPENDED, Reason.SUSPENSION_OVERDUE})
STOPPING = frozenset({Reason.KILL_ENGAGED, Reason.KILL_UNREADABLE})  # each stop has its line
FALLING_SHORT = frozenset({Reason.NOT_APPROVED, Reason.FALLEN})  # less is permitted than asked
_MARKS = {Status.TRUE: "✔", Status.FALSE: "✗", Status.UNKNOWN: "◎"}


def conditions_table(conditions: Iterable[Condition]) -> str:
    """One row a condition."""
    table = _table("CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE")
    for c in conditions:
        mark = f"{_MARKS[c.status]} {c.status}"
        table.add_row(c.kind, mark, c.reason, instant_text(c.since)[:19] + "Z", c.message)
    return _text(table)


def diff_table(report: Report) -> str:
    """Desired, approved and permitted where they differ, and what is actually running."""
    rows = differing(report)
    table = _table("PATH", "DESIRED", "APPROVED", "PERMITTED")
    for row in rows:
        table.add_row(*row)
    actual = report.actual
    running = f"session {actual.session}" if actual and actual.session else "no session"
    orders = sum(len(v.open_orders or ()) for v in actual.venues) if actual else 0
    body = _text(table) if rows else "desired, approved and permitted are the same"
    return f"{body}\nactual: {running}, {orders} open orders"


def status_lines(report: Report, acks: Mapping[str, Acknowledgement]) -> Iterable[str]:
    """The page an operator looks at first."""
    yield verdict_line(report)
    if report.verdict.wind_down:
        yield f"◎ people may wind down: {authority_words(report.verdict.wind_down)}"
    for stop in report.verdict.stops:
        yield f"✗ stop {stop.id} ({stop.kind}, by {stop.by or 'unknown'}): {stop.reason}"
        ack = acks.get(stop.id)
        if ack:
            yield f"  {acknowledgement_words(ack)}"
    for found in report.findings:
        if found.code in STOPPING:
            continue
        if narrows(found) or found.code in FALLING_SHORT:  # GATE-4
            yield finding_lines(found)
        elif found.code in ANNOUNCED:
            yield f"{'◎' if found.severity is Severity.INFO else '⚠'} {found.message}"
    yield conditions_table(report.conditions)


def acknowledgement_words(ack: Acknowledgement) -> str:
    """The stop's times since it was observed, in milliseconds."""
    found = [f"observed {instant_text(ack.observed)}"]
    for name in ("gate_closed", "cancels_sent", "cancels_confirmed", "verified_clean"):
        at = getattr(ack, name)
        words = name.replace("_", " ")
        if at is None:
            found.append(f"{words}: not yet")
        else:
            found.append(f"{words} +{(at - ack.observed).total_seconds() * 1000:.0f} ms")
    return ", ".join(found)


def verdict_line(report: Report) -> str:
    """One line: ready or not, revision, what is permitted."""
    verdict = report.verdict
    ready = next((c for c in report.conditions if c.kind is Kind.READY), None)
    mark = _MARKS[ready.status] if ready else "✗"
    head = f"main@sha1:{(verdict.revision or 'none')[:8]}"
    return f"{mark} {head} permitted: {authority_words(verdict.permitted)}"


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _text(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=WIDTH, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
