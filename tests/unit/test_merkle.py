"""The tree against the recursive definitions of RFC 6962 and its published vectors."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest

from sandbox.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    Read,
    Unverified,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    peaks,
    root,
    verify_consistency,
    verify_inclusion,
)
from sandbox.errors import Fault

MOST = 40
LEAVES = [f"leaf {number}".encode() for number in range(MOST)]

# The tree that every implementation of Certificate Transparency is tested with.
CT_LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if len(leaves) < 2:
        return leaf_hash(leaves[0]) if leaves else sha256().digest()
    k = greatest_power_below(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = greatest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2, word for word."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = greatest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def greatest_power_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def stored(leaves: Sequence[bytes]) -> Read:
    frontier = Frontier()
    nodes = {node: digest for leaf in leaves for node, digest in frontier.append(leaf_hash(leaf))}
    return lambda wanted: [nodes[node] for node in wanted]


def flip(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def test_published_vectors() -> None:
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT == sha256().digest()
    for leaf, expected in zip(CT_LEAVES, CT_ROOTS, strict=True):
        frontier.append(leaf_hash(leaf))
        assert frontier.root().hex() == expected


@pytest.mark.parametrize("size", range(MOST + 1))
def test_root_is_the_definition(size: int) -> None:
    read = stored(LEAVES)
    frontier = Frontier(size, read(peaks(size)))
    assert root(size, read) == mth(LEAVES[:size]) == frontier.root()


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_inclusion_proofs(size: int) -> None:
    read, head = stored(LEAVES[:size]), mth(LEAVES[:size])
    for index in range(size):
        proof = inclusion_proof(index, size, read)
        assert proof == path(index, LEAVES[:size])
        leaf = leaf_hash(LEAVES[index])
        verify_inclusion(leaf, index, size, proof, head)
        lies = [
            (flip(leaf), index, size, proof, head),
            (leaf, index, size, proof, flip(head)),
            (leaf, index, size, [*proof, head], head),
            *((leaf, other, size, proof, head) for other in range(size) if other != index),
            *((leaf, index, size, proof[:cut] + proof[cut + 1 :], head) for cut in range(len(proof))),
            *(
                (leaf, index, size, [*proof[:cut], flip(proof[cut]), *proof[cut + 1 :]], head)
                for cut in range(len(proof))
            ),
            (leaf, size, size, proof, head),
            (leaf, -1, size, proof, head),
        ]
        for lie in lies:
            with pytest.raises(Unverified):
                verify_inclusion(*lie)


@pytest.mark.parametrize("new", range(1, MOST + 1))
def test_consistency_proofs(new: int) -> None:
    read, head = stored(LEAVES[:new]), mth(LEAVES[:new])
    verify_consistency(0, new, EMPTY_ROOT, head, [])
    for old in range(1, new + 1):
        proof, before = consistency_proof(old, new, read), mth(LEAVES[:old])
        assert proof == subproof(old, LEAVES[:new], True)
        verify_consistency(old, new, before, head, proof)
        lies = [
            (old, new, flip(before), head, proof),
            (old, new, before, flip(head), proof),
            (old, new, before, head, [*proof, head]),
            *((old, new, before, head, proof[:cut] + proof[cut + 1 :]) for cut in range(len(proof))),
            *(
                (old, new, before, head, [*proof[:cut], flip(proof[cut]), *proof[cut + 1 :]])
                for cut in range(len(proof))
            ),
            (new + 1, new, before, head, proof),
        ]
        for lie in lies:
            with pytest.raises(Unverified):
                verify_consistency(*lie)


def test_a_proof_that_does_not_exist_is_our_fault() -> None:
    read = stored(LEAVES)
    for ask in (
        lambda: inclusion_proof(5, 5, read),
        lambda: inclusion_proof(-1, 5, read),
        lambda: consistency_proof(0, 5, read),
        lambda: consistency_proof(6, 5, read),
        lambda: Frontier(3, [EMPTY_ROOT]),
    ):
        with pytest.raises(Fault):
            ask()


def test_completed_nodes_are_the_complete_subtrees() -> None:
    frontier = Frontier()
    nodes = [node for leaf in LEAVES for node, _ in frontier.append(leaf_hash(leaf))]
    assert len(nodes) == len(set(nodes))
    assert set(nodes) == {
        Node(level, position) for level in range(MOST.bit_length()) for position in range(MOST >> level)
    }
