import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desired_state.errors import Stalled, Waiting
from desired_state.reasons import Reason
from evidence_repo import chain, layout
from evidence_repo.adapters.file_journal import FileJournal
from evidence_repo.adapters.git_evidence import GitEvidence
from evidence_repo.adapters.git_reader import GitReader
from evidence_repo.ledger import Ledger
from evidence_repo.manifest import Context
from evidence_repo.note import open_checkpoint
from evidence_repo.reader import head_of, lines, pack_files

AT = datetime(2020, 3, 12, 10, tzinfo=UTC)
Desk = Any


def test_what_was_journaled_is_at_the_server_in_order_and_once(desk: Desk) -> None:
    desk.note(250)
    assert desk.ledger.ship().leaves == 250
    desk.note(3)
    assert desk.ledger.ship().leaves == 3
    assert desk.lines() == list(desk.journal.lines())
    assert desk.git("rev-list", "--count", "main") == "2"
    assert desk.audit().ok


def test_each_batch_of_at_most_100_has_a_shard_and_a_signed_head(desk: Desk) -> None:
    desk.note(250)
    desk.ledger.ship()
    names = desk.git("ls-tree", "-r", "--name-only", "main", "log").splitlines()
    assert names == [
        "log/checkpoint",
        *(f"log/checkpoints/00/00/00/{size:012d}.note" for size in (100, 200, 250)),
        *(f"log/leaves/00/00/00/{first:012d}.jsonl" for first in (0, 100, 200)),
        "log/policy",
    ]
    newest = open_checkpoint(desk.store.read(layout.CHECKPOINT), desk.key)
    assert newest.size == 250


def test_nothing_new_makes_no_commit(desk: Desk) -> None:
    assert desk.ledger.ship().commit is None
    desk.note()
    desk.ledger.ship()
    before = desk.git("rev-parse", "main")
    assert desk.ledger.ship().commit is None
    assert desk.git("rev-parse", "main") == before


