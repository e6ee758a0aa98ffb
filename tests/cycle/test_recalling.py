"""What nobody kept is read again from history: once, and only if somebody asks for it."""

from collections.abc import Iterable, Iterator

import pytest

from desired_state.canonical import digest_bytes
from desired_state.errors import Stalled
from desired_state.reasons import Reason
from reconciler.contents import InMemory, Recalled

OLD, OLDER, NEVER = b"old", b"older", digest_bytes(b"never there")


def kept(*data: bytes) -> InMemory:
    contents = InMemory()
    for each in data:
        contents.keep(each)
    return contents


def test_history_is_not_read_while_everything_that_is_asked_for_was_kept() -> None:
    def history() -> Iterable[bytes]:
        raise AssertionError("nobody asked")

    contents = Recalled(kept(OLD), history)
    assert contents.kept(digest_bytes(OLD)) == OLD
    assert contents.kept(contents.keep(b"new")) == b"new"


def test_what_was_lost_is_taken_from_history_which_is_read_once() -> None:
    readings = []

    def history() -> Iterable[bytes]:
        readings.append(1)
        return (OLD, OLDER)

    contents = Recalled(kept(), history)
    assert contents.kept(digest_bytes(OLD)) == OLD
    assert contents.kept(digest_bytes(OLDER)) == OLDER
    with pytest.raises(KeyError):
        contents.kept(NEVER)
    assert readings == [1]
    assert contents.problem is None


def test_history_that_does_not_read_is_told_whoever_swallows_it() -> None:
    def history() -> Iterator[bytes]:
        yield OLD
        raise Stalled(Reason.TREE_SIZE, "signoffs/", "too many")

    contents = Recalled(kept(), history)
    with pytest.raises(Stalled, match="TREE_SIZE"):
        contents.kept(NEVER)
    assert contents.problem is not None
    assert contents.problem.code is Reason.TREE_SIZE
    with pytest.raises(KeyError):
        contents.kept(NEVER)
