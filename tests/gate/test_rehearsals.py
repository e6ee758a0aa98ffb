"""Modes above paper in a rehearsal: only under a root marked for it, only on a local exchange."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desired_state.authority import BOTTOM
from desired_state.document import load
from desired_state.errors import Stalled
from desired_state.trust_root import Root
from desired_state.values import Environment, Mode
from tests.fakes.trust_desk import (
    LIMITS_TEXT,
    ROOT,
    TrustDesk,
    codes,
    production_root,
    root_data,
    root_with,
)
from tests.gate.test_builds_and_accounts import BUILD, MODE_TEXT, THE_FOUR

Made = Callable[..., TrustDesk]
MARK = {"rehearses": "local_exchange"}


def plainly(data: dict[str, object]) -> dict[str, object]:
    gates = root_data()["gates"]
    return {**data, "gates": {name: {**rule, "touch": False} for name, rule in gates.items()}}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    desks: list[TrustDesk] = []

    def make(root: bytes, rehearsed: tuple[str, ...] = ("binance",)) -> TrustDesk:
        desk = TrustDesk(tmp_path / f"desk{len(desks)}", root=root)
        desks.append(desk)
        desk.build, desk.accounts = BUILD, {"binance": "12345678"}
        desk.rehearsed = rehearsed
        desk.push({"mode.yaml": MODE_TEXT, "limits.yaml": LIMITS_TEXT})
        desk.cycle()
        return desk

    yield make
    for desk in desks:
        desk.close()


def test_a_marked_root_lets_testnet_be_rehearsed_on_a_local_exchange(made: Made) -> None:
    desk = made(root_with(plainly(MARK)))
    desk.approve(1, *THE_FOUR, gate="testnet")
    verdict = desk.cycle()
    assert verdict.permitted.mode is Mode.TESTNET
    assert "REHEARSAL_VENUE" not in codes(verdict)


def test_an_unmarked_root_does_not_whatever_the_host_says(made: Made) -> None:
    desk = made(ROOT)
    desk.approve(1, *THE_FOUR, gate="testnet")
    verdict = desk.cycle()
    assert "PROPOSAL_CEILING" in codes(verdict)
    assert desk.memory.high is None
    assert verdict.permitted == BOTTOM


@pytest.mark.parametrize("wired", [(), ("kraken",)])
def test_a_venue_that_is_no_local_exchange_permits_nothing_whatever_mode_is_asked(
    made: Made, wired: tuple[str, ...]
) -> None:
    desk = made(root_with(plainly(MARK)))
    desk.approve(1, *THE_FOUR, gate="testnet")
    assert desk.cycle().permitted.mode is Mode.TESTNET
    desk.rehearsed = wired
    verdict = desk.cycle()
    assert "REHEARSAL_VENUE" in codes(verdict)
    assert verdict.permitted == BOTTOM
    desk.edit("mode.yaml", "mode: testnet", "mode: paper")
    assert desk.cycle().permitted == BOTTOM  # asking for less never permits more
    desk.rehearsed = ("binance",)
    assert desk.cycle().permitted.mode is Mode.PAPER


def test_a_production_on_a_local_exchange_permits_nothing(made: Made) -> None:
    desk = made(production_root())
    desk.approve(1, *THE_FOUR, environment=Environment.PRODUCTION, gate="testnet")
    verdict = desk.cycle()
    assert "REHEARSAL_VENUE" in codes(verdict)
    assert verdict.permitted == BOTTOM
    desk.rehearsed = ()
    assert desk.cycle().permitted.mode is Mode.TESTNET


def test_a_production_root_with_the_mark_is_no_root() -> None:
    with pytest.raises(Stalled):
        load(Root, root_with({**MARK, "environment": "production"}), "root")
    assert load(Root, root_with(MARK), "root").rehearses == "local_exchange"
    for other in ("anything", "", True):
        with pytest.raises(Stalled):
            load(Root, root_with({"rehearses": other}), "root")


def test_a_marked_root_must_be_able_to_complete_what_it_can_grant(made: Made) -> None:
    """Unmarked, a touch that nobody can give is only warned of."""
    desk = made(root_with(MARK))  # the gate of bounded_live wants a touch that nobody here has
    verdict = desk.cycle()
    assert "GATE_UNSATISFIABLE" in codes(verdict)
    assert verdict.permitted == BOTTOM


def test_the_mark_is_no_loosening_of_paper(made: Made) -> None:
    desk = made(root_with(plainly(MARK)))
    desk.edit("mode.yaml", "mode: testnet", "mode: paper")
    assert desk.cycle().permitted == BOTTOM
