"""``governor reconcile``, ``run``, ``status``, ``get`` and ``diff``."""

from typing import Annotated

import typer

from reconciler.cli.app import app
from reconciler.cli.rendering import conditions_table, diff_table, status_lines, verdict_line
from reconciler.cli.shared import (
    CANNOT_JUDGE,
    NO,
    AsJson,
    Config,
    finding_lines,
    host_of,
    note,
    show,
    show_json,
    stop_on_signals,
)
from reconciler.conditions import Condition, Kind, Status
from reconciler.ports import Report
from reconciler.reporting import condition_data, diff_data, report_data
from reconciler.wiring.desk import open_desk, ship
from reconciler.wiring.halting import who
from reconciler.wiring.loop import run_loop
from reconciler.wiring.status import look

ClockChecked = Annotated[
    bool,
    typer.Option(
        "--clock-checked",
        help="You compared this host's clock with another one: it is right. Goes into evidence.",
    ),
]


@app.command()
def reconcile(
    config: Config = None, as_json: AsJson = False, clock_checked: ClockChecked = False
) -> None:
    """One cycle: fetch, admit, observe, judge, plan, apply, record; then ship the evidence."""
    host = host_of(config)
    with open_desk(host) as desk:
        if clock_checked:
            desk.clock_checked(who())
        report = desk.reconcile()
        problem = ship(desk)
    _show_report(report, as_json=as_json)
    if problem:
        raise problem
    raise typer.Exit(_code(report))


@app.command()
def run(config: Config = None, clock_checked: ClockChecked = False) -> None:
    """The loop: looks again at every event, every poll and every resync, with its watcher."""
    stop = stop_on_signals()
    by = who() if clock_checked else ""
    run_loop(host_of(config), stop, lambda report: note(verdict_line(report)), by)


@app.command()
def status(config: Config = None, as_json: AsJson = False) -> None:
    """Where things stand: permitted, conditions, stops with their times, what is running."""
    report, latch = look(host_of(config))
    if as_json:
        show_json(report_data(report, latch.acknowledgements()))
    else:
        for line in status_lines(report, latch.acknowledgements()):
            show(line)
    raise typer.Exit(_code(report))


@app.command()
def get(
    what: Annotated[str, typer.Argument(metavar="conditions")] = "conditions",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """``governor get conditions``: each with status, reason, message and since when."""
    if what != "conditions":
        note("✗ USAGE get: expected conditions")
        raise typer.Exit(CANNOT_JUDGE)
    report, _ = look(host_of(config))
    if as_json:
        show_json({"conditions": [condition_data(c) for c in report.conditions]})
    else:
        show(conditions_table(report.conditions))
    raise typer.Exit(0 if _ready(report.conditions) else NO)


@app.command()
def diff(config: Config = None, as_json: AsJson = False) -> None:
    """Desired, approved, permitted and actual side by side; 1 where they differ."""
    report, _ = look(host_of(config))
    if as_json:
        show_json(diff_data(report))
    else:
        show(diff_table(report))
        for found in report.findings:
            show(finding_lines(found))
    raise typer.Exit(0 if report.verdict.as_asked else NO)


def _show_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        show_json(report_data(report, {}))
        return
    show(verdict_line(report))
    for found in report.findings:
        show(finding_lines(found))


def _code(report: Report) -> int:
    if report.actual is None:
        return CANNOT_JUDGE
    return 0 if report.verdict.as_asked else NO


def _ready(conditions: tuple[Condition, ...]) -> bool:
    return any(c.kind is Kind.READY and c.status is Status.TRUE for c in conditions)
