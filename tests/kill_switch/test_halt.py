"""``governor halt`` with everything else broken: exit 0 only where it is proven clean."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from desired_state.reasons import Reason
from reconciler.wiring.host_parts import token_reader
from tests.fakes.governed_desk import GovernedDesk, wait_for

HALT: Final = (sys.executable, "-m", "reconciler", "halt", "--reason", "drill", "--json")


def halt(desk: GovernedDesk, **options: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401
    done = subprocess.run(
        [*HALT, "--config", str(desk.folder / "governor.yaml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def no_repository(desk: GovernedDesk) -> None:
    shutil.rmtree(desk.folder / "state.git")
    shutil.rmtree(desk.var / "state.git", ignore_errors=True)
    shutil.rmtree(desk.var / "watch.git", ignore_errors=True)


def broken_configuration(desk: GovernedDesk) -> None:
    (desk.folder / "governor.yaml").write_text("state: [")


def no_configuration(desk: GovernedDesk) -> None:
    (desk.folder / "governor.yaml").unlink()


@pytest.mark.parametrize("breakage", [no_repository, broken_configuration, no_configuration])
def test_it_stops_cancels_and_proves_it(
    desk: GovernedDesk, breakage: Callable[[GovernedDesk], None]
) -> None:
    desk.place(4)
    desk.token.write_text("whatever lies there")
    host = desk.host
    breakage(desk)
    code, told = halt(desk, env={**os.environ, "PATH": "/nowhere"})
    assert (code, told["clean"], len(told["cancelled"])) == (0, True, 4)
    assert desk.venue_at(host).open_orders() == ()
    assert not (desk.var / "armed").exists()
    assert (desk.var / "stops" / f"{told['stop']}.json").stat().st_size > 2


@pytest.mark.slow  # it tries for 20 s
def test_it_is_not_clean_where_the_venue_cannot_tell(desk: GovernedDesk) -> None:
    desk.place(1)
    path = desk.var / "venues" / "paper.db"
    path.unlink()
    path.write_bytes(b"no database")
    code, told = halt(desk)
    assert (code, told["clean"]) == (1, False)
    assert not desk.token.exists()


def test_it_is_not_clean_where_var_is_gone(desk: GovernedDesk) -> None:
    shutil.rmtree(desk.var)
    desk.var.write_text("a file where a folder was")
    code, told = halt(desk)
    assert (code, told["clean"]) == (1, False)
    found = token_reader(desk.host).check()
    assert found is not None
    assert found.code is Reason.KILL_LATCHED


def test_it_stops_and_cancels_on_a_full_disk(desk: GovernedDesk) -> None:
    desk.place(3)

    def full() -> None:
        # every write beyond the first byte of a file fails, as on a disk without room
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    with desk.watched():
        _, told = halt(desk, preexec_fn=full)
        stop = told["stop"]
        wait_for(lambda: not desk.token.exists())
        assert stop in desk.latch.in_force()
        ack = desk.acknowledged(stop)  # by the watcher, whose disk takes it
    assert ack.cancelled + len(told["cancelled"]) >= 3
    assert desk.venue.open_orders() == ()


def test_two_halts_are_two_stops_and_one_signal_makes_no_third(desk: GovernedDesk) -> None:
    with desk.watched():
        codes = {halt(desk)[0] for _ in range(2)}
        assert codes == {0}
        assert list(desk.latch.in_force()) == ["L-local-1", "L-local-2"]
        assert not desk.token.exists()


def test_a_signal_alone_is_a_stop(desk: GovernedDesk, tmp_path: Path) -> None:
    assert tmp_path.exists()
    with desk.watched() as child:
        child.send_signal(signal.SIGUSR1)
        wait_for(lambda: not desk.token.exists())
        wait_for(desk.latch.in_force)
