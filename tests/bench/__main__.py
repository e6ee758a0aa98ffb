"""``make bench``: latencies and costs against their bounds. ``python -m tests.bench --help``."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from reconciler.adapters.clock import wall_clock
from tests.bench import (
    audit_speed,
    cycles,
    forwarding,
    journal,
    order_life,
    order_way,
    report,
    risk_gate,
    start_up,
    stop_latency,
    sustained,
)
from tests.bench.measurement import Measured, Plan, Rows

GROUPS: Mapping[str, Rows] = {
    "start": start_up.rows,
    "L5": risk_gate.rows,
    "journal": journal.rows,
    "cycle": cycles.rows,
    "audit": audit_speed.rows,
    "stop": stop_latency.rows,
    "order": order_way.rows,
    "life": order_life.rows,
    "sustained": sustained.rows,
}
STOPS, QUICK_STOPS, QUICK_SHARE = 200, 20, 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every bound holds, 1 if one does not."""
    asked = _asked(arguments)
    narrow = Console(stderr=True)
    found: list[Measured] = []
    asked.out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=asked.out))
    runs = asked.runs if asked.runs is not None else QUICK_STOPS if asked.quick else STOPS
    plan = Plan(folder.resolve(), runs, QUICK_SHARE if asked.quick else 1.0)
    try:
        for name in asked.only or GROUPS:
            narrow.print(f"► {name}")
            found.extend(GROUPS[name](plan))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    wide = Console() if sys.stdout.isatty() else Console(width=200)
    where = report.machine()
    report.show(found, where, wide)
    answers = forwarding.answers() if "L5" in (asked.only or GROUPS) else []
    if answers:
        wide.print(forwarding.table(answers))
    path = report.write(found, where, asked.out, wall_clock(), answers)
    narrow.print(f"Every value: {path}")
    missed = [answer for answer in answers if not answer.ok]
    return 1 if missed or any(row.ok is False for row in found) else 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--runs", type=int, help=f"stops to measure; {STOPS}, quick {QUICK_STOPS}")
    parser.add_argument("--only", action="append", choices=GROUPS, help="one group; repeatable")
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="for the JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
