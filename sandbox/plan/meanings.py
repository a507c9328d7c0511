"""What a literal argument must be to mean something to its function."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction

from sandbox.plan.moments import CLOCK_UNITS, DATE_UNITS
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.signatures import Signature

MAX_BUCKETS = 10_000
MAX_DIGITS = 15
MAX_BUCKET = 1_000_000
"""Months, days or seconds of a bucket."""


def anything(position: int, values: tuple[Scalar, ...], signature: Signature) -> bool:  # noqa: ARG001
    """Any value, NULL too."""
    return True


def filled(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """A text that is not empty."""
    return bool(values[position])


def digits(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """A number of digits to round to."""
    value = values[position]
    return isinstance(value, int) and abs(value) <= MAX_DIGITS


def unit(position: int, values: tuple[Scalar, ...], signature: Signature) -> bool:
    """A unit of time that the moments have."""
    value = values[position]
    return value in DATE_UNITS or (value in CLOCK_UNITS and Type.TIMESTAMP in signature.parameters)


def bucket(position: int, values: tuple[Scalar, ...], signature: Signature) -> bool:
    """The number of a bucket's units, and the unit."""
    match position, values[position]:
        case 0, int(count):
            return 1 <= count <= MAX_BUCKET
        case 1, str(found):
            return found in ("month", "day") or (found == "second" and Type.TIMESTAMP in signature.parameters)
        case _:
            return False


def limits(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """The limits of `clamp`, the upper one not below the lower."""
    return values[position] is not None and (position != 2 or _above(values, strictly=False))


def buckets(position: int, values: tuple[Scalar, ...], _: Signature) -> bool:
    """The limits of `width_bucket`, the upper one above the lower, and the number of buckets."""
    match position, values[position]:
        case _, None:
            return False
        case 3, int(count):
            return 1 <= count <= MAX_BUCKETS
        case 2, _:
            return _above(values, strictly=True)
        case _:
            return True


def _above(values: tuple[Scalar, ...], *, strictly: bool) -> bool:
    """Whether the upper limit lies above the lower one, as the engine holds them."""
    match values[1], values[2]:
        case (int() | Fraction()) as low, (int() | Fraction()) as high:
            lo, hi = float(low), float(high)
            return math.isfinite(hi - lo) and (lo < hi if strictly else lo <= hi)
        case date() as low, date() as high:
            return str(low) <= str(high)
        case _:
            return False
