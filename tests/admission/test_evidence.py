"""A gate's evidence packs stand in the signed proposal, or it grants nothing."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from desired_state.proposals import EvidenceReference
from desired_state.values import Environment, Mode
from reconciler.founding import READINESS
from tests.fakes.trust_desk import LIMITS_TEXT, TrustDesk, codes, production_root

BUILD = "sha256:" + "a" * 64
MODE_TEXT = f"""mode: bounded_live
trading: active
symbols:
  BTC/USDT: {{venue: binance, access: trade}}
layers: [L2, L5, L6]
budgets: {{models_per_day: "50"}}
build: "{BUILD}"
accounts: {{binance: "12345678"}}
""".encode()
THE_FOUR = ("rita", "sam", "otto", "sybil")
PACKS = tuple(
    EvidenceReference(
        id=f"EV-20261122-PHASE_GATE-{n:012d}", sha256="sha256:" + f"{n:064d}", claim=claim
    )
    for n, claim in enumerate(READINESS)
)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[TrustDesk]:
    desk = TrustDesk(tmp_path / "desk", root=production_root())
    desk.build = BUILD
    desk.push({"mode.yaml": MODE_TEXT, "limits.yaml": LIMITS_TEXT})
    desk.cycle()
    yield desk
    desk.close()


def approve(desk: TrustDesk, packs: tuple[EvidenceReference, ...], **changes: object) -> None:
    stated = {"environment": Environment.PRODUCTION, "gate": "bounded_live", **changes}
    desk.approve(1, *THE_FOUR, evidence=packs, **stated)


def test_bounded_live_stands_with_every_pack_of_the_readiness_review(live: TrustDesk) -> None:
    approve(live, PACKS)
    assert live.cycle().permitted.mode is Mode.BOUNDED_LIVE


@pytest.mark.parametrize("lost", range(len(PACKS)))
def test_bounded_live_without_one_of_them_is_refused_by_name(live: TrustDesk, lost: int) -> None:
    left = PACKS[:lost] + PACKS[lost + 1 :]
    approve(live, left)
    verdict = live.cycle()
    (told,) = [found for found in verdict.findings if found.code == "PROPOSAL_EVIDENCE"]
    assert READINESS[lost] in told.message
    assert live.memory.high is None
    assert verdict.permitted.mode is Mode.HALTED


def test_a_claim_in_more_words_is_the_one_it_begins_with(live: TrustDesk) -> None:
    worded = [p.model_copy(update={"claim": f"{p.claim}: reviewed on Friday"}) for p in PACKS]
    approve(live, tuple(worded))
    assert live.cycle().permitted.mode is Mode.BOUNDED_LIVE


def test_a_pack_for_something_else_is_no_evidence(live: TrustDesk) -> None:
    other = PACKS[0].model_copy(update={"claim": f"not {PACKS[0].claim}"})
    approve(live, (other, *PACKS[1:]))
    assert "PROPOSAL_EVIDENCE" in codes(live.cycle())
    assert live.memory.high is None


def test_evidence_never_replaces_a_signature_or_a_ceiling(live: TrustDesk) -> None:
    limits = live.asked.limits.model_copy(update={"max_order_notional": Decimal(51)})
    approve(live, PACKS, authority=live.asked.model_copy(update={"limits": limits}))
    assert "PROPOSAL_CEILING" in codes(live.cycle())
    assert live.memory.high is None
