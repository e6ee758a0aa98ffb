"""A report as data for machines: every key stays, new ones may come. Pure."""

from collections.abc import Mapping
from typing import Any

from desired_state.authority import BOTTOM, Authority, point_text, points
from desired_state.canonical import plain
from reconciler.acknowledgement import Acknowledgement
from reconciler.conditions import Condition
from reconciler.ports import Report
from reconciler.proposing import authority_data


def report_data(report: Report, acks: Mapping[str, Acknowledgement]) -> dict[str, Any]:
    """For ``governor status --json`` and ``governor reconcile --json``."""
    verdict = report.verdict
    return {
        "revision": f"main@sha1:{verdict.revision}" if verdict.revision else None,
        "admitted": verdict.admitted,
        "permitted": authority_data(verdict.permitted),
        "wind_down": authority_data(verdict.wind_down) if verdict.wind_down else None,
        "kill_switch": {
            "state": verdict.switch.value,
            "stops": [_stop(plain(stop), acks.get(stop.id)) for stop in verdict.stops],
        },
        "conditions": [condition_data(condition) for condition in report.conditions],
        "actual": plain(report.actual) if report.actual else None,
        "actions": [plain(action) for action in report.actions],
        "findings": [plain(found) for found in report.findings],
        "leaves": report.leaves,
    }


def condition_data(condition: Condition) -> dict[str, Any]:
    """One condition."""
    return plain(condition)


def diff_data(report: Report) -> dict[str, Any]:
    """For ``governor diff --json``: the four authorities, and each path on which they differ."""
    verdict = report.verdict
    return {
        "desired": authority_data(verdict.desired) if verdict.desired else None,
        "approved": authority_data(verdict.approved) if verdict.approved else None,
        "permitted": authority_data(verdict.permitted),
        "actual": plain(report.actual) if report.actual else None,
        "as_asked": verdict.as_asked,
        "differences": [
            dict(zip(("path", "desired", "approved", "permitted"), row, strict=True))
            for row in differing(report)
        ],
        "findings": [plain(found) for found in report.findings],
    }


def differing(report: Report) -> list[tuple[str, str, str, str]]:
    """Path, desired, approved and permitted where they are not all the same; ``-`` is nothing."""
    verdict = report.verdict
    columns = [_texts(a) for a in (verdict.desired, verdict.approved, verdict.permitted)]
    paths = sorted(set().union(*columns) - {"not_before", "expires"})
    rows = [(path, *(column.get(path, "-") for column in columns)) for path in paths]
    return [(p, d, a, m) for p, d, a, m in rows if not d == a == m]


def _texts(authority: Authority | None) -> dict[str, str]:
    return {path: point_text(value) for path, value in points(authority or BOTTOM).items()}


def _stop(stop: dict[str, Any], ack: Acknowledgement | None) -> dict[str, Any]:
    return {**stop, "acknowledgement": plain(ack) if ack else None}
