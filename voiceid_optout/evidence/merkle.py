"""A Merkle tree over leaves in their order: RFC 9162, section 2.1, with SHA-256.

A leaf's hash is SHA-256 of a zero byte and the leaf, a node's that of a one byte and the hashes below it: no leaf
passes for a node. The tree keeps no leaves: a million of them take the memory of twenty hashes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_EMPTY = hashlib.sha256(b"").digest()


class _Subtree(NamedTuple):
    """A complete subtree: its hash, its first leaf, and how many leaves it has, a power of two."""

    hash: bytes
    first: int
    size: int

    def has(self, index: int) -> bool:
        return self.first <= index < self.first + self.size


class Tree:
    """A tree that grows leaf by leaf, and remembers the proofs of those leaves that are tracked."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[_Subtree] = []  # complete ones from left to right, each at most half the one before
        self._paths: dict[int, list[bytes]] = {}

    def add(self, leaf: bytes, *, track: bool = False) -> int:
        """Add a leaf and return its index, counted from 0; a tracked one has a :meth:`proof` later."""
        index = self.size
        if track:
            self._paths[index] = []
        self.size += 1
        new = _Subtree(leaf_hash(leaf), index, 1)
        while self._subtrees and self._subtrees[-1].size == new.size:
            new = self._joined(self._subtrees.pop(), new, self._paths)
        self._subtrees.append(new)
        return index

    def root(self) -> bytes:
        """Return the root over all leaves so far, 32 bytes; that of no leaves is the hash of nothing."""
        return self._closed({})

    def proof(self, index: int) -> list[bytes]:
        """Return the inclusion proof of a tracked leaf: hashes of 32 bytes, from the leaf up. Raises KeyError."""
        paths = {index: list(self._paths[index])}
        self._closed(paths)
        return paths[index]

    def _closed(self, paths: dict[int, list[bytes]]) -> bytes:
        if not self._subtrees:
            return _EMPTY
        *others, last = self._subtrees
        for subtree in reversed(others):
            last = self._joined(subtree, last, paths)
        return last.hash

    @staticmethod
    def _joined(left: _Subtree, right: _Subtree, paths: dict[int, list[bytes]]) -> _Subtree:
        for index, path in paths.items():
            if left.has(index):
                path.append(right.hash)
            elif right.has(index):
                path.append(left.hash)
        return _Subtree(node_hash(left.hash, right.hash), left.first, left.size + right.size)


def is_included(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that a tree of this root and size has this leaf at this index.

    The algorithm of RFC 9162, section 2.1.3.2. Whatever is given, it takes no more steps than the proof has hashes.
    """
    if not 0 <= index < size:
        return False
    number, last = index, size - 1
    found = leaf_hash(leaf)
    for sibling in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node_hash(sibling, found)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and found == root


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()
