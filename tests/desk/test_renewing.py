"""The next period of what stands, and the evidence that a proposal lists."""

import json
from datetime import datetime

import pytest
from freezegun import freeze_time

from reconciler.cli import main
from tests.fakes.people_desk import Desk

LATER = "2099-01-01T00:00:00Z"
PACK = "EV-20261101-SESSION-0123456789ab"
DIGEST = "0f" * 32


def renewal(desk: Desk) -> dict[str, object]:
    code, out, err = desk.run("approvals", "--json")
    assert code in {0, 1}, err
    return dict(json.loads(out)["proposals"][-1])


def test_a_renewal_asks_for_what_stands_from_its_end_on(paper_desk: Desk) -> None:
    standing = renewal(paper_desk)
    made = paper_desk.propose("--renew")
    asked = renewal(paper_desk)
    assert (made["sequence"], made["gate"]) == (2, "paper")
    assert [c["path"] for c in made["changes"] if c["path"] != "expires"] == []
    assert asked["not_before"] == standing["expires"]
    days = (_time(asked["expires"]) - _time(asked["not_before"])).days
    assert days == 30


def test_a_complete_renewal_takes_over_when_the_old_one_ends(paper_desk: Desk) -> None:
    end = _time(renewal(paper_desk)["expires"])
    paper_desk.propose("--renew")
    paper_desk.sign(2, "oscar")
    paper_desk.sign(2, "rita")
    assert paper_desk.verify()[1]["sequence"] == 1
    later = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    code, told = paper_desk.verify("--now", later)
    assert (code, told["sequence"], told["permitted"]["mode"]) == (0, 2, "paper")


def test_a_renewal_ignores_what_the_head_asks_for_beyond_it(paper_desk: Desk) -> None:
    paper_desk.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "5000"')
    made = paper_desk.propose("--renew")
    assert "limits.USD.max_order_notional" not in {c["path"] for c in made["changes"]}


def test_a_renewal_that_undoes_a_tightening_says_so(paper_desk: Desk) -> None:
    paper_desk.edit("limits.yaml", 'max_order_notional: "50"', 'max_order_notional: "20"')
    made = paper_desk.propose("--renew")
    [change] = [c for c in made["changes"] if c["path"].endswith("max_order_notional")]
    assert (change["now"], change["then"], change["looser"]) == ("20", "50", True)


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--mode", "shadow"), "USAGE"), (("--expires", "2026-01-01T00:00:00Z"), "PROPOSAL_CEILING")],
)
def test_a_renewal_of_something_else_is_refused(
    paper_desk: Desk, words: tuple[str, ...], code: str
) -> None:
    exit_code, _, err = paper_desk.run(
        "propose", "--renew", "--as", "olivia", "--reason", "r", *words
    )
    assert exit_code == 2
    assert code in err
    assert not (paper_desk.state / "proposals/0002.yaml").exists()


def test_nothing_that_stands_is_nothing_to_renew(desk: Desk) -> None:
    code, _, err = desk.run("propose", "--renew", "--as", "olivia", "--reason", "r")
    assert code == 2
    assert "NOT_APPROVED" in err


def test_another_configuration_at_the_head_is_not_renewed_unseen(paper_desk: Desk) -> None:
    text = (paper_desk.state / "schedule.yaml").read_text()
    paper_desk.push(schedule__yaml=text + "\nplanted: 1\n")
    code, _, err = paper_desk.run("propose", "--renew", "--as", "olivia", "--reason", "r")
    assert code == 2
    assert "PROPOSAL_CONFIGURATION" in err


def test_evidence_is_listed_with_its_digest_and_shown_before_signing(desk: Desk) -> None:
    desk.edit("mode.yaml", "mode: halted", "mode: paper")
    desk.propose("--evidence", f"{PACK}={DIGEST}:the drill passed")
    _, _, err = desk.run("sign", "1", "--as", "oscar", "--yes")
    assert f"evidence {PACK} sha256:{DIGEST}: the drill passed" in err
    assert "+ it may work in mode paper at most  [mode: - -> paper, looser]" in err


@pytest.mark.parametrize("text", [PACK, f"{PACK}=abc", f"={DIGEST}", f"{PACK}={DIGEST.upper()}"])
def test_evidence_without_a_digest_is_refused(desk: Desk, text: str) -> None:
    words = ("propose", "--as", "olivia", "--reason", "r", "--evidence", text)
    code, _, err = desk.run(*words)
    assert code == 2
    assert "ID=SHA256" in err


def test_approvals_tell_everything_that_ends_the_next_first(paper_desk: Desk) -> None:
    code, out, _ = paper_desk.run("approvals", "--json")
    told = json.loads(out)
    assert code == 0
    ends = told["expiries"]
    assert [e["at"] for e in ends] == sorted(e["at"] for e in ends)
    assert {e["kind"] for e in ends} == {"trust root", "key", "proposal"}
    assert ends[0]["kind"] == "proposal"
    assert not any(e["ended"] for e in ends)
    paper_desk.propose("--renew")
    paper_desk.sign(2, "oscar")
    told = json.loads(paper_desk.run("approvals", "--json")[1])
    assert "0002 by oscar" in {e["subject"] for e in told["expiries"]}
    assert "What ends when:" in paper_desk.run("approvals")[1]


def test_people_whose_keys_ended_can_complete_no_gate(paper_desk: Desk) -> None:
    with freeze_time(LATER):
        code, out, _ = paper_desk.run("approvals", "--json")
    told = json.loads(out)
    assert code == 0
    assert {gate["satisfiable"] for gate in told["gates"]} == {False}
    assert {e["ended"] for e in told["expiries"]} == {True}


def test_a_misspelt_code_gets_the_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "quorum_not_mat"]) == 2
    assert "did you mean QUORUM_NOT_MET" in capsys.readouterr().err


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
