"""The host's wall clock set by somebody, seen through the command line."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from freezegun import freeze_time

from desired_state.adapters.memory_store import MemoryFile
from desired_state.memory import Memory
from reconciler.wiring.desk import open_desk
from tests.fakes.governed_desk import GovernedDesk, present

TEN_YEARS = timedelta(days=3652)
SECOND = timedelta(seconds=1)


def told(desk: GovernedDesk, ahead: timedelta, *arguments: str) -> dict[str, Any]:
    with freeze_time(present() + ahead, tick=True):
        return desk.told(*(arguments or ("reconcile",)))


def unsure(said: dict[str, Any]) -> bool:
    assert (said["permitted"]["mode"] == "halted") == (said["permitted"]["mode"] != "paper")
    return "CLOCK_UNSURE" in {found["code"] for found in said["findings"]}


def memory_of(desk: GovernedDesk) -> Memory:
    found = MemoryFile(desk.var / "trusted" / "memory").load()
    assert found is not None
    return found


def test_a_clock_set_ten_years_ahead_halts_poisons_nothing_and_lifts(desk: GovernedDesk) -> None:
    assert told(desk, 0 * SECOND)["permitted"]["mode"] == "paper"
    desk.place(2)
    before = memory_of(desk)
    for verb in ("verify", "reconcile", "reconcile"):
        said = told(desk, TEN_YEARS, verb)
        assert unsure(said)
        assert said["permitted"]["mode"] == "halted"
    assert desk.venue.open_orders() == ()
    after = memory_of(desk)
    assert after.high == before.high
    assert after.floor is not None
    assert after.floor < present()
    assert desk.latch.stops() == {}
    assert told(desk, 0 * SECOND)["permitted"]["mode"] == "paper"
    assert desk.verb("audit") == 0


def test_a_clock_set_back_halts_and_prolongs_nothing(desk: GovernedDesk) -> None:
    told(desk, 0 * SECOND)
    said = told(desk, -600 * SECOND)
    assert unsure(said)
    assert said["permitted"]["mode"] == "halted"
    floor = memory_of(desk).floor
    assert floor is not None
    assert floor > present() - 60 * SECOND
    assert told(desk, 0 * SECOND)["permitted"]["mode"] == "paper"
    assert desk.latch.stops() == {}


def test_a_clock_stepped_by_four_seconds_again_and_again_is_noticed(desk: GovernedDesk) -> None:
    seen = [told(desk, step * 4 * SECOND) for step in range(4)]
    assert [unsure(said) for said in seen] == [False, False, True, True]
    assert [said["permitted"]["mode"] for said in seen] == ["paper", "paper", "halted", "halted"]


def test_a_person_who_compared_the_clock_lets_the_host_go_on(desk: GovernedDesk) -> None:
    told(desk, 0 * SECOND)
    assert unsure(told(desk, 3600 * SECOND))
    assert told(desk, 3600 * SECOND, "reconcile", "--clock-checked")["permitted"]["mode"] == "paper"
    assert told(desk, 3600 * SECOND)["permitted"]["mode"] == "paper"
    with open_desk(desk.host) as opened:
        said = [leaf.body for leaf in opened.journal.read() if leaf.kind == "clock_checked"]
    assert len(said) == 1
    assert said[0]["by"]
    assert "ahead" in said[0]["unsure"]


def test_an_anchor_that_does_not_read_leaves_memorys_floor(
    desk: GovernedDesk, tmp_path: Path
) -> None:
    told(desk, 0 * SECOND)
    (desk.var / "trusted" / "clock").write_text(str(tmp_path))
    assert unsure(told(desk, TEN_YEARS))
    assert unsure(told(desk, -TEN_YEARS))
