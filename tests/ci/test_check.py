"""``governor-ci check``: what merging a branch would do, over real git and real signatures."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.pull_requests import ENGAGED, PullRequests


def test_an_unapproved_loosening_is_refused_and_permits_nothing_more(
    requests: PullRequests,
) -> None:
    requests.branch()
    requests.raise_limit()
    requests.commit()

    told = requests.check()

    assert (told["exit"], told["result"]) == (1, "no")
    assert [f["code"] for f in told["refusals"]] == ["NOT_APPROVED"]
    assert told["changes"]["desired"] == [
        {"path": "limits.USD.max_order_notional", "now": "50", "then": "60", "looser": True}
    ]
    assert told["changes"]["permitted"] == []
    assert told["permitted"]["after"]["limits"]["max_order_notional"] == "50"


def test_a_proposal_that_nobody_has_signed_yet_waits_and_is_no_reason_to_refuse(
    unasked: PullRequests,
) -> None:
    unasked.branch()
    unasked.propose_here("--mode", "paper")
    unasked.commit()

    told = unasked.check()

    assert told["exit"] == 0
    (proposal,) = told["proposals"]
    assert (proposal["signed"], len(proposal["missing"])) == ([], 2)
    assert "QUORUM_NOT_MET" in {f["code"] for f in told["notices"]}
    assert told["permitted"]["after"]["mode"] == "halted"


def test_what_is_asked_is_refused_until_the_last_signature_is_there(unasked: PullRequests) -> None:
    unasked.branch()
    unasked.replace("mode.yaml", "mode: halted", "mode: paper")
    unasked.propose_here("--mode", "paper")
    unasked.sign_here(1, "oscar")
    unasked.commit()
    assert unasked.against() == (1, {"NOT_APPROVED"})

    unasked.sign_here(1, "rita")
    unasked.commit()
    told = unasked.check()

    assert told["exit"] == 0
    assert (told["permitted"]["before"]["mode"], told["permitted"]["after"]["mode"]) == (
        "halted",
        "paper",
    )
    assert [s["person"] for s in told["proposals"][0]["signed"]] == ["oscar", "rita"]


def test_a_complete_approval_that_starts_later_covers_what_is_asked(unasked: PullRequests) -> None:
    unasked.branch()
    unasked.replace("mode.yaml", "mode: halted", "mode: paper")
    start = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")  # noqa: TID251
    unasked.propose_here("--mode", "paper", "--not-before", start)
    unasked.sign_here(1, "oscar", "rita")
    unasked.commit()

    told = unasked.check()

    assert told["exit"] == 0
    assert "PROPOSAL_NOT_YET" in {f["code"] for f in told["notices"]}
    assert told["permitted"]["after"]["mode"] == "halted"


def test_a_tightening_passes_and_its_revert_does_not(requests: PullRequests) -> None:
    requests.branch()
    requests.replace("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "40"')
    requests.commit()
    told = requests.check()
    assert told["exit"] == 0
    assert [c["looser"] for c in told["changes"]["permitted"]] == [False]
    requests.git("push", "-q", "origin", "HEAD:main")

    requests.branch("revert", "change")
    requests.git("revert", "--no-edit", "HEAD")

    assert requests.against(base="change") == (1, {"FALLEN"})


@pytest.mark.parametrize(
    "path",
    ["signoffs/0001/oscar.GO.yaml", "proposals/0001.yaml", "trust/root/1.yaml"],
)
def test_a_paper_that_is_erased_is_refused_by_name(requests: PullRequests, path: str) -> None:
    requests.branch()
    requests.git("rm", "-q", path)
    requests.commit()

    code, codes = requests.against()

    assert code == 1
    assert codes & {"VOTE_ERASED", "PROPOSAL_CHANGED", "ROOT_ERASED"}


def test_a_vote_that_comes_and_goes_within_a_branch_is_seen(requests: PullRequests) -> None:
    requests.branch()
    requests.write("signoffs/0001/sam.NO_GO.yaml", "decision: NO_GO\n")
    requests.commit()
    requests.git("rm", "-q", "signoffs/0001/sam.NO_GO.yaml")
    requests.commit()

    code, codes = requests.against()

    assert (code, codes) == (1, {"VOTE_ERASED"})


def test_a_sign_off_that_cannot_count_is_refused(unasked: PullRequests) -> None:
    unasked.branch()
    unasked.propose_here("--mode", "paper")
    unasked.sign_here(1, "oscar")
    unasked.replace("signoffs/0001/oscar.GO.yaml", "decision: GO", "decision:  GO")
    unasked.commit()
    assert unasked.against() == (1, {"SIGNOFF_SIGNATURE"})


def test_a_sign_off_without_a_proposal_is_refused(requests: PullRequests) -> None:
    requests.branch()
    requests.write("signoffs/0007/oscar.GO.yaml", "anything: at all\n")
    requests.commit()
    assert requests.against() == (1, {"PROPOSAL_SEQUENCE"})


def test_a_no_go_passes_though_it_takes_the_authority_away(requests: PullRequests) -> None:
    requests.branch()
    requests.sign_here(1, "rita", decision="NO_GO")
    requests.commit()

    told = requests.check()

    assert told["exit"] == 0
    assert told["permitted"]["after"]["mode"] == "halted"


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        ("mode.yaml", "mode: off\n", "STATE_YAML"),
        ("limits.yaml", "currency: USD\ncurrency: EUR\n", "STATE_YAML"),
        ("layers.yaml", "a: &x 1\n", "STATE_YAML"),
    ],
)
def test_a_file_that_does_not_read_is_refused(
    requests: PullRequests, path: str, text: str, code: str
) -> None:
    requests.branch()
    requests.write(path, text)
    requests.commit()
    assert requests.against() == (1, {code})


def test_mending_what_does_not_read_passes(requests: PullRequests) -> None:
    requests.branch("broken")
    before = (requests.state / "mode.yaml").read_text()
    requests.write("mode.yaml", "mode: off\n")
    requests.commit()
    requests.branch("mended", "broken")
    requests.write("mode.yaml", before.replace("trading: active", "trading: reducing"))
    requests.commit()

    told = requests.check(base="broken")

    assert told["exit"] == 0
    assert told["admitted"] == {"before": False, "after": True}


@pytest.mark.parametrize(
    "switch", [ENGAGED, "state: off\n", ""], ids=["engaged", "unreadable", "empty"]
)
def test_a_stop_passes_whatever_else_is_in_the_change(requests: PullRequests, switch: str) -> None:
    requests.branch()
    requests.write("kill_switch.yaml", switch)
    requests.raise_limit()
    requests.write("mode.yaml", "mode: off\n")
    requests.git("rm", "-q", "trust/root/1.yaml")
    requests.commit()

    told = requests.check()

    assert (told["exit"], told["adds_stop"]) == (0, True)
    assert told["refusals"]  # they are told all the same


def test_a_stop_that_is_taken_back_in_the_same_branch_is_a_stop(requests: PullRequests) -> None:
    requests.branch()
    requests.write("kill_switch.yaml", ENGAGED)
    requests.commit()
    requests.git("revert", "--no-edit", "HEAD")
    requests.raise_limit()
    requests.commit()
    told = requests.check()
    assert (told["exit"], told["adds_stop"]) == (0, True)


def test_what_is_released_nowhere_but_on_a_host_does_not_hide_what_is_asked(
    requests: PullRequests,
) -> None:
    requests.push(kill_switch__yaml=ENGAGED)
    requests.push(kill_switch__yaml='state: armed\nreason: ""\nby: ""\n')
    requests.branch()
    requests.raise_limit()
    requests.commit()
    told = requests.check()
    assert (told["exit"], told["adds_stop"]) == (1, False)
    assert told["permitted"]["before"]["mode"] == "paper"


def test_a_branch_that_is_behind_is_judged_as_it_would_be_merged(requests: PullRequests) -> None:
    requests.branch()
    requests.write("notes.md", "nothing governed\n")
    requests.commit()
    requests.git("checkout", "-q", "main")
    requests.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "40"')

    told = requests.check(head="change")

    assert told["exit"] == 0
    assert told["changes"] == {"desired": [], "permitted": []}


def test_a_change_that_does_not_merge_cannot_be_judged_unless_it_stops(
    requests: PullRequests,
) -> None:
    requests.branch()
    requests.raise_limit()
    requests.commit()
    requests.git("checkout", "-q", "main")
    requests.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "40"')
    told = requests.check(head="change")
    assert (told["exit"], told["result"]) == (2, "cannot_judge")
    assert "limits.yaml" in told["notices"][0]["message"]

    requests.git("checkout", "-q", "change")
    requests.write("kill_switch.yaml", ENGAGED)
    requests.commit()
    assert requests.check(head="change")["exit"] == 0


def test_a_proposal_from_a_commit_that_a_squash_would_drop_is_refused(
    unasked: PullRequests,
) -> None:
    unasked.branch()
    unasked.write("notes.md", "nothing governed\n")
    unasked.commit("a base of its own")
    unasked.git("push", "-q", "origin", "HEAD:main")
    unasked.propose_here("--mode", "paper")
    unasked.commit()

    told = unasked.check(base="main")  # the clone's own main has not moved

    assert told["exit"] == 1
    (refusal,) = told["refusals"]
    assert refusal["code"] == "PROPOSAL_BASE"
    assert "if by squash or rebase" in refusal["message"]
    assert unasked.check(base="origin/main")["exit"] == 0


def test_a_new_configuration_passes_as_drift_for_it_must_land_before_it_is_proposed(
    requests: PullRequests,
) -> None:
    requests.branch()
    requests.write("scopes/new.yaml", "note: another scope\n")
    requests.commit()

    told = requests.check()

    assert told["exit"] == 0
    assert "CONFIGURATION_UNAPPROVED" in {f["code"] for f in told["notices"]}


def test_the_check_leaves_nothing_behind_in_the_repository(requests: PullRequests) -> None:
    requests.branch()
    requests.raise_limit()
    requests.commit()
    before = requests.git("count-objects", "-v"), requests.git("for-each-ref")
    requests.check()
    assert (requests.git("count-objects", "-v"), requests.git("for-each-ref")) == before


def test_what_cannot_be_judged_ends_with_two(requests: PullRequests) -> None:
    place, pin = ("--repository", str(requests.state)), ("--pin", requests.pin)
    assert requests.ci("check", "main", "0" * 40, *place, *pin)[0] == 2
    assert requests.ci("check", "main", "HEAD", *place)[0] == 2
    assert requests.ci("check", "main", "HEAD", *place, *pin, "--root-of", "main")[0] == 2
    assert requests.ci("check", "main", "HEAD", *place, *pin, "--json", "--markdown")[0] == 2
    assert requests.ci("check", "main", *place, *pin)[0] == 2


def test_a_shallow_clone_cannot_judge(requests: PullRequests) -> None:
    shallow = requests.folder / "shallow"
    source = f"file://{requests.folder / 'state.git'}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", source, str(shallow)], check=True)
    code, _, err = requests.ci(
        *("check", "HEAD", "HEAD", "--repository", str(shallow), "--pin", requests.pin)
    )
    assert code == 2
    assert "SHALLOW" in err


def test_another_pin_admits_nothing_and_a_root_of_the_base_is_as_good_as_a_pin(
    requests: PullRequests,
) -> None:
    requests.branch()
    requests.raise_limit()
    requests.commit()
    place = ("--repository", str(requests.state), "--json")
    code, out, _ = requests.ci("check", "main", "HEAD", "--root-of", "main", *place)
    assert (code, json.loads(out)["admitted"]["after"]) == (1, True)
    other = requests.check("--pin", "sha256:" + "0" * 64)
    assert other["admitted"] == {"before": False, "after": False}
    assert other["permitted"]["after"]["mode"] == "halted"
