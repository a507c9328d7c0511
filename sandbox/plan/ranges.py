"""The range rules: from the values of the arguments to those of the result, exact with fractions.

A rule may know less than the truth, never more: whatever the engine returns lies within it. Results of DOUBLE functions
are widened to the 64-bit numbers that their rounding can reach.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import compress
from typing import TypeAlias

from sandbox.plan import arithmetic
from sandbox.plan.arithmetic import Number
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.signatures import Signature
from sandbox.plan.values import INTEGER_HI, INTEGER_LO, TEXT_LENGTH, Values

Range: TypeAlias = tuple[Number, Number]
Rule: TypeAlias = Callable[[Signature, tuple[Values, ...]], Values]

STEPS = Fraction(1, 2**30)
"""Grid of a quotient as a share of its range."""
ONE = Fraction(1)
SHORT = 2**20
"""Denominators of grids that people write: of others a common grid would be needlessly fine."""
LONG = 2048
"""Bits of a fraction that is computed with; a 64-bit number has fewer."""


def span(values: Values) -> Range | None:
    """The numeric range."""
    if isinstance(values.lo, (int, Fraction)) and isinstance(values.hi, (int, Fraction)):
        return values.lo, values.hi
    return None


def grid(lo: Number, hi: Number) -> Fraction:
    """The largest power of two that is at most the range's share of a step; of a range of one value, one it lies on."""
    share = Fraction(hi - lo) * STEPS
    if not share:
        return Fraction(1, Fraction(lo).denominator)
    power = Fraction(2) ** (share.numerator.bit_length() - share.denominator.bit_length())
    return power if power <= share else power / 2


def known(type_: Type, found: Range | None, *, nullable: bool, granularity: Fraction | None = None) -> Values:
    """Values of a numeric result within an exact range, widened to what rounding reaches."""
    if type_ is Type.INTEGER:
        if found is None:
            return Values(type_, nullable, granularity=ONE)
        lo, hi = math.floor(found[0]), math.ceil(found[1])
        fits = lo >= INTEGER_LO and hi <= INTEGER_HI
        return Values(type_, nullable or not fits, max(lo, INTEGER_LO), min(hi, INTEGER_HI), ONE)
    if found is None:
        return Values(type_, nullable=True)
    try:
        ends = _below(found[0]), -_below(-found[1])
    except OverflowError:
        return Values(type_, nullable=True)
    return Values(type_, nullable, *ends, granularity)


def _below(end: Number) -> Number:
    """The end or the 64-bit number nearest to it, whichever is lower; never a long fraction. Raises OverflowError."""
    nearest = float(end)
    if nearest <= end:
        return Fraction(nearest)
    bits = end.numerator.bit_length() + end.denominator.bit_length()
    return end if bits <= LONG else Fraction(math.nextafter(nearest, -math.inf))


def magnitude(number: Number) -> Number:
    return number if number >= 0 else -number


def any_null(arguments: Iterable[Values]) -> bool:
    return any(one.nullable for one in arguments)


def hull(numbers: Iterable[Number]) -> Range:
    found = list(numbers)
    return min(found), max(found)


