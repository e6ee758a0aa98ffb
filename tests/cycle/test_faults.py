"""A fault at every call of every port: afterwards everything is as if there had been none."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from desired_state.authority import BOTTOM
from desired_state.canonical import canonical
from desired_state.values import Mode
from evidence_repo.chain import GENESIS, check
from reconciler.gate import Verdict
from reconciler.ports import Report
from reconciler.verdicts import replay, substance
from tests.fakes.cycle_desk import Calls, CycleDesk, raise_declared
from tests.fakes.governed_desk import ARMED, ENGAGED, GovernedDesk, close_git, in_child, present

Prepare = Callable[[CycleDesk], None]
EVERY = pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])


def a_new_mandate(_: CycleDesk) -> None:
    """Nothing was ever run here."""


def a_stop(desk: CycleDesk) -> None:
    desk.run(present())
    desk.desk.place(3)
    desk.desk.push(kill_switch__yaml=ENGAGED)


def a_release(desk: CycleDesk) -> None:
    a_stop(desk)
    desk.run(present())
    [stop] = desk.desk.latch.in_force()
    desk.desk.push(kill_switch__yaml=ARMED)
    desk.desk.propose_and_sign(2, "--clears", stop)


@dataclass
class Scene:
    desk: CycleDesk
    now: datetime
    report: Report
    calls: int
    after: tuple[object, ...]
    widest: Mode


@pytest.fixture(scope="module", params=[a_new_mandate, a_stop, a_release])
def scene(
    request: pytest.FixtureRequest,
    mandated: GovernedDesk,
    in_memory: Path,
) -> Iterator[Scene]:
    desk = CycleDesk.over(mandated.copy(in_memory / request.param.__name__))
    request.param(desk)
    desk.keep_var()
    calls, now = Calls(), present()
    report = desk.run(now, calls)
    desk.run(now)
    widest = report.verdict.permitted.mode
    yield Scene(desk, now, report, calls.count, standing(desk, now), widest)
    desk.close()
    close_git()


def standing(desk: CycleDesk, now: datetime) -> tuple[object, ...]:
    """What must not depend on any fault: the verdict, memory, records and open orders."""
    verdict = desk.run(now).verdict
    records = desk.desk.latch
    venue = desk.desk.var / "venues" / "paper.db"
    orders = desk.desk.venue.open_orders() if venue.exists() else ()
    return substance(verdict), desk.memory(), records.stops(), records.releases(), orders


def test_the_scenes_are_what_they_say(scene: Scene, request: pytest.FixtureRequest) -> None:
    name = request.node.name
    assert scene.calls > 20
    stopped = "a_stop" in name
    assert scene.widest is (Mode.HALTED if stopped else Mode.PAPER)
    assert bool(scene.report.verdict.stops) is stopped
    assert any(a.doing == "release" for a in scene.report.actions) is ("a_release" in name)


@EVERY
def test_a_failing_call_permits_nothing_and_leaves_no_trace(scene: Scene, every: int) -> None:
    for nth in range(1, scene.calls + 1, every):
        scene.desk.put_var_back()
        calls = Calls(nth, raise_declared)
        report = scene.desk.run(scene.now, calls)
        assert calls.hit
        if report.actual is None:
            assert report.verdict.permitted == BOTTOM, calls.hit
            assert report.recorded.permitted == BOTTOM, calls.hit
        else:
            assert report.verdict.permitted in (BOTTOM, scene.report.verdict.permitted), calls.hit
        nothing_widened_unrecorded(scene.desk, report.verdict)
        assert standing(scene.desk, scene.now) == scene.after, calls.hit
        sound(scene.desk)


@EVERY
def test_a_kill_at_any_call_loses_nothing(scene: Scene, every: int) -> None:
    for nth in range(1, scene.calls + 1, every):
        scene.desk.put_var_back()
        calls = Calls(nth, lambda _: os._exit(9))
        code = in_child(lambda calls=calls: CycleDesk.over(scene.desk.desk).run(scene.now, calls))
        assert code == 9
        nothing_widened_unrecorded(scene.desk, None)
        assert standing(scene.desk, scene.now) == scene.after, nth
        sound(scene.desk)


def test_the_same_cycle_twice_is_one_cycle(scene: Scene) -> None:
    scene.desk.put_var_back()
    with scene.desk.cycle() as cycle:
        first = cycle.run(scene.now)
        assert first.leaves > 0
        again = cycle.run(scene.now)
    assert (again.leaves, again.actions) == (0, ())
    assert substance(first.verdict) == substance(again.verdict)


def test_every_verdict_replays_and_no_byte_of_what_it_rests_on_can_change(scene: Scene) -> None:
    scene.desk.put_var_back()
    scene.desk.run(scene.now)
    objects, found = scene.desk.objects(), scene.desk.verdict_records()
    assert found
    for body in found:
        assert replay(body, objects) == ()
    last = found[-1]
    read = Reading(objects)
    replay(last, read)
    assert {last.observation, last.memory_before, last.memory_after, last.verdict} <= read.names
    for name in sorted(read.names):
        data = objects[name]
        for at in (0, len(data) // 2, len(data) - 1):
            flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            assert replay(last, {**objects, name: flipped}), name
        assert replay(last, {k: v for k, v in objects.items() if k != name}), name
    for name in ("now", "facts"):
        plain = last.model_dump(mode="json")
        plain[name] = {"answered_at": None} if name == "facts" else "2026-01-01T00:00:00Z"
        changed = type(last).model_validate_json(canonical(plain))
        assert replay(changed, objects), name


class Reading(dict[str, bytes]):
    """Remembers what was asked for."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__(objects)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> bytes:
        self.names.add(name)
        return super().__getitem__(name)


def nothing_widened_unrecorded(desk: CycleDesk, verdict: Verdict | None) -> None:
    """A release on disk, or a permission handed out, has its verdict in the journal before it."""
    objects = desk.objects()
    recorded = [
        Verdict.model_validate_json(objects[body.verdict]) for body in desk.verdict_records()
    ]
    for stop in desk.desk.latch.releases():
        assert any(stop not in {s.id for s in v.stops} for v in recorded[-1:])
    if verdict and verdict.permitted.mode > Mode.HALTED:
        assert any(v.permitted == verdict.permitted for v in recorded)


def sound(desk: CycleDesk) -> None:
    lines = [
        line
        for path in sorted((desk.desk.var / "journal").glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    assert check(lines, GENESIS) == ()
