"""What one cycle costs: with nothing to do, with a commit to judge, and after a long history."""

import shutil
from collections.abc import Iterator
from pathlib import Path

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


def rows(plan: Plan) -> Iterator[Measured]:
    """Short history, long history, and the one by the other."""
    short, long = (_prepared(plan.folder / f"cycle{n}", n) for n in (0, LONG))
    idle, new, first = _measure(short, plan)
    yield Measured("cycle: nothing to do", "ms", idle)
    yield Measured(
        "cycle: new commit, four sign-offs", "ms", new, note="2 proposals, 2 signers each"
    )
    yield Measured("cycle: the first of a host", "ms", first)
    idle_long, new_long, first_long = _measure(long, plan)
    yield Measured("cycle: nothing to do, 1,000 commits", "ms", idle_long)
    yield Measured("cycle: new commit, 1,000 commits", "ms", new_long)
    yield Measured("cycle: the first of a host, 1,000 commits", "ms", first_long, note="once")
    for name, ours, base in (
        ("nothing to do", idle_long, idle),
        ("new commit", new_long, new),
    ):
        title = f"cycle: {name}, 1,000 commits by few"
        yield Measured(title, "ratio", (_p50(ours) / _p50(base),), note="of the medians")


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


def _measure(prepared: Desk, plan: Plan) -> tuple[tuple[float, ...], ...]:
    """Milliseconds of idle cycles, of cycles with the signed commit, and of first cycles."""
    idle: list[float] = []
    new, first = [], []
    runs = plan.some(FULL_COMMITS)
    for number in range(runs):
        desk = prepared.copy(prepared.folder.with_name(f"{prepared.folder.name}-{number}"))
        with open_desk(desk.host) as opened:
            first.append(_milliseconds(opened.cycle))
            desk.push()
            new.append(_milliseconds(opened.cycle))
            found = opened.cycle.run(wall_clock()).verdict
            if found.permitted.mode is not Mode.PAPER or found.sequence != PROPOSALS[-1]:
                raise RuntimeError(f"expected paper by the second proposal, found {found}")
            again = max(1, plan.some(FULL_IDLE) // runs)
            idle.extend(_milliseconds(opened.cycle) for _ in range(again))
        shutil.rmtree(desk.folder)
    return tuple(idle), tuple(new), tuple(first)


def _milliseconds(cycle: Cycle) -> float:
    return microseconds(lambda: cycle.run(wall_clock())) / 1_000


def _p50(values: tuple[float, ...]) -> float:
    return Measured("", "", values).p50
