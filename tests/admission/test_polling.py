"""How often anybody looks decides nothing: what was replaced stays replaced, for a stranger too."""

from collections.abc import Callable

import pytest

from desired_state.canonical import plain
from desired_state.document import dump
from desired_state.memory import EMPTY
from desired_state.proposals import Decision, proposal_path, signoff_path
from desired_state.trust_root import Use
from desired_state.values import Mode
from tests.fakes.trust_desk import PEOPLE, TrustDesk, written
from tests.fakes.trust_papers import revoke

Move = Callable[[TrustDesk], object]


def withdrawn(desk: TrustDesk) -> None:
    desk.sign(2, "rita", decision=Decision.WITHDRAW)


def refused(desk: TrustDesk) -> None:
    desk.sign(2, "sam", decision=Decision.NO_GO)


def signed_in_another_form(desk: TrustDesk) -> None:
    other = dump(written(plain(desk.proposal(2, reason="another reason"))), name="proposal")
    path = proposal_path(2)
    desk.push({path: other, path + ".sig": PEOPLE["olivia"].sign(other, Use.PROPOSAL)})


def revoked(desk: TrustDesk) -> None:
    revoke(desk, PEOPLE["rita"], PEOPLE["otto"])


TAKEN_AWAY = pytest.mark.parametrize(
    "take_away", [withdrawn, refused, signed_in_another_form, revoked]
)


@TAKEN_AWAY
@pytest.mark.parametrize("looks", [True, False], ids=["seen", "not seen"])
@pytest.mark.parametrize("forgets", [True, False], ids=["stranger", "host"])
def test_what_replaced_an_approval_and_was_taken_away_keeps_it_away(
    desk: TrustDesk,
    take_away: Move,
    looks: bool,  # noqa: FBT001
    forgets: bool,  # noqa: FBT001
) -> None:
    desk.cycle()
    desk.approve(1, "oscar", "sam")
    assert desk.cycle().permitted.mode is Mode.PAPER
    desk.approve(2, "oscar", "rita")
    if looks:
        assert desk.cycle().sequence == 2
    take_away(desk)
    if forgets:
        desk.memory = EMPTY
        desk.restart()
    assert desk.cycle().permitted.mode is Mode.HALTED
    assert desk.memory.high
    assert desk.memory.high.sequence == 2


@pytest.mark.parametrize("take_away", [withdrawn, refused, signed_in_another_form])
def test_what_was_taken_away_before_it_was_complete_replaces_nothing(
    desk: TrustDesk, take_away: Move
) -> None:
    desk.cycle()
    desk.approve(1, "oscar", "sam")
    desk.propose(2)
    desk.sign(2, "oscar")
    take_away(desk)
    desk.sign(2, "otto")
    for memory in (desk.memory, EMPTY):
        desk.memory = memory
        desk.restart()
        verdict = desk.cycle()
        assert (verdict.permitted.mode, verdict.sequence) == (Mode.PAPER, 1)


@pytest.mark.parametrize("name", ["sam.WITHDRAW", "otto.NO_GO"])
def test_a_veto_that_nobody_signed_is_no_moment(desk: TrustDesk, name: str) -> None:
    desk.cycle()
    desk.approve(1, "oscar", "sam")
    desk.push({f"signoffs/0001/{name}.yaml": b"decision: NO_GO\n"})
    desk.propose(2)
    desk.push({f"signoffs/0002/{name}.yaml": b"decision: NO_GO\n"})
    assert desk.cycle().sequence == 1
    assert desk.memory.voided == ()


def test_a_veto_whose_signature_comes_later_takes_effect_with_it(desk: TrustDesk) -> None:
    desk.cycle()
    desk.approve(1, "oscar", "sam")
    desk.propose(2)
    made = dump(plain(desk.signoff(2, "rita", decision=Decision.NO_GO)), name="sign-off")
    path = signoff_path(2, "rita", Decision.NO_GO)
    desk.push({path: made})
    desk.sign(2, "oscar", "sam")
    desk.push({path + ".sig": PEOPLE["rita"].sign(made, Use.SIGN_OFF)})
    assert desk.cycle().permitted.mode is Mode.HALTED
    assert desk.memory.high
    assert desk.memory.high.sequence == 2
