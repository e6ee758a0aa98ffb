"""Facts narrow, and nothing that is not known widens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.admission import Admission
from desired_state.authority import BOTTOM, at_most
from desired_state.errors import Severity, finding
from desired_state.memory import Stop
from desired_state.reasons import HALTED, Reason
from desired_state.values import Mode, StopClass, Switch, Trading
from reconciler.facts import Facts
from reconciler.gate import Verdict, judge
from tests.fakes.trust_desk import TrustDesk, codes

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustDesk]:
    made = TrustDesk(Path(tmp_path_factory.mktemp("gate")))
    made.cycle()
    made.approve(1)
    made.cycle()
    yield made
    made.close()


def admitted(desk: TrustDesk) -> Admission:
    assert desk.admission is not None
    return desk.admission


def judged(desk: TrustDesk, answered: timedelta | None, **facts: object) -> Verdict:
    at: datetime | None = None if answered is None else desk.now - answered
    return judge(admitted(desk), Facts(answered_at=at, **facts), desk.now)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "mode", "trading"),
    [
        (0, Mode.PAPER, Trading.ACTIVE),
        (59, Mode.PAPER, Trading.ACTIVE),
        (60, Mode.PAPER, Trading.REDUCING),
        (299, Mode.PAPER, Trading.REDUCING),
        (300, Mode.HALTED, Trading.HALTED),
        (86_400, Mode.HALTED, Trading.HALTED),
    ],
)
def test_a_frozen_remote_narrows_at_its_bounds(
    desk: TrustDesk, age: int, mode: Mode, trading: Trading
) -> None:
    verdict = judged(desk, age * SECOND)
    assert (verdict.permitted.mode, verdict.permitted.trading) == (mode, trading)
    assert ("SOURCE_STALE" in codes(verdict)) == (age >= 60)


def test_a_remote_that_never_answered_permits_nothing(desk: TrustDesk) -> None:
    assert judged(desk, None).permitted == BOTTOM


def test_suspending_only_narrows(desk: TrustDesk) -> None:
    verdict = judged(desk, SECOND, suspended=True)
    assert verdict.permitted.trading is Trading.REDUCING
    assert "SUSPENDED" in codes(verdict)


@given(st.integers(0, 400), st.integers(0, 400), st.booleans())
def test_older_news_never_permits_more(
    desk: TrustDesk,
    age: int,
    more: int,
    suspended: bool,  # noqa: FBT001
) -> None:
    fresh = judged(desk, age * SECOND, suspended=suspended)
    stale = judged(desk, (age + more) * SECOND, suspended=suspended)
    assert at_most(stale.permitted, fresh.permitted)
    assert at_most(fresh.permitted, judged(desk, timedelta()).permitted)


@given(st.integers(0, 400), st.integers(1, 400))
def test_until_its_end_time_alone_changes_nothing(desk: TrustDesk, age: int, later: int) -> None:
    verdict = judged(desk, age * SECOND)
    assert verdict.valid_until is None or verdict.valid_until > verdict.now
    then = desk.now + later * SECOND
    if verdict.valid_until is None or then < verdict.valid_until:
        again = judge(admitted(desk), Facts(answered_at=desk.now - age * SECOND), then)
        assert again.permitted == verdict.permitted


@pytest.mark.parametrize("code", [c for c in Reason if c.explanation.afterwards == HALTED])
def test_a_code_that_says_halted_afterwards_halts(desk: TrustDesk, code: Reason) -> None:
    before = admitted(desk)
    facts = Facts(answered_at=desk.now)
    worse = _with(before, findings=(*before.findings, finding(code, "x")))
    assert judge(worse, facts, desk.now).permitted == BOTTOM
    warned = finding(code, "x", severity=Severity.WARNING)
    warned_of = _with(before, findings=(*before.findings, warned))
    assert judge(warned_of, facts, desk.now).permitted.mode is Mode.PAPER


@pytest.mark.parametrize("switch", [Switch.ENGAGED, Switch.UNREADABLE])
@pytest.mark.parametrize("kind", list(StopClass))
def test_any_stop_in_force_permits_nothing_and_is_shown_as_what_it_is(
    desk: TrustDesk, kind: StopClass, switch: Switch
) -> None:
    name = "S-0123456789abcdef"
    stop = Stop(id=name, kind=kind, reason="", by="", commit=None, seen_at=desk.now, switch=switch)
    before = admitted(desk)
    memory = before.memory.model_copy(update={"stops": {name: stop}})
    verdict = judge(_with(before, memory=memory), Facts(answered_at=desk.now), desk.now)
    assert verdict.permitted == BOTTOM
    assert (verdict.switch, verdict.stops) == (switch, (stop,))
    code = "KILL_ENGAGED" if switch is Switch.ENGAGED else "KILL_UNREADABLE"
    assert code in codes(verdict)


@pytest.mark.parametrize("missing", ["root", "desired", "approval"])
def test_what_is_missing_counts_as_no(desk: TrustDesk, missing: str) -> None:
    verdict = judge(_with(admitted(desk), **{missing: None}), Facts(answered_at=desk.now), desk.now)
    assert verdict.permitted == BOTTOM
    assert not verdict.as_asked


def _with(admission: Admission, **changes: object) -> Admission:
    return replace(admission, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("behind", "mode"),
    [(None, Mode.PAPER), (0, Mode.PAPER), (59, Mode.PAPER), (60, Mode.HALTED), (600, Mode.HALTED)],
)
def test_evidence_that_cannot_be_pushed_ends_what_is_permitted_at_its_bound(
    desk: TrustDesk, behind: int | None, mode: Mode
) -> None:
    since = None if behind is None else desk.now - behind * SECOND
    verdict = judged(desk, timedelta(), evidence_behind_since=since)
    assert verdict.permitted.mode is mode
    assert ("EVIDENCE_UNWRITABLE" in codes(verdict)) == (mode is Mode.HALTED)
