"""Objects asked of long-lived git processes: an answer is believed of its own question alone."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from desired_state.adapters.cat_file import AT_ONCE, Answer, answers
from desired_state.adapters.git_objects import GitObjects
from desired_state.errors import Waiting
from tests.fakes.trust_desk import Remote

MISSING = "0" * 40
TEXTS = {f"signoffs/{n:04d}/x": f"text {n}\n".encode() * (n % 50) for n in range(3 * AT_ONCE)}


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    made = Remote(tmp_path / "state.git")
    made.push(TEXTS)
    return made


@pytest.fixture
def objects(remote: Remote) -> Iterator[GitObjects]:
    made = GitObjects(remote.folder)
    yield made
    made.close()


@pytest.fixture
def blobs(remote: Remote) -> dict[str, bytes]:
    listed = remote.git("ls-tree", "-r", "main").splitlines()
    return {line.split()[2]: TEXTS[line.split("\t")[1]] for line in listed}


def test_many_are_measured_and_read_at_once_each_under_its_own_id(
    objects: GitObjects, blobs: dict[str, bytes]
) -> None:
    objects.measure(blobs)
    assert {oid: objects.size(oid) for oid in blobs} == {o: len(d) for o, d in blobs.items()}
    objects.expect(reversed(blobs))
    assert {oid: objects.data(oid) for oid in blobs} == blobs


def test_one_that_is_not_there_is_refused_alone_and_shifts_no_other_answer(
    objects: GitObjects, blobs: dict[str, bytes]
) -> None:
    first, second, *rest = blobs
    objects.measure([first, MISSING, second])
    objects.expect([second, MISSING, *rest])
    assert objects.data(first) == blobs[first]
    with pytest.raises(Waiting):
        objects.size(MISSING)
    with pytest.raises(Waiting):
        objects.data(MISSING)
    assert {oid: objects.data(oid) for oid in blobs} == blobs
    assert {oid: objects.size(oid) for oid in blobs} == {o: len(d) for o, d in blobs.items()}


@pytest.mark.parametrize("strange", ["main", MISSING + "\n" + MISSING, "", "-h"])
def test_what_is_no_id_is_not_asked(
    objects: GitObjects, blobs: dict[str, bytes], strange: str
) -> None:
    with pytest.raises(Waiting):
        objects.data(strange)
    assert {oid: objects.data(oid) for oid in blobs} == blobs


def test_a_git_process_that_died_is_waited_for_once_and_then_replaced(
    objects: GitObjects, blobs: dict[str, bytes]
) -> None:
    first, second, third, *_ = blobs
    assert objects.data(first) == blobs[first]
    assert objects.size(first) == len(blobs[first])
    for process in (objects.command.cat_file_all, objects.command.cat_file_header):
        process.proc.kill()
        process.proc.wait()
    with pytest.raises(Waiting):
        objects.data(second)
    assert objects.data(second) == blobs[second]
    assert objects.size(third) == len(blobs[third])


@dataclass
class Pipes:
    stdin: io.BytesIO
    stdout: io.BytesIO


ONE, OTHER = "1" * 40, "2" * 40


@pytest.mark.parametrize(
    "said",
    [
        b"",
        f"{OTHER} blob 1\nx\n".encode(),
        f"{OTHER} missing\n".encode(),
        f"{ONE} blob 5\nx\n".encode(),
        f"{ONE} blob 1\nxy".encode(),
        f"{ONE} blob -1\n\n".encode(),
        f"{ONE} missing".encode(),
        f"{ONE} ambiguous\n".encode(),
    ],
)
def test_what_is_no_answer_to_the_question_is_not_believed(said: bytes) -> None:
    with pytest.raises(ValueError, match="git "):
        answers(Pipes(io.BytesIO(), io.BytesIO(said)), [ONE], contents=True)


def test_answers_come_in_the_order_of_the_questions() -> None:
    said = f"{ONE} blob 2\n\n\n\n{OTHER} missing\n{ONE} blob 1\nx\n".encode()
    found = answers(Pipes(io.BytesIO(), io.BytesIO(said)), [ONE, OTHER, ONE], contents=True)
    assert found == [Answer(2, b"\n\n"), None, Answer(1, b"x")]