def test_the_same_leaves_and_key_give_the_same_commit(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    twin = type(desk)(tmp_path_factory.mktemp("twin"), desk.key)
    for one in (desk, twin):
        one.note(3)
        one.pack()
        one.ledger.ship()
    assert desk.git("rev-parse", "main") == twin.git("rev-parse", "main")
    assert desk.git("log", "-1", "--format=%an <%ae> %cn") == (
        "peak-governor <governor@localhost> peak-governor"
    )
    twin.journal.close()
    twin.store.close()


def test_kept_bytes_and_packs_travel_with_their_leaves(desk: Desk) -> None:
    digest = desk.journal.keep(b"the bytes of limits.yaml")
    desk.note(1, (digest,))
    desk.note(1, (digest,))
    pack = desk.pack()
    desk.ledger.ship()
    assert desk.git("show", f"main:{layout.object_path(digest)}") == "the bytes of limits.yaml"
    reader = GitReader(desk.bare)
    assert pack_files(reader, pack.id) == pack.files
    assert list(lines(reader)) == list(desk.journal.lines())
    assert head_of(reader) == desk.journal.head
    assert f"../packs/2020/03/{pack.id}/manifest.json" in desk.git("show", "main:index/2020-03.md")
    assert desk.audit().packs == 1
    assert desk.audit().ok
    reader.close()


def test_the_same_content_run_again_is_one_pack_and_both_contexts(desk: Desk) -> None:
    first = desk.pack(context=Context(run_id="one"))
    desk.ledger.ship()
    again = desk.pack(context=Context(run_id="two"))
    desk.pack(context=Context(run_id="two"))
    desk.ledger.ship()
    assert first.id == again.id
    found = desk.audit()
    assert (found.packs, found.findings) == (1, ())
    assert desk.git("ls-tree", "-r", "--name-only", "main", "objects").count("\n") == 0


def test_the_page_of_a_month_goes_on_after_a_restart_as_if_there_was_none(desk: Desk) -> None:
    for text in ("one", "two", "three"):
        desk.pack(text)
        desk.ledger.ship()
        desk.reopen()
    assert desk.git("show", "main:index/2020-03.md").count("EV-20200312-SESSION") == 6
    assert desk.audit().ok


def test_a_full_month_goes_on_in_a_folder_beside_it(desk: Desk) -> None:
    for number in range(layout.MAX_ENTRIES + 2):
        desk.pack(str(number))
    desk.ledger.ship()
    count = "ls-tree", "--name-only", "main"
    assert len(desk.git(*count, "packs/2020/03/").splitlines()) == layout.MAX_ENTRIES
    assert len(desk.git(*count, "packs/2020/03.1/").splitlines()) == 2
    desk.pack("1")
    desk.pack(str(layout.MAX_ENTRIES + 1))
    desk.reopen()
    desk.ledger.ship()
    found = desk.audit()
    assert (found.packs, found.findings) == (layout.MAX_ENTRIES + 2, ())


def test_no_folder_holds_more_than_256_names(desk: Desk) -> None:
    """One leaf a batch is the worst that can happen."""
    folders: dict[str, set[str]] = {}
    for seq in range(0, 2**24, 4099):
        for path in (layout.shard_path(seq), layout.note_path(seq + 1)):
            *parts, name = path.split("/")
            while parts:
                folders.setdefault("/".join(parts), set()).add(name)
                name = parts.pop()
    near = {layout.shard_path(seq).rpartition("/")[0] for seq in range(256, 512)}
    assert len(near) == 1
    assert max(len(names) for names in folders.values()) <= layout.MAX_ENTRIES
    assert desk.audit().leaves == 0


def test_a_remote_with_other_commits_is_another_writer_and_is_not_overwritten(desk: Desk) -> None:
    desk.note()
    desk.ledger.ship()
    desk.tamper(lambda work: (work / "README.md").write_text("mine"))
    theirs = desk.git("rev-parse", "main")
    desk.note()
    for _ in range(2):
        with pytest.raises(Stalled) as refused:
            desk.ledger.ship()
        assert refused.value.code is Reason.ANOTHER_WRITER
    assert desk.git("rev-parse", "main") == theirs
    assert desk.journal.head.size == 2


def test_a_commit_in_the_clone_by_somebody_else_is_another_writer(desk: Desk) -> None:
    desk.note()
    desk.ledger.ship()
    desk.note()
    other = desk.git("commit-tree", "main^{tree}", "-p", "main", "-m", "x", at=desk.clone)

    desk.git("update-ref", "refs/heads/main", other, at=desk.clone)
    with pytest.raises(Stalled) as refused:
        desk.store.commit({"log/checkpoint": b"x"}, "m", AT)
    assert refused.value.code is Reason.ANOTHER_WRITER
    assert desk.git("rev-parse", "main", at=desk.clone) == other


def test_a_write_once_file_is_never_written_again(desk: Desk) -> None:
    desk.note()
    desk.ledger.ship()
    before = desk.store.head()
    with pytest.raises(Stalled) as refused:
        desk.store.commit({layout.shard_path(0): b"other"}, "m", AT)
    assert refused.value.code is Reason.ANOTHER_WRITER
    assert desk.store.head() == before


def test_a_server_that_is_gone_is_waited_for_and_nothing_is_lost(desk: Desk) -> None:
    desk.note()
    away = desk.bare.rename(desk.folder / "away")
    with pytest.raises(Waiting) as refused:
        desk.ledger.ship()
    assert refused.value.code is Reason.EVIDENCE_UNWRITABLE
    desk.note()
    away.rename(desk.bare)
    desk.ledger.ship()
    assert desk.lines() == list(desk.journal.lines())


def test_a_server_that_does_not_answer_is_given_up_in_bounded_time(desk: Desk) -> None:
    hook = desk.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nsleep 20\n")
    hook.chmod(0o755)
    store = GitEvidence(desk.clone, str(desk.bare), push_timeout=timedelta(milliseconds=300))
    desk.note()
    with closing(store), pytest.raises(Waiting) as refused:
        Ledger(desk.journal, store, desk.key, desk.cache).ship()
    assert refused.value.code is Reason.EVIDENCE_UNWRITABLE
    hook.unlink()


def test_a_journal_that_is_behind_the_repository_is_a_rollback(desk: Desk) -> None:
    desk.note(3)
    desk.ledger.ship()
    desk.journal.close()
    empty = FileJournal(desk.folder / "other")
    with pytest.raises(Stalled) as refused:
        Ledger(empty, desk.store, desk.key, desk.cache).ship()
    assert refused.value.code is Reason.STORE_ROLLBACK
    for _ in range(5):
        empty.append("note", {"forged": True}, AT)
    with pytest.raises(Stalled) as refused:
        Ledger(empty, desk.store, desk.key, desk.cache).ship()
    assert refused.value.code is Reason.CHAIN_BROKEN
    empty.close()
    assert len(desk.lines()) == 3


def test_a_new_host_goes_on_from_the_repository(desk: Desk) -> None:
    desk.note(3)
    desk.ledger.ship()
    desk.journal.close()
    with closing(GitReader(desk.clone)) as reader:
        head = head_of(reader)
    with FileJournal(desk.folder / "new", head) as journal:
        ledger = Ledger(journal, desk.store, desk.key, desk.cache)
        ledger.open_epoch(1, AT)
        assert ledger.ship().size == 4
    assert desk.audit().ok


def test_a_lost_or_lying_position_costs_time_and_nothing_else(desk: Desk) -> None:
    desk.note(120)
    desk.ledger.ship()
    path = desk.folder / "shipped.json"
    lies: tuple[Callable[[str], str], ...] = (
        lambda said: said.replace(desk.journal.head.digest, chain.ZERO_DIGEST),
        lambda said: said.replace('"epoch":0', '"epoch":9'),
        lambda said: said[:50],
        lambda _: "{}",
        lambda _: "",
    )
    for lie in lies:
        path.write_text(lie(path.read_text()))
        desk.reopen()
        desk.note()
        desk.ledger.ship()
    assert desk.lines() == list(desk.journal.lines())
    assert desk.audit().ok


def test_an_epoch_is_opened_once(desk: Desk) -> None:
    desk.ledger.open_epoch(1, AT)
    with pytest.raises(Stalled) as refused:
        desk.ledger.open_epoch(1, AT)
    assert refused.value.code is Reason.ANOTHER_WRITER
    desk.ledger.ship()
    desk.reopen()
    with pytest.raises(Stalled):
        desk.ledger.open_epoch(1, AT)
    desk.ledger.open_epoch(2, AT)
    desk.ledger.ship()
    assert desk.audit().ok


def test_the_key_of_another_log_signs_nothing_here(desk: Desk, tmp_path: Path) -> None:
    desk.note()
    desk.ledger.ship()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True
    )
    other = type(desk.key)(tmp_path / "k", desk.key.name)
    desk.note()
    with pytest.raises(Stalled) as refused:
        Ledger(desk.journal, desk.store, other, desk.cache).ship()
    assert refused.value.code is Reason.CHECKPOINT_INVALID
    assert len(desk.lines()) == 1


