import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo import chain
from evidence_repo.adapters.file_journal import SEGMENT_LEAVES, FileJournal, newest_first
from evidence_repo.chain import GENESIS, Head
from evidence_repo.torn_tail import SECTOR

AT = datetime(2020, 3, 12, 10, tzinfo=UTC)


def fill(folder: Path, count: int) -> list[bytes]:
    with FileJournal(folder) as journal:
        for number in range(count):
            journal.append("note", {"n": number}, AT)
        return list(journal.lines())


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*.jsonl"))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk that is full at this size, as the kernel plays it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_journal_opened_again_goes_on_with_the_chain(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    with FileJournal(tmp_path) as journal:
        leaf = journal.append("note", {"n": 3}, AT, "main@sha1:" + "a" * 40)
        assert leaf.seq == 3
        assert chain.check(journal.lines(), expected=journal.head) == ()
        assert [leaf.seq for leaf in journal.read(2)] == [2, 3]


def test_segments_end_and_reading_goes_across_them(tmp_path: Path) -> None:
    lines = fill(tmp_path, SEGMENT_LEAVES + 3)
    assert len(segments(tmp_path)) == 2
    with FileJournal(tmp_path) as journal:
        assert list(journal.lines()) == lines
        assert list(journal.lines(SEGMENT_LEAVES - 1)) == lines[SEGMENT_LEAVES - 1 :]
        assert list(journal.lines(SEGMENT_LEAVES + 3)) == []
        assert chain.check(lines, expected=journal.head) == ()


def test_a_journal_cut_at_any_byte_keeps_every_whole_line_and_goes_on(tmp_path: Path) -> None:
    lines = fill(tmp_path, 3)
    whole = segments(tmp_path)[0].read_bytes()
    for size in range(len(whole) + 1):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / segments(tmp_path)[0].name).write_bytes(whole[:size])
        with FileJournal(folder) as journal:
            kept = whole[:size].count(b"\n")
            assert list(journal.lines()) == lines[:kept]
            journal.append("note", {"n": 9}, AT)
            assert chain.check(journal.lines(), expected=journal.head) == ()


def test_a_journal_cut_at_the_first_bytes_of_a_new_segment_goes_on(tmp_path: Path) -> None:
    lines = fill(tmp_path, SEGMENT_LEAVES + 1)
    for size in (0, 1, 50):
        os.truncate(segments(tmp_path)[1], size)
        with FileJournal(tmp_path) as journal:
            assert list(journal.lines()) == lines[:SEGMENT_LEAVES]
            journal.append("note", {"n": SEGMENT_LEAVES}, AT)
            assert list(journal.lines()) == lines


def test_zeros_where_a_line_never_arrived_are_a_torn_tail(tmp_path: Path) -> None:
    lines = fill(tmp_path, 3)
    path = segments(tmp_path)[0]
    whole = path.read_bytes()
    sectors = bytes(-len(whole) % SECTOR)
    left = (
        bytes(300),
        bytes(70_000),
        b'{"body":{"n' + bytes(300),
        bytes(300) + b'{"body":{"n',
        sectors + b'":"sha256:00"}\n',  # the line's first sectors are not there, its last is
        b"{" + b'"' * (len(sectors) - 1) + bytes(SECTOR) + b"}\n",
    )
    for tail in left:
        path.write_bytes(whole + tail)
        assert list(newest_first(tmp_path)) == lines[::-1]
        with FileJournal(tmp_path) as journal:
            assert list(journal.lines()) == lines
        assert path.read_bytes() == whole


def test_a_byte_that_turned_to_zero_anywhere_stops_the_start_and_nothing_is_cut(
    tmp_path: Path,
) -> None:
    fill(tmp_path, 5)
    path = segments(tmp_path)[0]
    whole = path.read_bytes()
    for at in range(len(whole)):
        damaged = whole[:at] + b"\x00" + whole[at + 1 :]
        path.write_bytes(damaged)
        for look in (lambda: FileJournal(tmp_path), lambda: list(newest_first(tmp_path))):
            with pytest.raises(Stalled) as refused:
                look()
            assert refused.value.code is Reason.CHAIN_BROKEN
        assert path.read_bytes() == damaged
    path.write_bytes(whole)
    with FileJournal(tmp_path) as journal:
        assert journal.head.size == 5


def test_zeros_before_whole_lines_are_damage_however_long_they_are(tmp_path: Path) -> None:
    lines = fill(tmp_path, 3)
    path = segments(tmp_path)[0]
    whole = path.read_bytes()
    first, rest = lines[0] + b"\n", whole[len(lines[0]) + 1 :]
    sectors = bytes(-len(first) % SECTOR + SECTOR)
    for damaged in (bytes(SECTOR) + whole, first + sectors + rest, b"\x00" * len(first) + rest):
        path.write_bytes(damaged)
        with pytest.raises(Stalled) as refused:
            FileJournal(tmp_path)
        assert refused.value.code is Reason.CHAIN_BROKEN
        assert path.read_bytes() == damaged


def test_more_bytes_without_a_newline_than_a_line_has_are_not_one_unfinished_line(
    tmp_path: Path,
) -> None:
    fill(tmp_path, 2)
    path = segments(tmp_path)[0]
    damaged = path.read_bytes() + b"x" * (chain.MAX_LINE + 1)
    path.write_bytes(damaged)
    with pytest.raises(Stalled) as refused:
        FileJournal(tmp_path)
    assert refused.value.code is Reason.CHAIN_BROKEN
    assert path.read_bytes() == damaged


