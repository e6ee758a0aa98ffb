"""The approved configuration is what runs, loaded by its digest from the base."""

import pytest

from desired_state.admission import Admission, admit
from desired_state.authority import BOTTOM
from desired_state.observation import Base, Observation
from desired_state.values import Mode, Trading
from reconciler.facts import Facts
from reconciler.gate import Verdict, judge
from tests.fakes.trust_desk import DAY, START, TrustDesk, codes


def seen(desk: TrustDesk) -> Observation:
    return desk.survey.observe(desk.head, desk.memory, desk.latched.values())


def judged(desk: TrustDesk, observation: Observation) -> Verdict:
    found: Admission = admit(observation, desk.contents, desk.memory, desk.trust, desk.now)
    return judge(found, Facts(answered_at=desk.now), desk.now)


def test_the_base_of_what_stands_is_looked_at_in_every_cycle(paper: TrustDesk) -> None:
    for _ in range(2):
        assert paper.cycle().permitted.mode is Mode.PAPER
    paper.restart()
    approval = paper.admission.approval if paper.admission else None
    assert approval is not None
    (base,) = seen(paper).bases
    assert base.revision == approval.proposal.base
    assert base.configuration == approval.proposal.configuration


@pytest.mark.parametrize("left", ["none", "unreadable", "another"])
def test_a_configuration_whose_bytes_are_gone_or_others_permits_nothing(
    paper: TrustDesk, left: str
) -> None:
    observation = seen(paper)
    (base,) = observation.bases
    other = {
        "none": (),
        "unreadable": (base.model_copy(update={"configuration": None}),),
        "another": (base.model_copy(update={"configuration": "sha256:" + "0" * 64}),),
    }[left]
    assert judged(paper, observation).permitted.mode is Mode.PAPER
    verdict = judged(paper, observation.model_copy(update={"bases": other}))
    assert "CONFIGURATION_LOST" in codes(verdict)
    assert verdict.permitted == BOTTOM
    assert judged(paper, observation).permitted.mode is Mode.PAPER  # it lifts when it is there


def test_a_source_that_is_silent_says_nothing_of_the_configuration(paper: TrustDesk) -> None:
    silent = seen(paper).model_copy(update={"revision": None, "descends": False, "bases": ()})
    verdict = judged(paper, silent)
    assert "CONFIGURATION_LOST" not in codes(verdict)
    assert verdict.permitted.trading is Trading.ACTIVE


def test_a_drifted_configuration_is_shown_and_a_new_approval_runs_it(paper: TrustDesk) -> None:
    old = paper.cycle().configuration
    paper.push({"layers.yaml": b"note: another\n"})
    verdict = paper.cycle()
    assert "CONFIGURATION_UNAPPROVED" in codes(verdict)
    assert verdict.configuration == old
    paper.approve(2, expires=START + 20 * DAY)
    verdict = paper.cycle()
    assert not {"CONFIGURATION_UNAPPROVED", "CONFIGURATION_LOST"} & codes(verdict)
    assert verdict.configuration != old
    (base,) = seen(paper).bases
    assert isinstance(base, Base)
    assert base.configuration == verdict.configuration