def finer(arguments: Iterable[Values]) -> Fraction | None:
    """The coarsest grid that all lie on, if its steps are a short fraction; else the finest; unknown where one is."""
    grids = [one.granularity for one in arguments if one.members != ()]
    known = [one for one in grids if one is not None]
    if not known or len(known) < len(grids):
        return None
    denominator = math.lcm(*(one.denominator for one in known))
    numerator = math.gcd(*(one.numerator * (denominator // one.denominator) for one in known))
    return Fraction(numerator, denominator) if denominator <= SHORT else min(known)


def additive(apply: Callable[[Number, Number], Number]) -> Rule:
    """A sum or difference: monotone in both arguments; its grid is one that both lie on."""

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        left, right = map(span, arguments)
        found = hull(apply(one, other) for one in left for other in right) if left and right else None
        return known(signature.result, found, nullable=any_null(arguments), granularity=finer(arguments))

    return rule


def multiply(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    left, right = map(span, arguments)
    found = hull(one * other for one in left for other in right) if left and right else None
    grids = [one.granularity for one in arguments]
    product = Fraction(math.prod(one for one in grids if one is not None))
    fine = None in grids or product.denominator.bit_length() > LONG
    return known(signature.result, found, nullable=any_null(arguments), granularity=None if fine else product)


def divide(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    left, right = map(span, arguments)
    if left is None or right is None or right[0] <= 0 <= right[1]:
        return Values(signature.result)
    lo, hi = hull(Fraction(one) / other for one in left for other in right)
    return known(signature.result, (lo, hi), nullable=any_null(arguments), granularity=grid(lo, hi))


def integer_divide(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    left, right = map(span, arguments)
    if left is None:
        return known(signature.result, None, nullable=True)
    largest = max(magnitude(left[0]), magnitude(left[1]))
    if right is None or right[0] < 0 < right[1]:
        return known(signature.result, (-largest, largest), nullable=True)
    divisors = [one for one in (right[0] or 1, right[1] or -1) if right[0] <= one <= right[1]]
    quotients = [arithmetic.truncated(int(one), int(other)) for one in left for other in divisors]
    zero = right[0] <= 0 <= right[1]
    found = hull([*quotients, *([0] if left[0] < 0 < left[1] else [])]) if quotients else (0, 0)
    return known(signature.result, found, nullable=any_null(arguments) or zero)


def modulo(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    left, right = map(span, arguments)
    sizes = [max(map(magnitude, one)) for one in (left, right) if one is not None]
    zero = right is None or right[0] <= 0 <= right[1]
    nullable = any_null(arguments) or zero
    if not sizes:
        return known(signature.result, None, nullable=nullable)
    size = min(sizes)
    lo, hi = left or (-1, 1)
    found = (-size if lo < 0 else 0, size if hi > 0 else 0)
    return known(signature.result, found, nullable=nullable, granularity=finer(arguments))


def monotone(apply: Callable[[Number], Number | None], granularity: Fraction | None = None) -> Rule:
    """A function that keeps order; its grid is the argument's or the one given."""

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        found = span(arguments[0])
        ends = [end for one in found or () if (end := apply(one)) is not None]
        return known(
            signature.result,
            hull(ends) if len(ends) == 2 else None,
            nullable=any_null(arguments) or (found is not None and len(ends) < 2),
            granularity=granularity or arguments[0].granularity,
        )

    return rule


def negate(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    found = span(arguments[0])
    turned = None if found is None else (-found[1], -found[0])
    return known(signature.result, turned, nullable=arguments[0].nullable, granularity=arguments[0].granularity)


def absolute(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    found = span(arguments[0])
    if found is not None:
        lo, hi = hull(map(magnitude, found))
        found = (0 if found[0] <= 0 <= found[1] else lo, hi)
    return known(signature.result, found, nullable=arguments[0].nullable, granularity=arguments[0].granularity)


def digits_kept(apply: Callable[[Number, int], Number | None]) -> Rule:
    """A rounding to a literal number of digits, which keeps order; its ends are computed as the engine does."""

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        digits = literal(arguments[1]) if len(arguments) == 2 else 0
        if not isinstance(digits, int):
            return Values(signature.result)
        whole = signature.result is Type.INTEGER

        def end(one: Number) -> Number | None:
            return apply(one if whole else Fraction(float(one)), digits)

        return monotone(end, ONE if whole else Fraction(1, 10) ** digits)(signature, arguments)

    return rule


def literal(values: Values) -> Scalar:
    return values.members[0] if values.members else None


def sign(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    lo, hi = span(arguments[0]) or (-1, 1)
    return known(signature.result, (arithmetic.sign(lo), arithmetic.sign(hi)), nullable=arguments[0].nullable)


def clamp(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Known even where the argument is not: that is what it is for. A grid that was made for the argument's range is
    made anew for the narrower one; any other also holds the limits that bind.
    """
    value, *limits = arguments
    lo, hi = map(literal, limits)
    binding = (value.lo is None or lo > value.lo, value.hi is None or hi < value.hi)  # type: ignore[operator]
    granularity = finer((value, *compress(limits, binding)))
    made = granularity is None
    if isinstance(value.lo, (int, Fraction)) and isinstance(value.hi, (int, Fraction)):
        made = granularity == grid(value.lo, value.hi) and signature.result is Type.DOUBLE
    if value.lo is not None and value.hi is not None:
        lo, hi = arithmetic.clamp(value.lo, lo, hi), arithmetic.clamp(value.hi, lo, hi)
    if made and isinstance(lo, (int, Fraction)) and isinstance(hi, (int, Fraction)):
        granularity = grid(lo, hi)
    return Values(signature.result, value.nullable, lo, hi, granularity)  # type: ignore[arg-type]


def constant(lo: int, hi: int) -> Rule:
    """An integer between two limits whatever the arguments."""

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        return Values(signature.result, any_null(arguments), lo, hi, ONE)

    return rule


def perhaps(lo: int, hi: int) -> Rule:
    """A number between two limits; NULL also from values."""

    def rule(signature: Signature, _: tuple[Values, ...]) -> Values:
        return known(signature.result, (lo, hi), nullable=True, granularity=grid(lo, hi))

    return rule


def like_first(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Nothing but the type; NULL only where the first argument is."""
    return Values(signature.result, arguments[0].nullable)


length = constant(0, TEXT_LENGTH)


def width_bucket(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    count = literal(arguments[3])
    if not isinstance(count, int):
        return Values(signature.result)
    return Values(signature.result, arguments[0].nullable, 0, count + 1, ONE)


def opaque(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Nothing but the type; NULL only from NULL."""
    return Values(signature.result, any_null(arguments))


def partial(signature: Signature, _: tuple[Values, ...]) -> Values:
    """Nothing but the type; NULL also from values."""
    return Values(signature.result)


def truth(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """A predicate; NULL only from NULL."""
    return Values(signature.result, any_null(arguments), members=(False, True))


def decided(signature: Signature, _: tuple[Values, ...]) -> Values:
    """A predicate that is never NULL."""
    return Values(signature.result, nullable=False, members=(False, True))


def united(type_: Type, values: Iterable[Values], *, nullable: bool) -> Values:
    """Any of these; one that is only NULL adds nothing."""
    filled = [one for one in values if one.members != ()]
    if not filled:
        return Values(type_, nullable, members=())
    ranged = all(one.lo is not None and one.hi is not None for one in filled)
    return Values(
        type_,
        nullable,
        min(one.lo for one in filled) if ranged else None,  # type: ignore[type-var]
        max(one.hi for one in filled) if ranged else None,  # type: ignore[type-var]
        finer(filled),
    )


def branches(arguments: tuple[Values, ...]) -> tuple[Values, ...]:
    """What a `case` chooses among."""
    return (*arguments[1:-1:2], arguments[-1])


def reached(arguments: tuple[Values, ...]) -> tuple[Values, ...]:
    """What a `coalesce` chooses among: nothing beyond an argument that is never NULL."""
    sure = next((place for place, one in enumerate(arguments) if not one.nullable), len(arguments))
    return arguments[: sure + 1]


def case(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    chosen = branches(arguments)
    return united(signature.result, chosen, nullable=any_null(chosen))


def coalesce(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    return united(signature.result, reached(arguments), nullable=all(one.nullable for one in arguments))


def nullif(_: Signature, arguments: tuple[Values, ...]) -> Values:
    return replace(arguments[0], nullable=True)


def extreme(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """LEAST, GREATEST: one of the arguments; NULL only where all are."""
    found = united(signature.result, arguments, nullable=all(one.nullable for one in arguments))
    return replace(found, members=None)


def cast(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """To a number: keeps order; text may be no number at all."""
    source = arguments[0]
    if source.type is Type.TEXT:
        return known(signature.result, None, nullable=True)
    if source.type is Type.BOOLEAN:
        return known(signature.result, (0, 1), nullable=source.nullable, granularity=ONE)
    if signature.result is Type.INTEGER and source.type is Type.DOUBLE:
        return monotone(round)(signature, arguments)
    return monotone(lambda one: one)(signature, arguments)
