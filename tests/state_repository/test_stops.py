"""A stop is found in every commit that is advertised, whatever stands beside it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desired_state.adapters.git_state import GitState
from desired_state.errors import GovernanceError
from desired_state.memory import Stop
from desired_state.values import StopClass, Switch
from reconciler.stop_lane import find_stops
from tests.fakes.effort import counted
from tests.fakes.trust_desk import ARMED, ENGAGED, MAIN, MODE_TEXT, Change, Remote

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    made = Remote(tmp_path / "state.git")
    made.push({"kill_switch.yaml": ARMED, "mode.yaml": MODE_TEXT})
    return made


@pytest.fixture(params=["path", "url"])
def state(request: pytest.FixtureRequest, remote: Remote) -> Iterator[GitState]:
    url = str(remote.folder) if request.param == "path" else f"file://{remote.folder}"
    made = GitState(remote.folder.parent / "read.git", url, "main")
    yield made
    made.close()


def found(state: GitState, known: list[str]) -> tuple[Stop, ...]:
    return find_stops(state, "peak/state", known, NOW)


def test_nothing_is_raised_by_an_armed_switch(state: GitState, remote: Remote) -> None:
    remote.push({"kill_switch.yaml": b"state: armed\nreason: checked\nby: sam\n"})
    assert found(state, []) == ()


def test_engaged_and_armed_again_within_one_push_is_a_stop(state: GitState, remote: Remote) -> None:
    first = str(remote.tip())
    engaged, _ = remote.push({"kill_switch.yaml": ENGAGED}, {"kill_switch.yaml": ARMED})
    (stop,) = found(state, [first])
    assert (stop.commit, stop.kind, stop.switch) == (engaged, StopClass.PERSON, Switch.ENGAGED)
    assert (stop.reason, stop.by) == ("a drill", "sam")


@pytest.mark.parametrize("branch", ["stop", "stop/sam", "stop/a/b"])
def test_engaged_on_a_stop_branch_is_a_stop(state: GitState, remote: Remote, branch: str) -> None:
    first = str(remote.tip())
    (commit,) = remote.push({"kill_switch.yaml": ENGAGED}, ref=f"refs/heads/{branch}", onto=first)
    assert [stop.commit for stop in found(state, [first])] == [commit]


def test_a_stop_branch_with_a_history_of_its_own_is_a_stop(state: GitState, remote: Remote) -> None:
    first = str(remote.tip())
    (commit,) = remote.push({"kill_switch.yaml": ENGAGED}, ref="refs/heads/stop")
    assert [stop.commit for stop in found(state, [first])] == [commit]


def test_engaged_on_a_rewritten_head_is_a_stop(state: GitState, remote: Remote) -> None:
    first = str(remote.tip())
    (second,) = remote.push({"mode.yaml": b"mode: halted\n"})
    (commit,) = remote.push({"kill_switch.yaml": ENGAGED}, onto=first)
    assert [stop.commit for stop in found(state, [second])] == [commit]


@pytest.mark.parametrize(
    "beside",
    [
        {"limits.yaml": b"#" * 8_000_000},
        {"limits.yaml": ("120000", b"/etc/passwd")},
        {"limits.yaml": ("160000", b"1" * 40)},
        {"limits.yaml": b"\xff\xfe not: [yaml"},
        {"proposals/0001.yaml": b"not a proposal"},
        {"trust/root/1.yaml": None, "mode.yaml": None},
    ],
    ids=["huge", "symlink", "submodule", "malformed", "proposal", "erased"],
)
def test_whatever_stands_beside_it_does_not_delay_a_stop(
    state: GitState, remote: Remote, beside: dict[str, Change]
) -> None:
    first = str(remote.tip())
    (commit,) = remote.push({"kill_switch.yaml": ENGAGED, **beside})
    stops, calls = counted(lambda: found(state, [first]))
    assert [stop.commit for stop in stops] == [commit]
    assert calls < 10_000  # what stands beside it is not read


@pytest.mark.parametrize(
    "change",
    [
        None,
        b"",
        b"state: on\n",
        b"state: armed\nstate: engaged\n",
        b"state: Armed\n",
        b"state: [armed]\n",
        b"state: armed\nextra: 1\n",
        b"\xff\xff",
        b"state: armed\n#" + b"x" * 70_000,
        ("120000", b"mode.yaml"),
        ("100755", ARMED),
        ("160000", b"1" * 40),
    ],
)
def test_an_unreadable_switch_is_a_stop_and_shown_as_unreadable(
    state: GitState, remote: Remote, change: Change
) -> None:
    first = str(remote.tip())
    (commit,) = remote.push({"kill_switch.yaml": change})
    (stop,) = found(state, [first])
    assert (stop.commit, stop.kind) == (commit, StopClass.TECHNICAL)
    assert stop.switch is Switch.UNREADABLE


def test_a_wish_to_stop_is_read_whatever_else_the_file_says(
    state: GitState, remote: Remote
) -> None:
    first = str(remote.tip())
    remote.push({"kill_switch.yaml": b"state: engaged\nnonsense: 7\n"})
    assert [stop.switch for stop in found(state, [first])] == [Switch.ENGAGED]


def test_a_second_stop_with_the_same_content_is_another_stop(
    state: GitState, remote: Remote
) -> None:
    remote.push(*({"kill_switch.yaml": data} for data in (ENGAGED, ARMED, ENGAGED, ARMED)))
    stops = found(state, [])
    assert len({stop.id for stop in stops}) == len(stops) == 2


def test_an_edit_of_an_engaged_switch_is_the_same_stop(state: GitState, remote: Remote) -> None:
    remote.push({"kill_switch.yaml": ENGAGED}, {"kill_switch.yaml": ENGAGED + b"# more\n"})
    assert len(found(state, [])) == 1


def test_a_merge_that_brings_back_an_engaged_switch_is_a_stop_of_its_own(
    state: GitState, remote: Remote
) -> None:
    engaged, armed = remote.push({"kill_switch.yaml": ENGAGED}, {"kill_switch.yaml": ARMED})
    (side,) = remote.push({"note": b"x"}, ref="refs/heads/side", onto=engaged)
    seen = found(state, [])
    assert [stop.commit for stop in seen] == [engaged]
    (merge,) = remote.push({"kill_switch.yaml": ENGAGED}, merge=side)
    assert [stop.commit for stop in found(state, [armed])] == [merge]
    assert [stop.commit for stop in found(state, [armed, side])] == [merge]


def test_a_stop_inside_a_merged_branch_is_a_stop(state: GitState, remote: Remote) -> None:
    first = str(remote.tip())
    engaged, armed = remote.push(
        {"kill_switch.yaml": ENGAGED}, {"kill_switch.yaml": ARMED}, ref="refs/heads/x", onto=first
    )
    remote.push({"note": b"merged"}, merge=armed)
    assert engaged in [stop.commit for stop in found(state, [first])]


def test_a_repository_that_never_had_a_switch_is_stopped(tmp_path: Path) -> None:
    remote = Remote(tmp_path / "bare.git")
    (first,) = remote.push({"mode.yaml": MODE_TEXT})
    state = GitState(tmp_path / "read.git", str(remote.folder), "main")
    assert [(s.commit, s.switch) for s in found(state, [])] == [(first, Switch.UNREADABLE)]
    state.close()


def test_a_known_tip_that_the_server_has_forgotten_hides_no_stop(
    state: GitState, remote: Remote
) -> None:
    (commit,) = remote.push({"kill_switch.yaml": ENGAGED})
    assert [stop.commit for stop in found(state, ["1" * 40])] == [commit]


def test_a_tip_whose_objects_are_missing_is_an_error_and_not_silence(
    state: GitState, remote: Remote
) -> None:
    found(state, [])
    (remote.folder / MAIN).write_text("1" * 40 + "\n")
    with pytest.raises(GovernanceError):
        found(state, [])


def test_many_tips_seen_before_do_not_delay_a_stop(state: GitState, remote: Remote) -> None:
    seen = remote.push(*({"note": str(n).encode()} for n in range(400)))
    (commit,) = remote.push({"kill_switch.yaml": ENGAGED})
    state.tips()
    stops, calls = counted(lambda: found(state, seen))
    assert [stop.commit for stop in stops] == [commit]
    assert calls < 100 * len(seen)
