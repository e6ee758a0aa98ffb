"""Memory on disk is whole or not at all, and never believed when it is damaged."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desired_state.adapters.memory_store import MemoryFile
from desired_state.authority import BOTTOM
from desired_state.canonical import canonical, digest_bytes
from desired_state.errors import Stalled
from desired_state.memory import EMPTY, High, Memory, Release, Stop
from desired_state.ratchet import Fall
from desired_state.reasons import Reason
from desired_state.values import StopClass

NOW = datetime(2026, 11, 22, 10, 0, 0, 5, tzinfo=UTC)
DIGEST, STOP = "sha256:" + "a" * 64, "S-0123456789abcdef"
FULL = Memory(
    head="1" * 40,
    desired=BOTTOM,
    roots={"1": DIGEST},
    ledger={"proposals/0001.yaml": (DIGEST,)},
    voided=(2, 3),
    high=High(sequence=1, proposal=DIGEST, signature=DIGEST, completed_at=NOW),
    falls=(Fall(path="trading", value=None, revision="1" * 40),),
    stops={STOP: Stop(id=STOP, kind=StopClass.PERSON, reason="é", by="", commit=None, seen_at=NOW)},
    releases={STOP: Release(stop=STOP, sequence=1, people=("ann",), at=NOW)},
    floor=NOW,
)


def unreadable(path: Path) -> None:
    with pytest.raises(Stalled) as refused:
        MemoryFile(path).load()
    assert refused.value.code is Reason.MEMORY_UNREADABLE


@pytest.mark.parametrize("memory", [EMPTY, FULL])
def test_what_was_stored_is_loaded(tmp_path: Path, memory: Memory) -> None:
    path = tmp_path / "deep" / "memory.json"
    assert MemoryFile(path).load() is None
    MemoryFile(path).store(memory)
    assert MemoryFile(path).load() == memory
    lines = [path.with_name("memory.json.ledger")] if memory.ledger else []
    assert sorted(path.parent.iterdir()) == [path, *lines]


def test_every_truncation_of_either_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    MemoryFile(path).store(FULL)
    for file in sorted(tmp_path.iterdir()):
        whole = file.read_bytes()
        for size in range(len(whole)):
            file.write_bytes(whole[:size])
            unreadable(path)
        file.write_bytes(whole)
    assert MemoryFile(path).load() == FULL


@given(st.data())
def test_every_changed_byte_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("m") / "memory.json"
    MemoryFile(path).store(FULL)
    file = data.draw(st.sampled_from(sorted(path.parent.iterdir())))
    raw = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    file.write_bytes(raw)
    unreadable(path)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"head": 1}', b'{"surprise": 1}', b"\xff", b"{" * 100_000]
)
def test_a_right_digest_over_wrong_bytes_is_not_believed(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "memory.json"
    path.write_bytes(digest_bytes(body).encode() + b"\n" + body)
    unreadable(path)


def test_a_folder_in_its_place_is_refused_both_ways(tmp_path: Path) -> None:
    unreadable(tmp_path)
    with pytest.raises(Stalled) as refused:
        MemoryFile(tmp_path).store(FULL)
    assert refused.value.code is Reason.EVIDENCE_UNWRITABLE


def test_what_a_crash_left_beside_it_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    MemoryFile(path).store(EMPTY)
    (tmp_path / "memory.json.1.part").write_bytes(canonical(FULL)[:20])
    assert MemoryFile(path).load() == EMPTY
    MemoryFile(path).store(FULL)
    assert MemoryFile(path).load() == FULL


def grown(memory: Memory, number: int) -> Memory:
    entry = (f"signoffs/{number:04d}/ann.GO.yaml", DIGEST)
    return memory.model_copy(update={"ledger": memory.ledger.grown([entry])})


def test_a_crash_between_lines_and_snapshot_leaves_the_memory_before(tmp_path: Path) -> None:
    path, lines = tmp_path / "memory.json", tmp_path / "memory.json.ledger"
    MemoryFile(path).store(FULL)
    before = path.read_bytes()
    MemoryFile(path).store(grown(FULL, 7))
    path.write_bytes(before)
    assert MemoryFile(path).load() == FULL
    for left in (b"", b"half a li", b"\0" * 9000):  # what the disk may show of lines never counted
        lines.write_bytes(lines.read_bytes()[: lines.stat().st_size] + left)
        MemoryFile(path).store(grown(FULL, 8))
        assert MemoryFile(path).load() == grown(FULL, 8)
        path.write_bytes(before)


def test_storing_adds_what_is_new_and_writes_nothing_else_again(tmp_path: Path) -> None:
    path, lines = tmp_path / "memory.json", tmp_path / "memory.json.ledger"
    memory, file = FULL, MemoryFile(path)
    file.store(memory)
    for number in range(1, 200):
        told = lines.read_bytes()
        memory = grown(memory, number)
        file.store(memory)
        assert lines.read_bytes().startswith(told)
        assert lines.stat().st_size - len(told) < 200
    assert path.stat().st_size < 3000  # every limit by name, and none of the 200 papers
    assert MemoryFile(path).load() == memory


def test_another_memory_than_the_one_before_is_stored_whole(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    for memory in (FULL, EMPTY, grown(EMPTY, 3), grown(FULL, 4), EMPTY):
        MemoryFile(path).store(memory)
        assert MemoryFile(path).load() == memory
    path.write_bytes(b"damaged")
    MemoryFile(path).store(grown(FULL, 5))
    assert MemoryFile(path).load() == grown(FULL, 5)


CHILD = """
import sys
from pathlib import Path
from desired_state.adapters.memory_store import MemoryFile
file = MemoryFile(Path(sys.argv[1]))
memory = file.load()
number = memory.voided[-1]
while True:
    number += 1
    ledger = memory.ledger.grown([(f"signoffs/{number:04d}/ann.GO.yaml", "sha256:" + "a" * 64)])
    memory = memory.model_copy(update={"voided": (number,), "ledger": ledger})
    file.store(memory)
    print(number, flush=True)
"""


def test_a_process_killed_while_storing_leaves_the_old_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    MemoryFile(path).store(FULL)
    for pause in (0.0, 0.003, 0.011):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(pause)
        child.send_signal(signal.SIGKILL)
        told = child.stdout.read().split()
        child.wait()
        child.stdout.close()
        memory = MemoryFile(path).load()
        assert memory is not None
        assert memory.stops == FULL.stops
        assert f"signoffs/{memory.voided[-1]:04d}/ann.GO.yaml" in memory.ledger
        assert memory.voided[-1] >= int(told[-1] if told else 0)
