"""History in memory says what git says, over random graphs and real repositories."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.adapters.git_state import GitState
from desired_state.history import History
from desired_state.repository import LineStep
from tests.fakes.effort import counted
from tests.fakes.trust_desk import LIMITS_TEXT, MAIN, MODE_TEXT, Remote

FEWER = settings(max_examples=max(5, settings.default.max_examples // 5), deadline=None)
Graph = dict[str, tuple[str, ...]]


@st.composite
def graphs(draw: st.DrawFn, most: int = 14) -> Graph:
    """Commits in the order in which they were made; parents are any that were there before."""
    found: Graph = {}
    for number in range(draw(st.integers(1, most))):
        names = list(found)
        near = st.sampled_from(names[-4:] or ["none"])
        parents = draw(st.lists(near, max_size=3, unique=True)) if names else []
        found[f"c{number}"] = tuple(parents)
    return found


def before(graph: Graph, commit: str) -> set[str]:
    return {commit}.union(*(before(graph, parent) for parent in graph[commit]))


def known(graph: Graph) -> History:
    history = History()
    for commit, parents in graph.items():
        history.add(commit, parents)
    return history


@given(graphs(), st.data())
def test_ancestors_are_those_of_the_graph_whatever_line_is_followed(
    graph: Graph, data: st.DataObject
) -> None:
    history = known(graph)
    for _ in range(3):
        history.follow(data.draw(st.sampled_from(sorted(graph))))
        for commit in graph:
            past = before(graph, commit)
            assert {a for a in graph if history.is_ancestor(a, commit)} == past
    assert not history.is_ancestor("unknown", "c0")
    assert not history.is_ancestor("c0", "unknown")


@given(graphs(), st.data())
def test_the_steps_since_a_commit_hold_each_commit_after_it_once_and_parents_first(
    graph: Graph, data: st.DataObject
) -> None:
    history = History()
    head = data.draw(st.sampled_from(sorted(graph)))
    assert history.learn(head, graph.__getitem__, 100)
    past = before(graph, head)
    since = data.draw(st.none() | st.sampled_from(sorted(past)))
    history.follow(data.draw(st.sampled_from(sorted(past))))
    steps = history.steps(head, since)
    made = [commit for step in steps for commit in step.commits]
    gone = before(graph, since) if since else set()
    assert sorted(made) == sorted(past - gone)
    for at, commit in enumerate(made):
        assert set(graph[commit]) <= gone | set(made[:at])
    assert not steps or steps[-1].revision == head


@given(graphs(), st.data())
def test_steps_taken_at_once_are_those_taken_one_after_the_other(
    graph: Graph, data: st.DataObject
) -> None:
    head = data.draw(st.sampled_from(sorted(graph)))
    line = [head]
    while graph[line[-1]]:
        line.append(graph[line[-1]][0])
    middle = data.draw(st.sampled_from(line))
    one, two = known(graph), known(graph)
    assert one.steps(head, None) == two.steps(middle, None) + two.steps(head, middle)


def test_learning_stops_where_more_is_new_than_asked_for() -> None:
    graph: Graph = {"c0": (), **{f"c{n}": (f"c{n - 1}",) for n in range(1, 10)}}
    history = History()
    assert not history.learn("c9", graph.__getitem__, 9)
    assert len(history) == 0
    assert history.learn("c9", graph.__getitem__, 10)
    assert "c0" in history


def test_old_ancestors_take_no_more_work_after_a_long_history() -> None:
    taken = []
    for length in (1_000, 30_000):
        graph: Graph = {"m0": ()}
        for n in range(1, length):
            graph[f"s{n}"] = (f"m{n - 1}",)
            graph[f"m{n}"] = (f"m{n - 1}", f"s{n}")
        history = known(graph)
        history.follow(f"m{length - 1}")
        asked = [(f"s{n}", f"m{length - 1}", f"s{n + 1}") for n in range(1, 900)]
        found, calls = counted(
            lambda: [
                (history.is_ancestor(side, head), history.is_ancestor(later, side))  # noqa: B023
                for side, head, later in asked  # noqa: B023
            ]
        )
        assert set(found) == {(True, False)}
        taken.append(calls)
    assert taken[1] < 1.1 * taken[0]


# --- beside real git ---------------------------------------------------------------------------
PATHS = ("mode.yaml", "limits.yaml", "proposals/0001.yaml", "signoffs/0001/a.GO.yaml",
         "trust/root/1.yaml", "trust/other", "revocations/k.yaml", "note")  # fmt: skip
CHANGES = st.dictionaries(
    st.sampled_from(PATHS), st.none() | st.sampled_from([b"a", b"b", b"c"]), max_size=3
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("histories")


def made(folder: Path, graph: Graph, files: list[dict[str, bytes | None]]) -> Remote:
    """The graph as a repository; a merge holds its first parent's files and its own changes."""
    remote = Remote(folder / f"{len(list(folder.iterdir()))}.git")
    stream: list[bytes] = []
    for number, (parents, changes) in enumerate(zip(graph.values(), files, strict=True), 1):
        stream.append(f"commit refs/x/{number}\nmark :{number}\n".encode())
        stream.append(f"committer a <a@b> {number} +0000\ndata 1\n.\n".encode())
        marks = [f":{int(parent[1:]) + 1}" for parent in parents]
        stream += [f"{'from' if n == 0 else 'merge'} {m}\n".encode() for n, m in enumerate(marks)]
        for path, data in changes.items():
            at = f"M 100644 inline {path}\ndata 1\n".encode() + data if data else b""
            stream.append(at + b"\n" if data else f"D {path}\n".encode())
        stream.append(b"\n")
    remote.git("fast-import", "--quiet", "--export-marks=marks", given=b"".join(stream))
    return remote


