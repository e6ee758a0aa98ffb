"""A stranger who reads all of history at once comes to what a host that lived through it holds."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from desired_state.canonical import digest_bytes, plain
from desired_state.document import dump
from desired_state.memory import EMPTY, Memory
from desired_state.proposals import Decision, signoff_path
from desired_state.root_chain import root_path, root_signature_path
from desired_state.trust_root import Use
from desired_state.values import Mode
from reconciler.contents import Cached, InMemory
from tests.fakes.trust_desk import PEOPLE, ROOT, Signer, TrustDesk, codes
from tests.fakes.trust_papers import (
    NEWCOMERS,
    OFFICERS,
    after,
    people,
    publish,
    revoke,
    signed,
)

Found = Callable[..., TrustDesk]
INSTEAD = dict(zip(("rita", "sam", "otto"), NEWCOMERS, strict=True))
SIGNERS = (*OFFICERS, PEOPLE["sybil"], *NEWCOMERS)


def stranger(desk: TrustDesk) -> Memory:
    """What a host comes to that starts from the pin at the present head."""
    lived = (desk.memory, desk.admission, desk.contents, desk.survey)
    desk.memory, desk.contents = EMPTY, Cached(InMemory())
    desk.restart()
    desk.cycle()
    rebuilt = desk.memory
    desk.memory, desk.admission, desk.contents, desk.survey = lived
    desk.restart()
    return rebuilt


# --- one by one --------------------------------------------------------------------------------
@pytest.mark.parametrize("looks", [True, False], ids=["seen", "not seen"])
def test_a_withdrawal_brings_nothing_older_back_for_a_stranger_either(
    paper: TrustDesk,
    looks: bool,  # noqa: FBT001
) -> None:
    paper.approve(2, authority=paper.asked)
    if looks:
        paper.cycle()
    paper.sign(2, "rita", decision=Decision.WITHDRAW)
    assert paper.cycle().permitted.mode is Mode.HALTED
    rebuilt = stranger(paper)
    for memory in (paper.memory, rebuilt):
        assert memory.high
        assert (memory.high.sequence, memory.voided) == (2, (2,))


def test_a_veto_before_the_quorum_leaves_what_stood_for_a_stranger_too(paper: TrustDesk) -> None:
    paper.propose(2, authority=paper.asked)
    paper.sign(2, "oscar")
    paper.sign(2, "sam", decision=Decision.NO_GO)
    paper.sign(2, "rita")
    assert paper.cycle().permitted.mode is Mode.PAPER
    rebuilt = stranger(paper)
    for memory in (paper.memory, rebuilt):
        assert memory.high
        assert (memory.high.sequence, memory.voided) == (1, (2,))


@pytest.mark.parametrize("looks", [True, False], ids=["seen", "not seen"])
def test_what_was_complete_before_a_rotation_keeps_older_approvals_away(
    paper: TrustDesk,
    looks: bool,  # noqa: FBT001
) -> None:
    paper.approve(2, "oscar", "sam")
    if looks:
        paper.cycle()
    publish(paper, after(ROOT, **people(ROOT, drop=["sam"], add=NEWCOMERS)), *OFFICERS, *NEWCOMERS)
    verdict = paper.cycle()
    assert verdict.permitted.mode is Mode.HALTED
    assert paper.memory.high
    assert paper.memory.high.sequence == 2
    rebuilt = stranger(paper)
    assert rebuilt.high
    assert rebuilt.high.sequence == 2
    assert rebuilt.roots == paper.memory.roots


def test_what_was_complete_before_a_revocation_keeps_older_approvals_away(
    paper: TrustDesk,
) -> None:
    paper.approve(2, "oscar", "sam")
    revoke(paper, PEOPLE["sam"], PEOPLE["otto"])
    assert paper.cycle().permitted.mode is Mode.HALTED
    rebuilt = stranger(paper)
    assert rebuilt.high
    assert rebuilt.high.sequence == 2
    assert rebuilt.revoked == paper.memory.revoked


def test_a_vote_that_came_after_the_revocation_completes_nothing_for_a_stranger(
    paper: TrustDesk,
) -> None:
    revoke(paper, PEOPLE["sam"], PEOPLE["otto"])
    paper.approve(2, "oscar", "sam")
    assert paper.cycle().sequence == 1
    rebuilt = stranger(paper)
    assert rebuilt.high
    assert rebuilt.high.sequence == 1


def test_votes_on_a_branch_from_before_a_revocation_that_is_merged_after_it_come_after_it(
    paper: TrustDesk,
) -> None:
    paper.propose(2)
    fork = paper.head
    revoke(paper, PEOPLE["sam"], PEOPLE["otto"])
    paper.cycle()
    made = {}
    for name in ("oscar", "sam"):
        data = dump(plain(paper.signoff(2, name)), name="sign-off")
        path = signoff_path(2, name, Decision.GO)
        made |= {path: data, path + ".sig": PEOPLE[name].sign(data, Use.SIGN_OFF)}
    side = paper.remote.push(made, ref="refs/heads/side", onto=fork)[0]
    paper.push(made, merge=side)
    assert paper.cycle().sequence == 1
    rebuilt = stranger(paper)
    assert rebuilt.high
    assert rebuilt.high.sequence == 1


def test_a_veto_stays_when_its_holder_is_dropped_or_revoked(paper: TrustDesk) -> None:
    paper.propose(2)
    paper.sign(2, "sam", decision=Decision.NO_GO)
    revoke(paper, PEOPLE["sam"], PEOPLE["otto"])
    dropped = after(ROOT, **people(ROOT, drop=["sam"], add=NEWCOMERS))
    publish(paper, dropped, PEOPLE["rita"], PEOPLE["otto"], PEOPLE["sybil"], *NEWCOMERS)
    paper.sign(2, "oscar", "rita")
    paper.cycle()
    assert list(paper.memory.roots) == ["1", "2"]
    assert paper.memory.voided == (2,)
    rebuilt = stranger(paper)
    assert rebuilt.voided == (2,)


def test_signatures_of_an_accepted_root_may_vanish(paper: TrustDesk) -> None:
    data = after(ROOT)
    publish(paper, data, *OFFICERS)
    paper.push({root_signature_path(root_path(2), who.name): None for who in OFFICERS})
    assert paper.cycle().admitted
    assert (
        stranger(paper).roots
        == paper.memory.roots
        == {
            "1": digest_bytes(ROOT),
            "2": digest_bytes(data),
        }
    )


def test_a_stranger_years_later_follows_keys_that_are_long_over(paper: TrustDesk) -> None:
    publish(paper, after(ROOT), *OFFICERS)
    paper.cycle()
    paper.now = paper.now.replace(year=2036)
    paper.cycle()
    assert stranger(paper).roots == paper.memory.roots
    assert "ROOT_EXPIRED" in codes(paper.cycle())


# --- any sequence of pushes --------------------------------------------------------------------
ROTATE = st.tuples(
    st.just("root"),
    st.integers(0, 3),  # which of the roots made so far it follows
    st.just(list(SIGNERS)) | st.lists(st.sampled_from(SIGNERS), unique=True, max_size=5),
    st.lists(st.sampled_from(("rita", "sam", "otto")), unique=True, max_size=1),
    st.lists(st.sampled_from(NEWCOMERS), unique=True, max_size=3),
)
MORE = st.tuples(st.just("sign"), st.integers(0, 5), st.sampled_from(SIGNERS), st.booleans())
REVOKE = st.tuples(st.just("revoke"), st.sampled_from(SIGNERS), st.sampled_from(SIGNERS))
NOISE = st.tuples(st.just("noise"), st.integers(0, 5), st.sampled_from(SIGNERS))
LOOK = st.tuples(st.just("look"))
MOVES = st.lists(st.one_of(ROTATE, ROTATE, MORE, MORE, REVOKE, NOISE, LOOK), max_size=9)


class History:
    """Pushes of any order; no name of a root is used twice, so an accepted one stays."""

    def __init__(self, desk: TrustDesk) -> None:
        self.desk = desk
        self.made: list[tuple[int, str, bytes]] = [(1, root_path(1), ROOT)]

    def root(self, base: int, signers: list[Signer], drop: list[str], add: list[Signer]) -> None:
        number, _, before = self.made[base % len(self.made)]
        adding = [*add, *(INSTEAD[name] for name in drop)]
        data = after(before, **people(before, drop=drop, add=adding))
        path = root_path(number + 1, f"w{len(self.made)}")
        self.desk.push({path: data, **signed(data, path, signers)})
        self.made.append((number + 1, path, data))

    def sign(self, which: int, who: Signer, alone: bool) -> None:  # noqa: FBT001
        _, path, data = self.made[which % len(self.made)]
        made = [signed(data, path, [signer]) for signer in ((who,) if alone else SIGNERS[:4])]
        self.desk.push(*made)

    def revoke(self, key: Signer, by: Signer) -> None:
        revoke(self.desk, key, by)

    def noise(self, which: int, who: Signer) -> None:
        _, path, _ = self.made[which % len(self.made)]
        self.desk.push({root_signature_path(path, who.name): who.sign(b"other", Use.TRUST_ROOT)})

    def look(self) -> None:
        self.desk.cycle()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(moves=MOVES)
@example(
    moves=[
        ("root", 0, [*OFFICERS[:2]], [], []),
        ("look",),
        ("revoke", OFFICERS[0], OFFICERS[0]),
        ("look",),
        ("sign", 1, OFFICERS[2], True),
    ]
)
def test_a_stranger_and_a_host_that_lived_through_it_trust_the_same(moves: list[tuple]) -> None:  # type: ignore[type-arg]
    folder = Path(tempfile.mkdtemp())
    desk = TrustDesk(folder / "desk")
    try:
        desk.cycle()
        history = History(desk)
        for name, *given_ in moves:
            getattr(history, name)(*given_)
        assert desk.cycle().admitted
        rebuilt = stranger(desk)
        assert rebuilt.roots == desk.memory.roots
        assert rebuilt.revoked == desk.memory.revoked
    finally:
        desk.close()
        shutil.rmtree(folder)
