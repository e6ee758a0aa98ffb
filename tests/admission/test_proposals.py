"""Proposals that grant nothing, and how one that granted ends."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from desired_state.authority import Authority
from desired_state.canonical import plain
from desired_state.document import dump
from desired_state.proposals import Decision, proposal_path
from desired_state.trust_root import Use
from desired_state.values import Environment, Mode, Trading
from tests.fakes.trust_desk import (
    DAY,
    LIMITS_TEXT,
    MINUTE,
    MODE_TEXT,
    PEOPLE,
    REPOSITORY,
    START,
    STRANGER,
    Signer,
    TrustDesk,
    codes,
    root_data,
    root_with,
    written,
)

Found = Callable[..., TrustDesk]


def more(desk: TrustDesk, **limits: object) -> Authority:
    asked = desk.asked
    changed = asked.limits.model_copy(update=limits or {"max_order_notional": Decimal(60)})
    return asked.model_copy(update={"limits": changed})


def refused(desk: TrustDesk, code: str) -> None:
    """Nothing was granted and nothing is remembered as granted."""
    held, high, voided = desk.cycle(timedelta()).permitted, desk.memory.high, desk.memory.voided
    verdict = desk.cycle()
    assert code in codes(verdict)
    assert verdict.permitted == held
    assert verdict.permitted.limits.max_order_notional in {None, Decimal(50)}
    assert (desk.memory.high, desk.memory.voided) == (high, voided)


@pytest.mark.parametrize("by", [STRANGER, PEOPLE["oscar"], PEOPLE["rita"]])
def test_a_forged_requester_does_not_propose(paper: TrustDesk, by: Signer) -> None:
    paper.propose(2, by=by, authority=more(paper))
    paper.sign(2, "oscar", "rita")
    refused(paper, "PROPOSAL_SIGNATURE")


def test_a_proposal_signed_for_another_use_is_not_signed(paper: TrustDesk) -> None:
    made = paper.proposal(2, authority=more(paper))
    data, path = dump(written(plain(made))), proposal_path(2)
    paper.push({path: data, path + ".sig": PEOPLE["olivia"].sign(data, Use.SIGN_OFF)})
    paper.sign(2, "oscar", "rita")
    refused(paper, "PROPOSAL_SIGNATURE")


def test_a_proposal_that_was_edited_after_signing_is_not_signed(paper: TrustDesk) -> None:
    paper.propose(2)
    path = proposal_path(2)
    paper.edit(path, 'max_order_notional: "50"', 'max_order_notional: "5000"')
    first = paper.head
    paper.sign(2, "oscar", "rita")  # they sign the edited bytes
    verdict = paper.cycle()
    assert "SIGNOFF_REPLAY" in codes(verdict)
    assert paper.memory.high is not None
    assert paper.memory.high.sequence == 1
    assert first != paper.head


def test_two_signed_forms_of_one_number_void_both(paper: TrustDesk) -> None:
    paper.approve(2, authority=more(paper))
    paper.propose(2, authority=more(paper, max_order_notional=Decimal(70)))
    refused(paper, "PROPOSAL_CHANGED")


def test_a_requester_who_signs_another_form_ends_what_was_granted(paper: TrustDesk) -> None:
    paper.propose(1, reason="another")
    verdict = paper.cycle()
    assert "PROPOSAL_CHANGED" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED


def test_a_granted_proposal_that_is_deleted_or_overwritten_stands_from_memory(
    paper: TrustDesk,
) -> None:
    before = paper.cycle().permitted
    paper.push({proposal_path(1): None, "signoffs/0001/rita.GO.yaml": b"x: y\n"})
    verdict = paper.cycle()
    assert {"PROPOSAL_CHANGED", "VOTE_ERASED"} <= codes(verdict)
    assert verdict.permitted == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"environment": Environment.PRODUCTION}, "PROPOSAL_FOREIGN"),
        ({"repository": "peak/other"}, "PROPOSAL_FOREIGN"),
        ({"base": "1" * 40}, "PROPOSAL_BASE"),
        ({"configuration": "sha256:" + "0" * 64}, "PROPOSAL_CONFIGURATION"),
        ({"gate": "shadow"}, "PROPOSAL_GATE"),
        ({"gate": "restore"}, "PROPOSAL_GATE"),
        ({"gate": "release_technical"}, "PROPOSAL_GATE"),
        ({"gate": "wind_down"}, "WIND_DOWN_BEYOND"),
        ({"gate": "no_such_gate"}, "PROPOSAL_GATE"),
        ({"expires": START + 31 * DAY}, "PROPOSAL_CEILING"),
        ({"expires": START + 91 * DAY}, "PROPOSAL_CEILING"),
        ({"clears": ("S-0123456789abcdef",)}, "STOP_UNKNOWN"),
        ({"requester": "oscar"}, "SIGNOFF_REQUESTER"),
    ],
)
def test_a_proposal_that_may_not_be_made_grants_nothing(
    paper: TrustDesk, changes: dict[str, Any], code: str
) -> None:
    paper.approve(2, **{"authority": more(paper), **changes})
    refused(paper, code)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_order_notional": Decimal(5001)},
        {"max_total_exposure": Decimal(50_001)},
        {"max_open_positions": 21},
        {"max_daily_loss": None},
        {"currency": "EUR"},
    ],
)
def test_a_limit_above_the_gates_ceiling_or_missing_grants_nothing(
    paper: TrustDesk, limits: dict[str, Any]
) -> None:
    paper.approve(2, authority=more(paper, **{"max_order_notional": Decimal(60), **limits}))
    refused(paper, "PROPOSAL_CEILING")


@pytest.mark.parametrize("mode", [Mode.TESTNET, Mode.BOUNDED_LIVE])
def test_a_rehearsal_grants_nothing_above_paper(paper: TrustDesk, mode: Mode) -> None:
    authority = paper.asked.model_copy(update={"mode": mode})
    paper.approve(2, "rita", "sam", "otto", "sybil", authority=authority, gate=mode.value)
    refused(paper, "PROPOSAL_CEILING")


def test_a_base_on_a_branch_that_was_never_merged_is_no_base(paper: TrustDesk) -> None:
    (side,) = paper.remote.push({"a": b"b"}, ref="refs/heads/x", onto=paper.head)
    paper.approve(2, authority=more(paper), base=side)
    refused(paper, "PROPOSAL_BASE")


def test_a_number_too_far_ahead_is_refused_and_the_last_in_reach_is_not(paper: TrustDesk) -> None:
    paper.approve(102, authority=more(paper))
    refused(paper, "PROPOSAL_SEQUENCE")
    paper.approve(101)
    assert paper.cycle().sequence == 102  # with 101 complete it is in reach, and the newer one


def test_a_number_that_is_not_the_one_in_its_name_is_refused(paper: TrustDesk) -> None:
    made = paper.proposal(3, authority=more(paper))
    data, path = dump(written(plain(made))), proposal_path(2)
    paper.push({path: data, path + ".sig": PEOPLE["olivia"].sign(data, Use.PROPOSAL)})
    refused(paper, "PROPOSAL_SEQUENCE")


def test_a_proposal_that_does_not_read_is_said_and_grants_nothing(paper: TrustDesk) -> None:
    paper.push({proposal_path(2): b"sequence: 2\n"})
    refused(paper, "PROPOSAL_SCHEMA")


def test_a_missing_gate_lets_nobody_through(found: Found) -> None:
    gates = {name: rule for name, rule in root_data()["gates"].items() if name != "release"}
    desk = found(root=root_with({"gates": gates}))
    desk.cycle()
    desk.approve(1)
    desk.push({"kill_switch.yaml": b"state: engaged\n"})
    (stop,) = desk.cycle().stops
    desk.push({"kill_switch.yaml": b"state: armed\n"})
    desk.approve(2, clears=(stop.id,), expires=desk.now + 20 * DAY)
    verdict = desk.cycle()
    assert "PROPOSAL_GATE" in codes(verdict)
    assert verdict.stops == (stop,)
    assert desk.memory.releases == {}


# --- time --------------------------------------------------------------------------------------
def test_before_its_start_a_complete_proposal_waits_and_then_needs_no_commit(
    paper: TrustDesk,
) -> None:
    paper.edit("limits.yaml", '"50"', '"60"')
    paper.approve(2, not_before=paper.now + DAY)
    verdict = paper.cycle()
    assert "PROPOSAL_NOT_YET" in codes(verdict)
    assert verdict.permitted.limits.max_order_notional == 50
    assert paper.cycle(DAY).permitted.limits.max_order_notional == 60


def test_the_authoritys_own_window_is_kept_inside_the_proposals(desk: TrustDesk) -> None:
    start, end = desk.now + DAY, desk.now + 2 * DAY
    desk.cycle()
    desk.approve(1, authority=desk.asked.model_copy(update={"not_before": start, "expires": end}))
    assert desk.cycle().permitted.mode is Mode.HALTED
    verdict = desk.cycle(DAY)
    assert verdict.permitted.trading is Trading.ACTIVE
    assert verdict.permitted.expires == end
    assert desk.cycle(DAY).permitted.trading is Trading.REDUCING
    assert desk.cycle(61 * MINUTE).permitted.mode is Mode.HALTED


def test_an_expired_approval_reduces_then_ends_and_nothing_older_returns(
    paper: TrustDesk,
) -> None:
    paper.approve(2, expires=paper.now + DAY)
    assert paper.cycle().sequence == 2
    verdict = paper.cycle(DAY)
    assert "PROPOSAL_EXPIRED" in codes(verdict)
    assert (verdict.permitted.mode, verdict.permitted.trading) == (Mode.PAPER, Trading.REDUCING)
    assert paper.cycle(58 * MINUTE).permitted.trading is Trading.REDUCING
    for wait in (2 * MINUTE, DAY):
        verdict = paper.cycle(wait)
        assert verdict.permitted.mode is Mode.HALTED  # 1 would have stood for days
        assert verdict.approved is None
    assert paper.memory.high is not None
    assert paper.memory.high.sequence == 2


def test_a_newer_smaller_authority_is_withdrawn_and_nothing_older_returns(
    paper: TrustDesk,
) -> None:
    smaller = more(paper, max_order_notional=Decimal(10))
    paper.approve(2, authority=smaller)
    assert paper.cycle().permitted.limits.max_order_notional == 10
    paper.sign(2, "rita", decision=Decision.WITHDRAW)
    verdict = paper.cycle()
    assert "VETO" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert paper.memory.voided == (2,)


def test_a_newer_smaller_authority_loses_a_vote_and_nothing_older_returns(
    paper: TrustDesk,
) -> None:
    paper.propose(2, authority=more(paper, max_order_notional=Decimal(10)))
    paper.sign(2, "oscar")
    paper.sign(2, "rita", expires=paper.now + DAY)
    assert paper.cycle().permitted.limits.max_order_notional == 10
    verdict = paper.cycle(DAY)
    assert "QUORUM_NOT_MET" in codes(verdict)
    assert verdict.permitted.trading is Trading.REDUCING
    assert verdict.permitted.limits.max_order_notional == 10
    assert paper.cycle(61 * MINUTE).permitted.mode is Mode.HALTED
    paper.sign(2, "sam")
    assert paper.cycle().permitted.limits.max_order_notional == 10  # complete again by people


def test_a_lower_number_that_completes_late_never_counts(paper: TrustDesk) -> None:
    paper.propose(2, authority=more(paper))
    paper.approve(3)
    assert paper.cycle().sequence == 3
    paper.sign(2, "oscar", "rita")
    verdict = paper.cycle()
    assert verdict.sequence == 3
    assert verdict.permitted.limits.max_order_notional == 50


def test_what_was_over_before_it_was_seen_complete_grants_nothing_not_even_reducing(
    desk: TrustDesk,
) -> None:
    desk.cycle()
    desk.approve(1, expires=desk.now + 10 * MINUTE)
    verdict = desk.cycle(20 * MINUTE)
    assert verdict.permitted.mode is Mode.HALTED
    assert verdict.approved is None
    assert desk.cycle().permitted.mode is Mode.HALTED


def _with_key(name: str, **changes: str) -> bytes:
    keys = dict(root_data()["keys"])
    mine = PEOPLE[name].key.key_id
    return root_with({"keys": {**keys, mine: {**keys[mine], **changes}}})


def test_a_requester_whose_key_has_ended_proposes_nothing(found: Found) -> None:
    desk = found(root=_with_key("olivia", valid_until="2026-11-23T10:00:00Z"))
    desk.cycle()
    desk.approve(1)
    assert desk.cycle().permitted.mode is Mode.PAPER
    assert desk.cycle(DAY).permitted.trading is Trading.REDUCING
    desk.approve(2, expires=desk.now + 20 * DAY, not_before=START)
    verdict = desk.cycle()
    assert verdict.sequence == 1
    assert verdict.permitted.trading is Trading.REDUCING
    assert desk.cycle(61 * MINUTE).permitted.mode is Mode.HALTED


def test_a_requester_whose_key_is_not_valid_yet_waits(found: Found) -> None:
    desk = found(root=_with_key("olivia", valid_from="2026-11-23T10:00:00Z"))
    desk.cycle()
    desk.approve(1)
    assert desk.cycle().permitted.mode is Mode.HALTED
    assert desk.cycle(DAY).permitted.mode is Mode.PAPER


# --- what is asked for after approval ------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "text", "paths"),
    [
        ("limits.yaml", LIMITS_TEXT.replace(b'"500"', b'"600"'), {"max_total_exposure"}),
        ("mode.yaml",
         MODE_TEXT.replace(b"  BTC", b"  ETH/USDT: {venue: paper, access: trade}\n  BTC"),
         {"symbols.ETH/USDT@paper"}),
        ("mode.yaml", MODE_TEXT.replace(b'"50"', b'"51"'), {"budgets.models_per_day"}),
        ("mode.yaml", MODE_TEXT.replace(b"[L2", b"[L1, L2"), {"layers.L1"}),
        ("limits.yaml", LIMITS_TEXT.replace(b'"10s"', b'"5s"'), {"duplicate_window"}),
    ],
)  # fmt: skip
def test_what_is_asked_for_after_approval_is_named_and_not_granted(
    paper: TrustDesk, path: str, text: bytes, paths: set[str]
) -> None:
    before = paper.cycle().permitted
    paper.push({path: text})
    verdict = paper.cycle()
    assert verdict.permitted == before
    named = {f.subject for f in verdict.findings if f.code == "NOT_APPROVED"}
    assert all(any(name.endswith(wanted) for name in named) for wanted in paths)


def test_a_currency_that_is_switched_leaves_nothing_to_send(paper: TrustDesk) -> None:
    paper.edit("limits.yaml", "USD", "EUR")
    assert paper.cycle().permitted.mode is Mode.ADVISORY
    paper.edit("limits.yaml", "EUR", "USD")
    assert paper.cycle().permitted.mode is Mode.ADVISORY  # fallen, until people restore it


def test_a_configuration_that_drifts_is_shown_and_the_approved_one_runs(paper: TrustDesk) -> None:
    before = paper.cycle()
    paper.push({"layers.yaml": b"note: another\n"})
    verdict = paper.cycle()
    assert "CONFIGURATION_UNAPPROVED" in codes(verdict)
    assert verdict.configuration == before.configuration
    assert verdict.permitted == before.permitted
    paper.push({"layers.yaml": b"# only a comment is new\nnote: first\n"})
    assert "CONFIGURATION_UNAPPROVED" not in codes(paper.cycle())


# --- the ratchet -----------------------------------------------------------------------------
def test_a_tightening_that_is_reverted_stays_until_people_restore_it(paper: TrustDesk) -> None:
    paper.edit("limits.yaml", '"50"', '"20"')
    assert paper.cycle().permitted.limits.max_order_notional == 20
    old = paper.head
    paper.edit("limits.yaml", '"20"', '"50"')
    verdict = paper.cycle(MINUTE)
    assert "FALLEN" in codes(verdict)
    assert verdict.permitted.limits.max_order_notional == 20
    assert verdict.approved is not None
    inside = {"gate": "restore", "expires": verdict.approved.expires}
    paper.approve(2, base=paper.remote.git("rev-parse", f"{old}~1"), **inside)
    verdict = paper.cycle()
    assert "PROPOSAL_GATE" in codes(verdict)  # its base knows of no fall, so there is none to undo
    assert verdict.permitted.limits.max_order_notional == 20
    paper.approve(3, **inside)
    assert paper.cycle().permitted.limits.max_order_notional == 50
    assert paper.memory.falls == ()


def test_a_tightening_pushed_together_with_its_revert_stays(paper: TrustDesk) -> None:
    low = LIMITS_TEXT.replace(b'"50"', b'"20"')
    paper.push({"limits.yaml": low}, {"limits.yaml": LIMITS_TEXT})
    assert paper.cycle().permitted.limits.max_order_notional == 20


def test_nobody_wipes_a_fall_that_the_base_did_not_contain(paper: TrustDesk) -> None:
    base = paper.head
    paper.edit("limits.yaml", '"50"', '"20"')
    paper.edit("limits.yaml", '"20"', '"50"')
    paper.approve(2, base=base)
    verdict = paper.cycle()
    assert verdict.sequence == 2
    assert verdict.permitted.limits.max_order_notional == 20
    assert paper.memory.falls


def test_desired_may_rise_to_what_was_approved_before(desk: TrustDesk) -> None:
    desk.push({"mode.yaml": MODE_TEXT.replace(b"mode: paper", b"mode: halted")})
    desk.cycle()  # it fell here, before the base
    asked = desk.asked.model_copy(update={"mode": Mode.PAPER})
    desk.approve(1, authority=asked)
    assert desk.cycle().permitted.mode is Mode.HALTED
    desk.push({"mode.yaml": MODE_TEXT})
    assert desk.cycle().permitted.mode is Mode.PAPER


def test_the_repository_and_the_people_are_those_of_the_shipped_root(desk: TrustDesk) -> None:
    assert root_data()["repository"] == REPOSITORY
    assert {"paper", "restore", "release"} <= set(root_data()["gates"])
    assert desk.cycle().permitted.mode is Mode.HALTED
