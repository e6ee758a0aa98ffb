"""Objects of one commit, and nothing that a server or a pusher can put beside them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from desired_state.adapters.git_state import GitState
from desired_state.errors import Stalled, Waiting
from desired_state.reasons import Reason
from tests.fakes.effort import counted
from tests.fakes.trust_desk import LIMITS_TEXT, MAIN, MODE_TEXT, Remote

BASE = {"mode.yaml": MODE_TEXT, "limits.yaml": LIMITS_TEXT, "kill_switch.yaml": b"state: armed\n"}


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    made = Remote(tmp_path / "state.git")
    made.push(BASE)
    return made


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


OPEN: list[GitState] = []


def reader(remote: Remote, url: str = "", clone: str = "read.git") -> GitState:
    OPEN.append(GitState(remote.folder.parent / clone, url or str(remote.folder), "main"))
    return OPEN[-1]


def head(remote: Remote) -> str:
    return str(remote.tip())


def refusal(remote: Remote) -> Reason:
    with pytest.raises(Stalled) as refused:
        reader(remote).tree(head(remote))
    return refused.value.code


def test_replace_refs_on_the_server_have_no_effect(remote: Remote) -> None:
    (oid,) = remote.push({"limits.yaml": LIMITS_TEXT})
    raised = LIMITS_TEXT.replace(b'"50"', b'"5000"')
    (other,) = remote.push({"limits.yaml": raised}, ref="refs/heads/evil", onto=oid)
    remote.git("replace", oid, other)
    shown = subprocess.run(
        ["git", "show", f"{oid}:limits.yaml"], cwd=remote.folder, capture_output=True, check=True
    )
    assert shown.stdout == raised  # what plain git is made to believe
    state = reader(remote)
    assert state.blob(state.tree(oid)["limits.yaml"].oid) == LIMITS_TEXT


@pytest.mark.parametrize("mode", ["120000", "100755", "160000"])
@pytest.mark.parametrize("path", ["limits.yaml", "proposals/0001.yaml", "scopes"])
def test_what_is_no_plain_file_is_refused_by_name(remote: Remote, mode: str, path: str) -> None:
    data = head(remote).encode() if mode == "160000" else b"mode.yaml"
    remote.push({path: (mode, data)})
    assert refusal(remote) is Reason.TREE_MODE


@pytest.mark.parametrize(
    ("path", "twin"),
    [
        ("proposals/0001.yaml.sig", "proposals/0001.YAML.sig"),
        ("limits.yaml", "Limits.yaml"),
        ("proposals/0001.yaml", "Proposals/0001.yaml"),
        ("layers.yaml", "LAYERS.yaml"),
    ],
)
def test_names_that_differ_in_case_alone_are_refused(remote: Remote, path: str, twin: str) -> None:
    remote.push({path: b"a: b\n", twin: b"a: b\n"})
    assert refusal(remote) is Reason.TREE_PATH


def test_a_name_that_is_no_text_is_refused(remote: Remote) -> None:
    blob = remote.git("hash-object", "-w", "--stdin", given=b"a: b\n")
    folder = remote.git("mktree", "-z", given=f"100644 blob {blob}\t".encode() + b"\xff.yaml\0")
    remote.git("update-ref", MAIN, commit(remote, f"040000 tree {folder}\tproposals\n"))
    assert refusal(remote) is Reason.TREE_PATH


def test_one_name_twice_in_one_tree_is_refused(remote: Remote) -> None:
    first = remote.git("hash-object", "-w", "--stdin", given=LIMITS_TEXT)
    second = remote.git("hash-object", "-w", "--stdin", given=b"currency: EUR\n")
    raw = b"".join(b"100644 limits.yaml\0" + bytes.fromhex(oid) for oid in (first, second))
    tree = remote.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)
    oid = remote.git("commit-tree", tree, "-p", head(remote), "-m", "twice")
    remote.git("update-ref", MAIN, oid)
    assert refusal(remote) is Reason.TREE_PATH


def test_a_name_with_a_slash_in_it_does_not_pose_as_a_file_in_a_folder(remote: Remote) -> None:
    blob = remote.git("hash-object", "-w", "--stdin", given=b"a: b\n")
    raw = b"100644 proposals/0001.yaml\0" + bytes.fromhex(blob)
    tree = remote.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=raw)
    oid = remote.git("commit-tree", tree, "-p", head(remote), "-m", "made by hand")
    remote.git("update-ref", MAIN, oid)
    assert refusal(remote) is Reason.TREE_PATH


def commit(remote: Remote, entries: str) -> str:
    tree = remote.git("mktree", given=entries.encode())
    return remote.git("commit-tree", tree, "-p", head(remote), "-m", "made by hand")


def test_an_oversized_file_is_refused_without_being_read(remote: Remote) -> None:
    remote.push({"limits.yaml": b"#" * 65_537})
    assert refusal(remote) is Reason.TREE_SIZE


def test_folders_without_end_are_refused(remote: Remote) -> None:
    remote.push({"scopes/" + "a/" * 1500 + "x.yaml": b"a: b\n"})
    assert refusal(remote) is Reason.TREE_PATH


def test_what_is_not_governed_may_be_anything(remote: Remote) -> None:
    remote.push({"README": ("120000", b"x"), "tool.sh": ("100755", b"x"), "big": b"#" * 200_000})
    assert set(reader(remote).tree(head(remote))) == set(BASE)


def test_two_thousand_files_are_read_and_twenty_thousand_are_refused_unread(
    remote: Remote,
) -> None:
    remote.push({f"signoffs/{n:04d}/ann.GO.yaml": b"a: b\n" for n in range(1, 2001)})
    state = reader(remote)
    tree, read = counted(lambda: state.tree(head(remote)))
    assert len(tree) == 2003
    remote.push({f"signoffs/{n:05d}/ann.GO.yaml": b"a: b\n" for n in range(10_000, 29_000)})
    code, refused = counted(lambda: refusal(remote))
    assert code is Reason.TREE_SIZE
    assert refused < 15 * read  # ten times as many entries


def test_a_shallow_repository_is_refused(remote: Remote, tmp_path: Path) -> None:
    remote.push({"a": b"1"}, {"a": b"2"})
    shallow = tmp_path / "shallow.git"
    remote.git("clone", "-q", "--bare", "--depth=1", f"file://{remote.folder}", str(shallow))
    with pytest.raises(Stalled) as refused:
        GitState(tmp_path / "read.git", str(shallow), "main")
    assert refused.value.code is Reason.SHALLOW


def test_a_packed_ref_is_read_and_a_loose_one_wins(remote: Remote) -> None:
    first = head(remote)
    remote.git("pack-refs", "--all", "--prune")
    assert not (remote.folder / MAIN).exists()
    assert reader(remote).tips() == {MAIN: first}
    (second,) = remote.push({"a": b"1"}, onto=first)
    assert reader(remote).tips() == {MAIN: second}


def test_only_main_and_stop_branches_are_looked_at(remote: Remote) -> None:
    first = head(remote)
    for name in ("stop/a/b", "stops", "feature", "main2"):
        remote.git("update-ref", f"refs/heads/{name}", first)
    assert set(reader(remote).tips()) == {MAIN, "refs/heads/stop/a/b"}


def test_a_repository_that_is_gone_is_waited_for(remote: Remote) -> None:
    state = reader(remote)
    remote.folder.rename(remote.folder.with_name("away"))
    with pytest.raises(Waiting) as waited:
        state.tips()
    assert waited.value.code is Reason.FETCH


def test_a_remote_over_a_url_reads_the_same(remote: Remote) -> None:
    remote.git("update-ref", "refs/heads/stop", head(remote))
    near = reader(remote)
    far = reader(remote, f"file://{remote.folder}", "far.git")
    assert far.tips() == near.tips()
    assert far.tree(head(remote)) == near.tree(head(remote))
    (second,) = remote.push({"limits.yaml": b"currency: EUR\n"})
    assert far.tips() == {MAIN: second, "refs/heads/stop": remote.tip("refs/heads/stop")}
    assert far.steps(second, None) == near.steps(second, None)
    assert far.descends(second, near.first_commit(second))


def test_a_stop_branch_that_becomes_a_folder_of_branches_is_still_fetched(
    remote: Remote,
) -> None:
    far = reader(remote, f"file://{remote.folder}", "far.git")
    remote.git("update-ref", "refs/heads/stop", head(remote))
    far.tips()
    remote.git("update-ref", "-d", "refs/heads/stop")
    (engaged,) = remote.push(
        {"kill_switch.yaml": b"state: engaged\n"}, ref="refs/heads/stop/now", onto=head(remote)
    )
    assert far.tips()["refs/heads/stop/now"] == engaged
    changes = far.switch_changes([engaged], [head(remote)])
    assert [change.commit for change in changes] == [engaged]


def test_a_forced_push_is_no_descendant(remote: Remote) -> None:
    first = head(remote)
    (second,) = remote.push({"a": b"1"})
    far = reader(remote, f"file://{remote.folder}", "far.git")
    far.tips()
    (third,) = remote.push({"a": b"2"}, onto=first)
    assert far.tips() == {MAIN: third}
    assert not far.descends(third, second)
    assert far.descends(third, first)


def test_the_line_of_main_is_its_first_parents(remote: Remote) -> None:
    first = head(remote)
    lowered = LIMITS_TEXT.replace(b'"50"', b'"10"')
    side = remote.push(
        {"limits.yaml": lowered},
        {"limits.yaml": LIMITS_TEXT},
        ref="refs/heads/side",
        onto=first,
    )
    (merge,) = remote.push({"note": b"merged"}, merge=side[-1])
    (touched,) = remote.push({"limits.yaml": lowered})
    assert [step.revision for step in reader(remote).steps(head(remote), first) if step.asks] == [
        touched
    ]
    assert merge != touched


def test_a_merge_that_takes_the_other_sides_file_is_on_the_line(remote: Remote) -> None:
    first = head(remote)
    lowered = LIMITS_TEXT.replace(b'"50"', b'"10"')
    (side,) = remote.push({"limits.yaml": lowered}, ref="refs/heads/side", onto=first)
    (merge,) = remote.push({"limits.yaml": lowered}, merge=side)
    assert [step.revision for step in reader(remote).steps(head(remote), first) if step.asks] == [
        merge
    ]


def test_a_merge_with_its_parents_swapped_hides_nothing_of_the_old_line(remote: Remote) -> None:
    first = head(remote)
    lowered = LIMITS_TEXT.replace(b'"50"', b'"10"')
    seen, down, up = remote.push(
        {"note": b"seen"}, {"limits.yaml": lowered}, {"limits.yaml": LIMITS_TEXT}
    )
    (side,) = remote.push({"note": b"x"}, ref="refs/heads/side", onto=first)
    remote.git("update-ref", MAIN, side)
    remote.push({"note": b"y"}, merge=up)
    state = reader(remote)
    assert state.descends(head(remote), seen)
    assert down in [step.revision for step in state.steps(head(remote), seen) if step.asks]


def test_every_version_of_a_vote_is_seen_on_every_side_of_a_merge(remote: Remote) -> None:
    first, path = head(remote), "signoffs/0001/ann.NO_GO.yaml"
    (veto,) = remote.push({path: b"a: veto\n"}, ref="refs/heads/side", onto=first)
    (gone,) = remote.push({path: None}, ref="refs/heads/side", onto=veto)
    remote.push({"note": b"merged"}, merge=gone)
    remote.push({path: b"a: other\n"}, {path: None})
    state = reader(remote)
    steps = state.steps(head(remote), first)
    found = [(name, state.blob(oid)) for step in steps for name, oid in step.versions]
    assert sorted(found) == [(path, b"a: other\n"), (path, b"a: veto\n")]