def test_a_full_segment_is_not_cut_though_the_next_one_is_still_empty(tmp_path: Path) -> None:
    fill(tmp_path, SEGMENT_LEAVES + 1)
    full, begun = segments(tmp_path)
    os.truncate(begun, 0)
    damaged = full.read_bytes()[:-1]
    full.write_bytes(damaged)
    with pytest.raises(Stalled) as refused:
        FileJournal(tmp_path)
    assert refused.value.code is Reason.CHAIN_BROKEN
    assert (full.read_bytes(), begun.exists()) == (damaged, True)


def test_a_whole_line_that_does_not_follow_is_not_cut_off_but_refused(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    path = segments(tmp_path)[0]
    edited = path.read_bytes().replace(b'"n":1', b'"n":7')
    path.write_bytes(edited)
    with pytest.raises(Stalled) as refused:
        FileJournal(tmp_path)
    assert refused.value.code is Reason.CHAIN_BROKEN
    assert path.read_bytes() == edited


def test_a_writer_killed_at_any_moment_has_on_disk_what_it_was_told_is_there(
    tmp_path: Path,
) -> None:
    script = (
        "import sys; from datetime import *; from pathlib import Path\n"
        "from evidence_repo.adapters.file_journal import FileJournal\n"
        "j = FileJournal(Path(sys.argv[1]))\n"
        "while True:\n"
        "    leaf = j.append('note', {'x': 'y' * 3000}, datetime(2020, 3, 12, tzinfo=UTC))\n"
        "    print(leaf.seq, flush=True)\n"
    )
    told = -1
    for until in (3, 40, 111):
        child = subprocess.Popen(
            [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        while told < until:
            told = int(child.stdout.readline())
        child.kill()
        told = max([told, *(int(n) for n in child.communicate()[0].split("\n")[:-1])])
        with FileJournal(tmp_path) as journal:
            assert journal.head.size > told
            assert chain.check(journal.lines(), expected=journal.head) == ()


@pytest.mark.parametrize("room", range(0, 260, 20))
def test_a_full_disk_refuses_the_leaf_and_leaves_nothing_of_it(tmp_path: Path, room: int) -> None:
    lines = fill(tmp_path, 2)
    size = segments(tmp_path)[0].stat().st_size
    with FileJournal(tmp_path) as journal:
        with files_of_at_most(size + room), pytest.raises(Stalled) as refused:
            journal.append("note", {"text": "z" * 300}, AT)
        assert refused.value.code is Reason.JOURNAL
        assert list(journal.lines()) == lines
        assert segments(tmp_path)[0].stat().st_size == size
        assert journal.append("note", {"n": 2}, AT).seq == 2


def test_a_full_disk_refuses_bytes_to_keep_and_leaves_no_half_of_them(tmp_path: Path) -> None:
    with FileJournal(tmp_path) as journal:
        with files_of_at_most(10), pytest.raises(Stalled) as refused:
            journal.keep(b"x" * 100)
        assert refused.value.code is Reason.JOURNAL
        with pytest.raises(Stalled):
            journal.kept(chain.digest_bytes(b"x" * 100))
    with FileJournal(tmp_path) as journal:
        assert [path.stat().st_size for path in tmp_path.glob("objects/*")] == [0]
        assert journal.kept(journal.keep(b"x" * 100)) == b"x" * 100


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with FileJournal(tmp_path) as journal:
        with pytest.raises(Stalled) as refused:
            FileJournal(tmp_path)
        assert refused.value.code is Reason.ANOTHER_WRITER
        assert journal.append("note", {}, AT).seq == 0
    FileJournal(tmp_path).close()


def test_a_leaf_cannot_rest_on_bytes_that_were_not_kept(tmp_path: Path) -> None:
    with FileJournal(tmp_path) as journal:
        with pytest.raises(ValueError, match="keep the bytes"):
            journal.append("note", {}, AT, None, (chain.digest_bytes(b"x"),))
        assert journal.head == GENESIS
        digest = journal.keep(b"x")
        assert journal.keep(b"x") == digest
        assert journal.append("note", {}, AT, None, (digest,)).objects == (digest,)
        assert journal.kept(digest) == b"x"


def test_kept_bytes_that_were_changed_are_refused(tmp_path: Path) -> None:
    with FileJournal(tmp_path) as journal:
        digest = journal.keep(b"x")
        [path] = tmp_path.glob("objects/*")
        path.write_bytes(path.read_bytes().replace(b"\nx", b"\ny"))
        with pytest.raises(Stalled) as refused:
            journal.kept(digest)
        assert refused.value.code is Reason.JOURNAL


def test_a_segment_that_is_gone_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    fill(tmp_path, SEGMENT_LEAVES + 1)
    segments(tmp_path)[0].unlink()
    with FileJournal(tmp_path) as journal, pytest.raises(Stalled) as refused:
        list(journal.lines())
    assert refused.value.code is Reason.JOURNAL


def test_a_new_host_goes_on_from_the_head_it_is_given(tmp_path: Path) -> None:
    start = Head(41, chain.digest_bytes(b"the line before"))
    with FileJournal(tmp_path, start) as journal:
        assert journal.append("note", {}, AT).seq == 41
    with FileJournal(tmp_path) as journal:
        assert [leaf.prev for leaf in journal.read(41)] == [start.digest]
        assert journal.head.size == 42


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path)
    journal.close()
    with pytest.raises(Stalled) as refused:
        journal.append("note", {}, AT)
    assert refused.value.code is Reason.JOURNAL


def test_a_folder_that_cannot_be_made_is_a_reason_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Stalled) as refused:
        FileJournal(tmp_path / "file" / "journal")
    assert refused.value.code is Reason.JOURNAL
