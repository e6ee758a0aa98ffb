"""How long a program takes to start and how much memory it takes, from a small parent.

A child begins with the peak memory of who started it, so a fresh interpreter starts it and asks.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns

from tests.bench.desks import ENVIRONMENT, GOVERNOR, Desk, founded
from tests.bench.measurement import Measured, Plan
from tests.bench.stop_latency import watching

FULL = 20
KB_A_MB = 1024
PROBE = """
import json, os, sys, time
out = os.open(os.devnull, os.O_WRONLY)
start = time.perf_counter_ns()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                       file_actions=[(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)])
_, status, used = os.wait4(child, 0)
took = time.perf_counter_ns() - start
print(json.dumps([took / 1e6, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""


def rows(plan: Plan) -> Iterator[Measured]:
    """``--help``, ``verify`` on a fresh desk, and the watcher until its token lies there."""
    desk = founded(plan.folder / "start")
    runs = plan.some(FULL)
    yield from _pair("governor --help", [_run("--help", expected=0) for _ in range(runs)])
    verify = ("verify", "--config", str(desk.config))
    yield from _pair("governor verify", [_run(*verify, expected=0) for _ in range(runs)])
    yield from _pair("governor watch", [_watch(desk) for _ in range(runs)], ", until armed")


def _run(*arguments: str, expected: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, *GOVERNOR, *arguments],
        check=True,
        capture_output=True,
        env=ENVIRONMENT,
    )
    took_ms, peak_kb, code = json.loads(done.stdout)
    if code != expected:
        raise RuntimeError(f"governor {' '.join(arguments)} ended with {code}")
    return took_ms, peak_kb / KB_A_MB


def _watch(desk: Desk) -> tuple[float, float]:
    start = perf_counter_ns()
    with watching(desk) as child:
        took = perf_counter_ns() - start
        status = Path(f"/proc/{child.pid}/status").read_text()
        held = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return took / 1e6, int(held.split()[1]) / KB_A_MB


def _pair(name: str, found: list[tuple[float, float]], until: str = "") -> Iterator[Measured]:
    times, memory = zip(*found, strict=True)
    yield Measured(f"{name}{until}", "ms", tuple(times))
    yield Measured(f"{name}, memory", "MB", tuple(memory), note="resident")
