"""The range rules of dates and timestamps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from sandbox.plan import moments
from sandbox.plan.nodes import Type
from sandbox.plan.ranges import ONE, Rule, any_null
from sandbox.plan.signatures import Signature
from sandbox.plan.values import Values, converted


def ordered(apply: Callable[[date], date | int]) -> Rule:
    """A function of a moment that keeps order."""

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        (source,) = arguments
        granularity = ONE if signature.result is Type.INTEGER else None
        if not isinstance(source.lo, date) or not isinstance(source.hi, date):
            return Values(signature.result, source.nullable, granularity=granularity)
        return Values(signature.result, source.nullable, apply(source.lo), apply(source.hi), granularity)

    return rule


def year(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Every year of the calendar where the range is unknown."""
    found = ordered(lambda moment: moment.year)(signature, arguments)
    return found if found.lo is not None else replace(found, lo=1, hi=9999)


def cast(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """To a date: keeps order; text may be no date at all."""
    if arguments[0].type is Type.TEXT:
        return Values(signature.result)
    if signature.result is Type.DATE:
        return ordered(moments.day_of)(signature, arguments)
    return converted(arguments[0], signature.result)


def truncate(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Keeps order."""
    unit, source = arguments
    name = unit.members[0] if unit.members else None
    if not isinstance(name, str):
        return Values(signature.result)
    return ordered(lambda moment: moments.truncate(name, moment))(signature, (source,))


def shifted(apply: Callable[[date, int], date | None]) -> Rule:
    """A moment moved by a number of days or months: keeps order in both; NULL outside the calendar."""

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        source, step = arguments
        if not isinstance(source.lo, date) or not isinstance(source.hi, date):
            return Values(signature.result)
        if not isinstance(step.lo, int) or not isinstance(step.hi, int):
            return Values(signature.result)
        lo, hi = apply(source.lo, step.lo), apply(source.hi, step.hi)
        if lo is None or hi is None:
            return Values(signature.result)
        return Values(signature.result, any_null(arguments), lo, hi)

    return rule


def difference(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Keeps order in the end, reverses it in the start."""
    unit, start, end = arguments
    name = unit.members[0] if unit.members else None
    ends = (start.lo, start.hi, end.lo, end.hi)
    nullable = start.nullable or end.nullable
    if not isinstance(name, str) or not all(isinstance(one, date) for one in ends):
        return Values(signature.result, nullable, granularity=ONE)
    lo = moments.difference(name, start.hi, end.lo)  # type: ignore[arg-type]
    hi = moments.difference(name, start.lo, end.hi)  # type: ignore[arg-type]
    return Values(signature.result, nullable, lo, hi, ONE)
