"""A reconciliation report as people read it: plain text, the same for the same report."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from layers.l6_execution.reconciliation import ReconciliationReport
from layers.l6_execution.rows import Kind, Row

HEADER = ("", "subject", "expected", "found", "difference", "kind")
MARKS = {Kind.SAME: "✓", Kind.LAG: "…", Kind.EXPLAINED: "≈", Kind.UNEXPLAINED: "✗"}
WIDEST = 48  # of one column; an execution's fields in full stand in the report itself
MOST_SAME = 20  # rows without a difference that one part shows


def table(report: ReconciliationReport) -> str:
    """Every difference, what agrees in part, how much was compared, and why not all of it."""
    lines = [_headline(report), ""]
    for title, rows in (
        ("Orders", report.orders),
        ("Executions", report.fills),
        ("Balances", report.balances),
    ):
        lines += [f"{title} ({len(rows)})", *_part(rows), ""]
    subjects = {row.subject for row in report.rows}
    lines += [
        f"Unexplained: {odd.subject}: {odd.message}"
        for odd in report.unexplained
        if odd.subject not in subjects
    ]
    lines += [f"Not compared: {gap.subject}: {gap.code}: {gap.message}" for gap in report.missing]
    lines.append(f"Report {report.id}")
    return "\n".join(lines) + "\n"


def _headline(report: ReconciliationReport) -> str:
    word = _word(report)
    share = f"{report.coverage} % compared ({report.compared} of {report.expected})"
    kinds = [row.kind for row in report.rows if row.difference]
    counts = ", ".join(f"{kinds.count(k)} {k.value}" for k in Kind if k is not Kind.SAME)
    return f"Reconciliation, {report.scope}: {word}. {share}; differences: {counts}."


def _word(report: ReconciliationReport) -> str:
    if report.unexplained:
        return "DOES NOT AGREE"
    if report.missing:
        return "INCOMPLETE"
    return "agrees" if report.is_final else "agrees but for what is on its way"


def _part(rows: tuple[Row, ...]) -> Iterator[str]:
    if not rows:
        return
    odd = [row for row in rows if row.difference]
    same = [row for row in rows if not row.difference]
    shown = [_cells(row) for row in (*odd, *same[:MOST_SAME])]
    yield from _aligned([HEADER, *shown])
    for why, group in groupby((row for row in odd if row.why), key=lambda row: row.why):
        yield f"    {', '.join(row.subject for row in group)}: {why}"
    if len(same) > MOST_SAME:
        yield f"  and {len(same) - MOST_SAME} more that agree"


def _cells(row: Row) -> tuple[str, ...]:
    texts = (row.subject, row.expected, row.actual, row.difference)
    return (MARKS[row.kind], *(_cut(text) for text in texts), row.kind.value)


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _aligned(cells: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(cells)
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    for row in rows:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  " + "  ".join(padded).rstrip()
