"""Memory lost, damaged or rolled back is a stop that people release; a crash is no loss."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.adapters.memory_store import MemoryFile
from desired_state.memory import EMPTY, Memory
from desired_state.values import Mode
from tests.fakes.cycle_desk import Calls, CycleDesk, kept
from tests.fakes.governed_desk import ENGAGED, GovernedDesk, present

Damage = Callable[[Path], object]


def codes(told: dict[str, object]) -> set[str]:
    return {found["code"] for found in told["findings"]}  # type: ignore[index,attr-defined]


def memory_of(desk: GovernedDesk) -> Memory:
    found = MemoryFile(desk.var / "trusted" / "memory").load()
    assert found is not None
    return found


def lost(desk: GovernedDesk, code: str) -> str:
    """Both verbs say so; nothing is permitted and nothing stays open; the id of the one stop."""
    path = desk.var / "trusted" / "memory"
    before = path.read_bytes() if path.exists() else None
    seen = desk.told("verify")
    assert seen["permitted"]["mode"] == "halted"
    assert code in codes(seen)
    assert (path.read_bytes() if path.exists() else None) == before  # reading writes nothing
    for _ in range(2):
        told = desk.told("reconcile")
        assert told["permitted"]["mode"] == "halted"
        assert code in codes(told)
        assert desk.venue.open_orders() == ()
    [stop] = desk.latch.in_force().values()
    assert (stop.kind, stop.id.rpartition("-")[0]) == ("integrity", "LOST-local")
    assert {s["id"] for s in seen["kill_switch"]["stops"]} == {stop.id}
    assert stop.id in memory_of(desk).stops
    return stop.id


def ready(desk: GovernedDesk, cycles: int = 1) -> None:
    for _ in range(cycles):
        assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    desk.place(2)


DAMAGES: dict[str, Damage] = {
    "deleted": lambda path: path.unlink(),
    "byte": lambda path: path.write_bytes(path.read_bytes()[:200] + b"#"),
    "short": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "empty": lambda path: path.write_bytes(b""),
    "digest": lambda path: path.write_bytes(b"0" + path.read_bytes()[1:]),
    "ledger": lambda path: path.with_name("memory.ledger").unlink(),
    "line": lambda path: path.with_name("memory.ledger").write_bytes(b"[]\n"),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_memory_deleted_or_corrupted_is_a_stop_and_goes_on_from_the_chain(
    desk: GovernedDesk, damage: str
) -> None:
    ready(desk)
    known = memory_of(desk)
    DAMAGES[damage](desk.var / "trusted" / "memory")
    stop = lost(desk, "MEMORY_UNREADABLE")
    after = memory_of(desk)
    assert (after.high, after.ledger, after.head) == (known.high, known.ledger, known.head)
    # re-pinning restores reading, never permission; a release that names it does
    assert desk.told("reconcile")["permitted"]["mode"] == "halted"
    desk.propose_and_sign(2, "--clears", stop)
    assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    assert desk.latch.in_force() == {}
    assert desk.verb("audit") == 0


def test_memory_restored_from_an_older_snapshot_is_a_stop(desk: GovernedDesk) -> None:
    ready(desk)
    path = desk.var / "trusted" / "memory"
    old = path.read_bytes()
    desk.edit("limits.yaml", 'max_order_notional: "', 'max_order_notional: "0')
    desk.edit("limits.yaml", 'max_order_notional: "0', 'max_order_notional: "')
    desk.edit("mode.yaml", "mode: paper", "mode: shadow")
    desk.told("reconcile")
    new = memory_of(desk)
    assert new.falls
    path.write_bytes(old)
    lost(desk, "STORE_ROLLBACK")
    assert memory_of(desk).falls == new.falls
    assert desk.verb("audit") == 0


def test_stops_known_only_to_what_lay_on_the_disk_are_kept(desk: GovernedDesk) -> None:
    ready(desk)
    desk.push("stop", kill_switch__yaml=ENGAGED)
    desk.told("reconcile")
    [known] = desk.latch.in_force()
    forged = memory_of(desk).model_copy(update={"releases": {}, "voided": (7,), "floor": None})
    MemoryFile(desk.var / "trusted" / "memory").store(forged)
    shutil.rmtree(desk.var / "stops")
    assert desk.told("reconcile")["permitted"]["mode"] == "halted"
    found = memory_of(desk)
    assert known in found.stops
    assert 7 in found.voided


def test_an_older_snapshot_of_the_whole_host_is_a_stop(desk: GovernedDesk) -> None:
    ready(desk)
    shutil.copytree(desk.var, desk.folder / "snapshot")
    desk.edit("mode.yaml", "mode: paper", "mode: shadow")
    desk.told("reconcile")
    falls = memory_of(desk).falls
    assert falls
    shutil.rmtree(desk.var)
    (desk.folder / "snapshot").rename(desk.var)
    lost(desk, "STORE_ROLLBACK")
    assert memory_of(desk).falls == falls  # the bytes came from the evidence repository
    assert list((desk.var / "journal").glob("aside-1/*.jsonl"))
    assert desk.verb("audit") == 0


def test_a_journal_that_is_gone_alone_is_read_again_from_the_evidence(desk: GovernedDesk) -> None:
    ready(desk)
    shutil.rmtree(desk.var / "journal")
    assert desk.told("verify")["permitted"]["mode"] == "paper"
    assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    assert desk.latch.in_force() == {}
    assert desk.verb("audit") == 0


def test_everything_of_the_host_gone_is_a_stop_and_history_is_read_again(
    desk: GovernedDesk,
) -> None:
    ready(desk)
    known = memory_of(desk)
    for name in ("journal", "trusted", "stops", "releases"):
        shutil.rmtree(desk.var / name)
    lost(desk, "MEMORY_UNREADABLE")
    assert memory_of(desk).high == known.high


NOWHERE: dict[str, Callable[[bytes], bool]] = {
    "snapshot": lambda data: b'"high"' in data,
    "shelf": lambda data: data.startswith(b'{"files"'),
    "case": lambda data: data.startswith(b'{"nodes"'),
}


@pytest.mark.parametrize("part", list(NOWHERE))
def test_memory_whose_bytes_are_nowhere_is_rebuilt_from_history(
    desk: GovernedDesk, part: str
) -> None:
    gone = NOWHERE[part]
    cycles = CycleDesk.over(desk)
    now = present()
    cycles.run(now)
    known = memory_of(desk)
    path = desk.var / "trusted" / "memory"
    for file in (desk.var / "journal" / "objects").glob("*.kept"):
        found = [(name, data) for name, data in kept(file.read_bytes()) if not gone(data)]
        rows = (f"{n.removeprefix('sha256:')} {len(d)}\n".encode() + d + b"\n" for n, d in found)
        file.write_bytes(b"".join(rows))
    path.unlink()
    report = cycles.run(now + timedelta(seconds=1))
    assert report.verdict.permitted.mode is Mode.HALTED
    assert [stop.id[:5] for stop in report.verdict.stops] == ["LOST-"]
    after = memory_of(desk)
    assert after.high is not None
    assert known.high is not None
    assert (after.high.proposal, after.ledger, after.head) == (
        known.high.proposal,
        known.ledger,
        known.head,
    )
    cycles.close()


def test_a_first_start_is_no_loss(desk: GovernedDesk) -> None:
    assert desk.told("verify")["permitted"]["mode"] == "paper"
    ready(desk)
    assert desk.latch.stops() == {}


def test_memory_without_any_evidence_is_a_stop(desk: GovernedDesk) -> None:
    cycles = CycleDesk.over(desk)
    cycles.run(present())
    shutil.rmtree(desk.var / "journal")
    report = cycles.run(present())
    assert report.verdict.permitted.mode is Mode.HALTED
    assert {f.code for f in report.findings} >= {"STORE_ROLLBACK"}
    cycles.close()


def test_a_second_loss_is_a_second_stop_though_the_first_was_released(desk: GovernedDesk) -> None:
    ready(desk)
    path = desk.var / "trusted" / "memory"
    path.unlink()
    first = lost(desk, "MEMORY_UNREADABLE")
    desk.propose_and_sign(2, "--clears", first)
    assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    path.unlink()
    second = lost(desk, "MEMORY_UNREADABLE")
    assert second != first


def test_the_leaf_on_disk_and_memory_not_is_no_loss(desk: GovernedDesk) -> None:
    """What a kill between leaf and memory leaves; the crash tests kill for real."""
    cycles = CycleDesk.over(desk)
    now = present()

    class Killed(Exception):  # noqa: N818
        pass

    class AtStore(Calls):
        def tick(self, port: str, method: str) -> None:
            if (port, method) == ("store", "store"):
                raise Killed

    assert cycles.run(now, AtStore()).verdict.permitted.mode is Mode.HALTED
    assert cycles.memory() is None
    report = cycles.run(now)
    assert report.verdict.permitted.mode is Mode.PAPER
    assert report.verdict.stops == ()
    assert memory_of(desk) != EMPTY
    cycles.close()
