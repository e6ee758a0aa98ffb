"""What ends a difference: people's word in the journal, then a signed release; never one alone."""

from datetime import timedelta
from typing import Any

import pytest

from desired_state.canonical import from_json
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from desired_state.values import Mode, StopClass
from reconciler.adapters.session_slot import SessionSlot
from reconciler.session_ending import Ending
from reconciler.session_request import Standing
from tests.fakes.governed_desk import GovernedDesk, wait_for
from tests.fakes.paper_desk import request
from tests.fakes.session_desk import FIRST, after, release, run

STRANGER = request("stranger").client_order_id
WHY = ("--reason", "my own test order")


def leaves(desk: GovernedDesk, kind: str) -> list[dict[str, Any]]:
    lines = sorted((desk.var / "journal").glob("*.jsonl"))
    found = (from_json(line) for path in lines for line in path.read_bytes().splitlines())
    return [leaf for leaf in found if leaf["kind"] == kind]


def standing(desk: GovernedDesk) -> dict[str, str]:
    (paper,) = desk.told("books", "show")["books"]
    found: dict[str, str] = paper["unexplained"]
    return found


@pytest.fixture
def met(desk: GovernedDesk) -> GovernedDesk:
    """A session met somebody else's order in our account, and stopped."""
    stranger = request("stranger", quantity="0.06")
    outcome = run(desk, after(5, lambda: desk.venue.submit(stranger)))
    assert outcome.record.ending is Ending.STOPPED
    assert {stop.kind for stop in desk.latch.in_force().values()} == {StopClass.INTEGRITY}
    assert STRANGER in standing(desk)
    return desk


def test_explained_and_released_by_signatures_the_session_trades_on(met: GovernedDesk) -> None:
    stops = set(met.latch.in_force())
    told = met.told("books", "explain", *standing(met), *WHY)
    assert (told["written"], told["counter"], told["shipped"]) == (True, "paper", True)
    assert set(told["stops"]) == stops
    assert standing(met) == {}
    written = leaves(met, "order_difference_explained")
    assert [leaf["seq"] for leaf in written] == told["leaves"]
    assert {leaf["body"]["why"] for leaf in written} == {WHY[1]}
    assert all(leaf["body"]["by"] for leaf in written)

    assert set(met.latch.in_force()) == stops  # BOOKS-1: it ended none of them
    with pytest.raises(Stalled) as refused:
        run(met)
    assert refused.value.code is Reason.NOT_APPROVED

    release(met, 2)
    second = run(met, end=FIRST + timedelta(days=4))
    assert (second.record.ending, second.agrees, second.stop) == (Ending.COMPLETED, True, None)
    assert second.record.orders
    assert met.told("audit")["ok"] is True


def test_released_without_an_explanation_the_next_session_stops_again(met: GovernedDesk) -> None:
    release(met, 2)
    again = run(met, end=FIRST + timedelta(days=4))
    assert (again.record.ending, again.record.bars) == (Ending.STOPPED, 0)
    (stop, *_) = met.latch.in_force().values()
    assert stop.kind is StopClass.INTEGRITY
    assert STRANGER in stop.reason
    assert met.verb("books", "explain", *standing(met), *WHY) == 0  # and now it can be


def test_a_strangers_execution_is_explained_once_and_for_all(desk: GovernedDesk) -> None:
    taker = request("stranger", price="20000", quantity="0.01")
    outcome = run(desk, after(5, lambda: desk.venue.submit(taker)))
    assert outcome.record.ending is Ending.STOPPED
    subjects = standing(desk)
    assert {"BTC total", "USDT total"} <= set(subjects)
    assert desk.verb("books", "explain", *subjects, *WHY) == 0
    release(desk, 2)
    second = run(desk, end=FIRST + timedelta(days=4))
    assert (second.record.ending, second.agrees) == (Ending.COMPLETED, True)


def test_the_running_reconciler_takes_the_word_and_nobody_else_does_while_a_session_runs(
    met: GovernedDesk,
) -> None:
    child = met.start("run")
    try:
        wait_for(lambda: SessionSlot(met.var).hosted)
        told = met.told("books", "explain", *standing(met), *WHY)
        assert told["written"] is True
        assert child.poll() is None
    finally:
        child.terminate()
        child.communicate(timeout=30)
    assert standing(met) == {}


# --- what is refused
def refused(desk: GovernedDesk, code: int, *words: str) -> None:
    """It says so, and writes nothing."""
    before = leaves(desk, "order_difference_explained") + leaves(desk, "order_venue_reset_accepted")
    stood = standing(desk)
    assert desk.verb("books", *words) == code
    after_ = leaves(desk, "order_difference_explained") + leaves(desk, "order_venue_reset_accepted")
    assert (before, stood) == (after_, standing(desk))


def test_without_a_stop_of_class_integrity_nothing_is_written(met: GovernedDesk) -> None:
    assert met.verb("halt", "--reason", "drill") == 0
    release(met, 2)
    assert met.verb("halt", "--reason", "another drill") == 0
    assert {stop.kind for stop in met.latch.in_force().values()} == {StopClass.PERSON}
    told = met.told("books", "explain", STRANGER, *WHY)
    assert (told["written"], told["refused"]) == (False, Reason.NOT_STOPPED)
    refused(met, 1, "explain", STRANGER, *WHY)
    refused(met, 1, "accept-reset", *WHY)


def test_what_does_not_stand_is_not_explained(
    met: GovernedDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(met, 2, "explain", "nobody", *WHY)
    refused(met, 2, "explain", STRANGER, "nobody", *WHY)  # all of them or none
    refused(met, 2, "explain", STRANGER, "--reason", " ")
    refused(met, 2, "explain", STRANGER, "--counter", "binance", *WHY)
    refused(met, 1, "accept-reset", *WHY)  # no wipe stands
    assert met.told("books", "accept-reset", *WHY)["refused"] == Reason.BOOKS_AGREE
    capsys.readouterr()
    assert (
        met.start("books", "explain", "nobody", *WHY)
        .communicate(timeout=30)[0]
        .startswith(f"✗ {Reason.USAGE} nobody: no such difference stands; expected of one counter ")
    )


def test_while_a_session_runs_its_books_are_its_own(met: GovernedDesk) -> None:
    with SessionSlot(met.var).taken(
        Standing(ticket="0123456789abcdef", mode=Mode.PAPER, symbol="BTC/USDT")
    ):
        refused(met, 2, "explain", STRANGER, *WHY)
        child = met.start("books", "explain", STRANGER, *WHY)
        said, _ = child.communicate(timeout=30)
    assert said.startswith(f"✗ {Reason.SESSION_RUNNING} ")


def test_show_tells_our_books_beside_the_last_comparison(met: GovernedDesk) -> None:
    said, _ = met.start("books", "show").communicate(timeout=30)
    lines = said.splitlines()
    assert lines[0].startswith("paper: our books as of leaf ")
    assert "Open orders (0)" in lines
    assert any(
        line.startswith(f"  ✗ {STRANGER}: expected absent, found BTC/USDT ") for line in lines
    )
    assert any(": DID NOT AGREE, " in line for line in lines)
    assert any(line.startswith("  Reconciliation, full: DOES NOT AGREE.") for line in lines)
    assert met.verb("books", "show") == 1
    (paper,) = met.told("books", "show")["books"]
    assert paper["compared"]["pack"].split("-")[2] == "RECONCILIATION"
    assert paper["agrees"] is False
