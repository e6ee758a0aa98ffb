"""Attacks on the kill switch: however the line is hidden, undone or delayed, it stops."""

import pytest

from tests.attacks.plain_desk import ARMED, DAY, ENGAGED, PlainDesk, codes, permitted


def stops(desk: PlainDesk) -> list[str]:
    """Ids in force, of which everybody who asks says that nothing is permitted."""
    found = []
    for _, told in (desk.verify(), desk.reconcile(), desk.verify()):
        assert permitted(told) == "halted"
        assert told["kill_switch"]["state"] != "armed"
        found.append([stop["id"] for stop in told["kill_switch"]["stops"]])
    assert found[0] == found[1] == found[2]
    assert found[0]
    return found[0]


def test_engaged_and_armed_again_within_one_push(desk: PlainDesk) -> None:
    desk.commit({"kill_switch.yaml": ENGAGED})
    desk.push({"kill_switch.yaml": ARMED})
    assert len(stops(desk)) == 1


def test_a_stop_on_a_rewritten_head(desk: PlainDesk) -> None:
    desk.git("checkout", "-q", "--orphan", "other")
    desk.push({"kill_switch.yaml": ENGAGED})
    assert stops(desk)
    assert "HEAD_REWRITE" in codes(desk.verify()[1])


def test_a_stop_beside_a_huge_blob(desk: PlainDesk) -> None:
    desk.push({"kill_switch.yaml": ENGAGED, "signoffs/0001/x.GO.yaml": "#" * 5_000_000})
    assert len(stops(desk)) == 1


def test_the_switch_becomes_a_symlink(desk: PlainDesk) -> None:
    (desk.clone / "kill_switch.yaml").unlink()
    (desk.clone / "kill_switch.yaml").symlink_to("/dev/null")
    desk.push()
    assert len(stops(desk)) == 1
    assert desk.verify()[1]["kill_switch"]["state"] == "unreadable"


@pytest.mark.parametrize("content", ["", "state: off\n", "state: ENGAGED\n", "\xff", "#" * 70_000])
def test_a_switch_that_does_not_read(desk: PlainDesk, content: str) -> None:
    desk.push({"kill_switch.yaml": content.encode("latin-1")})
    assert len(stops(desk)) == 1
    assert desk.verify()[1]["kill_switch"]["state"] == "unreadable"


def test_the_switch_is_deleted(desk: PlainDesk) -> None:
    desk.push({"kill_switch.yaml": None})
    assert stops(desk)


@pytest.mark.parametrize("branch", ["stop", "stop/rita"])
def test_a_stop_on_branch_stop_that_is_deleted_again(desk: PlainDesk, branch: str) -> None:
    desk.push({"kill_switch.yaml": ENGAGED}, to=branch)
    found = stops(desk)
    desk.git("push", "-q", "origin", f":refs/heads/{branch}")
    assert stops(desk) == found


def release(desk: PlainDesk, sequence: int, *clears: str, **changes: object) -> None:
    end = str(desk.first_proposal()["expires"])
    desk.propose(sequence, gate="release", clears=list(clears), expires=end, **changes)
    for person in ("oscar", "rita"):
        desk.sign(sequence, person, expires=end)


def test_a_full_quorum_that_does_not_name_the_stop(desk: PlainDesk) -> None:
    desk.push({"kill_switch.yaml": ENGAGED})
    found = stops(desk)
    desk.push({"kill_switch.yaml": ARMED})
    desk.propose(2, expires=desk.first_proposal()["expires"])
    for person in ("oscar", "rita"):
        desk.sign(2, person)
    assert stops(desk) == found


def test_signers_who_do_not_name_every_stop(desk: PlainDesk) -> None:
    desk.push({"kill_switch.yaml": ENGAGED})
    [first] = stops(desk)
    desk.push({"kill_switch.yaml": ARMED})
    end = desk.first_proposal()["expires"]
    desk.propose(2, gate="release", clears=[first], expires=end)
    desk.sign(2, "oscar", expires=end)
    desk.sign(2, "rita", clears=[], expires=end)
    assert stops(desk) == [first]
    assert "SIGNOFF_CLEARS" in codes(desk.verify()[1])


def test_a_stop_cleared_before_it_existed(desk: PlainDesk) -> None:
    release(desk, 2, "S-0123456789abcdef")
    assert "STOP_UNKNOWN" in codes(desk.reconcile()[1])
    desk.push({"kill_switch.yaml": ENGAGED})
    assert len(stops(desk)) == 1


def test_the_second_stop_with_the_same_content_as_a_released_one(desk: PlainDesk) -> None:
    desk.push({"kill_switch.yaml": ENGAGED})
    [first] = stops(desk)
    desk.push({"kill_switch.yaml": ARMED})
    release(desk, 2, first)
    assert permitted(desk.reconcile()[1]) == "paper"
    desk.push({"kill_switch.yaml": ENGAGED})
    [second] = stops(desk)
    assert second != first


def test_the_approval_that_cleared_a_stop_expires_or_is_withdrawn(desk: PlainDesk) -> None:
    desk.push({"kill_switch.yaml": ENGAGED})
    [first] = stops(desk)
    desk.push({"kill_switch.yaml": ARMED})
    release(desk, 2, first)
    assert permitted(desk.reconcile()[1]) == "paper"
    desk.sign(2, "rita", decision="WITHDRAW")
    told = desk.reconcile()[1]
    assert (permitted(told), told["kill_switch"]) == ("halted", {"state": "armed", "stops": []})
    later = desk.verify(desk.now + 20 * DAY)[1]
    assert later["kill_switch"]["stops"] == []


def test_a_release_while_the_switch_is_still_engaged(desk: PlainDesk) -> None:
    desk.push({"kill_switch.yaml": ENGAGED})
    [first] = stops(desk)
    release(desk, 2, first)
    assert stops(desk) == [first]
    desk.push({"kill_switch.yaml": ARMED})
    assert permitted(desk.reconcile()[1]) == "paper"


def test_a_stop_while_nothing_else_reads(desk: PlainDesk) -> None:
    desk.push({"mode.yaml": "\t:", "limits.yaml": "[", "kill_switch.yaml": ENGAGED})
    assert len(stops(desk)) == 1
