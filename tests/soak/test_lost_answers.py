"""A question that the venue leaves open costs its bar, never the session's order; many end it."""

from pathlib import Path

from layers.local_exchange.faults import Fault, FaultKind, FaultPlan
from layers.local_exchange.rest import Asks
from reconciler.session import SILENT_BARS, Ending
from tests.fakes.virtual_desk import Mandate, virtual_desk
from tests.soak.ended_sessions import decided_once, reconciled

LOST = FaultKind.BAD_GATEWAY_BEFORE


def plan(*faults: Fault) -> FaultPlan:
    return FaultPlan(seed=1, faults=faults)


def test_a_lost_answer_costs_its_bar_and_the_session_goes_on(
    testnet: Mandate, tmp_path: Path
) -> None:
    lost = plan(Fault(kind=LOST, on=(Asks.ACCOUNT,), nth=(12,)))
    with virtual_desk(tmp_path, testnet, 1, lost) as desk:
        outcome = desk.session(10)
        assert outcome.record.refusals["VENUE_UNREACHABLE"] == 1
        assert outcome.record.ending is Ending.COMPLETED
        assert (outcome.record.bars, outcome.stop) == (9, None)  # all but that one
        assert outcome.record.fills
        reconciled(desk, outcome)
        decided_once(desk)


def test_a_venue_that_leaves_ten_bars_unanswered_ends_the_session_as_failed(
    testnet: Mandate, tmp_path: Path
) -> None:
    with virtual_desk(tmp_path, testnet, 1) as desk:
        silent_from = desk.exchange.clock.now_ms + 8_000
        for_long = (SILENT_BARS + 2) * 1000
        desk.exchange.inject(
            Fault(
                kind=LOST,
                on=(Asks.ACCOUNT,),
                since_ms=silent_from,
                until_ms=silent_from + for_long,
            )
        )
        outcome = desk.session(60)
        assert outcome.record.ending is Ending.FAILED
        assert outcome.record.refusals["VENUE_UNREACHABLE"] == SILENT_BARS
        assert max(order.created_ms for order in desk.orders) <= silent_from
        reconciled(desk, outcome)  # it answers again while everything is compared
