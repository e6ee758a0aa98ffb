"""A suspension narrows through ``trading`` alone; its end tells people and resumes nothing."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from desired_state.errors import Severity
from desired_state.values import Mode, Trading
from tests.fakes.trust_desk import DAY, MINUTE, MODE_TEXT, START, TrustDesk, codes

SUSPENDED = MODE_TEXT.replace(b"trading: active", b"trading: reducing") + (
    b'suspension: {reason: "venue maintenance", by: oscar, until: "2026-11-22T11:00:00Z"}\n'
)


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[TrustDesk]:
    desk = TrustDesk(tmp_path / "desk")
    desk.cycle()
    desk.approve(1)
    assert desk.cycle().permitted.trading is Trading.ACTIVE
    yield desk
    desk.close()


def test_a_suspension_narrows_by_the_trading_state_beside_it(paper: TrustDesk) -> None:
    paper.push({"mode.yaml": SUSPENDED})
    verdict = paper.cycle()
    assert verdict.admitted
    assert (verdict.permitted.mode, verdict.permitted.trading) == (Mode.PAPER, Trading.REDUCING)
    (told,) = [found for found in verdict.findings if found.code == "SUSPENDED"]
    assert told.severity is Severity.INFO
    assert "venue maintenance" in told.message
    assert paper.admission is not None
    assert START + 60 * MINUTE in paper.admission.changes


def test_past_its_end_people_are_told_and_nothing_resumes(paper: TrustDesk) -> None:
    paper.push({"mode.yaml": SUSPENDED})
    held = paper.cycle().permitted
    assert "SUSPENSION_OVERDUE" not in codes(
        paper.cycle(START + 60 * MINUTE - paper.now - timedelta(seconds=1))
    )
    verdict = paper.cycle()
    (told,) = [found for found in verdict.findings if found.code == "SUSPENSION_OVERDUE"]
    assert told.severity is Severity.WARNING
    assert "2026-11-22T11:00:00Z" in told.message
    assert "SUSPENDED" not in codes(verdict)
    assert verdict.permitted == held


def test_taking_the_suspension_out_again_resumes_nothing_without_a_restore(
    paper: TrustDesk,
) -> None:
    paper.push({"mode.yaml": SUSPENDED})
    held = paper.cycle().permitted
    paper.push({"mode.yaml": MODE_TEXT})
    verdict = paper.cycle()
    assert verdict.permitted == held
    assert {"FALLEN"} <= codes(verdict)
    assert not {"SUSPENDED", "SUSPENSION_OVERDUE"} & codes(verdict)
    paper.approve(2, gate="restore", expires=START + DAY)
    assert paper.cycle().permitted.trading is Trading.ACTIVE


@pytest.mark.parametrize(
    "line",
    [
        b'suspension: {reason: "", by: oscar}\n',
        b'suspension: {reason: "", by: oscar, until: "soon"}\n',
        b'suspension: {reason: "", by: oscar, until: "2026-11-22T11:00:00Z", resume: true}\n',
    ],
)
def test_a_suspension_that_does_not_read_is_refused_with_its_file(
    paper: TrustDesk, line: bytes
) -> None:
    paper.push({"mode.yaml": SUSPENDED.split(b"suspension")[0] + line})
    verdict = paper.cycle()
    assert "STATE_SCHEMA" in codes(verdict)
    assert not verdict.admitted
    assert verdict.permitted.trading is Trading.REDUCING


def test_a_suspension_beside_active_trading_says_what_is_not_so(paper: TrustDesk) -> None:
    paper.push({"mode.yaml": SUSPENDED.replace(b"trading: reducing", b"trading: active")})
    verdict = paper.cycle()
    assert "STATE_SCHEMA" in codes(verdict)
    assert verdict.permitted.trading is Trading.REDUCING


def test_beside_a_mode_file_that_no_longer_reads_its_last_words_stay(paper: TrustDesk) -> None:
    paper.push({"mode.yaml": SUSPENDED})
    paper.cycle()
    paper.push({"mode.yaml": b"mode: [\n"})
    verdict = paper.cycle()
    assert "INTERNAL" not in codes(verdict)
    assert (verdict.permitted.mode, verdict.permitted.trading) == (Mode.PAPER, Trading.REDUCING)
