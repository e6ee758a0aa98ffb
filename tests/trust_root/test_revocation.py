"""Keys that are taken away: at once, for ever, and by whom."""

from typing import Any

import pytest

from desired_state.proposals import Decision
from desired_state.revocations import all_revoked, revocation_path, revoked_key
from desired_state.root_chain import root_path
from desired_state.trust_root import Use
from desired_state.values import Mode
from tests.fakes.trust_desk import PEOPLE, ROOT, STRANGER, Signer, TrustDesk, codes
from tests.fakes.trust_papers import (
    NEWCOMERS,
    NORA,
    OFFICERS,
    after,
    countersign,
    people,
    publish,
    revocation,
    revoke,
)

RITA, SAM, OTTO, SYBIL, OSCAR, OLIVIA = (
    PEOPLE[name] for name in ("rita", "sam", "otto", "sybil", "oscar", "olivia")
)


def key_of(who: Signer) -> str:
    return who.key.key_id


def test_a_key_id_becomes_a_file_name_and_back() -> None:
    key = "SHA256:+/" + "aB3" * 13 + "aB"
    assert revocation_path(key) == "revocations/SHA256--_" + "aB3" * 13 + "aB.yaml"
    assert revoked_key(revocation_path(key)) == key
    assert revoked_key(revocation_path(key, "9f3")) == key
    assert revoked_key(revocation_path(key) + ".sig") is None
    assert revoked_key("revocations/SHA256-short.yaml") is None


@pytest.mark.parametrize("by", [RITA, SAM], ids=["by itself", "by somebody else"])
def test_a_revoked_sign_off_key_ends_the_approval_within_one_cycle(
    paper: TrustDesk, by: Signer
) -> None:
    assert paper.cycle().people == ("oscar", "rita")
    revoke(paper, RITA, by)
    verdict = paper.cycle()
    assert verdict.permitted.mode is Mode.HALTED  # no reducing: the key is not trusted at all
    assert verdict.sequence is None
    assert set(paper.memory.revoked) == {key_of(RITA)}
    paper.restart()
    assert paper.cycle().permitted.mode is Mode.HALTED
    paper.sign(1, "sam")  # another person of the same gate
    assert paper.cycle().people == ("oscar", "sam")


def test_what_an_older_approval_granted_does_not_return(paper: TrustDesk) -> None:
    paper.approve(2, "oscar", "sam")
    assert paper.cycle().sequence == 2
    revoke(paper, SAM, OTTO)
    verdict = paper.cycle()
    assert verdict.sequence is None
    assert verdict.permitted.mode is Mode.HALTED
    assert paper.memory.high
    assert paper.memory.high.sequence == 2


def test_a_vote_by_a_revoked_key_leaves_what_stands_as_it_is(paper: TrustDesk) -> None:
    revoke(paper, SAM, SAM)
    before = paper.cycle().permitted
    assert before.mode is Mode.PAPER
    paper.approve(2, "oscar", "sam")
    verdict = paper.cycle()
    assert {"SIGNOFF_KEY_REVOKED", "QUORUM_NOT_MET"} <= codes(verdict)
    assert verdict.permitted == before
    assert verdict.sequence == 1


def test_a_proposal_by_a_revoked_key_is_none_and_what_it_got_approved_ends(
    paper: TrustDesk,
) -> None:
    revoke(paper, OLIVIA, RITA)
    paper.approve(2)
    verdict = paper.cycle()
    assert "PROPOSAL_SIGNATURE" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    assert paper.memory.high
    assert paper.memory.high.sequence == 1


def test_a_veto_by_a_revoked_key_counts(paper: TrustDesk) -> None:
    revoke(paper, SAM, SAM)
    paper.propose(2)
    paper.sign(2, "sam", decision=Decision.NO_GO)
    paper.sign(2, "oscar", "rita")
    verdict = paper.cycle()
    assert "VETO" in codes(verdict)
    assert paper.memory.voided == (2,)
    assert verdict.sequence == 1


