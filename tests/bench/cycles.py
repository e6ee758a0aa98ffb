"""What one cycle costs: with nothing to do, with a commit to judge, and after a long history."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from desired_state.values import Mode
from reconciler.adapters.clock import wall_clock
from reconciler.cycle import Cycle
from reconciler.wiring.desk import open_desk
from tests.bench.desks import Desk, founded, lengthen
from tests.bench.measurement import Measured, Plan, microseconds
from tests.bench.papers import papers

COMMITS, PROPOSALS = 10_000, 1_000
FULL_IDLE = 200
FULL_COMMITS = 40
TITLES = {
    "few": "",
    "commits": f", {COMMITS:,} commits",
    "proposals": f", {PROPOSALS:,} proposals",
}


@dataclass(slots=True)
class Taken:
    """Milliseconds of idle cycles, of cycles with a signed commit, and of the first cycle."""

    idle: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    """An open desk, and the commits that are pushed one after the other."""

    desk: Desk
    waiting: list[str]
    taken: Taken = field(default_factory=Taken)

    def push(self) -> None:
        self.desk.git("update-ref", "refs/heads/main", self.waiting.pop(0), at="state.git")


def rows(plan: Plan) -> Iterator[Measured]:
    """Short history, many commits, many proposals; and the long ones by the short; in turns."""
    runs = plan.some(FULL_COMMITS)
    cases = {name: _prepared(plan.folder / f"cycle-{name}", name, plan) for name in TITLES}
    with ExitStack() as stack:
        cycles = {n: stack.enter_context(open_desk(c.desk.host)).cycle for n, c in cases.items()}
        for name, case in cases.items():
            case.taken.first.append(_milliseconds(cycles[name]))
        for _ in range(runs):
            for name, case in cases.items():
                _measure(cycles[name], case, max(1, plan.some(FULL_IDLE) // runs))
    notes = {"few": "a proposal and four sign-offs", "proposals": "each with four sign-offs"}
    for name, title in TITLES.items():
        taken = cases[name].taken
        yield _row(f"cycle: nothing to do{title}", taken.idle)
        yield _row(f"cycle: new commit, four sign-offs{title}", taken.new, notes.get(name, ""))
        yield _row(f"cycle: the first of a process{title}", taken.first)
    short = cases.pop("few").taken
    for name, case in cases.items():
        for what, ours, base in (
            ("nothing to do", case.taken.idle, short.idle),
            ("new commit, four sign-offs", case.taken.new, short.new),
        ):
            title = f"cycle: {what}{TITLES[name]} by few"
            yield Measured(title, "ratio", (median(ours) / median(base),), note="of the medians")


def _prepared(folder: Path, name: str, plan: Plan) -> Case:
    """Paper is asked for and pushed; signed proposals wait in commits that are not main yet."""
    desk = founded(folder)
    lengthen(desk, _size(COMMITS, plan) if name == "commits" else 0)
    mode = (folder / "state" / "mode.yaml").read_text().replace("mode: halted", "mode: paper")
    desk.commit(mode__yaml=mode)
    desk.push()
    written, first = papers(desk), 1
    if name == "proposals":
        first += _size(PROPOSALS, plan)
        [old] = written.push(range(1, first), first)
        desk.git("update-ref", "refs/heads/main", old, at="state.git")
        with open_desk(desk.host) as opened:
            opened.cycle.run(wall_clock())
    waiting = written.push(range(first, first + plan.some(FULL_COMMITS)), 1)
    return Case(desk, waiting)


def _size(full: int, plan: Plan) -> int:
    """As the row says, however short the run; only a run that measures nothing makes it small."""
    return full if plan.share else 10


def _measure(cycle: Cycle, case: Case, again: int) -> None:
    high = cycle.memory.high.sequence if cycle.memory.high else 0
    case.push()
    case.taken.new.append(_milliseconds(cycle))
    verdict = cycle.run(wall_clock()).verdict
    if verdict.permitted.mode is not Mode.PAPER or verdict.sequence != high + 1:
        raise RuntimeError(f"expected paper by proposal {high + 1}, found {verdict}")
    case.taken.idle.extend(_milliseconds(cycle) for _ in range(again))


def _milliseconds(cycle: Cycle) -> float:
    return microseconds(lambda: cycle.run(wall_clock())) / 1_000


def _row(name: str, values: list[float], note: str = "") -> Measured:
    return Measured(name, "ms", tuple(values), note=note)
