"""Restore and release, line by line of the table in trust.md, section 5."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.authority import at_most
from desired_state.memory import Stop
from desired_state.values import Environment, Mode, StopClass
from reconciler.gate import Verdict
from tests.fakes.trust_desk import (
    ARMED,
    DAY,
    ENGAGED,
    LIMITS_TEXT,
    MINUTE,
    START,
    TrustDesk,
    codes,
    production_root,
)

BUILD = "sha256:" + "a" * 64
TESTNET_TEXT = f"""mode: testnet
trading: active
symbols:
  BTC/USDT: {{venue: binance, access: trade}}
layers: [L2, L5, L6]
budgets: {{models_per_day: "50"}}
build: "{BUILD}"
accounts: {{binance: "12345678"}}
""".encode()
THE_FOUR = ("rita", "sam", "otto", "sybil")
WITHIN = {"expires": START + 6 * DAY}


def local(desk: TrustDesk, number: int, kind: StopClass) -> str:
    """A stop raised on the host, as L5 or the watcher raise them."""
    name = f"L-host-{number}"
    desk.latched[name] = Stop(
        id=name, kind=kind, reason="a test", by="L5", commit=None, seen_at=desk.now
    )
    return name


def in_force(verdict: Verdict) -> list[str]:
    return [stop.id for stop in verdict.stops]


# --- restore -------------------------------------------------------------------------------------
def test_a_restore_never_goes_above_what_was_approved(paper: TrustDesk) -> None:
    held = paper.cycle().permitted
    paper.edit("limits.yaml", '"50"', '"20"')
    paper.cycle()
    paper.edit("limits.yaml", '"20"', '"60"')
    verdict = paper.cycle()
    paper.approve(2, gate="restore", **WITHIN)
    assert "PROPOSAL_GATE" in codes(paper.cycle())
    assert paper.memory.high is not None
    assert paper.memory.high.sequence == 1
    assert paper.cycle().permitted == verdict.permitted
    paper.edit("limits.yaml", '"60"', '"50"')
    paper.approve(3, gate="restore", **WITHIN)
    restored = paper.cycle().permitted
    assert restored.limits.max_order_notional == 50
    assert at_most(restored, held)


def test_a_restore_outlives_no_approval(paper: TrustDesk) -> None:
    paper.edit("limits.yaml", '"50"', '"20"')
    paper.edit("limits.yaml", '"20"', '"50"')
    paper.cycle()
    paper.approve(2, gate="restore", expires=START + 8 * DAY)
    assert "PROPOSAL_GATE" in codes(paper.cycle())
    assert paper.cycle().permitted.limits.max_order_notional == 20


@pytest.mark.parametrize("names", [("oscar",), ("rita", "sam"), ("oscar", "dora")])
def test_a_restore_takes_an_operator_and_one_of_the_four(
    paper: TrustDesk, names: tuple[str, ...]
) -> None:
    paper.edit("limits.yaml", '"50"', '"20"')
    paper.edit("limits.yaml", '"20"', '"50"')
    paper.cycle()
    paper.approve(2, *names, gate="restore", **WITHIN)
    assert "QUORUM_NOT_MET" in codes(paper.cycle())
    assert paper.cycle().permitted.limits.max_order_notional == 20


# --- release -------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [StopClass.PERSON, StopClass.LOSS, StopClass.INTEGRITY])
def test_a_person_loss_or_integrity_stop_takes_an_operator_and_one_of_the_four(
    paper: TrustDesk, kind: StopClass
) -> None:
    name = local(paper, 1, kind)
    assert in_force(paper.cycle()) == [name]
    paper.approve(2, "oscar", gate="release_technical", clears=(name,), **WITHIN)
    assert "PROPOSAL_GATE" in codes(paper.cycle())
    paper.approve(3, "oscar", gate="release", clears=(name,), **WITHIN)
    assert in_force(paper.cycle()) == [name]
    paper.sign(3, "rita")
    verdict = paper.cycle()
    assert verdict.stops == ()
    assert verdict.permitted.mode is Mode.PAPER
    assert paper.memory.releases[name].people == ("oscar", "rita")


def test_one_operators_technical_release_waits_for_a_clean_reconciliation(
    paper: TrustDesk,
) -> None:
    name = local(paper, 1, StopClass.TECHNICAL)
    paper.cycle()
    paper.approve(2, "oscar", gate="release_technical", clears=(name,), **WITHIN)
    verdict = paper.cycle()
    assert "RELEASE_WAITS" in codes(verdict)
    assert in_force(verdict) == [name]
    assert paper.memory.releases == {}
    paper.clean.add("L-host-9")  # another stop's venues
    assert in_force(paper.cycle()) == [name]
    paper.clean.add(name)
    verdict = paper.cycle()
    assert verdict.stops == ()
    assert "RELEASE_WAITS" not in codes(verdict)
    assert verdict.permitted.mode is Mode.PAPER
    paper.clean.clear()
    assert paper.cycle().stops == ()  # nothing undoes it


def test_more_people_release_a_technical_stop_whose_venue_never_answers(paper: TrustDesk) -> None:
    name = local(paper, 1, StopClass.TECHNICAL)
    paper.cycle()
    paper.approve(2, gate="paper", clears=(name,), **WITHIN)
    verdict = paper.cycle()
    assert verdict.stops == ()
    assert verdict.permitted.mode is Mode.PAPER


def test_the_third_technical_stop_within_a_day_is_of_class_integrity(paper: TrustDesk) -> None:
    names = []
    for number in (1, 2, 3):
        names.append(local(paper, number, StopClass.TECHNICAL))
        paper.clean.add(names[-1])
        paper.cycle(10 * MINUTE)
    paper.approve(2, "oscar", gate="release_technical", clears=tuple(names[:2]), **WITHIN)
    assert in_force(paper.cycle()) == names[2:]
    paper.approve(3, "oscar", gate="release_technical", clears=(names[2],), **WITHIN)
    assert "PROPOSAL_GATE" in codes(paper.cycle())
    assert in_force(paper.cycle()) == names[2:]
    paper.approve(4, gate="release", clears=(names[2],), **WITHIN)
    assert paper.cycle().stops == ()


def test_a_third_technical_stop_a_day_later_is_still_technical(paper: TrustDesk) -> None:
    for number, after in ((1, MINUTE), (2, MINUTE), (3, DAY)):
        paper.now += after
        name = local(paper, number, StopClass.TECHNICAL)
        paper.clean.add(name)
        paper.cycle()
    clears = tuple(f"L-host-{n}" for n in (1, 2, 3))
    paper.approve(2, "oscar", gate="release_technical", clears=clears, **WITHIN)
    assert paper.cycle().stops == ()


def test_a_stop_that_is_not_in_the_chain_yet_is_not_cleared(paper: TrustDesk) -> None:
    paper.approve(2, gate="release", clears=("L-host-1",), **WITHIN)
    assert "STOP_UNKNOWN" in codes(paper.cycle())
    name = local(paper, 1, StopClass.PERSON)
    verdict = paper.cycle()
    assert in_force(verdict) == [name]  # what was signed before it existed clears nothing
    assert {"SIGNOFF_CLEARS", "QUORUM_NOT_MET"} <= codes(verdict)
    paper.sign(2, "oscar", "rita")  # and again, now that it is there
    assert paper.cycle().stops == ()


def test_a_stop_raised_in_the_same_cycle_as_its_release_is_not_cleared(paper: TrustDesk) -> None:
    first = local(paper, 1, StopClass.PERSON)
    paper.cycle()
    paper.approve(2, gate="release", clears=(first,), **WITHIN)
    second = local(paper, 2, StopClass.PERSON)
    assert in_force(paper.cycle()) == [second]


# --- resuming testnet ----------------------------------------------------------------------------
@pytest.fixture
def testnet(tmp_path: Path) -> Iterator[TrustDesk]:
    desk = TrustDesk(tmp_path / "desk", root=production_root())
    desk.build = BUILD
    desk.push({"mode.yaml": TESTNET_TEXT, "limits.yaml": LIMITS_TEXT})
    desk.cycle()
    desk.approve(1, *THE_FOUR, environment=Environment.PRODUCTION, gate="testnet")
    assert desk.cycle().permitted.mode is Mode.TESTNET
    yield desk
    desk.close()


def test_resuming_testnet_takes_the_four_and_an_operator(testnet: TrustDesk) -> None:
    testnet.push({"kill_switch.yaml": ENGAGED})
    (stop,) = testnet.cycle().stops
    testnet.push({"kill_switch.yaml": ARMED})
    testnet.cycle()
    stated = {"environment": Environment.PRODUCTION, "gate": "release", **WITHIN}
    testnet.approve(2, "oscar", "rita", "sam", "otto", clears=(stop.id,), **stated)
    verdict = testnet.cycle(timedelta(seconds=1))
    assert "QUORUM_NOT_MET" in codes(verdict)
    assert in_force(verdict) == [stop.id]
    testnet.sign(2, "sybil")
    verdict = testnet.cycle()
    assert verdict.stops == ()
    assert verdict.permitted.mode is Mode.TESTNET
