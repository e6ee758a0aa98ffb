"""The one line that stops, as anyone pushes it, and the release that names it."""

import pytest

from tests.fakes.governed_desk import GovernedDesk
from tests.fakes.people_desk import Desk

ENGAGED = 'state: engaged\nreason: "drill"\nby: anyone\n'
ARMED = 'state: armed\nreason: ""\nby: ""\n'


def stopped(desk: Desk) -> str:
    """The id of the one stop in force, after which nothing is permitted."""
    code, told = desk.verify()
    assert code == 1
    assert told["permitted"]["mode"] == "halted"
    [stop] = told["kill_switch"]["stops"]
    return str(stop["id"])


def test_an_engaged_switch_stops(paper_desk: Desk) -> None:
    commit = paper_desk.push(kill_switch__yaml=ENGAGED)
    told = paper_desk.verify()[1]["kill_switch"]
    assert told["state"] == "engaged"
    [stop] = told["stops"]
    assert (stop["commit"], stop["reason"], stop["kind"]) == (commit, "drill", "person")
    assert stopped(paper_desk).startswith("S-")


def test_engaged_and_armed_again_within_one_push_is_a_stop(paper_desk: Desk) -> None:
    (paper_desk.state / "kill_switch.yaml").write_text(ENGAGED)
    paper_desk.git("commit", "-qam", "stop")
    paper_desk.push(kill_switch__yaml=ARMED)
    assert stopped(paper_desk).startswith("S-")


def test_a_revert_does_not_lift_a_stop(paper_desk: Desk) -> None:
    paper_desk.push(kill_switch__yaml=ENGAGED)
    stop = stopped(paper_desk)
    paper_desk.git("revert", "--no-edit", "HEAD")
    paper_desk.push()
    assert stopped(paper_desk) == stop


def test_a_malformed_file_beside_it_does_not_delay_the_stop(paper_desk: Desk) -> None:
    paper_desk.push(kill_switch__yaml=ENGAGED, limits__yaml="currency: [\n  &x {")
    assert stopped(paper_desk).startswith("S-")
    assert {"STATE_YAML", "KILL_ENGAGED"} <= paper_desk.codes()


def test_a_stop_on_branch_stop_works_and_main_stays(paper_desk: Desk) -> None:
    head = paper_desk.git("rev-parse", "HEAD")
    paper_desk.push("stop", kill_switch__yaml=ENGAGED)
    code, told = paper_desk.verify()
    assert (code, told["revision"]) == (1, f"main@sha1:{head}")
    assert stopped(paper_desk).startswith("S-")


@pytest.mark.parametrize("text", ["state: [", "state: off\n", 'state: "Armed"\n', ""])
def test_an_unreadable_switch_is_a_stop_of_its_own_kind(paper_desk: Desk, text: str) -> None:
    paper_desk.push(kill_switch__yaml=text)
    told = paper_desk.verify()[1]["kill_switch"]
    assert told["state"] == "unreadable"
    assert told["stops"][0]["kind"] == "technical"
    stopped(paper_desk)


def test_a_deleted_switch_is_a_stop(paper_desk: Desk) -> None:
    paper_desk.git("rm", "-q", "kill_switch.yaml")
    paper_desk.push()
    stopped(paper_desk)


@pytest.mark.parametrize("remembered", [True, False])
def test_a_release_that_names_the_stop_lifts_it(paper_desk: Desk, *, remembered: bool) -> None:
    paper_desk.push(kill_switch__yaml=ENGAGED)
    paper_desk.push(kill_switch__yaml=ARMED)
    stop = stopped(paper_desk)
    if remembered:
        remember(paper_desk)
    made = paper_desk.propose("--clears", stop)
    assert made["gate"] == "release"
    paper_desk.sign(2, "oscar")
    assert stopped(paper_desk) == stop
    paper_desk.sign(2, "walter")
    code, told = paper_desk.verify()
    assert code == 0
    assert (told["permitted"]["mode"], told["kill_switch"]["stops"]) == ("paper", [])


def test_a_complete_release_waits_for_an_armed_switch(paper_desk: Desk) -> None:
    paper_desk.push(kill_switch__yaml=ENGAGED)
    stop = stopped(paper_desk)
    paper_desk.propose("--clears", stop)
    paper_desk.sign(2, "oscar")
    paper_desk.sign(2, "walter")
    assert stopped(paper_desk) == stop
    paper_desk.push(kill_switch__yaml=ARMED)
    assert paper_desk.mode() == "paper"


def test_a_second_stop_is_not_lifted_by_the_release_of_the_first(paper_desk: Desk) -> None:
    paper_desk.push(kill_switch__yaml=ENGAGED)
    first = stopped(paper_desk)
    paper_desk.push(kill_switch__yaml=ARMED)
    paper_desk.propose("--clears", first)
    paper_desk.sign(2, "oscar")
    paper_desk.sign(2, "walter")
    remember(paper_desk)
    paper_desk.push(kill_switch__yaml=ENGAGED)
    paper_desk.push(kill_switch__yaml=ARMED)
    assert stopped(paper_desk) != first


def test_a_stop_that_is_not_known_cannot_be_cleared(paper_desk: Desk) -> None:
    code, _, err = paper_desk.run(
        *("propose", "--reason", "r", "--as", "olivia", "--clears", "S-0123456789abcdef")
    )
    assert code == 2
    assert "STOP_UNKNOWN" in err


def remember(desk: Desk) -> None:
    """One cycle of the reconciler."""
    GovernedDesk(desk.folder).verb("reconcile")
