"""The range rules of dates and timestamps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction

from sandbox.plan import calendar_parts, moments
from sandbox.plan.nodes import Type
from sandbox.plan.ranges import ONE, Rule, any_null, known, literal, span
from sandbox.plan.signatures import Signature
from sandbox.plan.values import CALENDAR, DAY, Values, converted, of_members


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


def difference(apply: Callable[[str, date, date], int]) -> Rule:
    """A distance in units of time: keeps order in the end, reverses it in the start."""
    return lambda signature, arguments: _difference(apply, signature, arguments)


def _difference(apply: Callable[[str, date, date], int], signature: Signature, arguments: tuple[Values, ...]) -> Values:
    unit, start, end = arguments
    name = unit.members[0] if unit.members else None
    ends = (start.lo, start.hi, end.lo, end.hi)
    nullable = start.nullable or end.nullable
    if not isinstance(name, str) or not all(isinstance(one, date) for one in ends):
        return Values(signature.result, nullable, granularity=ONE)
    lo = apply(name, start.hi, end.lo)  # type: ignore[arg-type]
    hi = apply(name, start.lo, end.hi)  # type: ignore[arg-type]
    return Values(signature.result, nullable, lo, hi, ONE)


def counted(apply: Callable[[date], int]) -> Rule:
    """A whole number that keeps order; over the whole calendar where the range is unknown."""

    def rule(signature: Signature, arguments: tuple[Values, ...]) -> Values:
        lo, hi = _ends(arguments[0])
        return Values(signature.result, arguments[0].nullable, apply(lo), apply(hi), ONE)

    return rule


def _ends(source: Values) -> tuple[date, date]:
    if isinstance(source.lo, date) and isinstance(source.hi, date):
        return source.lo, source.hi
    return CALENDAR[source.type]


def epoch(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Seconds, of timestamps on a grid of microseconds."""
    lo, hi = map(calendar_parts.epoch, _ends(arguments[0]))
    fine = arguments[0].type is Type.TIMESTAMP
    return known(
        signature.result,
        (lo, hi),
        nullable=arguments[0].nullable,
        granularity=Fraction(1, calendar_parts.SECOND) if fine else ONE,
    )


def named(names: tuple[str, ...]) -> Rule:
    """One of these words."""
    return lambda signature, arguments: of_members(signature.result, names, nullable=arguments[0].nullable)


def made(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """A moment of one of the years; NULL where there is no such day or time."""
    years = span(arguments[0])
    lo, hi = (1, 9999) if years is None else (max(int(years[0]), 1), min(int(years[1]), 9999))
    if lo > hi:
        return Values(signature.result, members=())
    ends = date(lo, 1, 1), date(hi, 12, 31)
    if signature.result is Type.DATE:
        return Values(signature.result, nullable=True, lo=ends[0], hi=ends[1])
    after = calendar_parts.moment(ends[1]) + (DAY - calendar_parts.MICROSECOND)
    return Values(signature.result, nullable=True, lo=calendar_parts.moment(ends[0]), hi=after)


def bucketed(signature: Signature, arguments: tuple[Values, ...]) -> Values:
    """Keeps order; NULL where a bucket starts before the calendar."""
    count, unit, source = arguments
    number, name = literal(count), literal(unit)
    if not isinstance(number, int) or not isinstance(name, str) or not isinstance(source.lo, date):
        return Values(signature.result)
    lo, hi = calendar_parts.bucket(number, name, source.lo), calendar_parts.bucket(number, name, source.hi)  # type: ignore[arg-type]
    if lo is None or hi is None:
        return Values(signature.result)
    return Values(signature.result, source.nullable, lo, hi)
