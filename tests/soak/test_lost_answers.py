"""Answers that are lost where a session ends: it ends in order, compared and with its evidence."""

from datetime import timedelta
from pathlib import Path

from layers.local_exchange.faults import Fault, FaultKind
from layers.local_exchange.rest import Asks
from reconciler.session_ending import Ending
from tests.fakes.virtual_desk import Mandate, VirtualRun, virtual_desk
from tests.soak.ended_sessions import reconciled

LOST = FaultKind.BAD_GATEWAY_BEFORE


def test_an_answer_that_is_lost_while_everything_is_compared_is_asked_for_again(
    testnet: Mandate, tmp_path: Path
) -> None:
    def between(run: VirtualRun) -> Ending | None:
        if run.fills < 2:
            return None
        desk.exchange.inject(Fault(kind=LOST, on=(Asks.HISTORY,), times=2))
        return Ending.ENDED

    with virtual_desk(tmp_path, testnet, 1) as desk:
        outcome = desk.session(20, between)
        assert desk.exchange.exchange.faults.strikes == [(LOST, Asks.HISTORY)] * 2
        assert outcome.stop is None
        reconciled(desk, outcome)


def test_a_session_that_is_to_end_while_its_feed_asks_again_ends_in_order(
    testnet: Mandate, tmp_path: Path
) -> None:
    with virtual_desk(tmp_path, testnet, 1) as desk:
        desk.exchange.inject(Fault(kind=LOST, on=(Asks.KLINES,), nth=(8,)))
        struck = desk.exchange.exchange.faults.strikes
        outcome = desk.session(20, lambda _run: Ending.ENDED if struck else None)
        assert (outcome.record.ending, outcome.stop) == (Ending.ENDED, None)
        assert 0 < outcome.record.bars < 10
        reconciled(desk, outcome)


def test_a_feed_that_gives_out_ends_the_session_as_failed_with_all_its_evidence(
    testnet: Mandate, tmp_path: Path
) -> None:
    with virtual_desk(tmp_path, testnet, 1) as desk:
        since = desk.exchange.clock.now_ms + 8_000
        desk.exchange.inject(Fault(kind=LOST, on=(Asks.KLINES,), since_ms=since))
        begun = desk.clock.wall()
        outcome = desk.session(120)
        assert outcome.record.ending is Ending.FAILED
        assert desk.clock.wall() - begun > timedelta(seconds=30)  # it asked for so long
        assert desk.leaves("pack")[-1].body["pack"] == outcome.reconciliation_pack
        reconciled(desk, outcome)
