"""Narrowing on purpose takes one person; coming back takes the signatures of a restore."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.suspension import Suspension
from desired_state.values import Trading, parse_instant
from reconciler.suspending import read_mode, resumed, suspended
from tests.fakes.people_desk import Desk

LATER = "2090-01-01T00:00:00Z"
ALONE = ("--reason", "venue maintenance", "--as", "petra", "--until", LATER)
MODE = """\
# a comment that somebody wrote
mode: paper
trading: active             # and another
symbols:
  BTC/USDT: {venue: paper, access: trade}
layers: [L0, L5, L6]
budgets: {models_per_day: "50"}
"""


def trading(desk: Desk) -> str:
    return str(desk.verify()[1]["permitted"]["trading"])


def test_one_person_suspends_without_a_signature(paper_desk: Desk) -> None:
    code, out, err = paper_desk.run("suspend", *ALONE, "--push")
    assert code == 0, err
    assert "nothing resumes by itself" in out
    assert trading(paper_desk) == "reducing"
    assert "SUSPENDED" in paper_desk.codes()
    assert "inside the mode" in (paper_desk.state / "mode.yaml").read_text()


def test_the_end_of_a_suspension_tells_people_and_resumes_nothing(paper_desk: Desk) -> None:
    paper_desk.run("suspend", *ALONE[:-1], "2026-12-01T00:00:00Z", "--push")
    told = paper_desk.verify("--now", "2026-12-02T00:00:00Z")[1]
    assert told["permitted"]["trading"] == "reducing"
    assert "SUSPENSION_OVERDUE" in {f["code"] for f in told["findings"]}


def test_resuming_is_a_restore_that_people_sign(paper_desk: Desk) -> None:
    paper_desk.run("suspend", *ALONE, "--trading", "halted", "--push")
    assert trading(paper_desk) == "halted"
    code, out, err = paper_desk.run(
        "resume", "--reason", "it is over", "--as", "olivia", "--push", "--json"
    )
    assert code == 0, err
    assert json.loads(out)["gate"] == "restore"
    assert "suspension:" not in (paper_desk.state / "mode.yaml").read_text().replace("# susp", "")
    assert trading(paper_desk) == "halted"
    paper_desk.sign(2, "oscar")
    assert trading(paper_desk) == "halted"
    paper_desk.sign(2, "walter")
    assert (trading(paper_desk), paper_desk.mode()) == ("active", "paper")


def test_deleting_the_suspension_by_hand_resumes_nothing(paper_desk: Desk) -> None:
    paper_desk.run("suspend", *ALONE, "--push")
    paper_desk.git("revert", "--no-edit", "HEAD")
    paper_desk.push()
    assert trading(paper_desk) == "reducing"


def test_resuming_what_is_not_suspended_is_refused(paper_desk: Desk) -> None:
    before = paper_desk.git("status", "--porcelain")
    code, _, err = paper_desk.run("resume", "--reason", "r", "--as", "olivia")
    assert code == 2
    assert "expected a suspension" in err
    assert paper_desk.git("status", "--porcelain") == before


@pytest.mark.parametrize(
    "words", [("--until", "2020-01-01T00:00:00Z"), ("--until", LATER, "--trading", "active")]
)
def test_a_suspension_that_would_not_narrow_is_refused(
    paper_desk: Desk, words: tuple[str, ...]
) -> None:
    code, _, err = paper_desk.run("suspend", "--reason", "r", "--as", "petra", *words)
    assert code == 2
    assert "USAGE" in err
    assert paper_desk.git("status", "--porcelain") == ""


def test_without_push_the_commands_are_printed_and_nothing_leaves(paper_desk: Desk) -> None:
    code, _, err = paper_desk.run("suspend", *ALONE)
    assert code == 0
    assert "git add mode.yaml" in err
    assert trading(paper_desk) == "active"


def test_a_second_suspension_replaces_the_first_and_never_raises_trading() -> None:
    first = suspended(MODE.encode(), suspension("one"), Trading.HALTED)
    second = read_mode(suspended(first, suspension("two"), Trading.REDUCING))
    assert second.trading is Trading.HALTED
    assert second.suspension == suspension("two")


def test_a_file_in_another_form_is_written_whole() -> None:
    text = MODE.replace("trading: active", '"trading": "active"')
    found = read_mode(suspended(text.encode(), suspension("why"), Trading.REDUCING))
    assert (found.trading, found.suspension) == (Trading.REDUCING, suspension("why"))


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=60))
def test_whatever_the_reason_says_the_file_reads_back_and_comes_back(reason: str) -> None:
    before = read_mode(MODE.encode())
    narrowed = suspended(MODE.encode(), suspension(reason), Trading.REDUCING)
    assert read_mode(narrowed).suspension == suspension(reason)
    assert read_mode(resumed(narrowed, Trading.ACTIVE)) == before
    assert b"# a comment that somebody wrote" in narrowed


def suspension(reason: str) -> Suspension:
    return Suspension(reason=reason, by="petra", until=parse_instant(LATER))
