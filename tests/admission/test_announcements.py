"""Ends are announced 30, 14, 7 and 1 days before, by name, and the verdict says when next."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from desired_state.errors import Finding, Severity
from desired_state.values import Mode, Trading
from reconciler.gate import Verdict
from tests.fakes.trust_desk import DAY, PEOPLE, START, TrustDesk, codes, root_data, root_with

Found = Callable[..., TrustDesk]
SECOND = timedelta(seconds=1)


def soon(verdict: Verdict, subject: str) -> Finding | None:
    found = [f for f in verdict.findings if (f.code, f.subject) == ("EXPIRES_SOON", subject)]
    assert len(found) <= 1
    return found[0] if found else None


def at(desk: TrustDesk, when: datetime) -> Verdict:
    return desk.cycle(when - desk.now)


@pytest.mark.parametrize(
    ("days", "severity"),
    [(30, Severity.INFO), (14, Severity.INFO), (7, Severity.WARNING), (1, Severity.WARNING)],
)
def test_the_root_is_announced_from_that_day_on(
    desk: TrustDesk, days: int, severity: Severity
) -> None:
    desk.cycle()
    assert desk.admission is not None
    assert desk.admission.root is not None
    end = desk.admission.root.expires
    before = soon(at(desk, end - days * DAY - SECOND), "trust root")
    assert desk.admission.changes[0] <= end - days * DAY
    assert end - days * DAY in desk.admission.changes
    said = soon(at(desk, end - days * DAY), "trust root")
    assert said is not None
    assert said != before
    assert said.severity is severity
    assert f"in {days} day" in said.message
    assert "2027-02-20T10:00:00Z" in said.message
    assert soon(at(desk, desk.now + SECOND), "trust root") == said  # no countdown


def test_each_key_is_announced_by_person(found: Found) -> None:
    keys = dict(root_data()["keys"])
    rita = PEOPLE["rita"].key.key_id
    keys[rita] = {**keys[rita], "valid_until": "2026-12-10T10:00:00Z"}
    desk = found(root=root_with({"keys": keys}))
    desk.cycle()
    verdict = at(desk, START + 17 * DAY)
    said = soon(verdict, "key of rita")
    assert said is not None
    assert rita in said.message
    assert said.severity is Severity.WARNING
    assert soon(verdict, "key of oscar") is None
    assert soon(at(desk, START + 18 * DAY), "key of rita") is None  # it is over


def test_the_approval_is_announced_and_a_day_before_its_beginning_says_nothing(
    paper: TrustDesk,
) -> None:
    subject = "proposals/0001.yaml"
    assert soon(paper.cycle(), subject) is None  # it lasts seven days
    end = START + 7 * DAY + SECOND
    assert soon(at(paper, end - DAY - SECOND), subject) is None
    said = soon(at(paper, end - DAY), subject)
    assert said is not None
    assert "proposal 1 ends at" in said.message
    assert soon(at(paper, end), subject) is None
    assert "PROPOSAL_EXPIRED" in codes(paper.cycle())


def test_announcing_narrows_nothing(paper: TrustDesk) -> None:
    held = paper.cycle().permitted
    verdict = at(paper, START + 7 * DAY - SECOND)
    assert "EXPIRES_SOON" in codes(verdict)
    assert verdict.as_asked
    assert verdict.permitted == held


def test_an_approval_ends_with_the_first_key_that_it_cannot_do_without(found: Found) -> None:
    keys = dict(root_data()["keys"])
    rita = PEOPLE["rita"].key.key_id
    keys[rita] = {**keys[rita], "valid_until": "2026-11-24T10:00:00Z"}
    desk = found(root=root_with({"keys": keys}))
    desk.cycle()
    desk.approve(1)
    assert desk.cycle().permitted.expires == START + 2 * DAY
    assert at(desk, START + 2 * DAY - SECOND).permitted.trading is Trading.ACTIVE
    verdict = at(desk, START + 2 * DAY)
    assert (verdict.permitted.mode, verdict.permitted.trading) == (Mode.PAPER, Trading.REDUCING)
    assert "QUORUM_NOT_MET" in codes(verdict)
    assert at(desk, START + 2 * DAY + timedelta(hours=1)).permitted.mode is Mode.HALTED
    desk.approve(2, "oscar", "rita")  # signed with a key that is over
    verdict = desk.cycle()
    assert {"SIGNOFF_KEY_EXPIRED", "QUORUM_NOT_MET"} <= codes(verdict)
    assert verdict.permitted.mode is Mode.HALTED
