"""A next trust root that is signed as it must be, and what it changes in the cycle that sees it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from desired_state.canonical import digest_bytes
from desired_state.document import parse
from desired_state.values import Mode, Trading
from tests.fakes.trust_desk import DAY, PEOPLE, ROOT, START, Signer, TrustDesk, codes, root_with
from tests.fakes.trust_papers import (
    NEWCOMERS,
    NORA,
    OFFICERS,
    after,
    countersign,
    extended,
    people,
    publish,
)

Found = Callable[..., TrustDesk]


def version(desk: TrustDesk) -> int:
    assert desk.admission
    assert desk.admission.root
    return desk.admission.root.version


def test_a_root_collects_its_signatures_push_by_push_and_counts_with_the_last(
    paper: TrustDesk,
) -> None:
    before = paper.cycle().permitted
    data = after(ROOT)
    publish(paper, data)
    for number, who in enumerate(OFFICERS):
        verdict = paper.cycle()
        assert verdict.admitted  # it waits; nobody is held up by it
        assert {"ROOT_THRESHOLD_OLD", "ROOT_THRESHOLD_NEW"} <= codes(verdict)
        assert verdict.permitted == before
        assert paper.admission
        assert len(paper.admission.next_roots[0].signed_old) == number
        assert version(paper) == 1
        countersign(paper, who)
    verdict = paper.cycle()
    assert version(paper) == 2
    assert paper.memory.roots == {"1": digest_bytes(ROOT), "2": digest_bytes(data)}
    assert not codes(verdict) & {"ROOT_THRESHOLD_OLD", "ROOT_THRESHOLD_NEW"}
    assert verdict.permitted == before  # the same people, so what stood stands


def test_a_person_who_is_added_can_sign_from_then_on(paper: TrustDesk) -> None:
    paper.propose(2)
    paper.sign(2, "oscar")
    paper.sign(2, "nora", by=NORA, key=NORA.key.key_id, role="risk_officer")
    assert "SIGNOFF_KEY_UNKNOWN" in codes(paper.cycle())
    assert paper.cycle().sequence == 1
    publish(paper, after(ROOT, **people(ROOT, add=[NORA])), *OFFICERS)
    verdict = paper.cycle()
    assert verdict.sequence == 2
    assert verdict.people == ("nora", "oscar")


def test_a_person_who_is_dropped_takes_the_approval_along_and_nothing_older_returns(
    paper: TrustDesk,
) -> None:
    paper.approve(2, "oscar", "sam")
    assert paper.cycle().sequence == 2
    publish(paper, after(ROOT, **people(ROOT, drop=["sam"], add=NEWCOMERS)), *OFFICERS, *NEWCOMERS)
    verdict = paper.cycle()
    assert version(paper) == 2
    assert verdict.permitted.mode is Mode.HALTED
    assert verdict.sequence is None
    assert paper.memory.high
    assert paper.memory.high.sequence == 2  # proposal 1 is complete and does not come back
    paper.sign(2, "rita")
    assert paper.cycle().sequence == 2


def test_a_gate_or_ceiling_that_is_taken_away_takes_the_approval_along(paper: TrustDesk) -> None:
    gates = dict(parse(ROOT, "root").data["gates"])
    lower = {**gates["paper"], "ceilings": {"currency": "USD", "max_order_notional": "49"}}
    two = after(ROOT, gates={**gates, "paper": lower})
    publish(paper, two, *OFFICERS)
    verdict = paper.cycle()
    assert "PROPOSAL_CEILING" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    publish(paper, after(two, gates={k: g for k, g in gates.items() if k != "paper"}),
            *OFFICERS, number=3)  # fmt: skip
    verdict = paper.cycle()
    assert "PROPOSAL_GATE" in codes(verdict)
    assert (version(paper), verdict.permitted.mode) == (3, Mode.HALTED)
    assert paper.memory.high
    assert paper.memory.high.sequence == 1


def test_bounds_are_those_of_the_last_root(paper: TrustDesk) -> None:
    bounds = {**dict(parse(ROOT, "root").data["bounds"]), "end_of_approval_reducing": "5m"}
    publish(paper, after(ROOT, bounds=bounds), *OFFICERS)
    paper.cycle()
    assert paper.cycle(START + 8 * DAY - paper.now).permitted.mode is Mode.HALTED


def test_an_expired_root_signs_the_next_one(found: Found) -> None:
    root = root_with({"expires": "2026-11-25T10:00:00Z"})
    desk = found(root=root)
    desk.cycle()
    desk.approve(1, expires=START + 3 * DAY)
    desk.cycle()
    verdict = desk.cycle(120 * DAY)  # every key of root 1 is over as well
    assert "ROOT_EXPIRED" in codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
    publish(desk, after(root, **extended(root, 180)), *OFFICERS)
    assert "ROOT_EXPIRED" not in codes(desk.cycle())
    assert version(desk) == 2
    desk.approve(2)
    verdict = desk.cycle()
    assert (verdict.permitted.mode, verdict.permitted.trading) == (Mode.PAPER, Trading.ACTIVE)


def test_only_the_last_root_must_be_unexpired(paper: TrustDesk) -> None:
    two = after(ROOT, expires="2026-11-22T10:00:00Z")
    publish(paper, two, *OFFICERS)
    verdict = paper.cycle()
    assert "ROOT_EXPIRED" in codes(verdict)
    assert verdict.permitted.trading is not Trading.ACTIVE
    publish(paper, after(two, **extended(ROOT, 0)), *OFFICERS, number=3)
    assert "ROOT_EXPIRED" not in codes(paper.cycle())
    assert version(paper) == 3


def test_two_rotations_arrive_in_one_push_and_in_any_order(paper: TrustDesk) -> None:
    two = after(ROOT)
    three = after(two, **people(two, add=[NORA]))
    publish(paper, three, *OFFICERS, number=3)
    assert "ROOT_VERSION" in codes(paper.cycle())  # a number is skipped, for now
    assert version(paper) == 1
    publish(paper, two, *OFFICERS)
    assert "ROOT_VERSION" not in codes(paper.cycle())
    assert version(paper) == 3


def test_a_root_hands_over_to_wholly_other_people(paper: TrustDesk) -> None:
    two = after(ROOT, **people(ROOT, drop=["rita", "sam", "otto"], add=NEWCOMERS))
    publish(paper, two, *OFFICERS, *NEWCOMERS)
    paper.cycle()
    assert version(paper) == 2
    publish(paper, after(two, **people(two, drop=["nora"])), *OFFICERS, number=3)
    assert {"ROOT_THRESHOLD_OLD", "ROOT_THRESHOLD_NEW"} <= codes(paper.cycle())
    assert version(paper) == 2


def test_a_renewed_key_of_the_same_person_votes_on_what_stands(paper: TrustDesk) -> None:
    renewed = Signer("rita", "risk_officer", "root", seed="rita renewed")
    two = after(ROOT, **people(ROOT, drop=["rita"], add=[renewed]))
    publish(paper, two, *OFFICERS[1:], PEOPLE["sybil"], renewed)
    verdict = paper.cycle()
    assert version(paper) == 2
    assert verdict.permitted.mode is Mode.HALTED  # her old sign-off counts no more
    paper.sign(1, "rita", by=renewed, key=renewed.key.key_id)
    assert paper.cycle(timedelta(seconds=1)).sequence == 1


@pytest.mark.parametrize("word", ["a", "9f3c21"])
def test_rubbish_under_the_next_number_blocks_no_honest_rotation(
    paper: TrustDesk, word: str
) -> None:
    for number in range(20):
        paper.push({"trust/root/2.yaml": b"rubbish: %d\n" % number})
    verdict = paper.cycle()
    assert verdict.admitted
    assert "ROOT_SCHEMA" in codes(verdict)
    publish(paper, after(ROOT), *OFFICERS)  # under the flooded name it may not be looked at
    paper.cycle()
    assert version(paper) == 1
    publish(paper, after(ROOT), *OFFICERS, word=word)
    assert paper.cycle().admitted
    assert version(paper) == 2


def test_of_two_complete_roots_the_first_in_history_is_the_one(paper: TrustDesk) -> None:
    first, second = after(ROOT), after(ROOT, **people(ROOT, add=[NORA]))
    publish(paper, second, *OFFICERS, word="b")
    publish(paper, first, *OFFICERS)
    paper.cycle()
    assert paper.memory.roots["2"] == digest_bytes(second)
