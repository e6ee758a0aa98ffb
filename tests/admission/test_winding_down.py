"""People wind down while the machine may do nothing; nothing that is permitted moves by it."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from desired_state.authority import BOTTOM, Authority, SymbolAccess
from desired_state.proposals import Decision, Proposal
from desired_state.values import Access, Mode, Trading
from reconciler.facts import Facts
from reconciler.gate import Verdict, judge
from reconciler.proposing import Request, compose
from tests.fakes.trust_desk import (
    ARMED,
    DAY,
    ENGAGED,
    MINUTE,
    START,
    TrustDesk,
    codes,
    root_data,
    root_with,
)

Found = Callable[..., TrustDesk]
HOUR = 60 * MINUTE
REDUCE = {"BTC/USDT": SymbolAccess(venue="paper", access=Access.REDUCE)}


def exits(desk: TrustDesk, **limits: object) -> Authority:
    asked = desk.asked
    return asked.model_copy(
        update={
            "trading": Trading.REDUCING,
            "symbols": REDUCE,
            "limits": asked.limits.model_copy(update=limits),
        }
    )


def wind(desk: TrustDesk, sequence: int, *names: str, **changes: object) -> Proposal:
    stated = {
        "gate": "wind_down",
        "authority": exits(desk),
        "expires": desk.now + HOUR,
        "under": tuple(stop.id for stop in desk.memory.in_force),
        **changes,
    }
    return desk.approve(sequence, *names, **stated)


@pytest.fixture
def stopped(paper: TrustDesk) -> TrustDesk:
    """Paper trading, stopped by a person; the switch is still engaged."""
    paper.push({"kill_switch.yaml": ENGAGED})
    assert paper.cycle().permitted == BOTTOM
    return paper


def test_under_a_stop_people_may_reduce_and_the_machine_may_nothing(stopped: TrustDesk) -> None:
    high = stopped.memory.high
    made = wind(stopped, 2)
    verdict = stopped.cycle()
    assert verdict.wind_down is not None
    assert (verdict.wind_down.mode, verdict.wind_down.trading) == (Mode.PAPER, Trading.REDUCING)
    assert verdict.wind_down.symbols == REDUCE
    assert verdict.wind_down.expires == made.expires
    assert verdict.permitted == BOTTOM
    assert not {"PROPOSAL_GATE", "QUORUM_NOT_MET"} & codes(verdict)
    assert len(verdict.stops) == 1  # it names the stop and clears none
    assert stopped.memory.releases == {}
    assert stopped.memory.high == high
    assert stopped.memory.winding is not None
    assert stopped.memory.winding.sequence == 2


def test_it_lasts_an_hour_at_most_and_says_when_it_ends(stopped: TrustDesk) -> None:
    wind(stopped, 2, expires=stopped.now + HOUR + timedelta(seconds=1))
    verdict = stopped.cycle()
    assert "PROPOSAL_CEILING" in codes(verdict)
    assert verdict.wind_down is None
    made = wind(stopped, 3)
    verdict = stopped.cycle()
    assert verdict.wind_down is not None
    assert stopped.admission is not None
    assert made.expires in stopped.admission.changes
    assert stopped.cycle(made.expires - stopped.now - timedelta(seconds=1)).wind_down is not None
    assert stopped.cycle().wind_down is None
    assert stopped.memory.winding is not None


def test_a_root_may_say_less_than_an_hour_and_never_more(found: Found) -> None:
    gates = dict(root_data()["gates"])
    for minutes, granted in ((5, 5), (1440, 60)):
        rule = {**gates["wind_down"], "at_most_minutes": minutes}
        desk = found(root=root_with({"gates": {**gates, "wind_down": rule}}))
        desk.cycle()
        desk.approve(1)
        desk.cycle()
        wind(desk, 2, expires=desk.now + (granted + 1) * MINUTE)
        assert desk.cycle().wind_down is None
        wind(desk, 3, expires=desk.now + granted * MINUTE)
        assert desk.cycle().wind_down is not None


@pytest.mark.parametrize("names", [("oscar",), ("oscar", "dora"), ("rita", "sam")])
def test_it_takes_an_operator_and_one_of_the_four(
    stopped: TrustDesk, names: tuple[str, ...]
) -> None:
    wind(stopped, 2, *names)
    verdict = stopped.cycle()
    assert "QUORUM_NOT_MET" in codes(verdict)
    assert verdict.wind_down is None
    assert stopped.memory.winding is None


def test_the_requester_does_not_count(stopped: TrustDesk) -> None:
    wind(stopped, 2, "olivia", "rita")
    verdict = stopped.cycle()
    assert {"SIGNOFF_REQUESTER", "QUORUM_NOT_MET"} <= codes(verdict)
    assert verdict.wind_down is None


@pytest.mark.parametrize(
    "beyond",
    [
        {"trading": Trading.ACTIVE},
        {"symbols": {"BTC/USDT": SymbolAccess(venue="paper", access=Access.TRADE)}},
        {"symbols": {"BTC/USDT": SymbolAccess(venue="binance", access=Access.REDUCE)}},
        {"symbols": {**REDUCE, "ETH/USDT": SymbolAccess(venue="paper", access=Access.REDUCE)}},
        {"mode": Mode.TESTNET},
        {"layers": ("L1", "L5", "L6")},
    ],
)
def test_it_only_reduces_what_was_approved(stopped: TrustDesk, beyond: dict[str, object]) -> None:
    wind(stopped, 2, authority=exits(stopped).model_copy(update=beyond))
    verdict = stopped.cycle()
    assert {"WIND_DOWN_BEYOND", "PROPOSAL_INCOMPLETE"} & codes(verdict)
    assert verdict.wind_down is None
    assert verdict.permitted == BOTTOM


@pytest.mark.parametrize(
    "looser", [{"max_order_notional": Decimal(51)}, {"price_collar": Decimal("0.02")}]
)
def test_its_limits_and_exit_collar_are_within_the_last_approved(
    stopped: TrustDesk, looser: dict[str, object]
) -> None:
    wind(stopped, 2, authority=exits(stopped, **looser))
    verdict = stopped.cycle()
    assert "WIND_DOWN_BEYOND" in codes(verdict)
    assert verdict.wind_down is None


def test_where_nothing_was_ever_approved_there_is_nothing_to_wind_down(desk: TrustDesk) -> None:
    desk.cycle()
    wind(desk, 1)
    verdict = desk.cycle()
    assert "WIND_DOWN_BEYOND" in codes(verdict)
    assert verdict.wind_down is None


def test_it_names_every_stop_and_a_later_one_ends_it(stopped: TrustDesk) -> None:
    wind(stopped, 2, under=())
    assert "WIND_DOWN_UNDER" in codes(stopped.cycle())
    wind(stopped, 3)
    assert stopped.cycle().wind_down is not None
    stopped.push({"kill_switch.yaml": ARMED}, {"kill_switch.yaml": ENGAGED})
    verdict = stopped.cycle()
    assert len(verdict.stops) == 2
    assert "WIND_DOWN_UNDER" in codes(verdict)
    assert verdict.wind_down is None
    wind(stopped, 4)
    assert stopped.cycle().wind_down is not None


def test_a_stop_that_is_not_known_yet_cannot_be_named_beforehand(stopped: TrustDesk) -> None:
    named = tuple(stop.id for stop in stopped.memory.in_force)
    wind(stopped, 2, under=(*named, "L-host-1"))
    verdict = stopped.cycle()
    assert "STOP_UNKNOWN" in codes(verdict)
    assert verdict.wind_down is None


def test_it_clears_no_stop_and_no_other_proposal_names_stops_under(stopped: TrustDesk) -> None:
    (stop,) = stopped.memory.in_force
    fields = stopped.proposal(2).model_dump()
    for wrong in ({"gate": "wind_down", "clears": (stop.id,)}, {"under": (stop.id,)}):
        with pytest.raises(ValueError, match="expected"):
            Proposal.model_validate({**fields, **wrong})


@pytest.mark.parametrize("decision", [Decision.NO_GO, Decision.WITHDRAW])
def test_a_veto_voids_it_for_ever(stopped: TrustDesk, decision: Decision) -> None:
    wind(stopped, 2)
    assert stopped.cycle().wind_down is not None
    stopped.sign(2, "sam", decision=decision)
    verdict = stopped.cycle()
    assert "VETO" in codes(verdict)
    assert verdict.wind_down is None
    path = f"signoffs/0002/sam.{decision}.yaml"
    stopped.push({path: None, path + ".sig": None})
    assert stopped.cycle().wind_down is None
    assert 2 in stopped.memory.voided


def test_a_newer_one_replaces_it_and_the_older_never_returns(stopped: TrustDesk) -> None:
    wind(stopped, 2)
    stopped.cycle()
    shorter = stopped.now + 10 * MINUTE
    wind(stopped, 3, expires=shorter)
    assert stopped.cycle().wind_down is not None
    assert stopped.cycle(10 * MINUTE).wind_down is None
    assert stopped.memory.winding is not None
    assert stopped.memory.winding.sequence == 3


def test_it_holds_when_the_approval_has_ended(paper: TrustDesk) -> None:
    assert paper.cycle(9 * DAY).permitted == BOTTOM
    wind(paper, 2)
    verdict = paper.cycle()
    assert verdict.wind_down is not None
    assert verdict.permitted == BOTTOM


def test_it_holds_when_the_approval_was_withdrawn(paper: TrustDesk) -> None:
    paper.sign(1, "rita", decision=Decision.WITHDRAW)
    assert paper.cycle().permitted == BOTTOM
    wind(paper, 2)
    verdict = paper.cycle()
    assert verdict.wind_down is not None
    assert verdict.permitted == BOTTOM


def test_it_holds_when_the_root_has_ended(found: Found) -> None:
    desk = found(root=root_with({"expires": "2026-11-25T10:00:00Z"}))
    desk.cycle()
    desk.approve(1, expires=START + 3 * DAY)
    desk.cycle()
    assert desk.cycle(4 * DAY).permitted == BOTTOM
    wind(desk, 2)
    verdict = desk.cycle()
    assert "ROOT_EXPIRED" in codes(verdict)
    assert verdict.wind_down is not None
    assert verdict.permitted == BOTTOM


def test_it_holds_when_the_source_is_silent(stopped: TrustDesk) -> None:
    wind(stopped, 2)
    stopped.cycle()
    assert stopped.admission is not None
    silent = judge(stopped.admission, Facts(answered_at=None), stopped.now)
    assert silent.permitted == BOTTOM
    assert silent.wind_down is not None


def test_its_papers_are_not_taken_from_a_head_that_is_not_admitted(stopped: TrustDesk) -> None:
    stopped.push({"limits.yaml": b"currency: [\n"})
    stopped.files["limits.yaml"] = stopped.remote.git("show", "main~1:limits.yaml").encode() + b"\n"
    wind(stopped, 2)
    verdict = stopped.cycle()
    assert not verdict.admitted
    assert verdict.wind_down is None
    assert stopped.memory.winding is None


def test_beside_active_trading_it_permits_the_machine_nothing_more(paper: TrustDesk) -> None:
    before = paper.cycle().permitted
    wind(paper, 2)
    verdict = paper.cycle()
    assert verdict.wind_down is not None
    assert verdict.permitted == before
    assert verdict.sequence == 1
    paper.approve(3)
    verdict = paper.cycle()
    assert verdict.sequence == 3
    assert verdict.wind_down is not None  # the other track moved, this one stands its hour


def test_it_undoes_no_tightening(paper: TrustDesk) -> None:
    paper.edit("limits.yaml", '"50"', '"20"')
    paper.edit("limits.yaml", '"20"', '"50"')
    falls = (paper.cycle(), paper.memory.falls)[1]
    assert falls
    wind(paper, 2)
    verdict: Verdict = paper.cycle()
    assert verdict.wind_down is not None
    assert verdict.permitted.limits.max_order_notional == 20
    assert paper.memory.falls == falls


def test_what_governor_propose_writes_for_it_is_what_stands(stopped: TrustDesk) -> None:
    assert stopped.admission is not None
    asks = Request(requester="olivia", reason="go home", gate="wind_down")
    made = compose(asks, stopped.admission, BOTTOM, (), stopped.now)
    assert made.proposal.authority.symbols == REDUCE
    assert made.proposal.under == tuple(stop.id for stop in stopped.memory.in_force)
    fields = {name: getattr(made.proposal, name) for name in type(made.proposal).model_fields}
    del fields["sequence"]
    stopped.approve(made.proposal.sequence, **fields)
    verdict = stopped.cycle()
    assert verdict.wind_down is not None
    assert verdict.permitted == BOTTOM