@pytest.mark.parametrize(
    ("change", "by", "use", "code"),
    [
        ({}, OSCAR, Use.SIGN_OFF, "REVOCATION_SIGNATURE"),
        ({}, STRANGER, Use.REVOCATION, "REVOCATION_SIGNATURE"),
        ({"person": "oscar"}, SAM, Use.REVOCATION, "REVOCATION_SIGNATURE"),
        ({"by_key": "SHA256:" + "A" * 43}, SAM, Use.REVOCATION, "REVOCATION_SIGNATURE"),
        ({"by_key": RITA.key.key_id, "person": "rita"}, SAM, Use.REVOCATION,
         "REVOCATION_SIGNATURE"),
        ({"repository": "peak/other"}, SAM, Use.REVOCATION, "REVOCATION_FOREIGN"),
        ({"environment": "production"}, SAM, Use.REVOCATION, "REVOCATION_FOREIGN"),
        ({"key": OSCAR.key.key_id}, SAM, Use.REVOCATION, "REVOCATION_SCHEMA"),
        ({"surprise": 1}, SAM, Use.REVOCATION, "REVOCATION_SCHEMA"),
    ],
)  # fmt: skip
def test_a_revocation_that_does_not_count_is_named_and_changes_nothing(
    paper: TrustDesk, change: dict[str, Any], by: Signer, use: Use, code: str
) -> None:
    before = paper.cycle().permitted
    revoke(paper, RITA, by, change, use=use)
    verdict = paper.cycle()
    assert code in codes(verdict)
    assert verdict.admitted
    assert verdict.permitted == before
    assert paper.memory.revoked == {}
    revoke(paper, RITA, SAM)  # over the same name
    assert key_of(RITA) in (paper.cycle(), paper.memory.revoked)[1]


def test_a_key_without_the_use_revokes_nothing_but_itself(paper: TrustDesk) -> None:
    nora = people(ROOT, add=[NORA], uses=["sign-off"])
    publish(paper, after(ROOT, **nora), *OFFICERS)
    revoke(paper, RITA, NORA)
    assert "REVOCATION_SIGNATURE" in codes(paper.cycle())
    revoke(paper, NORA, NORA)
    paper.cycle()
    assert set(paper.memory.revoked) == {key_of(NORA)}


def test_a_revocation_that_vanishes_or_is_overwritten_stays_and_is_said(paper: TrustDesk) -> None:
    path = revoke(paper, RITA, SAM)
    paper.cycle()
    for gone in (None, b"x: y\n"):
        paper.push({path: gone, path + ".sig": None})
        verdict = paper.cycle()
        assert "REVOCATION_ERASED" in codes(verdict)
        assert verdict.admitted
        assert verdict.permitted.mode is Mode.HALTED
        assert set(paper.memory.revoked) == {key_of(RITA)}


def test_a_revocation_that_was_erased_before_anybody_looked_counts(paper: TrustDesk) -> None:
    path = revoke(paper, RITA, SAM)
    paper.push({path: None, path + ".sig": None})
    assert paper.cycle().permitted.mode is Mode.HALTED
    assert set(paper.memory.revoked) == {key_of(RITA)}


def test_a_later_root_that_lists_the_key_again_does_not_revive_it(paper: TrustDesk) -> None:
    revoke(paper, RITA, SAM)
    dropped = after(ROOT, **people(ROOT, drop=["rita"], add=[NORA]))
    publish(paper, dropped, SAM, OTTO, SYBIL)
    publish(paper, after(dropped, **people(dropped, add=[RITA])), SAM, OTTO, SYBIL, number=3)
    verdict = paper.cycle()
    assert list(paper.memory.roots) == ["1", "2", "3"]
    assert verdict.sequence is None
    assert "QUORUM_NOT_MET" in codes(verdict)


def test_the_signers_own_later_loss_of_the_key_does_not_matter(paper: TrustDesk) -> None:
    revoke(paper, RITA, SAM)
    revoke(paper, SAM, OTTO)
    gone = after(ROOT, **people(ROOT, drop=["sam", "otto"], add=NEWCOMERS))
    publish(paper, gone, RITA, SAM, OTTO, *NEWCOMERS)
    paper.cycle()
    assert set(paper.memory.revoked) == {key_of(RITA), key_of(SAM)}


def test_a_key_of_an_older_root_may_still_revoke(paper: TrustDesk) -> None:
    gone = after(ROOT, **people(ROOT, drop=["sam"], add=NEWCOMERS))
    publish(paper, gone, *OFFICERS, *NEWCOMERS)
    revoke(paper, RITA, SAM)
    paper.cycle()
    assert set(paper.memory.revoked) == {key_of(RITA)}


