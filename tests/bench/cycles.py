"""What one cycle costs: with nothing to do, with a commit to judge, and after a long history."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from desired_state.values import Mode
from reconciler.adapters.clock import wall_clock
from reconciler.cycle import Cycle
from reconciler.wiring.desk import open_desk
from tests.bench.desks import Desk, founded, lengthen
from tests.bench.measurement import Measured, Plan, microseconds

LONG = 1_000
FULL_IDLE = 200
FULL_COMMITS = 40
SIGNERS = ("oscar", "rita")
PROPOSALS = (1, 2)  # two signers each: four sign-offs in one commit


@dataclass(slots=True)
class Taken:
    """Milliseconds of idle cycles, of cycles with the signed commit, and of first cycles."""

    idle: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)


def rows(plan: Plan) -> Iterator[Measured]:
    """Short history, long history, and the one by the other; both in turns."""
    desks = {n: _prepared(plan.folder / f"cycle{n}", n) for n in (0, LONG)}
    found = {n: Taken() for n in desks}
    runs = plan.some(FULL_COMMITS)
    for number in range(runs):
        for commits, desk in desks.items():
            _measure(desk.copy(plan.folder / f"run{number}-{commits}"), found[commits], plan, runs)
    short, long = found[0], found[LONG]
    yield _row("cycle: nothing to do", short.idle)
    yield _row("cycle: new commit, four sign-offs", short.new, "2 proposals, 2 signers each")
    yield _row("cycle: the first of a host", short.first)
    yield _row("cycle: nothing to do, 1,000 commits", long.idle)
    yield _row("cycle: new commit, 1,000 commits", long.new)
    yield _row("cycle: the first of a host, 1,000 commits", long.first, "once in its life")
    for name, ours, base in (
        ("nothing to do", long.idle, short.idle),
        ("new commit", long.new, short.new),
    ):
        title = f"cycle: {name}, 1,000 commits by few"
        yield Measured(title, "ratio", (median(ours) / median(base),), note="of the medians")


def _prepared(folder: Path, commits: int) -> Desk:
    """Paper is asked for and pushed; two signed proposals wait in a commit that is not."""
    desk = founded(folder)
    lengthen(desk, commits)
    mode = (folder / "state" / "mode.yaml").read_text().replace("mode: halted", "mode: paper")
    desk.commit(mode__yaml=mode)
    desk.push()
    for sequence in PROPOSALS:
        desk.governor("propose", "--reason", "bench", "--as", "olivia")
        for person in SIGNERS:
            desk.governor("sign", str(sequence), "--as", person, "--yes")
    desk.commit()
    return desk


def _measure(desk: Desk, found: Taken, plan: Plan, runs: int) -> None:
    with open_desk(desk.host) as opened:
        found.first.append(_milliseconds(opened.cycle))
        desk.push()
        found.new.append(_milliseconds(opened.cycle))
        verdict = opened.cycle.run(wall_clock()).verdict
        if verdict.permitted.mode is not Mode.PAPER or verdict.sequence != PROPOSALS[-1]:
            raise RuntimeError(f"expected paper by the second proposal, found {verdict}")
        again = max(1, plan.some(FULL_IDLE) // runs)
        found.idle.extend(_milliseconds(opened.cycle) for _ in range(again))
    shutil.rmtree(desk.folder)


def _milliseconds(cycle: Cycle) -> float:
    return microseconds(lambda: cycle.run(wall_clock())) / 1_000


def _row(name: str, values: list[float], note: str = "") -> Measured:
    return Measured(name, "ms", tuple(values), note=note)
