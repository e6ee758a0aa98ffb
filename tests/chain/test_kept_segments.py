"""Kept bytes: what was told to be there is there, whatever a crash left beside it."""

import os
from pathlib import Path

import pytest

from desired_state.canonical import sha256_hex
from evidence_repo.adapters import kept_segments
from evidence_repo.adapters.kept_segments import SEGMENT_BYTES, KeptSegments


def opened(folder: Path) -> KeptSegments:
    made = KeptSegments(folder)
    made.open()
    return made


def fill(folder: Path, *objects: bytes) -> Path:
    made = opened(folder)
    for data in objects:
        made.add([data])
    made.close()
    return max(folder.glob("*.kept"))


def test_what_was_added_is_read_by_another_and_after_a_start(tmp_path: Path) -> None:
    writer, reader = opened(tmp_path), KeptSegments(tmp_path)
    writer.add([b"one", b"two", b"", b"\n", b"one"])
    assert [reader.read(sha256_hex(x)) for x in (b"one", b"", b"\n")] == [b"one", b"", b"\n"]
    size = max(tmp_path.glob("*.kept")).stat().st_size
    writer.add([b"two"])
    assert max(tmp_path.glob("*.kept")).stat().st_size == size
    writer.add([b"three"])
    assert reader.read(sha256_hex(b"three")) == b"three"
    with pytest.raises(KeyError):
        reader.read(sha256_hex(b"four"))
    writer.close()
    assert opened(tmp_path).read(sha256_hex(b"three")) == b"three"


def test_a_file_cut_at_any_byte_keeps_what_is_whole_and_goes_on_in_a_new_one(
    tmp_path: Path,
) -> None:
    objects = (b"first", b"the second\n", b"third")
    whole = fill(tmp_path / "made", *objects).read_bytes()
    ends = [whole.index(data + b"\n") + len(data) + 1 for data in objects]
    for size in range(len(whole) + 1):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / "00000000.kept").write_bytes(whole[:size])
        again = opened(folder)
        for data, end in zip(objects, ends, strict=True):
            assert (sha256_hex(data) in again) is (end <= size)
        again.add(objects)
        assert [again.read(sha256_hex(data)) for data in objects] == list(objects)
        assert (folder / "00000000.kept").read_bytes()[:size] == whole[:size]
        again.close()


def test_zeros_where_bytes_never_arrived_are_not_taken_for_kept(tmp_path: Path) -> None:
    path = fill(tmp_path, b"first", b"x" * 5000)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"x" * 5000, bytes(5000)))
    again = opened(tmp_path)
    assert sha256_hex(b"first") in again
    assert sha256_hex(b"x" * 5000) not in again
    again.add([b"x" * 5000])
    assert again.read(sha256_hex(b"x" * 5000)) == b"x" * 5000
    again.close()
    assert opened(tmp_path).read(sha256_hex(b"x" * 5000)) == b"x" * 5000


def test_a_full_file_ends_and_a_new_one_begins(tmp_path: Path) -> None:
    made = opened(tmp_path)
    big = b"x" * SEGMENT_BYTES
    made.add([big])
    made.add([b"after"])
    assert len(list(tmp_path.glob("*.kept"))) == 2
    assert made.read(sha256_hex(big)) == big
    assert KeptSegments(tmp_path).read(sha256_hex(b"after")) == b"after"
    made.close()


def test_many_objects_are_one_fsync(tmp_path: Path) -> None:
    made = opened(tmp_path)
    calls = int(Path(f"/proc/{os.getpid()}/io").read_text().split("syscw: ")[1].split()[0])
    made.add([bytes([n]) for n in range(200)])
    after = int(Path(f"/proc/{os.getpid()}/io").read_text().split("syscw: ")[1].split()[0])
    assert after - calls == 1
    assert kept_segments.__doc__
    made.close()
