import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from desired_state.errors import Stalled
from desired_state.reasons import Reason
from evidence_repo import chain
from evidence_repo.chain import GENESIS, Head

AT = datetime(2020, 3, 12, 10, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


def lines_of(bodies: Sequence[Mapping[str, Any]]) -> tuple[list[bytes], Head]:
    head, lines = GENESIS, []
    for number, body in enumerate(bodies):
        _, line = chain.following(head, "note", body, AT + timedelta(seconds=number))
        lines.append(line)
        head = chain.advance(head, line)
    return lines, head


CHAIN, HEAD = lines_of([{"n": n, "at": "x" * n} for n in range(12)])
PLACES = st.integers(0, len(CHAIN) - 1)


def subjects(lines: Sequence[bytes], expected: Head = HEAD) -> list[str]:
    return [found.subject for found in chain.check(lines, expected=expected)]


@given(st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=3), max_size=6))
def test_a_chain_that_was_appended_is_sound_and_its_lines_are_canonical(
    bodies: Sequence[Mapping[str, Any]],
) -> None:
    lines, head = lines_of(bodies)
    assert chain.check(lines, expected=head) == ()
    for line in lines:
        assert rfc8785.dumps(json.loads(line)) == line
        assert chain.parse(line).line() == line


@given(PLACES)
def test_an_edited_leaf_breaks_the_chain_at_the_link_that_follows_it(at: int) -> None:
    edited = CHAIN[at].replace(b'"n":', b'"m":')
    assert subjects([*CHAIN[:at], edited, *CHAIN[at + 1 :]]) == [f"leaf {at + 1}"]


@given(PLACES)
def test_a_dropped_leaf_breaks_the_chain_where_it_is_missing(at: int) -> None:
    found = subjects([*CHAIN[:at], *CHAIN[at + 1 :]])
    assert found[0] == f"leaf {at}"


@given(st.integers(0, len(CHAIN) - 2))
def test_two_swapped_leaves_break_the_chain_at_the_first_of_them(at: int) -> None:
    swapped = [*CHAIN[:at], CHAIN[at + 1], CHAIN[at], *CHAIN[at + 2 :]]
    assert subjects(swapped)[0] == f"leaf {at}"


@given(PLACES, st.integers(0, len(CHAIN)))
def test_an_inserted_leaf_breaks_the_chain_where_it_stands(which: int, at: int) -> None:
    found = subjects([*CHAIN[:at], CHAIN[which], *CHAIN[at:]])
    assert found[0] in ({f"leaf {at}"} if which != at else {f"leaf {at}", f"leaf {at + 1}"})


@given(PLACES)
def test_a_cut_tail_is_seen_by_who_knows_the_head(at: int) -> None:
    assert chain.check(CHAIN[:at]) == ()
    assert subjects(CHAIN[:at]) == [f"leaf {at}"]


@given(PLACES, st.data())
def test_no_byte_of_any_line_can_be_changed_unseen(at: int, data: st.DataObject) -> None:
    line = bytearray(CHAIN[at])
    where = data.draw(st.integers(0, len(line) - 1))
    line[where] ^= data.draw(st.integers(1, 255))
    found = subjects([*CHAIN[:at], bytes(line), *CHAIN[at + 1 :]])
    assert found
    assert found[0] in {f"leaf {at}", f"leaf {at + 1}"}


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_leaf_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(Stalled) as refused:
        chain.parse(data)
    assert refused.value.code is Reason.CHAIN_BROKEN


HOSTILE = {
    "space": lambda line: line.replace(b'":', b'": ', 1),
    "another order of keys": lambda line: b'{"time":' + line[1:],
    "a key twice": lambda line: line.replace(b'"n":1', b'"n":1,"n":1'),
    "a float": lambda line: line.replace(b'"n":1', b'"n":1.5'),
    "an exponent": lambda line: line.replace(b'"n":1', b'"n":1e3'),
    "a number that is none": lambda line: line.replace(b'"n":1', b'"n":NaN'),
    "a number too large for others": lambda line: line.replace(b'"n":1', b'"n":9007199254740993'),
    "an unknown key": lambda line: line.replace(b'"kind"', b'"kinds"'),
    "a text for a number": lambda line: line.replace(b'"seq":1', b'"seq":"1"'),
    "an escaped letter": lambda line: line.replace(b'"note"', b'"not\\u0065"'),
    "deep nesting": lambda line: line.replace(b'"n":1', b'"n":' + b"[" * 9000 + b"]" * 9000),
    "a line too long": lambda line: line.replace(b'"x"', b'"' + b"x" * 70_000 + b'"'),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_line_in_any_other_form_is_refused(case: str) -> None:
    hostile = HOSTILE[case](CHAIN[1])
    assert hostile != CHAIN[1]
    with pytest.raises(Stalled) as refused:
        chain.parse(hostile)
    assert refused.value.code is Reason.CHAIN_BROKEN


def test_a_float_or_a_body_too_long_never_becomes_a_leaf() -> None:
    with pytest.raises(TypeError, match="float"):
        chain.following(GENESIS, "note", {"price": 1.5}, AT)
    with pytest.raises(ValueError, match="keep the bytes"):
        chain.following(GENESIS, "note", {"text": "x" * 70_000}, AT)


def test_a_chain_can_be_checked_from_a_known_head_on() -> None:
    head = GENESIS
    for line in CHAIN[:5]:
        head = chain.advance(head, line)
    assert chain.check(CHAIN[5:], head, HEAD) == ()
    assert chain.check(CHAIN[5:], Head(5, chain.ZERO_DIGEST))[0].subject == "leaf 5"


def test_a_gap_in_the_numbers_is_found_even_where_the_links_hold() -> None:
    first, _ = lines_of([{"n": 0}])
    _, skipped = chain.following(Head(2, chain.digest_bytes(first[0])), "note", {}, AT)
    (found,) = chain.check([*first, skipped])
    assert (found.code, found.subject) == (Reason.CHAIN_BROKEN, "leaf 1")
    assert "sequence number 1" in found.message
