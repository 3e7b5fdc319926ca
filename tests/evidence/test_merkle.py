"""The tree is RFC 9162's: its published roots, and a definition of ten lines that the RFC gives."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import each_row
from voiceid_optout.evidence.merkle import Tree, is_included

# The leaves and roots of the reference implementation of Certificate Transparency, from none to eight leaves.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

MANY = st.lists(st.binary(max_size=3), max_size=70)


def root_of(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, section 2.1.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def proof_of(index: int, leaves: list[bytes]) -> list[bytes]:
    """The definition of RFC 9162, section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*proof_of(index, leaves[:half]), root_of(leaves[half:])]
    return [*proof_of(index - half, leaves[half:]), root_of(leaves[:half])]


def tree_of(leaves: list[bytes], *tracked: int) -> Tree:
    tree = Tree()
    for index, leaf in enumerate(leaves):
        assert tree.add(leaf, track=index in tracked) == index
    return tree


@each_row("size", range(9))
def test_published_roots(size: int) -> None:
    assert tree_of(LEAVES[:size]).root().hex() == ROOTS[size]


@given(leaves=MANY)
def test_roots_are_the_definitions(leaves: list[bytes]) -> None:
    assert tree_of(leaves).root() == root_of(leaves)


@given(leaves=MANY.filter(bool), data=st.data())
def test_proofs_are_the_definitions_and_hold(leaves: list[bytes], data: st.DataObject) -> None:
    one, other = (data.draw(st.integers(0, len(leaves) - 1)) for _ in range(2))
    tree = tree_of(leaves, one, other)
    for index in (one, other):
        proof = tree.proof(index)
        assert proof == proof_of(index, leaves)
        assert is_included(tree.root(), len(leaves), index, leaves[index], proof)


@given(leaves=st.lists(st.binary(max_size=3), min_size=1, max_size=20, unique=True), data=st.data())
def test_nothing_else_is_shown(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    tree = tree_of(leaves, index)
    root, proof = tree.root(), tree.proof(index)
    other = data.draw(st.integers(-1, len(leaves)).filter(lambda number: number != index))
    assert not is_included(root, len(leaves), other, leaves[index], proof)
    assert not is_included(root, len(leaves), index, leaves[index] + b"x", proof)
    assert not is_included(root, len(leaves), index, leaves[index], [*proof, root])
    if proof:
        assert not is_included(root, len(leaves), index, leaves[index], proof[:-1])
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], bytes(32), *proof[place + 1 :]]
        assert not is_included(root, len(leaves), index, leaves[index], changed)


def test_who_is_not_tracked_has_no_proof() -> None:
    with pytest.raises(KeyError):
        tree_of(LEAVES, 1).proof(2)
