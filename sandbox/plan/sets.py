"""The value sets of functions that choose among their arguments or truncate, without trying every combination.

A rule is given the most values it may build, and says None rather than build more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias

from sandbox.plan import formats, moments
from sandbox.plan.nodes import Scalar, Type
from sandbox.plan.ranges import branches, reached
from sandbox.plan.values import DAY, SET_LIMIT, Values

EXACT = 2**53
"""Every whole number up to this is a 64-bit floating point number."""

SetRule: TypeAlias = Callable[[tuple[Values, ...], Values, int], Sequence[Scalar] | None]
"""From the arguments, the result's range and a limit to the values without NULL, in any order."""


def case(arguments: tuple[Values, ...], _: Values, most: int) -> Sequence[Scalar] | None:
    """Those of all branches."""
    return _united(branches(arguments), most)


def coalesce(arguments: tuple[Values, ...], _: Values, most: int) -> Sequence[Scalar] | None:
    """Those of all arguments that are ever reached."""
    return _united(reached(arguments), most)


def _united(values: Iterable[Values], most: int) -> Sequence[Scalar] | None:
    sets = [one.members for one in values]
    known = [one for one in sets if one is not None]
    if len(known) < len(sets) or sum(map(len, known)) > most:
        return None
    return [member for one in known for member in one]


def starts(arguments: tuple[Values, ...], found: Values, most: int) -> Sequence[Scalar] | None:
    """The starts of the units of time between the ends."""
    unit = arguments[0].members[0] if arguments[0].members else None
    if not isinstance(unit, str) or not isinstance(found.lo, date) or not isinstance(found.hi, date):
        return None
    further = moments.difference(unit, found.lo, found.hi)
    if further >= min(most, SET_LIMIT):
        return None
    steps = [found.lo]
    for _ in range(further):
        steps.append(moments.following(unit, steps[-1]))
    return steps


def wholes(arguments: tuple[Values, ...], found: Values, most: int) -> Sequence[Scalar] | None:
    """The whole numbers between the ends, or the multiples of a power of ten, of a rounding that gives no other real
    ones: one that is not told to keep digits after the point."""
    lo, hi = found.lo, found.hi
    if not isinstance(lo, int | Fraction) or not isinstance(hi, int | Fraction) or arguments[0].members is not None:
        return None
    digits = arguments[1].members if len(arguments) > 1 else (0,)
    kept = digits[0] if digits else None
    if found.type is not Type.DOUBLE or not isinstance(kept, int) or kept > 0 or max(-lo, hi) > EXACT:
        return None
    step = 10**-kept
    first, last = ceil(lo / step), floor(hi / step)
    if last - first >= min(most, SET_LIMIT):
        return None
    return [Fraction(each * step) for each in range(first, last + 1)]


def buckets(arguments: tuple[Values, ...], found: Values, most: int) -> Sequence[Scalar] | None:
    """The starts of the buckets between the ends."""
    count, unit = (one.members[0] if one.members else None for one in arguments[:2])
    if not isinstance(count, int) or not isinstance(unit, str) or not isinstance(found.lo, date):
        return None
    steps: list[date] = [found.lo]
    while len(steps) <= min(most, SET_LIMIT):
        following = _after(count, unit, steps[-1])
        if following is None or following > found.hi:  # type: ignore[operator]
            return steps
        steps.append(following)
    return None


def _after(count: int, unit: str, start: date) -> date | None:
    try:
        match unit:
            case "month":
                return moments.add_months(start, count)
            case "day":
                return start + DAY * count
            case _:
                return start + timedelta(seconds=count)
    except OverflowError:
        return None


def written(arguments: tuple[Values, ...], _: Values, most: int) -> Sequence[Scalar] | None:
    """What is written of every day between the ends, where the clock does not matter."""
    source, spelled = arguments
    found = spelled.members[0] if spelled.members else None
    if not isinstance(found, str) or not formats.of_days(found) or not isinstance(source.lo, date):
        return None
    first, last = moments.day_of(source.lo), moments.day_of(source.hi)  # type: ignore[arg-type]
    if source.members is not None or (last - first).days >= min(most, SET_LIMIT):
        return None
    return sorted({formats.strftime(first + DAY * step, found) for step in range((last - first).days + 1)})