def marks(remote: Remote) -> list[str]:
    lines = (remote.folder / "marks").read_text().splitlines()
    found = dict(line.split() for line in lines)
    return [found[f":{n}"] for n in range(1, len(found) + 1)]


def by_git(remote: Remote, span: list[str]) -> set[tuple[str, str]]:
    """Versions as ``git log`` shows them on every side of every merge."""
    out = remote.git(
        *("log", "--full-history", "-m", "--raw", "--root", "--no-abbrev", "--no-renames"),
        *("--format=", *span, "--", "proposals", "signoffs", "revocations", "trust/root"),
    )
    raw = re.compile(r":\d{6} 100644 \w{40} (\w{40}) \w\t(.*)")
    return {(match[2], match[1]) for match in map(raw.match, out.splitlines()) if match}


@FEWER
@given(graphs(9), st.data())
def test_git_agrees_on_ancestors_lines_and_versions(
    folder: Path, graph: Graph, data: st.DataObject
) -> None:
    files = [data.draw(CHANGES) for _ in graph]
    remote = made(folder, graph, files)
    commits, head = marks(remote), marks(remote)[-1]
    remote.git("update-ref", MAIN, head)
    state = GitState(remote.folder.with_suffix(".read"), str(remote.folder), "main")
    try:
        since = data.draw(st.none() | st.sampled_from(commits))
        for commit in commits:
            said = subprocess.run(
                ["git", "merge-base", "--is-ancestor", commit, head], cwd=remote.folder, check=False
            )
            assert state.descends(head, commit) is (said.returncode == 0)
        if since is not None and not state.descends(head, since):
            return
        steps = state.steps(head, since)
        assert versions(steps) | old(remote, since) == by_git(remote, [head])
        walk = "--first-parent" if straight(remote, head, since) else "--full-history"
        span = f"{since}..{head}" if since else head
        line = remote.git("rev-list", walk, span, "--", "mode.yaml", "limits.yaml").split()
        assert sorted(step.revision for step in steps if step.asks) == sorted(line)
    finally:
        state.close()


def versions(steps: tuple[LineStep, ...]) -> set[tuple[str, str]]:
    return {version for step in steps for version in step.versions}


def old(remote: Remote, since: str | None) -> set[tuple[str, str]]:
    return by_git(remote, [since]) if since else set()


def straight(remote: Remote, head: str, since: str | None) -> bool:
    line = remote.git("rev-list", "--first-parent", head).split()
    return since is None or since in line


@pytest.fixture
def long(tmp_path: Path) -> Iterator[tuple[Remote, GitState]]:
    remote = Remote(tmp_path / "state.git")
    remote.push({"mode.yaml": MODE_TEXT, "limits.yaml": LIMITS_TEXT})
    remote.push(*({"signoffs/0001/x": str(n).encode()} for n in range(5_000)))
    state = GitState(tmp_path / "read.git", str(remote.folder), "main")
    yield remote, state
    state.close()


def test_a_long_history_is_read_once_and_then_not_again(long: tuple[Remote, GitState]) -> None:
    remote, state = long
    head = str(remote.tip())
    steps, first = counted(lambda: state.steps(head, None))
    assert len(versions(steps)) == 5_000
    remote.push({"signoffs/0001/y": b"1"})
    new, again = counted(lambda: state.steps(str(remote.tip()), head))
    assert len(new) == 1
    assert again < first / 100


@FEWER
@given(st.lists(CHANGES, min_size=2, max_size=6), st.data())
def test_a_tree_read_after_others_is_the_tree_read_first(
    folder: Path, files: list[dict[str, bytes | None]], data: st.DataObject
) -> None:
    graph: Graph = {f"c{n}": (f"c{n - 1}",) if n else () for n in range(len(files))}
    remote = made(folder, graph, files)
    commits = marks(remote)
    state = GitState(remote.folder.with_suffix(".read"), str(remote.folder), "main")
    try:
        for commit in data.draw(st.permutations(commits)):
            fresh = GitState(remote.folder.with_suffix(".fresh"), str(remote.folder), "main")
            tree, first = state.tree(commit), fresh.tree(commit)
            fresh.close()
            assert dict(tree) == dict(first)
            assert len(tree) == len(dict(first))
            shown = remote.git("ls-tree", "-r", "--name-only", commit).split()
            assert set(tree) == {path for path in shown if path not in {"note", "trust/other"}} | (
                {"trust/other"} & set(shown)
            )
            for other in commits:
                before = state.tree(other)
                moved = {p for p, _ in dict(tree).items() ^ dict(before).items()}
                within = {p for p in moved if p.startswith(("proposals/", "trust/root/"))}
                changes = tree.changes(before, ("proposals/", "trust/root/"))
                assert changes == {path: tree.get(path) for path in within}
    finally:
        state.close()
