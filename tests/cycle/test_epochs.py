"""One writer: each start pushes its epoch, and the older of two reconcilers halts."""

import signal
from typing import Any

from reconciler.wiring.desk import open_desk, ship
from tests.fakes.governed_desk import GovernedDesk, wait_for


def codes(told: dict[str, Any]) -> set[str]:
    return {found["code"] for found in told["findings"]}


def elsewhere(desk: GovernedDesk, name: str = "copy") -> GovernedDesk:
    """A copy of the host's folder that speaks to the same two servers."""
    other = desk.copy(desk.folder.parent / name)
    path = other.folder / "governor.yaml"
    text = path.read_text()
    for server in ("state.git", "evidence.git"):
        text = text.replace(f"./{server}", str(desk.folder / server))
    path.write_text(text)
    return other


def test_the_epoch_is_at_the_server_before_anything_is_permitted(desk: GovernedDesk) -> None:
    with open_desk(desk.host) as running:
        epoch = running.epoch
        bare = desk.folder / "evidence.git"
        tip = (bare / "refs" / "heads" / "main").read_text()
        report = running.reconcile()
        assert report.verdict.permitted.mode == "paper"
    assert tip
    assert epoch == 1
    with open_desk(desk.host) as again:
        assert again.epoch == 2


def test_nothing_is_permitted_until_the_epoch_was_pushed(desk: GovernedDesk) -> None:
    bare = desk.folder / "evidence.git"
    bare.rename(bare.with_name("gone.git"))
    with open_desk(desk.host) as running:
        for _ in range(2):
            verdict = running.reconcile().verdict
            assert verdict.permitted.mode == "halted"
            assert "EVIDENCE_UNWRITABLE" in {f.code for f in verdict.findings}
        bare.with_name("gone.git").rename(bare)
        assert ship(running) is None
        assert running.reconcile().verdict.permitted.mode == "paper"
    assert desk.latch.stops() == {}


def test_the_older_of_two_reconcilers_halts_and_cancels(desk: GovernedDesk) -> None:
    assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    older = desk.start("run")
    try:
        assert older.stdout is not None
        # its first cycle is over: an order placed before it is judged by it (PLAN-2)
        assert any("permitted: mode paper" in line for line in older.stdout)
        older.send_signal(signal.SIGSTOP)  # or it might be the first to ship what both judge
        desk.place(3)
        other = elsewhere(desk)
        for name in ("watcher.pid", "armed"):
            (other.var / name).unlink(missing_ok=True)
        desk.push(notes__txt="both remember this head, each at its own time")
        said = other.told("reconcile")
        assert said["permitted"]["mode"] == "paper", codes(said)
        older.send_signal(signal.SIGCONT)
        wait_for(lambda: desk.venue.open_orders() == (), 30)
        assert older.poll() is None  # halted, and still watching
    finally:
        older.send_signal(signal.SIGCONT)
        older.send_signal(signal.SIGTERM)
        said, _ = older.communicate(timeout=20)
    assert "halted" in said
    assert desk.latch.stops() == {}
    # it wrote on beside the other one: what it has is kept apart, and people look at it
    told = desk.told("reconcile")
    assert told["permitted"]["mode"] == "halted"
    assert codes(told) >= {"STORE_ROLLBACK"}
    [stop] = desk.latch.in_force()
    assert stop.startswith("LOST-local-")
    assert list((desk.var / "journal").glob("aside-1/*.jsonl"))
    desk.propose_and_sign(2, "--clears", stop)
    assert desk.told("reconcile")["permitted"]["mode"] == "paper"
    assert desk.verb("audit") == 0
