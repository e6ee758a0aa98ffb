"""A proposal under which L5 would refuse to buy is told before anybody signs it (F9)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from desired_state.document import load
from desired_state.proposals import Proposal
from desired_state.values import Access, Mode, Trading
from reconciler.proposal_checks import foreseen
from tests.fakes.pull_requests import PullRequests
from tests.fakes.rehearsal_desk import BINANCE, rehearsal_desk

WATCHED = BINANCE.format(kind="sandbox")
ASSUMED = WATCHED.replace("watched: USDC/USDT", "watched: assumed")
ABOUT = "proposals/0001.yaml: USDT at binance"
Asking = Callable[[str], PullRequests]


@pytest.fixture
def asking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Asking:
    """A desk that asks for testnet, with this row of the venue on main."""

    def made(row: str) -> PullRequests:
        desk = rehearsal_desk(tmp_path)
        venues = (desk.state / "venues.yaml").read_text()
        desk.push(venues__yaml=venues.rstrip() + row)
        desk.ask_for("testnet")
        return PullRequests(desk.folder, capsys)

    return made


def told_of(told: dict[str, list[dict[str, str]]]) -> list[tuple[str, str, str]]:
    found = [n for n in told["notices"] if "F9" in n["message"]]
    return [(n["code"], n["severity"], n["subject"]) for n in found]


def test_a_peg_that_nobody_watches_is_told_on_the_pull_request_and_to_who_signs(
    asking: Asking,
) -> None:
    requests = asking(ASSUMED)
    requests.branch()
    code, out, err = requests.run("propose", "--reason", "a reason", "--as", "olivia", "--json")
    assert code == 0
    assert f"! DATA_MISSING {ABOUT}" in err
    assert [found["subject"] for found in json.loads(out)["findings"]] == [ABOUT]
    _, _, err = requests.run("sign", "1", "--as", "rita", "--yes")
    assert f"! DATA_MISSING {ABOUT}" in err
    requests.commit()

    told = requests.check()

    assert told["exit"] == 0  # the reconciler would admit it
    assert told_of(told) == [("DATA_MISSING", "warning", ABOUT)]
    requests.git("push", "-q", "origin", "HEAD:main")
    requests.branch("later", "HEAD")
    requests.commit()
    assert told_of(requests.check(base="change")) == []  # it came with another change


def test_a_peg_that_is_watched_is_no_matter(asking: Asking) -> None:
    requests = asking(WATCHED)
    requests.branch()
    code, out, err = requests.run("propose", "--reason", "a reason", "--as", "olivia", "--json")
    assert (code, json.loads(out)["findings"]) == (0, [])
    assert "DATA_MISSING" not in err
    requests.commit()
    assert told_of(requests.check()) == []


def test_only_what_may_buy_with_it_above_paper_is_told(asking: Asking) -> None:
    requests = asking(ASSUMED)
    requests.branch()
    requests.propose_here()
    data = (requests.state / "proposals" / "0001.yaml").read_bytes()
    venues = (requests.state / "venues.yaml").read_bytes()
    asked = load(Proposal, data, "proposal")
    (symbol, entry) = next(iter(asked.authority.symbols.items()))
    reduced = {symbol: entry.model_copy(update={"access": Access.REDUCE})}
    in_usdt = asked.authority.limits.model_copy(update={"currency": "USDT"})
    live = {"mode": Mode.BOUNDED_LIVE}
    for changes, count in (
        ({}, 1),
        (live, 1),
        ({"mode": Mode.PAPER}, 0),
        ({"trading": Trading.REDUCING}, 0),
        ({"symbols": reduced}, 0),
        ({"limits": in_usdt}, 0),
    ):
        authority = asked.authority.model_copy(update=changes)
        other = asked.model_copy(update={"authority": authority})
        assert len(foreseen(other, venues)) == count, changes
    assert foreseen(asked, None) == ()
    (broken,) = foreseen(asked, b"venues: 1\n")
    assert broken.code == "STATE_SCHEMA"