def test_no_configuration_of_this_machine_reaches_git(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = desk.folder / "ran"
    hooks = desk.folder / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "pre-push", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    config = desk.folder / "config"
    config.write_text(f"[core]\nhooksPath={hooks}\n[user]\nname=Mallory\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(desk.folder))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(hooks))
    desk.git(
        "config", f"--file={desk.clone}/.git/config", "core.hooksPath", str(hooks), at=desk.folder
    )
    desk.note()
    with closing(GitEvidence(desk.clone, str(desk.bare))) as store:
        Ledger(desk.journal, store, desk.key, desk.cache).ship()
    assert not marker.exists()
    for name in ("GIT_DIR", "GIT_CONFIG_COUNT"):
        monkeypatch.delenv(name)
    assert desk.git("log", "-1", "--format=%an") == "peak-governor"


def test_the_work_tree_shows_the_files_when_asked(desk: Desk) -> None:
    desk.store.check_out()
    desk.note()
    pack = desk.pack()
    desk.ledger.ship()
    desk.store.check_out()
    assert desk.git("status", "--short", at=desk.clone) == ""
    assert (desk.clone / "packs/2020/03" / pack.id / "manifest.json").is_file()
    assert [path.name for path in (desk.clone / "log" / "leaves").iterdir()] == ["00"]
