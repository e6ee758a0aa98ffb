import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.canonical import digest_bytes
from desired_state.errors import Finding, Stalled, finding
from desired_state.reasons import Reason
from evidence_repo import layout
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.adapters.log_key import LogKey
from evidence_repo.audit import audit_chain
from evidence_repo.audit_report import Objects
from evidence_repo.chain import Leaf
from evidence_repo.manifest import Context
from evidence_repo.note import Checkpoint, sign_checkpoint
from evidence_repo.reader import Change, Entry, Join

AT = datetime(2020, 3, 12, 10, tzinfo=UTC)
LIMITS = digest_bytes(b"the bytes of limits.yaml")
Desk = Any


class MemoryReader:
    """A repository in memory whose history added every file at once."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = dict(sorted(contents.items()))

    def files(self) -> Mapping[str, Entry]:
        return {path: Entry("100644", len(data)) for path, data in self.contents.items()}

    def read(self, path: str) -> bytes:
        return self.contents[path]

    def history(self) -> Iterator[Change | Join]:
        yield from (Change("0" * 40, "A", path) for path in self.contents)


def filled(desk: Desk) -> None:
    digest = desk.journal.keep(b"the bytes of limits.yaml")
    desk.note(110, (digest,))
    desk.pack("first", Context(run_id="one"))
    desk.pack("second")
    desk.ledger.ship()
    desk.pack("first", Context(run_id="two"))
    desk.note(5)
    desk.ledger.ship()


@pytest.fixture(scope="module")
def contents(
    tmp_path_factory: pytest.TempPathFactory, key: LogKey, desk_class: type[Any]
) -> dict[str, bytes]:
    desk = desk_class(tmp_path_factory.mktemp("desk"), key)
    filled(desk)
    with closing(GitReader(desk.bare)) as reader:
        found = {path: reader.read(path) for path in reader.files()}
        assert audit_chain(reader, key) == audit_chain(MemoryReader(found), key)
    desk.journal.close()
    desk.store.close()
    return found


def codes(desk: Desk) -> set[Reason]:
    return {found.code for found in desk.audit().findings}


def test_an_untouched_repository_has_no_findings(desk: Desk) -> None:
    filled(desk)
    found = desk.audit()
    assert found.findings == ()
    assert found.ok
    assert (found.leaves, found.packs, found.checkpoints) == (118, 2, 3)


def test_an_empty_repository_has_no_findings(desk: Desk) -> None:
    assert desk.audit().ok
    with pytest.raises(Stalled) as refused:
        GitReader(desk.folder)
    assert refused.value.code is Reason.FETCH


@settings(max_examples=150)
@given(st.data())
def test_no_byte_of_any_file_can_be_changed_unseen(
    contents: dict[str, bytes],
    key: LogKey,
    data: st.DataObject,
) -> None:
    path = data.draw(st.sampled_from(sorted(contents)))
    changed = bytearray(contents[path])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    assert audit_chain(MemoryReader({**contents, path: bytes(changed)}), key).findings


def test_no_file_can_be_taken_away_or_put_there_unseen(
    contents: dict[str, bytes], key: LogKey
) -> None:
    for path in contents:
        without = {name: data for name, data in contents.items() if name != path}
        assert audit_chain(MemoryReader(without), key).findings, path
        beside = {**contents, f"{path}2": b"x"}
        assert audit_chain(MemoryReader(beside), key).findings, path


def test_no_two_files_can_be_swapped_unseen(contents: dict[str, bytes], key: LogKey) -> None:
    paths = sorted(contents)
    for one, other in pairwise(paths):
        if contents[one] != contents[other]:
            swapped = {**contents, one: contents[other], other: contents[one]}
            assert audit_chain(MemoryReader(swapped), key).findings, (one, other)


def test_an_edited_leaf_is_found_at_its_link_and_under_its_signed_head(
    contents: dict[str, bytes],
    key: LogKey,
) -> None:
    path = layout.shard_path(0)
    edited = contents[path].replace(b'"n":40', b'"n":41')
    found = audit_chain(MemoryReader({**contents, path: edited}), key).findings
    assert [f.subject for f in found if f.code is Reason.CHAIN_BROKEN] == ["leaf 41"]
    assert Reason.CHECKPOINT_INVALID in {f.code for f in found}


def test_a_dropped_shard_is_one_break_in_the_chain(contents: dict[str, bytes], key: LogKey) -> None:
    without = {p: d for p, d in contents.items() if p != layout.shard_path(0)}
    found = audit_chain(MemoryReader(without), key).findings
    assert [f.subject for f in found if f.code is Reason.CHAIN_BROKEN] == [
        "leaf 0",
        layout.shard_path(100),
    ]


TAMPERING: dict[str, tuple[Callable[[Path], object], Reason]] = {
    "a leaf edited": (
        lambda work: _edit(work / layout.shard_path(0), b'"n":4}', b'"n":5}'),
        Reason.CHAIN_BROKEN,
    ),
    "a shard dropped": (
        lambda work: (work / layout.shard_path(100)).unlink(),
        Reason.CHAIN_BROKEN,
    ),
    "an index rewritten by hand": (
        lambda work: _edit(work / "index/2020-03.md", b"session", b"phase_gate"),
        Reason.EVIDENCE_REWRITTEN,
    ),
    "a file put into a pack": (
        lambda work: next(work.glob("packs/*/*/*")).joinpath("more.txt").write_text("x"),
        Reason.PACK_INVALID,
    ),
    "a file put beside": (
        lambda work: (work / "notes.txt").write_text("x"),
        Reason.EVIDENCE_FOREIGN,
    ),
    "an object nobody names": (
        lambda work: _put(work / layout.object_path(digest_bytes(b"x")), b"x"),
        Reason.EVIDENCE_FOREIGN,
    ),
    "an object taken away": (
        lambda work: (
            work / layout.object_path(digest_bytes(b"the bytes of limits.yaml"))
        ).unlink(),
        Reason.EVIDENCE_MISSING,
    ),
    "packs swapped": (lambda work: _swap(*sorted(work.glob("packs/*/*/*"))), Reason.PACK_INVALID),
    "a pack taken away": (
        lambda work: shutil.rmtree(next(work.glob("packs/*/*/*"))),
        Reason.EVIDENCE_MISSING,
    ),
    "a pack copied under another id": (
        lambda work: shutil.copytree(
            next(work.glob("packs/*/*/*")), work / "packs/2020/03" / f"EV-20200312-SESSION-{0:012d}"
        ),
        Reason.EVIDENCE_FOREIGN,
    ),
    "a symlink in place of a file": (
        lambda work: _link(work / layout.CHECKPOINT),
        Reason.TREE_MODE,
    ),
    "the policy of another key": (
        lambda work: _edit(work / layout.POLICY, b"localhost", b"elsewhere"),
        Reason.CHECKPOINT_INVALID,
    ),
    "a checkpoint put back": (
        lambda work: shutil.copy(work / layout.note_path(100), work / layout.CHECKPOINT),
        Reason.CHECKPOINT_INVALID,
    ),
}


@pytest.mark.parametrize("case", TAMPERING)
def test_tampering_in_the_repository_is_found_by_name(desk: Desk, case: str) -> None:
    filled(desk)
    change, code = TAMPERING[case]
    desk.tamper(change)
    assert code in codes(desk)
    assert len(list(desk.journal.lines())) == 118


def test_tampering_that_was_undone_is_still_in_the_history(desk: Desk) -> None:
    filled(desk)
    path = layout.shard_path(0)
    before = desk.git("show", f"main:{path}") + "\n"
    desk.tamper(lambda work: (work / path).write_text("x"))
    desk.tamper(lambda work: (work / path).write_text(before))
    (found,) = {(f.code, f.subject) for f in desk.audit().findings}
    assert found == (Reason.EVIDENCE_REWRITTEN, path)


def test_a_path_that_leaves_its_pack_is_found_even_where_git_would_store_it(desk: Desk) -> None:
    filled(desk)
    pack = desk.git("ls-tree", "--name-only", "main", "packs/2020/03/").split("\n")[0]
    blob = desk.git("rev-parse", f"main:{pack}/manifest.json")
    tree = desk.git("ls-tree", f"main:{pack}") + f"\n100644 blob {blob}\tre\\..\\x\n"
    for part in reversed(["", *pack.split("/")]):
        identity = _mktree(desk, tree)
        name, parent = part, pack.partition(f"/{part}")[0] if part else None
        if parent is None:
            break
        parent = "" if part == "packs" else parent
        rest = [
            line
            for line in desk.git("ls-tree", f"main:{parent}").split("\n")
            if line.partition("\t")[2] != name
        ]
        tree = "\n".join([*rest, f"040000 tree {identity}\t{name}", ""])
    commit = desk.git("commit-tree", identity, "-p", "main", "-m", "x")
    desk.git("update-ref", "refs/heads/main", commit)
    found = desk.audit().findings
    assert any("PACK-4" in f.message for f in found)


def test_a_checkpoint_forged_with_another_key_is_found(desk: Desk, tmp_path: Path) -> None:

    filled(desk)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True
    )
    other = type(desk.key)(tmp_path / "k", desk.key.name)
    forged = sign_checkpoint(Checkpoint(desk.key.name, 118, bytes(32)), [other])
    desk.tamper(lambda work: (work / layout.note_path(118)).write_bytes(forged))
    assert Reason.CHECKPOINT_INVALID in codes(desk)


def test_a_signed_head_over_other_leaves_is_found(contents: dict[str, bytes], key: LogKey) -> None:
    """A split view: the log key itself signed two histories of one size."""
    split = sign_checkpoint(Checkpoint(key.name, 100, bytes(32)), [key])
    changed = {**contents, layout.note_path(100): split}
    (found,) = audit_chain(MemoryReader(changed), key).findings
    assert (found.code, found.subject) == (Reason.CHECKPOINT_INVALID, layout.note_path(100))


def test_a_commit_that_joins_two_pasts_is_found(desk: Desk) -> None:
    filled(desk)
    root = desk.git("commit-tree", "main^{tree}", "-m", "another past")
    merge = desk.git("commit-tree", "main^{tree}", "-p", "main", "-p", root, "-m", "merge")
    desk.git("update-ref", "refs/heads/main", merge)
    assert codes(desk) == {Reason.EVIDENCE_REWRITTEN}


def test_one_pack_id_for_two_different_runs_is_found(desk: Desk) -> None:
    """The original gave the same run id to different runs."""
    pack = desk.pack()
    other = desk.journal.keep(b"other fills")
    manifest = digest_bytes(desk.pack(context=Context(run_id="two")).files["manifest.json"])
    named = {name: digest_bytes(data) for name, data in pack.files.items()}
    forged = {**named, "fills.jsonl": other, "manifest.json": manifest}
    desk.journal.append("pack", {"pack": pack.id, "files": forged}, AT)
    desk.ledger.ship()
    assert codes(desk) == {Reason.PACK_INVALID}


@pytest.mark.parametrize("body", [{"epoch": 1}, {"epoch": 0}])
def test_an_epoch_that_does_not_rise_is_found(desk: Desk, body: dict[str, Any]) -> None:
    desk.ledger.open_epoch(1, AT)
    desk.journal.append("epoch", body, AT)
    desk.ledger.ship()
    assert codes(desk) == {Reason.ANOTHER_WRITER}


def test_leaves_are_judged_anew_by_what_the_caller_hands_in(desk: Desk) -> None:
    digest = desk.journal.keep(b"limit 50")
    desk.note(3, (digest,))
    desk.journal.append("other", {}, AT)
    desk.ledger.ship()

    def judge(leaf: Leaf, objects: Objects) -> Iterator[Finding]:
        if leaf.body["n"] == 1 and objects(leaf.objects[0]) == b"limit 50":
            yield finding(Reason.REPLAY_MISMATCH, f"leaf {leaf.seq}")

    found = desk.audit({"note": judge})
    assert found.replayed == {"note": 3}
    assert [f.code for f in found.findings] == [Reason.REPLAY_MISMATCH]
    assert not found.ok


def test_a_replay_that_asks_for_bytes_that_are_not_there_is_a_finding(desk: Desk) -> None:
    desk.note()
    desk.ledger.ship()

    def judge(_: Leaf, objects: Objects) -> tuple[Finding, ...]:
        objects("sha256:" + "0" * 64)
        return ()

    (found,) = desk.audit({"note": judge}).findings
    assert (found.code, found.subject) == (Reason.EVIDENCE_MISSING, "leaf 0")


def test_a_replacement_object_of_git_deceives_nobody(desk: Desk) -> None:
    filled(desk)
    before = desk.git("rev-parse", f"main:{layout.shard_path(0)}")
    other = desk.git("rev-parse", f"main:{layout.shard_path(100)}")
    desk.git("replace", before, other)
    assert desk.audit().ok


def _edit(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(data)


def _swap(one: Path, other: Path) -> None:
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("policy")


def _mktree(desk: Desk, tree: str) -> str:

    done = subprocess.run(
        ["git", "-C", desk.bare, "mktree"],
        input=tree,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
