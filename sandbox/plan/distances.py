"""How far two texts are from each other, by their bytes in UTF-8, on single values as the engine computes them.

Their work grows with the product of the lengths: of longer texts than `MOST_BYTES` they are NULL.
"""

from __future__ import annotations

from fractions import Fraction

MOST_BYTES = 128


def _bytes(*texts: str) -> tuple[bytes, ...] | None:
    found = tuple(text.encode() for text in texts)
    return found if all(len(one) <= MOST_BYTES for one in found) else None


def levenshtein(left: str, right: str) -> int | None:
    """The fewest single bytes to insert, leave out or change."""
    found = _bytes(left, right)
    if found is None:
        return None
    one, other = found
    row = list(range(len(other) + 1))
    for i, byte in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, with_ in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (byte != with_))
    return row[-1]


def hamming(left: str, right: str) -> int | None:
    """Places that differ; NULL of different or no lengths."""
    one, other = left.encode(), right.encode()
    return sum(a != b for a, b in zip(one, other, strict=True)) if len(one) == len(other) > 0 else None


def jaccard(left: str, right: str) -> Fraction | None:
    """The share of the bytes that occur in both; NULL of an empty text."""
    one, other = set(left.encode()), set(right.encode())
    return Fraction(len(one & other) / len(one | other)) if one and other else None
