"""Orders sent as fast as they can be while stop after stop arrives: venues.md, "What no peer"."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.fakes.governed_desk import ARMED, ENGAGED, GovernedDesk, wait_for

LANES: Final = 6  # desks side by side: most of the time is the second between two sweeps
TOLERANCE: Final = timedelta(milliseconds=250)  # two cores and a dozen processes


def test_no_order_survives_or_follows_any_of_30_stops(
    mandated: GovernedDesk, tmp_path: Path
) -> None:
    run_race(mandated, tmp_path, 30)


@pytest.mark.slow
def test_no_order_survives_or_follows_any_of_1000_stops(
    mandated: GovernedDesk, tmp_path: Path
) -> None:
    run_race(mandated, tmp_path, 1_000)


def run_race(mandated: GovernedDesk, folder: Path, stops: int) -> None:
    desks = [mandated.copy(folder / f"desk{n}") for n in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        cancelled = list(pool.map(lambda desk: race(desk, stops // LANES), desks))
    assert sum(cancelled) >= stops  # there was something to stop


def race(desk: GovernedDesk, stops: int) -> int:
    desk.open_venue()
    out = desk.folder / "accepted"
    (desk.folder / "door").mkdir()
    command = [sys.executable, "-m", "tests.kill_switch.submitting_child"]
    arguments = [str(desk.folder / "governor.yaml"), str(desk.folder / "door")]
    with desk.watched(), out.open("w") as log:
        child = subprocess.Popen([*command, *arguments], stdout=log, cwd=Path(__file__).parents[2])
        try:
            return sum(one_stop(desk, out) for _ in range(stops))
        finally:
            child.kill()
            child.wait()


def one_stop(desk: GovernedDesk, out: Path) -> int:
    desk.release_file()
    start = len(accepted(out))
    wait_for(lambda: len(accepted(out)) > start + 3)
    known = set(desk.latch.stops())
    desk.push("stop", kill_switch__yaml=ENGAGED)
    wait_for(lambda: set(desk.latch.stops()) - known)
    [stop] = set(desk.latch.stops()) - known
    ack = desk.acknowledged(stop)
    assert ack.verified_clean is not None
    assert desk.venue.open_orders() == ()
    assert max(accepted(out)) <= ack.gate_closed + TOLERANCE
    desk.push("stop", kill_switch__yaml=ARMED)
    return ack.cancelled


def accepted(out: Path) -> list[datetime]:
    whole = out.read_text().rpartition("\n")[0]
    return [datetime.fromisoformat(line).astimezone(UTC) for line in whole.splitlines()]
