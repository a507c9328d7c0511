"""The range rules of roots, powers, logarithms, exponentials and the functions of angles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from sandbox.plan.arithmetic import Number
from sandbox.plan.ranges import Range, Rule, any_null, grid, known, literal, magnitude, span
from sandbox.plan.signatures import Signature
from sandbox.plan.values import Values

SLACK = Fraction(1, 2**40)
"""Relative error of the engine's transcendental functions, generously."""
RIGHT_ANGLE = math.pi / 2
NEAR_ONE = Fraction(1, 2**20)
"""No base of a logarithm whose range is known lies nearer to 1."""


def sqrt(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    found = span(arguments[0])
    if found is None or found[1] < 0:
        return Values(signature.result)
    lo, hi = (_slack(Fraction(math.sqrt(max(one, 0)))) for one in found)
    return known(
        signature.result,
        (lo[0], hi[1]),
        nullable=arguments[0].nullable or found[0] < 0,
        granularity=grid(lo[0], hi[1]),
    )


def _slack(value: Number) -> Range:
    """A transcendental result with the engine's error around it."""
    error = magnitude(value) * SLACK
    return value - error, value + error


def transcendental(apply: Callable[..., float], defined: Callable[..., bool] = lambda *_: True) -> Rule:
    """A function whose extremes over a box where it is `defined` lie on the box's corners."""

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        spans = [span(one) for one in arguments]
        boxes = [one for one in spans if one is not None]
        if len(boxes) < len(spans) or not defined(*boxes):
            return Values(signature.result)
        corners = _corners([(float(lo), float(hi)) for lo, hi in boxes])
        try:
            ends = [_slack(Fraction(apply(*corner))) for corner in corners]
        except (OverflowError, ValueError):
            return Values(signature.result)
        lo, hi = min(end[0] for end in ends), max(end[1] for end in ends)
        return known(signature.result, (lo, hi), nullable=any_null(arguments), granularity=grid(lo, hi))

    return rule


def _corners(boxes: list[tuple[float, float]]) -> list[tuple[float, ...]]:
    corners: list[tuple[float, ...]] = [()]
    for box in boxes:
        corners = [(*corner, end) for corner in corners for end in box]
    return corners


def power(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Over non-negative bases by corners; over all bases for a whole literal exponent."""
    base, exponent = arguments
    whole = literal(exponent) if exponent.members is not None and len(exponent.members) == 1 else None
    ends = span(base)
    if ends is not None and ends[0] < 0 and isinstance(whole, Fraction) and whole.denominator == 1 and whole > 0:
        even = int(whole) % 2 == 0
        box = (0 if ends[0] <= 0 <= ends[1] else min(map(magnitude, ends)), max(map(magnitude, ends))) if even else ends
        base = replace(base, lo=box[0], hi=box[1])
        return transcendental(math.pow)(signature, (base, exponent))
    return transcendental(
        math.pow,
        lambda one, other: one[0] > 0 or (one[0] == 0 and other[0] >= 0),
    )(signature, arguments)


def bounded(
    lo: float,
    hi: float,
    apply: Callable[..., float] | None = None,
    defined: Callable[..., bool] = lambda *_: True,
    *,
    total: bool = True,
) -> Rule:
    """A function whose results all lie between two limits; over a box where it is monotone, between its corners.

    One that is not `total` is NULL outside the box where it is `defined`.
    """

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        if apply is not None:
            found = transcendental(apply, defined)(signature, arguments)
            ends = span(found)
            if ends is not None:
                return replace(found, lo=max(ends[0], Fraction(lo)), hi=min(ends[1], Fraction(hi)))
        limits = Fraction(lo), Fraction(hi)
        return known(signature.result, limits, nullable=not total or any_null(arguments), granularity=grid(*limits))

    return rule


def even(rule: Rule) -> Rule:
    """The rule of a function that is the same on both sides of zero."""

    def folded(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        (value,) = arguments
        ends = span(value)
        if ends is not None:
            sizes = [magnitude(one) for one in ends]
            value = replace(value, lo=0 if ends[0] <= 0 <= ends[1] else min(sizes), hi=max(sizes), members=None)
        return rule(signature, (value,))

    return folded


def positive(box: Range) -> bool:
    return box[0] > 0


def within(lo: float, hi: float) -> Callable[[Range], bool]:
    """Whether a range lies between two limits, both included."""
    return lambda box: lo <= box[0] and box[1] <= hi


def one_branch(box: Range) -> bool:
    """Where the cotangent falls without a break."""
    return 0 < box[0] <= box[1] < 3 or -3 < box[0] <= box[1] < 0


def based(base: Range, value: Range) -> bool:
    """Where a logarithm is monotone in base and value."""
    return value[0] > 0 and (base[0] >= 1 + NEAR_ONE or 0 < base[0] <= base[1] <= 1 - NEAR_ONE)


def logarithm(base: float, value: float) -> float:
    return math.log10(value) / math.log10(base)


def cotangent(value: float) -> float:
    return 1 / math.tan(value)
