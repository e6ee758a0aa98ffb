"""The Merkle tree of RFC 6962 over leaf bytes: one hash that stands for every leaf so far.

A ``Frontier`` keeps the roots of the complete subtrees alone, so that adding a leaf and naming
the root cost O(log n) whatever the size of the log.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf: sha256 of a zero byte and the leaf (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: sha256 of a one byte and both children (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the complete subtrees that make up a tree of ``size`` leaves, largest first."""

    size: int = 0
    subtrees: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.subtrees) != self.size.bit_count():
            raise ValueError("a frontier has one subtree for every bit of its size")

    def grow(self, leaves: Iterable[bytes]) -> "Frontier":
        """The frontier after these leaves as well, in their order."""
        size, stack = self.size, list(self.subtrees)
        for leaf in leaves:
            merged, size = leaf_hash(leaf), size + 1
            for _ in range(_trailing_zeros(size)):
                merged = node_hash(stack.pop(), merged)
            stack.append(merged)
        return Frontier(size, tuple(stack))

    def root(self) -> bytes:
        """The 32 bytes that stand for every leaf; the hash of nothing for an empty tree."""
        if not self.subtrees:
            return EMPTY_ROOT
        merged, *rest = reversed(self.subtrees)
        for subtree in rest:
            merged = node_hash(subtree, merged)
        return merged


def root(leaves: Sequence[bytes]) -> bytes:
    """Root of a whole list of leaves."""
    return Frontier().grow(leaves).root()


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Proof that the tree of the first ``old_size`` leaves grew into the tree of all of them.

    Raises:
        ValueError: If ``old_size`` is not between 0 and the number of leaves.
    """
    if not 0 <= old_size <= len(leaves):
        raise ValueError(f"a tree of {len(leaves)} leaves has no past of {old_size}")
    if old_size in (0, len(leaves)):
        return ()
    return tuple(_subproof(leaves, old_size, whole=True))


def grew(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Whether (size, root) ``new`` only adds leaves to ``old`` (RFC 9162, 2.1.4.2)."""
    (old_size, old_root), (new_size, new_root) = old, new
    if not 0 <= old_size <= new_size:
        return False
    if old_size in (0, new_size):
        expected = EMPTY_ROOT if old_size == 0 else new_root
        return not proof and old_root == expected
    path = list(proof)
    if old_size.bit_count() == 1:  # the old tree is itself a node of the new one
        path.insert(0, old_root)
    return _proof_leads(path, (old_size - 1, new_size - 1), (old_root, new_root))


def _proof_leads(path: list[bytes], ends: tuple[int, int], roots: tuple[bytes, bytes]) -> bool:
    old_node, new_node = ends
    while old_node & 1:
        old_node, new_node = old_node >> 1, new_node >> 1
    if not path:
        return False
    old_hash = new_hash = path[0]
    for sibling in path[1:]:
        if new_node == 0:
            return False
        if old_node & 1 or old_node == new_node:
            old_hash, new_hash = node_hash(sibling, old_hash), node_hash(sibling, new_hash)
            while old_node and not old_node & 1:
                old_node, new_node = old_node >> 1, new_node >> 1
        else:
            new_hash = node_hash(new_hash, sibling)
        old_node, new_node = old_node >> 1, new_node >> 1
    return new_node == 0 and (old_hash, new_hash) == roots


def _subproof(leaves: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old_size <= split:
        return [*_subproof(leaves[:split], old_size, whole=whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], old_size - split, whole=False), root(leaves[:split])]


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1
