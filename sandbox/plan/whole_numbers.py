"""The functions of whole numbers and their bits: on single values, and their range rules."""

from __future__ import annotations

import math

from sandbox.plan.arithmetic import integer
from sandbox.plan.ranges import Range, any_null, hull, known, magnitude, span
from sandbox.plan.signatures import Signature
from sandbox.plan.values import Values

BITS = 64
LAST_FACTORIAL = 20
"""The factorials of larger numbers are no 64-bit numbers."""


def greatest_divisor(left: int, right: int) -> int | None:
    return integer(math.gcd(left, right))


def least_multiple(left: int, right: int) -> int | None:
    return integer(math.lcm(left, right))


def factorial(value: int) -> int | None:
    return math.factorial(value) if 0 <= value <= LAST_FACTORIAL else None


def bit_count(value: int) -> int:
    """Of the 64 bits in two's complement."""
    return (value & ((1 << BITS) - 1)).bit_count()


def shift_left(value: int, steps: int) -> int | None:
    """NULL where DuckDB raises: of negative numbers, and beyond 64 bits."""
    return integer(value << min(steps, BITS)) if value >= 0 and steps >= 0 else None


def shift_right(value: int, steps: int) -> int:
    """0 where the number of steps is none of 0 to 63."""
    return value >> steps if 0 <= steps < BITS else 0


def divisor_range(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """At most the larger number; NULL only where that is 2⁶³."""
    spans = [found for one in arguments if (found := span(one)) is not None]
    if len(spans) < len(arguments):
        return known(signature.result, None, nullable=True)
    largest = max(magnitude(end) for found in spans for end in found)
    return known(signature.result, (0, largest), nullable=any_null(arguments))


def multiple_range(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """At most the product."""
    left, right = (span(one) for one in arguments)
    if left is None or right is None:
        return known(signature.result, None, nullable=True)
    largest = max(map(magnitude, left)) * max(map(magnitude, right))
    return known(signature.result, (0, largest), nullable=any_null(arguments))


def factorial_range(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Grows with the number; NULL where it is none of 0 to 20."""
    lo, hi = span(arguments[0]) or (-1, LAST_FACTORIAL + 1)
    inside = lo >= 0 and hi <= LAST_FACTORIAL
    first, last = min(max(int(lo), 0), LAST_FACTORIAL), max(min(int(hi), LAST_FACTORIAL), 0)
    found = math.factorial(first), math.factorial(last)
    return known(signature.result, found, nullable=any_null(arguments) or not inside)


def bits_range(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """No more bits than the longest argument, and negative only where one is."""
    spans = [found for one in arguments if (found := span(one)) is not None]
    if len(spans) < len(arguments):
        return known(signature.result, None, nullable=any_null(arguments))
    lo, hi = hull(end for found in spans for end in found)
    limit = 1 << max(int(lo).bit_length(), int(hi).bit_length())
    return known(signature.result, (0 if lo >= 0 else -limit, limit - 1), nullable=any_null(arguments))


def complement_range(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    found = span(arguments[0])
    turned = None if found is None else (-found[1] - 1, -found[0] - 1)
    return known(signature.result, turned, nullable=arguments[0].nullable)


def shift_left_range(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Grows with both; NULL where the number or the steps can be negative, or the result too large."""
    value, steps = (span(one) for one in arguments)
    if value is None or steps is None or value[0] < 0 or steps[0] < 0:
        return known(signature.result, None, nullable=True)
    ends = [int(one) << min(int(other), BITS) for one, other in zip(value, steps, strict=True)]
    return known(signature.result, (ends[0], ends[1]), nullable=any_null(arguments))


def shift_right_range(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Nearer to zero."""
    value, steps = (span(one) for one in arguments)
    if value is None:
        return known(signature.result, None, nullable=any_null(arguments))
    found: Range = min(value[0], 0), max(value[1], 0)
    if steps is not None and steps[0] >= 0 and steps[1] < BITS:
        found = hull(int(one) >> int(other) for one in value for other in steps)
    return known(signature.result, found, nullable=any_null(arguments))
