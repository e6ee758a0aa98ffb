"""Governed sessions, whole, on the local exchange over the real ccxt class; time is virtual.

What a session does is what ``governor session run --mode testnet`` does; see the fake for what
stands in for git and for the watcher's process.
"""

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from desired_state.reasons import Reason
from layers.local_exchange.faults import Fault, FaultKind
from reconciler.session_ending import Ending
from tests.fakes.soak_desk import faults
from tests.fakes.virtual_desk import HOLD_MS, Mandate, VirtualRun, virtual_desk
from tests.soak.ended_sessions import decided_once, nothing_open, reconciled, stopped, strangers

FILLS = 20  # at least
BARS = 36
MOST_BARS = 240
QUICK = range(2)
ALL = range(200)
QUICK_BAD, ALL_BAD = 203, range(200, 211)


def once_filled(run: VirtualRun) -> Ending | None:
    return Ending.ENDED if run.fills >= FILLS else None


def test_a_session_in_virtual_time_ends_with_our_books_equal_to_the_venues(
    testnet: Mandate, tmp_path: Path
) -> None:
    with virtual_desk(tmp_path, testnet, 1) as desk:
        outcome = desk.session(BARS)
        assert (outcome.record.ending, outcome.stop) == (Ending.COMPLETED, None)
        assert len(outcome.record.fills) >= FILLS
        reconciled(desk, outcome)
        decided_once(desk)


# --- 2 % of all requests fail, by every fault that leaves the truth recoverable ------------------
def check_session(folder: Path, mandate: Mandate, seed: int) -> None:
    with virtual_desk(folder, mandate, seed, faults(seed, HOLD_MS)) as desk:
        outcome = desk.session_at_last(MOST_BARS, once_filled)
        assert (outcome.record.ending, outcome.stop) == (Ending.ENDED, None), outcome.record
        assert len(outcome.record.fills) >= FILLS
        reconciled(desk, outcome)
        decided_once(desk)
        assert desk.failed_share > Decimal("0.005")  # drawn at 2 %, so few sessions come near


@pytest.mark.soak
@pytest.mark.parametrize("seed", QUICK)
def test_a_session_in_which_requests_fail_ends_so_too(
    testnet: Mandate, tmp_path: Path, seed: int
) -> None:
    check_session(tmp_path, testnet, seed)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("seed", [seed for seed in ALL if seed not in QUICK])
def test_all_other_seeded_sessions_do(testnet: Mandate, tmp_path: Path, seed: int) -> None:
    check_session(tmp_path, testnet, seed)


# --- what nobody can explain ---------------------------------------------------------------------
class Bad(NamedTuple):
    """A fault that changes the truth, and the stop in which it must end."""

    fault: Fault
    code: Reason


BAD = {
    "wipe": Bad(Fault(kind=FaultKind.WIPE), Reason.VENUE_RESET),
    "foreign order": Bad(
        Fault(kind=FaultKind.FOREIGN_ORDER, quantity=Decimal("0.002")), Reason.FOREIGN_ORDER
    ),
    "a satoshi less": Bad(
        Fault(kind=FaultKind.WRONG_BALANCE, asset="BTC", change="-0.00000001"), Reason.RECON_DIFF
    ),
    "dollars more": Bad(
        Fault(kind=FaultKind.WRONG_BALANCE, asset="USDT", change="25"), Reason.RECON_DIFF
    ),
}


def check_stop(folder: Path, mandate: Mandate, seed: int, bad: Bad) -> None:
    """It strikes at some request after the first fills, most often in the middle of a bar."""
    plan = faults(seed, HOLD_MS)
    with virtual_desk(folder, mandate, seed, plan) as desk:

        def strike(run: VirtualRun) -> None:
            if run.fills >= 3 + seed % 5 and not struck:
                rule = bad.fault.model_copy(update={"times": 1, "nth": (1 + seed % 11,)})
                desk.exchange.inject(rule)
                struck.append(rule)

        struck: list[Fault] = []
        outcome = desk.session_at_last(MOST_BARS, strike)
        assert bad.fault.kind in {kind for kind, _ in desk.exchange.exchange.faults.strikes}
        assert outcome.record.ending is Ending.STOPPED
        if bad.code is not Reason.VENUE_RESET:
            stopped(desk, bad.code)
        elif desk.orders:  # BIN-8: what came after the wipe is there, so it was no wipe of all
            stopped(desk, Reason.RECON_DIFF)
        else:  # while an order may be late, the others are differences one by one
            stopped(desk, Reason.VENUE_RESET, Reason.RECON_DIFF)
        nothing_open(desk)
        decided_once(desk, strangers(desk))


@pytest.mark.soak
@pytest.mark.parametrize("bad", BAD)
def test_what_nobody_can_explain_ends_a_governed_session_in_a_stop_of_class_integrity(
    testnet: Mandate, tmp_path: Path, bad: str
) -> None:
    check_stop(tmp_path, testnet, QUICK_BAD, BAD[bad])


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("seed", [n for n in ALL_BAD if n != QUICK_BAD])
@pytest.mark.parametrize("bad", BAD)
def test_so_it_does_in_other_governed_sessions(
    testnet: Mandate, tmp_path: Path, seed: int, bad: str
) -> None:
    check_stop(tmp_path, testnet, seed, BAD[bad])
