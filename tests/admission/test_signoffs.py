"""Sign-offs that do not count, and answers that void for ever."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from desired_state.canonical import plain
from desired_state.document import dump
from desired_state.proposals import Decision, signoff_path
from desired_state.trust_root import Use
from desired_state.values import Mode, StopClass
from desired_state.votes import VERSIONS_READ
from tests.fakes.trust_desk import (
    DAY,
    MINUTE,
    PEOPLE,
    STRANGER,
    TrustDesk,
    codes,
    root_data,
    root_with,
    written,
)

Found = Callable[..., TrustDesk]
RITA = signoff_path(1, "rita", Decision.GO)


@pytest.fixture
def asking(desk: TrustDesk) -> TrustDesk:
    """Proposal 1 stands, oscar has signed, and one of the four is missing."""
    desk.cycle()
    desk.propose(1)
    desk.sign(1, "oscar")
    assert "QUORUM_NOT_MET" in codes(desk.cycle())
    return desk


def still_missing(desk: TrustDesk, code: str) -> None:
    verdict = desk.cycle()
    assert {code, "QUORUM_NOT_MET"} <= codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert desk.memory.high is None
    desk.sign(1, "otto")
    assert desk.cycle().permitted.mode is Mode.PAPER  # the proposal itself was good


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"by": STRANGER}, "SIGNOFF_SIGNATURE"),
        ({"by": PEOPLE["oscar"]}, "SIGNOFF_SIGNATURE"),
        ({"use": Use.PROPOSAL}, "SIGNOFF_SIGNATURE"),
        ({"use": Use.TRUST_ROOT}, "SIGNOFF_SIGNATURE"),
        ({"key": STRANGER.key.key_id, "by": STRANGER}, "SIGNOFF_KEY_UNKNOWN"),
        ({"key": PEOPLE["sam"].key.key_id, "by": PEOPLE["sam"]}, "SIGNOFF_PERSON"),
        ({"role": "operator"}, "SIGNOFF_ROLE"),
        ({"role": "operations"}, "SIGNOFF_ROLE"),
        ({"role": "root"}, "SIGNOFF_ROLE"),
        ({"sequence": 2}, "SIGNOFF_REPLAY"),
        ({"proposal": "sha256:" + "0" * 64}, "SIGNOFF_REPLAY"),
    ],
)
def test_a_sign_off_that_is_not_right_does_not_count(
    asking: TrustDesk, options: dict[str, Any], code: str
) -> None:
    made = asking.signoff(1, "rita", **{k: v for k, v in options.items() if k not in {"by", "use"}})
    data = dump(written(plain(made)))
    signature = options.get("by", PEOPLE["rita"]).sign(data, options.get("use", Use.SIGN_OFF))
    asking.push({RITA: data, RITA + ".sig": signature})
    still_missing(asking, code)


@pytest.mark.parametrize("data", [b"", b"person: rita\n", b"\xff", b"person: rita\nperson: rita\n"])
def test_a_sign_off_that_does_not_read_does_not_count(asking: TrustDesk, data: bytes) -> None:
    asking.push({RITA: data, RITA + ".sig": PEOPLE["rita"].sign(data, Use.SIGN_OFF)})
    still_missing(asking, "SIGNOFF_SCHEMA")


def test_a_sign_off_without_its_signature_does_not_count(asking: TrustDesk) -> None:
    asking.push({RITA: dump(written(plain(asking.signoff(1, "rita"))))})
    still_missing(asking, "SIGNOFF_SIGNATURE")


def test_a_sign_off_under_another_name_or_decision_does_not_count(asking: TrustDesk) -> None:
    data = dump(written(plain(asking.signoff(1, "rita"))))
    signature = PEOPLE["rita"].sign(data, Use.SIGN_OFF)
    for path in (signoff_path(1, "sam", Decision.GO), signoff_path(1, "rita", Decision.NO_GO)):
        asking.push({path: data, path + ".sig": signature})
    still_missing(asking, "SIGNOFF_PERSON")


def test_the_requesters_own_vote_and_one_person_in_two_roles_do_not_count(
    asking: TrustDesk,
) -> None:
    asking.sign(1, "olivia")
    assert {"SIGNOFF_REQUESTER", "QUORUM_NOT_MET"} <= codes(asking.cycle())
    assert asking.memory.high is None


def test_one_person_with_two_roles_fills_one_slot(desk: TrustDesk) -> None:
    desk.cycle()
    desk.propose(1)
    desk.sign(1, "dora", role="operator")
    desk.sign(1, "dora", role="operations")  # the same file, another version; both are remembered
    assert "QUORUM_NOT_MET" in codes(desk.cycle())
    assert desk.memory.high is None
    desk.sign(1, "otto")
    assert desk.cycle().permitted.mode is Mode.PAPER


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({"issued": DAY}, "SIGNOFF_NOT_YET"),
        ({"issued": -DAY, "expires": -MINUTE}, "SIGNOFF_EXPIRED"),
        ({"expires": 31 * DAY}, "SIGNOFF_TOO_LONG"),
    ],
)
def test_a_sign_off_outside_its_time_does_not_count(
    asking: TrustDesk, times: dict[str, Any], code: str
) -> None:
    asking.sign(1, "rita", **{name: asking.now + span for name, span in times.items()})
    still_missing(asking, code)


def test_a_sign_off_by_a_key_that_has_ended_does_not_count_however_it_is_dated(
    found: Found,
) -> None:
    keys = dict(root_data()["keys"])
    rita = PEOPLE["rita"].key.key_id
    ended = {**keys[rita], "valid_until": "2026-11-22T12:00:00Z"}
    desk = found(root=root_with({"keys": {**keys, rita: ended}}))
    desk.cycle()
    start = desk.now
    desk.cycle(121 * MINUTE)
    desk.propose(1, not_before=start)
    desk.sign(1, "oscar", "rita", issued=start)  # signed today, dated yesterday
    for wait in (MINUTE, MINUTE):
        verdict = desk.cycle(wait)
        assert verdict.permitted.mode is Mode.HALTED
        assert verdict.approved is None


def test_signoffs_copied_to_a_new_proposal_or_moved_do_not_count(paper: TrustDesk) -> None:
    asked = paper.asked
    higher = asked.limits.model_copy(update={"max_order_notional": Decimal(60)})
    paper.edit("limits.yaml", '"50"', '"60"')
    paper.propose(2, authority=asked.model_copy(update={"limits": higher}))
    old = {path: data for path, data in paper.files.items() if path.startswith("signoffs/0001/")}
    paper.push({path.replace("/0001/", "/0002/"): data for path, data in old.items()})
    verdict = paper.cycle()
    assert {"SIGNOFF_REPLAY", "QUORUM_NOT_MET"} <= codes(verdict)
    assert verdict.sequence == 1
    assert verdict.permitted.limits.max_order_notional == 50


def test_three_of_four_are_refused_with_the_reason_per_file(found: Found) -> None:
    four = root_data()["gates"]["testnet"]["all_of"]
    gates = {**root_data()["gates"], "paper": {"all_of": four, "distinct": 4, "at_most_days": 30}}
    desk = found(root=root_with({"gates": gates}))
    desk.cycle()
    desk.propose(1)
    desk.sign(1, "rita", "sam", "otto")
    desk.sign(1, "sybil", by=STRANGER)
    verdict = desk.cycle()
    assert {"SIGNOFF_SIGNATURE", "QUORUM_NOT_MET"} <= codes(verdict)
    subjects = [f.subject for f in verdict.findings if f.code == "SIGNOFF_SIGNATURE"]
    assert subjects == [signoff_path(1, "sybil", Decision.GO)]
    assert desk.memory.high is None
    desk.sign(1, "sybil")
    assert desk.cycle().permitted.mode is Mode.PAPER


# --- vetoes --------------------------------------------------------------------------------------
@pytest.mark.parametrize("decision", [Decision.NO_GO, Decision.WITHDRAW])
@pytest.mark.parametrize("after", ["standing", "deleted", "overwritten", "reverted"])
@pytest.mark.parametrize("complete", [False, True])
def test_a_veto_voids_the_number_for_ever(
    desk: TrustDesk,
    decision: Decision,
    after: str,
    complete: bool,  # noqa: FBT001
) -> None:
    desk.cycle()
    desk.propose(1)
    if complete:
        desk.sign(1, "oscar", "sam")
        assert desk.cycle().permitted.mode is Mode.PAPER
    desk.sign(1, "rita", decision=decision)
    path = signoff_path(1, "rita", decision)
    if after != "standing":
        gone: dict[str, Any] = {path: None, path + ".sig": None}
        desk.push(gone if after != "overwritten" else {path: b"x: y\n"})
        if after == "reverted":
            desk.cycle()
            desk.push({"note": b"x"})
    verdict = desk.cycle()
    assert "VETO" in codes(verdict) or after == "reverted"  # then it was said a cycle earlier
    assert ("VOTE_ERASED" in codes(verdict)) == (after != "standing")
    assert verdict.permitted.mode is Mode.HALTED
    desk.sign(1, "oscar", "sam", "rita")
    for _ in range(2):
        verdict = desk.cycle()
        assert verdict.permitted.mode is Mode.HALTED
        assert desk.memory.voided == (1,)
    desk.approve(2, expires=desk.now + 6 * DAY)
    assert desk.cycle().sequence == 2


def test_a_veto_pushed_and_deleted_within_one_push_counts(paper: TrustDesk) -> None:
    paper.propose(2)
    made = paper.signoff(2, "rita", decision=Decision.NO_GO)
    data, path = dump(written(plain(made))), signoff_path(2, "rita", Decision.NO_GO)
    signature = PEOPLE["rita"].sign(data, Use.SIGN_OFF)
    paper.push({path: data, path + ".sig": signature}, {path: None, path + ".sig": None})
    paper.sign(2, "oscar", "sam")
    assert "VETO" in codes(paper.cycle())
    assert paper.memory.voided == (2,)


@pytest.mark.parametrize("name", ["stranger", "olivia"])
def test_a_veto_counts_only_from_a_holder_of_a_role_of_that_gate(
    asking: TrustDesk, name: str
) -> None:
    asking.sign(1, name, decision=Decision.NO_GO)
    asking.sign(1, "rita")
    verdict = asking.cycle()
    assert (verdict.permitted.mode is Mode.PAPER) == (name == "stranger")


@pytest.mark.parametrize("suffix", ["", ".sig"])
def test_a_veto_cannot_be_buried_under_other_versions_of_its_file(
    asking: TrustDesk, suffix: str
) -> None:
    path = signoff_path(1, "rita", Decision.NO_GO)
    junk = [{path + suffix: f"x: {n}\n".encode()} for n in range(VERSIONS_READ)]
    asking.push(*junk)
    asking.sign(1, "rita", decision=Decision.NO_GO)
    asking.sign(1, "sam")
    assert "VETO" in codes(asking.cycle())
    assert asking.memory.high is None


# --- stops and their release -------------------------------------------------------------------
ENGAGED, ARMED = b"state: engaged\nreason: drill\n", b"state: armed\n"


@pytest.fixture
def stopped(paper: TrustDesk) -> TrustDesk:
    paper.push({"kill_switch.yaml": ENGAGED})
    verdict = paper.cycle()
    assert verdict.permitted.mode is Mode.HALTED
    assert [stop.kind for stop in verdict.stops] == [StopClass.PERSON]
    paper.push({"kill_switch.yaml": ARMED})
    assert paper.cycle().permitted.mode is Mode.HALTED
    return paper


def release(desk: TrustDesk, sequence: int, *names: str, **changes: object) -> None:
    desk.approve(sequence, *names, **{"gate": "release", **inside(desk), **changes})


def inside(desk: TrustDesk) -> dict[str, Any]:
    assert desk.admission is not None
    assert desk.admission.approval is not None
    return {"expires": desk.admission.approval.until}


def test_a_release_by_name_lifts_the_stop_and_nothing_undoes_it(stopped: TrustDesk) -> None:
    (stop,) = stopped.memory.in_force
    release(stopped, 2, clears=(stop.id,))
    assert stopped.cycle().permitted.mode is Mode.PAPER
    assert stopped.memory.releases[stop.id].people == ("oscar", "rita")
    stopped.sign(2, "rita", decision=Decision.WITHDRAW)
    verdict = stopped.cycle()
    assert verdict.permitted.mode is Mode.HALTED  # the approval is gone
    assert verdict.stops == ()  # and the stop stays released
    stopped.approve(3, expires=stopped.now + 20 * DAY)
    assert stopped.cycle(8 * DAY).permitted.mode is Mode.PAPER
    assert set(stopped.memory.releases) == {stop.id}


def test_a_stop_stays_released_when_the_approval_that_cleared_it_ends(stopped: TrustDesk) -> None:
    (stop,) = stopped.memory.in_force
    release(stopped, 2, clears=(stop.id,))
    stopped.cycle()
    verdict = stopped.cycle(8 * DAY)
    assert verdict.stops == ()
    assert verdict.permitted.mode is Mode.HALTED


@pytest.mark.parametrize("names", [("oscar", "rita")])
def test_a_full_quorum_that_does_not_name_the_stop_leaves_it(
    stopped: TrustDesk, names: tuple[str, ...]
) -> None:
    (stop,) = stopped.memory.in_force
    stopped.approve(2, *names, expires=stopped.now + 20 * DAY)
    verdict = stopped.cycle()
    assert verdict.sequence == 2
    assert verdict.stops == (stop,)
    stopped.propose(3, clears=(stop.id,), expires=stopped.now + 20 * DAY)
    stopped.sign(3, "oscar")
    stopped.sign(3, "rita", clears=())
    verdict = stopped.cycle()
    assert {"SIGNOFF_CLEARS", "QUORUM_NOT_MET"} <= codes(verdict)
    assert verdict.stops == (stop,)
    assert stopped.memory.releases == {}


def test_a_release_waits_for_armed_at_the_head(paper: TrustDesk) -> None:
    paper.push({"kill_switch.yaml": ENGAGED})
    (stop,) = paper.cycle().stops
    release(paper, 2, clears=(stop.id,))
    assert paper.cycle().stops == (stop,)
    paper.push({"kill_switch.yaml": ARMED})
    assert paper.cycle().permitted.mode is Mode.PAPER


def test_a_second_stop_with_the_same_content_stays(stopped: TrustDesk) -> None:
    (first,) = stopped.memory.in_force
    release(stopped, 2, clears=(first.id,))
    stopped.cycle()
    stopped.push({"kill_switch.yaml": ENGAGED}, {"kill_switch.yaml": ARMED})
    verdict = stopped.cycle()
    assert len(verdict.stops) == 1
    assert verdict.stops[0].id != first.id
    assert verdict.permitted.mode is Mode.HALTED


def test_a_stop_set_back_to_armed_by_a_revert_stays(stopped: TrustDesk) -> None:
    for _ in range(3):
        stopped.push({"note": str(stopped.now).encode()})
        assert stopped.cycle(DAY).permitted.mode is Mode.HALTED
    stopped.restart()
    assert len(stopped.cycle().stops) == 1


def test_one_operator_releases_a_technical_stop_and_nothing_else(paper: TrustDesk) -> None:
    paper.push({"kill_switch.yaml": b"state: on\n"})
    (stop,) = paper.cycle().stops
    assert stop.kind is StopClass.TECHNICAL
    paper.push({"kill_switch.yaml": ARMED})
    paper.clean.add(stop.id)
    release(paper, 2, "oscar", gate="release_technical", clears=(stop.id,))
    verdict = paper.cycle()
    assert verdict.permitted.mode is Mode.PAPER
    assert verdict.sequence == 2
    assert paper.cycle(DAY).permitted.mode is Mode.PAPER


@pytest.mark.parametrize("gate", ["release_technical", "restore", "paper"])
def test_one_operator_releases_no_persons_stop(stopped: TrustDesk, gate: str) -> None:
    (stop,) = stopped.memory.in_force
    release(stopped, 2, "oscar", gate=gate, clears=(stop.id,))
    assert stopped.cycle().stops == (stop,)
    assert stopped.memory.releases == {}


def test_one_operators_technical_release_undoes_no_tightening(paper: TrustDesk) -> None:
    paper.edit("limits.yaml", '"50"', '"20"')
    paper.edit("limits.yaml", '"20"', '"50"')
    paper.push({"kill_switch.yaml": None})
    (stop,) = paper.cycle().stops
    paper.push({"kill_switch.yaml": ARMED})
    paper.clean.add(stop.id)
    release(paper, 2, "oscar", gate="release_technical", clears=(stop.id,))
    verdict = paper.cycle()
    assert verdict.stops == ()
    assert verdict.permitted.limits.max_order_notional == 20
    assert paper.memory.falls


def test_a_release_by_those_who_may_restore_undoes_what_its_base_knew(stopped: TrustDesk) -> None:
    stopped.edit("limits.yaml", '"50"', '"20"')
    stopped.edit("limits.yaml", '"20"', '"50"')
    (stop,) = stopped.cycle().stops
    release(stopped, 2, clears=(stop.id,))
    assert stopped.cycle().permitted.limits.max_order_notional == 50
