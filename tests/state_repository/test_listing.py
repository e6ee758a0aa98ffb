"""A listing that is likened to others says what its bytes say, and differs where they differ."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desired_state.adapters.git_listing import NOTHING, Listing, fresh, listing

Entry = tuple[bytes, bytes, bytes]
WORDS = (b"100644", b"40000", b"a", b"0", b" ", b"1", b"\xff")
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(b"".join)
PIECES = st.sampled_from((b"100644 a\0", b"40000 0\0", b"a", b"\0", b" ", b"0"))
IDS = st.lists(PIECES, max_size=20).map(lambda pieces: b"".join(pieces)[:20].rjust(20, b"0"))
ENTRIES = st.tuples(st.sampled_from((b"100644", b"40000", b"040000", b"120000")), NAMES, IDS)
SAME = b"i" * 20


def raw(entries: list[Entry]) -> bytes:
    return b"".join(mode + b" " + name + b"\0" + oid for mode, name, oid in entries)


@st.composite
def versions(draw: st.DrawFn) -> list[bytes]:
    """Trees that grow out of each other by a few entries, as folders do; some are damaged."""
    entries = draw(st.lists(ENTRIES, max_size=8))
    found = [raw(entries)]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(entries)))
        gone = draw(st.integers(0, 3))
        entries = entries[:at] + draw(st.lists(ENTRIES, max_size=3)) + entries[at + gone :]
        found.append(raw(entries))
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(found[-1])))
        found[-1] = found[-1][:cut] + draw(st.binary(max_size=3)) + found[-1][cut:]
    return found


def outcome(read: Callable[[], Listing]) -> object:
    try:
        found = read()
    except ValueError:
        return "no tree"
    return found.raw, list(found.ends), found.entries, found.twice


@given(versions())
@example([raw([(b"100644", b"x100644 a", SAME)]), raw([(b"100644", b"x", SAME)])])
def test_a_listing_is_the_same_whatever_it_is_likened_to(trees: list[bytes]) -> None:
    near: list[Listing] = []
    for tree in trees:
        alone = outcome(lambda tree=tree: listing(tree))
        assert outcome(lambda tree=tree, near=near: listing(tree, near)) == alone
        if alone != "no tree":
            near = [*near, listing(tree, near)]


@given(versions())
@example(  # the end of one lies within an entry of the other
    [
        raw([(b"100644", b"y", b"j" * 20), (b"100644", b"a", SAME)]),
        raw([(b"100644", b"x100644 a", SAME)]),
    ]
)
@example([raw([(b"100644", b"a", SAME)]) * 2, raw([(b"100644", b"a", SAME)])])
@example(
    [raw([(b"100644", b"a", b"j" * 20), (b"100644", b"a", SAME)]), raw([(b"100644", b"a", SAME)])]
)
def test_what_is_fresh_is_every_entry_that_does_not_stand_in_the_other(trees: list[bytes]) -> None:
    good = [NOTHING]
    for tree in trees:
        try:
            good.append(listing(tree))
        except ValueError:
            continue
    for after in good:
        for before in good:
            expected = {n: e for n, e in after.entries.items() if before.entries.get(n) != e}
            assert fresh(after, before) == expected


def test_one_more_paper_beside_thousands_is_the_one_that_is_fresh() -> None:
    papers = [(b"100644", b"%04d.yaml" % n, b"%020d" % n) for n in range(5_000)]
    before = listing(raw(papers))
    after = listing(raw([*papers, (b"100644", b"5000.yaml", SAME)]), [before])
    assert fresh(after, before) == {b"5000.yaml": (b"100644", SAME)}
    assert fresh(before, after) == {}
    assert len(after.entries) == 5_001
    assert len(before.entries) == 5_000


@pytest.mark.parametrize("bad", [b"100644 a\0short", b"x", b"100644 \0" + SAME, b"644 a\0" + SAME])
def test_bytes_that_are_no_tree_are_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="not a tree"):
        listing(bad)


def test_of_two_entries_with_one_name_the_first_stands_as_it_does_for_git() -> None:
    found = listing(raw([(b"100644", b"a", SAME), (b"100644", b"a", b"j" * 20)]))
    assert found.entries == {b"a": (b"100644", SAME)}
    assert found.twice
