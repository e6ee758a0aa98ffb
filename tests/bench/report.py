"""The measurements as one table and as JSON."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from desired_state.values import instant_text
from tests.bench.forwarding import Answer
from tests.bench.measurement import NOT_INSTALLED, Measured, microseconds

OK = {True: "[green]yes[/]", False: "[bold red]NO[/]", None: "-"}


def table(found: Sequence[Measured], where: str) -> Table:
    """One row each; a bound that does not hold says so."""
    made = Table(title=f"Measured on {where}", title_justify="left")
    for name in ("what", "unit", "runs", "p50", "p99", "max"):
        made.add_column(name, justify="left" if name in {"what", "unit"} else "right")
    for name in ("bound", "ok", "beside", "its p50", "ratio", "note"):
        made.add_column(name)
    for row in found:
        numbers = (row.p50, row.p99, row.most)
        made.add_row(
            row.name,
            row.unit,
            f"{len(row.values):,}",
            *map(_number, numbers),
            ", ".join(map(str, row.bounds)) or "-",
            OK[row.ok],
            *_peer(row),
            row.note,
        )
    return made


def machine() -> str:
    """What it ran on, how busy that was, and how fast: quiet machines of today need 25 to 45 ms."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    python = platform.python_version()
    speed = statistics.median(microseconds(_yardstick) for _ in range(5)) / 1_000
    words = f"{platform.machine()}, {cores} cores, Python {python}, load {load:.1f}"
    return f"{words}, a million additions in {speed:.0f} ms"


def _yardstick() -> int:
    total = 0
    for number in range(1_000_000):
        total += number
    return total


def write(
    found: Sequence[Measured],
    where: str,
    folder: Path,
    at: datetime,
    answers: Sequence[Answer] = (),
) -> Path:
    """Every value of every row, the table's numbers, and what was said of the six orders."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{at:%Y%m%dT%H%M%SZ}.json"
    told: dict[str, object] = {
        "at": instant_text(at),
        "machine": where,
        "rows": [_data(row) for row in found],
    }
    told["forwarded_elsewhere"] = [asdict(answer) for answer in answers]
    path.write_text(json.dumps(told, indent=1) + "\n")
    return path


def _data(row: Measured) -> dict[str, object]:
    return {
        "name": row.name,
        "unit": row.unit,
        "runs": len(row.values),
        "p50": row.p50,
        "p99": row.p99,
        "max": row.most,
        "bounds": [str(bound) for bound in row.bounds],
        "ok": row.ok,
        "peer": row.peer.name if row.peer else None,
        "peer_installed": row.peer.values is not None if row.peer else None,
        "peer_p50": row.peer_p50,
        "ratio": row.ratio,
        "note": row.note,
        "values": [round(value, 4) for value in row.values],
    }


def _peer(row: Measured) -> tuple[str, str, str]:
    if row.peer is None:
        return "-", "-", "-"
    if row.peer_p50 is None:
        return row.peer.name, NOT_INSTALLED, "-"
    return row.peer.name, _number(row.peer_p50), f"{row.ratio or 0:.2f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def show(found: Sequence[Measured], where: str, console: Console) -> None:
    """The table, and what does not hold."""
    console.print(table(found, where))
    for row in found:
        if row.ok is False:
            console.print(
                f"[bold red]✗[/] {row.name}: {', '.join(map(str, row.bounds))} {row.unit}"
            )
