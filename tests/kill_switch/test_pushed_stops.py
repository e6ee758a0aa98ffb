"""``engaged``, however it reaches the server, as a real watcher process sees it."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from desired_state.values import Switch
from reconciler.acknowledgement import Acknowledgement
from tests.fakes.governed_desk import ARMED, ENGAGED, GovernedDesk, wait_for

ORDERS: Final = 20
Push = Callable[[GovernedDesk], str]


def on_main(desk: GovernedDesk) -> str:
    return desk.push(kill_switch__yaml=ENGAGED)


def on_branch_stop(desk: GovernedDesk) -> str:
    return desk.push("stop", kill_switch__yaml=ENGAGED)


def on_branch_below_stop(desk: GovernedDesk) -> str:
    if desk.git("ls-remote", "--heads", "origin", "stop"):
        desk.git("push", "-q", "--delete", "origin", "stop")
    return desk.push("stop/night", kill_switch__yaml=ENGAGED)


def unreadable(desk: GovernedDesk) -> str:
    return desk.push(kill_switch__yaml="state: [engaged\n")


def beside_malformed_limits(desk: GovernedDesk) -> str:
    return desk.push(kill_switch__yaml=ENGAGED, limits__yaml="currency: [\n  &x {")


def engaged_and_armed_in_one_push(desk: GovernedDesk) -> str:
    commit = desk.commit(kill_switch__yaml=ENGAGED)
    desk.push(kill_switch__yaml=ARMED)
    return commit


def on_a_rewritten_head(desk: GovernedDesk) -> str:
    desk.git("checkout", "-q", "--detach", "HEAD~1")
    commit = desk.commit(kill_switch__yaml=ENGAGED)
    desk.git("push", "-q", "--force", "origin", "HEAD:main")
    return commit


def and_the_head_set_back_at_once(desk: GovernedDesk) -> str:
    before = desk.git("rev-parse", "HEAD")
    commit = on_main(desk)
    wait_for(lambda: not desk.token.exists())
    desk.git("push", "-q", "--force", "origin", f"{before}:main")
    return commit


PUSHES: Final = (
    on_main,
    on_branch_stop,
    on_branch_below_stop,
    unreadable,
    beside_malformed_limits,
    engaged_and_armed_in_one_push,
    on_a_rewritten_head,
    and_the_head_set_back_at_once,
)


@pytest.fixture(scope="module")
def running(
    mandated: GovernedDesk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GovernedDesk]:
    desk = mandated.copy(tmp_path_factory.mktemp("running") / "desk")
    with desk.watched():
        yield desk


@pytest.mark.parametrize("push", PUSHES)
def test_a_stop_is_seen_cancelled_verified_and_acknowledged(
    running: GovernedDesk, mandated: GovernedDesk, push: Push
) -> None:
    running.release_file()
    running.git("checkout", "-q", "-B", "main", mandated.git("rev-parse", "HEAD"))
    running.git("push", "-q", "--force", "origin", "HEAD:main")
    wait_for(lambda: running.armed)
    running.place(ORDERS, push.__name__)
    before = set(running.latch.stops())

    commit = push(running)

    wait_for(lambda: set(running.latch.stops()) - before)
    [name] = set(running.latch.stops()) - before
    stop = running.latch.stops()[name]
    assert stop.commit == commit
    assert stop.switch is (Switch.UNREADABLE if push is unreadable else Switch.ENGAGED)
    ack = running.acknowledged(name)
    assert in_order(ack)
    assert (ack.cancelled, ack.still_open, ack.unreachable) == (ORDERS, (), False)
    assert running.venue.open_orders() == ()
    assert not running.token.exists()


def in_order(ack: Acknowledgement) -> bool:
    times = [
        ack.observed,
        ack.gate_closed,
        ack.cancels_sent,
        ack.cancels_confirmed,
        ack.verified_clean,
    ]
    found = [at for at in times if at is not None]
    assert len(found) == len(times)
    assert (found[-1] - found[-2]).total_seconds() >= 1  # two sweeps, a second apart
    return found == sorted(found)
