"""The RFC 6962 tree over a log's entries: its hashes, proofs and their verification.

Pure. A tree is stored as the hashes of its complete subtrees, addressed by `Node`; the tiles of C2SP tlog-tiles are
runs of the levels 0, 8, 16, … of them. A stored hash never changes as the tree grows.
Source: RFC 6962 §2.1; verification by RFC 9162 §2.1.3.2 and §2.1.4.2, which shares no code with the making of proofs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from sandbox.errors import Fault, VitrineError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()


class Unverified(VitrineError):
    """A proof, a signature or an entry does not check out: what it was to prove must not be believed."""


class Node(NamedTuple):
    """The complete subtree over the leaves [position · 2^level, (position + 1) · 2^level)."""

    level: int
    position: int


Read: TypeAlias = Callable[[Sequence[Node]], Sequence[bytes]]
"""Stored hashes of the nodes asked for, in that order."""


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that grows leaf by leaf and remembers only the roots of its complete subtrees: O(log n) memory."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise Fault("a frontier has one peak per set bit of its size")
        self.size = size
        self._peaks = list(peaks)

    def append(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """The nodes that this leaf hash completes, its own first."""
        index, level, digest = self.size, 0, leaf
        completed = [(Node(0, index), leaf)]
        while index & 1:
            digest = node_hash(self._peaks.pop(), digest)
            index, level = index >> 1, level + 1
            completed.append((Node(level, index), digest))
        self._peaks.append(digest)
        self.size += 1
        return completed

    def root(self) -> bytes:
        return _fold(self._peaks) if self._peaks else EMPTY_ROOT


def peaks(size: int) -> list[Node]:
    """The complete subtrees whose hashes make the root of the tree of this size, from left to right."""
    return _cover(0, size)


def root(size: int, read: Read) -> bytes:
    return _fold(read(peaks(size))) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """The path from the leaf's sibling up to the root's child. Source: RFC 6962 §2.1.1."""
    if not 0 <= index < size:
        raise Fault(f"leaf {index} does not stand in a tree of {size}")
    path: list[tuple[int, int]] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    return _hashes(path[::-1], read)


def consistency_proof(old: int, new: int, read: Read) -> list[bytes]:
    """That the tree of `old` leaves is a prefix of the tree of `new`. Source: RFC 6962 §2.1.2."""
    if not 0 < old <= new:
        raise Fault(f"no consistency proof leads from {old} to {new}")
    path: list[tuple[int, int]] = []
    low, high = 0, new
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    if low:
        path.append((low, high))
    return _hashes(path[::-1], read)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> None:
    """Returns when the leaf hash stands at `index` of the tree (size, expected root), else raises Unverified."""
    if not 0 <= index < size:
        raise Unverified("the leaf's index lies beyond the tree")
    place, last, digest = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise Unverified("the inclusion proof is too long")
        if place & 1 or place == last:
            digest = node_hash(step, digest)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            digest = node_hash(digest, step)
        place, last = place >> 1, last >> 1
    if last != 0 or digest != expected:
        raise Unverified("the inclusion proof does not lead to the root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Returns when the tree (old, old_root) is a prefix of (new, new_root), else raises Unverified.

    A proof does not bind the sizes: take them from signed checkpoints only.
    """
    if not 0 <= old <= new:
        raise Unverified("the newer tree is smaller")
    if old == 0 or old == new:
        if proof or (old == new and old_root != new_root) or (old == 0 and old_root != EMPTY_ROOT):
            raise Unverified("the consistency proof does not lead to the roots")
        return
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        raise Unverified("the consistency proof is empty")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise Unverified("the consistency proof is too long")
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    if last != 0 or before != old_root or after != new_root:
        raise Unverified("the consistency proof does not lead to the roots")


def _split(size: int) -> int:
    """The greatest power of two less than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _cover(low: int, high: int) -> list[Node]:
    """The complete subtrees that make up [low, high), from left to right, where low is a multiple of their sizes."""
    nodes: list[Node] = []
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append(Node(level, low >> level))
        low += 1 << level
    return nodes


def _hashes(ranges: Sequence[tuple[int, int]], read: Read) -> list[bytes]:
    """The hash of each range of leaves, by one read."""
    covers = [_cover(low, high) for low, high in ranges]
    stored = iter(read([node for cover in covers for node in cover]))
    return [_fold([next(stored) for _ in cover]) for cover in covers]


def _fold(hashes: Sequence[bytes]) -> bytes:
    *rest, digest = hashes
    for left in reversed(rest):
        digest = node_hash(left, digest)
    return digest
