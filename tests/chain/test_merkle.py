import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_repo import merkle
from evidence_repo.merkle import Frontier

LEAVES = st.lists(st.binary(max_size=8), max_size=40)


def naive_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(LEAVES)
def test_the_root_is_the_one_the_definition_gives(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == naive_root(leaves)


@given(LEAVES, st.data())
def test_growing_in_steps_gives_the_same_as_growing_at_once(
    leaves: list[bytes], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(leaves)))
    assert Frontier().grow(leaves[:cut]).grow(leaves[cut:]) == Frontier().grow(leaves)


def test_a_known_tree_has_the_root_of_the_reference_test_vectors() -> None:
    leaves = [bytes.fromhex(x) for x in ("", "00", "10", "2021", "3031", "40414243")]
    leaves += [bytes.fromhex("5051525354555657"), bytes.fromhex("606162636465666768696a6b6c6d6e6f")]
    expected = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert merkle.root(leaves).hex() == expected


@given(LEAVES, st.data())
def test_growth_is_proved_between_any_two_sizes(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(0, len(leaves)))
    proof = merkle.consistency_proof(leaves, old)
    before, after = (old, merkle.root(leaves[:old])), (len(leaves), merkle.root(leaves))
    assert merkle.grew(before, after, proof)


@given(st.lists(st.binary(max_size=4), min_size=2, max_size=30), st.data())
def test_another_past_is_never_proved(leaves: list[bytes], data: bytes) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    proof = merkle.consistency_proof(leaves, old)
    other = merkle.root([*leaves[: old - 1], leaves[old - 1] + b"!"])
    assert not merkle.grew((old, other), (len(leaves), merkle.root(leaves)), proof)


@given(st.lists(st.binary(max_size=4), min_size=3, max_size=30), st.data())
def test_a_proof_with_any_hash_changed_or_dropped_proves_nothing(
    leaves: list[bytes], data: bytes
) -> None:
    old = data.draw(st.integers(1, len(leaves) - 1))
    proof = list(merkle.consistency_proof(leaves, old))
    at = data.draw(st.integers(0, len(proof) - 1))
    ends = (old, merkle.root(leaves[:old])), (len(leaves), merkle.root(leaves))
    assert not merkle.grew(*ends, [*proof[:at], bytes(32), *proof[at + 1 :]])
    assert not merkle.grew(*ends, [*proof[:at], *proof[at + 1 :]])
    assert not merkle.grew(*ends, [*proof, bytes(32)])


def test_a_shrunk_tree_did_not_grow() -> None:
    assert not merkle.grew((2, merkle.root([b"a", b"b"])), (1, merkle.root([b"a"])), [])


def test_a_frontier_with_the_wrong_number_of_subtrees_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="one subtree"):
        Frontier(3, (bytes(32),))