def test_a_revoked_key_takes_no_other_along(paper: TrustDesk) -> None:
    revoke(paper, SAM, OTTO)
    revoke(paper, RITA, SAM)
    verdict = paper.cycle()
    assert "REVOCATION_SIGNATURE" in codes(verdict)
    assert set(paper.memory.revoked) == {key_of(SAM)}
    assert verdict.permitted.mode is Mode.PAPER


# --- revocation and rotation -------------------------------------------------------------------
def test_a_revoked_key_signs_no_root_that_is_complete_only_later(paper: TrustDesk) -> None:
    publish(paper, after(ROOT), RITA, SAM)
    revoke(paper, RITA, RITA)
    countersign(paper, OTTO)
    assert {"ROOT_THRESHOLD_OLD", "ROOT_THRESHOLD_NEW"} <= codes(paper.cycle())
    assert list(paper.memory.roots) == ["1"]
    countersign(paper, SYBIL)
    paper.cycle()
    assert list(paper.memory.roots) == ["1", "2"]


def test_a_rotation_that_was_accepted_before_stays(paper: TrustDesk) -> None:
    publish(paper, after(ROOT), *OFFICERS)
    for who in OFFICERS:
        revoke(paper, who, SYBIL)
    verdict = paper.cycle()
    assert list(paper.memory.roots) == ["1", "2"]
    assert len(paper.memory.revoked) == 3
    assert verdict.permitted.mode is Mode.HALTED


def test_a_revocation_by_a_key_that_only_the_next_root_lists_counts_with_that_root(
    paper: TrustDesk,
) -> None:
    revoke(paper, RITA, NORA)
    assert "REVOCATION_SIGNATURE" in codes(paper.cycle())
    assert paper.memory.revoked == {}
    publish(paper, after(ROOT, **people(ROOT, add=[NORA])), *OFFICERS)
    paper.cycle()
    assert set(paper.memory.revoked) == {key_of(RITA)}


def test_a_key_that_no_root_lists_yet_can_be_revoked(paper: TrustDesk) -> None:
    revoke(paper, NORA, SAM)
    publish(paper, after(ROOT, **people(ROOT, add=[NORA])), *OFFICERS)
    paper.approve(2, "oscar")
    paper.sign(2, "nora", by=NORA, key=key_of(NORA), role="risk_officer")
    assert "SIGNOFF_KEY_REVOKED" in codes(paper.cycle())
    assert list(paper.memory.roots) == ["1", "2"]


def test_a_flooded_name_keeps_no_key_alive(paper: TrustDesk) -> None:
    path = revocation_path(key_of(RITA))
    for number in range(17):
        paper.push({path: b"rubbish: %d\n" % number})
    assert paper.cycle().admitted
    revoke(paper, RITA, SAM, word="9f3c21")
    paper.push({path: None})
    assert paper.cycle().permitted.mode is Mode.HALTED
    assert set(paper.memory.revoked) == {key_of(RITA)}


def test_a_signature_that_comes_later_than_its_file_counts(paper: TrustDesk) -> None:
    data, path = revocation(paper, RITA, SAM), revocation_path(key_of(RITA))
    paper.push({path: data})
    assert "REVOCATION_SIGNATURE" in codes(paper.cycle())
    paper.push({path: b"overwritten: 1\n", path + ".sig": SAM.sign(data, Use.REVOCATION)})
    assert paper.cycle().permitted.mode is Mode.HALTED


def test_the_same_material_in_another_form_is_revoked_with_it(paper: TrustDesk) -> None:
    paper.cycle()
    assert paper.admission
    assert paper.admission.root
    root, other = paper.admission.root, "SHA256:" + "A" * 43
    twice = root.model_copy(update={"keys": {**root.keys, other: root.keys[key_of(RITA)]}})
    assert all_revoked([root, twice], {key_of(RITA): "sha256:" + "0" * 64}) == {
        key_of(RITA),
        other,
    }


def test_root_path_names_a_word() -> None:
    assert root_path(2, "ab") == "trust/root/2.ab.yaml"
