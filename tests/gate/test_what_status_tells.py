"""Whatever narrows is named by ``governor status``, in words and in data (GATE-4)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.values import Environment, Mode, Trading
from reconciler.adapters.running_build import running_build
from reconciler.adapters.session_slot import SessionSlot
from reconciler.cli import main
from reconciler.cli.rendering import status_lines
from reconciler.conditions import Condition, Kind, Status
from reconciler.facts import Facts, Writer
from reconciler.gate import Verdict, judge
from reconciler.lifting import Fact, Held
from reconciler.plan import Actual, VenueView
from reconciler.ports import Report
from reconciler.reporting import report_data
from reconciler.summarize import summarize
from reconciler.wiring.desk import open_desk
from tests.fakes.rehearsal_desk import RehearsalDesk, rehearsal_desk, wire
from tests.fakes.trust_desk import LIMITS_TEXT, TrustDesk, production_root
from tests.gate.test_builds_and_accounts import BUILD, MODE_TEXT, OTHER, THE_FOUR

ELSEWHERE = {"binance": "87654321"}
ACCOUNT = {"binance": "12345678"}


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustDesk]:
    """Testnet stands approved, with its build and account."""
    desk = TrustDesk(tmp_path_factory.mktemp("status") / "desk", root=production_root())
    desk.build, desk.accounts = BUILD, ACCOUNT
    desk.push({"mode.yaml": MODE_TEXT, "limits.yaml": LIMITS_TEXT})
    desk.cycle()
    desk.approve(1, *THE_FOUR, environment=Environment.PRODUCTION, gate="testnet")
    assert desk.cycle().permitted.mode is Mode.TESTNET
    yield desk
    desk.close()


def conditions(verdict: Verdict) -> dict[Kind, Condition]:
    view = VenueView(venue="binance", open_orders=())
    actual = Actual(venues=(view,), token_age_ms=5, journal_head=1, seen_at=verdict.now)
    return {c.kind: c for c in summarize(verdict, actual, verdict.findings, {}, 2_000)}


def page(verdict: Verdict) -> Report:
    found = tuple(conditions(verdict).values())
    return Report(verdict, found, (), verdict.findings, None, 0, verdict)


AGO = st.sampled_from([0, 30, 70, 400]).map(lambda seconds: timedelta(seconds=seconds))
HELD = Held(fact=Fact.EVIDENCE, trading=Trading.REDUCING, good=1)


@given(
    answered=AGO,
    behind=st.none() | AGO,
    beat=st.none() | AGO,
    elsewhere=st.none() | AGO,
    told=st.fixed_dictionaries(
        {},
        optional={
            "writer": st.sampled_from(Writer),
            "clock_unsure": st.just("it jumped"),
            "build": st.sampled_from([OTHER, None]),
            "accounts": st.sampled_from([{}, ELSEWHERE]),
            "rehearsed": st.just(("binance",)),
            "held": st.just((HELD,)),
            "suspended": st.just(value=True),
        },
    ),
)
def test_whatever_fact_narrows_status_names_it_and_nothing_is_ready(
    approved: TrustDesk,
    answered: timedelta,
    behind: timedelta | None,
    beat: timedelta | None,
    elsewhere: timedelta | None,
    told: dict[str, Any],
) -> None:
    assert approved.admission is not None
    now = approved.now
    good: dict[str, Any] = {"build": BUILD, "accounts": ACCOUNT}
    whole = judge(approved.admission, Facts(answered_at=now, **good), now)
    facts = Facts(
        answered_at=now - answered,
        evidence_behind_since=None if behind is None else now - behind,
        watched_since=None if beat is None else now - beat,
        elsewhere_since=None if elsewhere is None else now - elsewhere,
        **{**good, **told},
    )
    verdict = judge(approved.admission, facts, now)
    ready = conditions(verdict)[Kind.READY]
    shown = "\n".join(status_lines(page(verdict), {}))
    data = {found["code"] for found in report_data(page(verdict), {})["findings"]}
    if verdict.permitted != whole.permitted:
        causes = {f.code.value for f in verdict.findings} - {f.code.value for f in whole.findings}
        assert causes
        assert ready.status is Status.FALSE
        assert ready.reason in causes
        assert all(f" {cause} " in shown for cause in causes)
        assert causes <= data
    else:
        assert ready.status is Status.TRUE


@pytest.fixture
def rehearsal(tmp_path: Path) -> RehearsalDesk:
    desk = rehearsal_desk(tmp_path)
    desk.url = "http://127.0.0.1:1"  # nobody is there, and nobody is asked
    wire(desk)
    return desk


def test_status_says_that_another_build_runs_than_the_approved_one(
    rehearsal: RehearsalDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    rehearsal.ask_for("testnet")
    running = str(running_build())
    rehearsal.edit("mode.yaml", running, OTHER)
    rehearsal.grant()
    capsys.readouterr()
    assert main(["status", "--config", str(rehearsal.folder / "governor.yaml")]) == 1
    shown = capsys.readouterr().out
    assert "permitted: mode halted" in shown
    assert f"✗ BUILD_UNAPPROVED build: expected {OTHER} as approved, found {running}" in shown
    assert "Install the approved build" in shown
    told = rehearsal.told("status")
    assert "BUILD_UNAPPROVED" in {found["code"] for found in told["findings"]}
    reasons = {c["kind"]: (c["status"], c["reason"]) for c in told["conditions"]}
    assert reasons["Approved"] == ("false", "BUILD_UNAPPROVED")
    assert reasons["Ready"][0] == "false"


def test_status_knows_what_the_reconciler_that_runs_here_was_told(
    rehearsal: RehearsalDesk,
) -> None:
    rehearsal.ask_for("testnet")
    rehearsal.grant()
    slot = SessionSlot(rehearsal.var)
    with open_desk(rehearsal.host) as desk:
        with slot.hosting():
            desk.reconcile()
            assert rehearsal.told("status")["permitted"]["mode"] == "testnet"
            desk.running.accounts["binance"] = ELSEWHERE["binance"]
            desk.reconcile()
            told = rehearsal.told("status")
            assert told["permitted"]["mode"] == "halted"
            assert "ACCOUNT_UNAPPROVED" in {found["code"] for found in told["findings"]}
            assert rehearsal.told("diff")["permitted"] == told["permitted"]
        assert rehearsal.told("status")["permitted"]["mode"] == "testnet"  # nothing runs here now
