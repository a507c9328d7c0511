"""The numeric, boolean and conditional functions on single values, as the engine computes them.

DOUBLE values are fractions that are exact 64-bit numbers; they are computed with as such. Each function takes the
converted arguments. `Unknown` says that the engine's result is not claimed to be known here.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

from sandbox.plan.nodes import Scalar
from sandbox.plan.values import INTEGER_HI, INTEGER_LO

Number: TypeAlias = int | Fraction
Reference: TypeAlias = Callable[..., Scalar]


class UnknownValueError(Exception):
    """The engine's result for these arguments is not claimed to be known."""


def unknown(*_: Scalar) -> Scalar:
    """Never known."""
    raise UnknownValueError


def integer(value: int) -> int | None:
    """A 64-bit integer, or NULL."""
    return value if INTEGER_LO <= value <= INTEGER_HI else None


def real(value: float) -> Fraction | None:
    """A finite number, or NULL."""
    return Fraction(value) if math.isfinite(value) else None


def _either(exact: Callable[[int, int], int], rounded: Callable[[float, float], float]) -> Reference:
    def apply(left: Number, right: Number) -> Number | None:
        if isinstance(left, int) and isinstance(right, int):
            return integer(exact(left, right))
        return real(rounded(float(left), float(right)))

    return apply


add = _either(operator.add, operator.add)
subtract = _either(operator.sub, operator.sub)
multiply = _either(operator.mul, operator.mul)


def divide(left: Fraction, right: Fraction) -> Fraction | None:
    return real(float(left) / float(right)) if right else None


def truncated(left: int, right: int) -> int:
    """The quotient rounded toward zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def integer_divide(left: int, right: int) -> int | None:
    return integer(truncated(left, right)) if right else None


def modulo(left: Number, right: Number) -> Number | None:
    """The remainder, with the sign of the dividend."""
    if not right:
        return None
    if isinstance(left, int) and isinstance(right, int):
        return left - right * truncated(left, right)
    return real(math.fmod(float(left), float(right)))


def negate(value: Number) -> Number | None:
    return integer(-value) if isinstance(value, int) else -value


def absolute(value: Number) -> Number | None:
    return integer(abs(value)) if isinstance(value, int) else abs(value)


def away(value: Fraction) -> int:
    """The nearest integer, halves away from zero."""
    nearest = math.floor(abs(value) + Fraction(1, 2))
    return nearest if value >= 0 else -nearest


def rounded(value: Number, digits: int = 0) -> Number | None:
    if isinstance(value, int):
        return integer(value if digits >= 0 else away(Fraction(value, 10**-digits)) * 10**-digits)
    if digits == 0:
        return Fraction(away(value))
    scale = 10.0 ** abs(digits)
    scaled = float(value) * scale if digits > 0 else float(value) / scale
    if not math.isfinite(scaled):
        return value
    whole = float(away(Fraction(scaled)))
    result = whole / scale if digits > 0 else whole * scale
    return real(result)


def truncate(value: Number, digits: int = 0) -> Number | None:
    """Toward zero, to a number of decimal digits."""
    if isinstance(value, int):
        return value if digits >= 0 else truncated(value, 10**-digits) * 10**-digits
    scale = 10.0 ** abs(digits)
    scaled = float(value) * scale if digits > 0 else float(value) / scale
    if not math.isfinite(scaled):
        return value
    whole = float(math.trunc(scaled))
    return real(whole / scale if digits > 0 else whole * scale)


def rounded_half_even(value: Fraction, digits: int) -> Fraction | None:
    scale = 10.0 ** abs(digits)
    scaled = float(value) * scale if digits > 0 else float(value) / scale
    if not math.isfinite(scaled):
        return value
    whole = float(round(scaled))
    return real(whole / scale if digits > 0 else whole * scale)


def next_even(value: Fraction) -> Fraction:
    """The nearest even number that is no nearer to zero."""
    size = math.ceil(abs(value))
    size += size % 2
    return Fraction(size if value >= 0 else -size)


def scaled(factor: float) -> Reference:
    """A multiple."""
    return lambda value: real(float(value) * factor)


def floor(value: Number) -> Number:
    return value if isinstance(value, int) else Fraction(math.floor(value))


def ceil(value: Number) -> Number:
    return value if isinstance(value, int) else Fraction(math.ceil(value))


def sign(value: Number) -> int:
    return (value > 0) - (value < 0)


def sqrt(value: Fraction) -> Fraction | None:
    return real(math.sqrt(float(value))) if value >= 0 else None


def clamp(value: Scalar, lo: Scalar, hi: Scalar) -> Scalar:
    if value < lo:  # type: ignore[operator]
        return lo
    return min(value, hi)  # type: ignore[type-var]


def width_bucket(value: Fraction, lo: Fraction, hi: Fraction, count: int) -> int:
    """0 below `lo`, `count` + 1 from `hi` on, else the bucket 1..`count` of equal width."""
    if value < lo:
        return 0
    if value >= hi:
        return count + 1
    return min(count, 1 + math.floor((float(value) - float(lo)) / bucket_width(lo, hi, count)))


def bucket_width(lo: Fraction, hi: Fraction, count: int) -> float:
    """The width of a bucket as a 64-bit number."""
    return float((hi - lo) / count)


def least(*values: Scalar) -> Scalar:
    return min((value for value in values if value is not None), default=None)


def greatest(*values: Scalar) -> Scalar:
    return max((value for value in values if value is not None), default=None)


def conjunction(*values: Scalar) -> Scalar:
    if False in values:
        return False
    return None if None in values else True


def disjunction(*values: Scalar) -> Scalar:
    if True in values:
        return True
    return None if None in values else False


def case(*values: Scalar) -> Scalar:
    conditions, results = values[:-1:2], values[1::2]
    return next((result for taken, result in zip(conditions, results, strict=True) if taken), values[-1])


def coalesce(*values: Scalar) -> Scalar:
    return next((value for value in values if value is not None), None)


def nullif(value: Scalar, other: Scalar) -> Scalar:
    return None if value == other else value


def contained(value: Scalar, *members: Scalar) -> Scalar:
    """`in`: NULL where only a NULL could have matched."""
    if value is None:
        return None
    if value in members:
        return True
    return None if None in members else False


def is_null(value: Scalar) -> bool:
    return value is None


def is_not_null(value: Scalar) -> bool:
    return value is not None


def is_distinct_from(left: Scalar, right: Scalar) -> bool:
    return left != right
