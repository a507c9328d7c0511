"""What is known of an expression's values from cards alone: range, value set, granularity, NULL, lineage.

Nothing here was read off the data (rule 5). An absent fact is None and means unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import TypeAlias

from sandbox.plan.nodes import Literal, Scalar, Type

Bound: TypeAlias = int | Fraction | date | datetime
Members: TypeAlias = tuple[Scalar, ...]

SET_LIMIT = 10_000
"""The most values that a range counts as a value set with."""
TEXT_LENGTH = 256
"""The most characters of a text: load cuts columns to it, functions their results."""
INTEGER_LO, INTEGER_HI = -(2**63), 2**63 - 1
DAY = timedelta(days=1)
CALENDAR = {
    Type.DATE: (date.min, date.max),
    Type.TIMESTAMP: (datetime.fromisoformat("0001-01-01"), datetime.fromisoformat("9999-12-31T23:59:59.999999")),
}
"""The days and moments that there are: load makes NULL of others in a column without a range."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values an expression can take."""

    type: Type
    nullable: bool = True
    lo: Bound | None = None
    hi: Bound | None = None
    granularity: Fraction | None = None
    """Grid of the fixed-point sum; 1 for integers; None when unknown."""
    members: tuple[Scalar, ...] | None = None
    """The finite value set, without NULL, sorted and distinct; None when there is none."""
    per_unit: bool = False
    """Determined by the unit: all rows of one unit agree (rule 20)."""
    text_bytes: int = 4 * TEXT_LENGTH
    """Of one text in UTF-8, at most."""


def stored(type_: Type, value: Scalar) -> Scalar:
    """A value as the engine holds it: a DOUBLE is the nearest 64-bit number."""
    if type_ is Type.DOUBLE and isinstance(value, (int, Fraction)):
        return Fraction(float(value))
    if type_ is Type.TIMESTAMP and isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value


def of_members(
    type_: Type, members: Iterable[Scalar], *, nullable: bool, granularity: Fraction | None = None
) -> Values:
    """The values of a finite set; a NULL in it makes the values nullable."""
    found = list(members)
    known = _distinct(type_, [member for member in found if member is not None])
    texts = [len(member.encode()) for member in known if isinstance(member, str)]
    lo, hi = (known[0], known[-1]) if known and type_ not in (Type.BOOLEAN, Type.TEXT) else (None, None)
    return Values(
        type=type_,
        nullable=nullable or any(member is None for member in found),
        lo=lo,  # type: ignore[arg-type]
        hi=hi,  # type: ignore[arg-type]
        granularity=Fraction(1) if type_ is Type.INTEGER else granularity,
        members=known,
        text_bytes=max(texts, default=0),
    )


def _distinct(type_: Type, values: list[Scalar]) -> Members:
    """The values as the engine holds them, sorted."""
    if type_ is Type.DOUBLE:
        return tuple(map(Fraction, sorted({float(one) for one in values})))  # type: ignore[arg-type]
    return tuple(sorted({stored(type_, one) for one in values}))  # type: ignore[type-var]


def of_literal(literal: Literal) -> Values:
    """The one value of a literal: every unit agrees on it."""
    value = literal.value
    granularity = Fraction(1, value.denominator) if isinstance(value, Fraction) else None
    return replace(of_members(literal.type, (value,), nullable=False, granularity=granularity), per_unit=True)


def size(values: Values) -> int | None:
    """How many values `enumerated` has, told without counting them out; None where it has no set."""
    if values.members is not None:
        return len(values.members)
    match values.type, values.lo, values.hi:
        case Type.BOOLEAN, _, _:
            return 2
        case Type.INTEGER, int(lo), int(hi) if hi - lo < SET_LIMIT:
            return hi - lo + 1
        case Type.DATE, date() as lo, date() as hi if (hi - lo).days < SET_LIMIT:
            return (hi - lo).days + 1
        case _:
            return None


def enumerated(values: Values) -> Members | None:
    """The finite value set, without NULL: given, or counted out of a small range of integers or days."""
    found = size(values)
    if values.members is not None or found is None:
        return values.members
    match values.lo:
        case date() as lo:
            return tuple(lo + DAY * step for step in range(found))
        case int(lo):
            return tuple(range(lo, lo + found))
        case _:
            return (False, True)


def converted(values: Values, wanted: Type) -> Values:
    """The same values after the implicit conversion to `wanted`; of a set of more than one only the range."""
    if values.type is wanted:
        return values
    members = values.members
    return replace(
        values,
        type=wanted,
        lo=stored(wanted, values.lo),  # type: ignore[arg-type]
        hi=stored(wanted, values.hi),  # type: ignore[arg-type]
        members=None if members is None or len(members) > 1 else tuple(stored(wanted, one) for one in members),
    )
