"""Released relations in the sources of later measures: where they stand, and what they are held to (rule 26).

Noise knows no ranges: a released count can be negative. So whatever `check` claims of a relation made of releases is
made true of its rows before a measure reads them, and no sensitivity rests on how they were computed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.checked import Given
from sandbox.plan.lineage import releases, scans, sources
from sandbox.plan.nodes import Aggregate, Relation, Scalar, Scan, Type
from sandbox.plan.ranges import known, span
from sandbox.plan.values import CALENDAR, Bound, Values


def parts(relation: Relation, private: Callable[[Scan], bool]) -> Iterator[Relation]:
    """The largest public relations in a private one that read a release."""
    if any(map(private, scans(relation))):
        for source in sources(relation):
            yield from parts(source, private)
    elif releases(relation):
        yield relation


def released_values(aggregate: Aggregate, argument: Values | None, type_: Type, rows: int, units: int) -> Values:
    """The declared range of an aggregate over at most so many rows of each of so many units; never NULL.

    A measure that reads the released value finds it clamped to this range.
    """
    found = None if argument is None else span(argument)
    match aggregate.function, found:
        case AggregateFunction.ROWS | AggregateFunction.REGR_COUNT, _:
            return known(type_, (0, rows * units), nullable=False, granularity=Fraction(1))
        case AggregateFunction.DISTINCT, _:
            most = rows * units
            if argument is not None and argument.members is not None:
                most = min(most, len(argument.members))
            return known(type_, (0, most), nullable=False, granularity=Fraction(1))
        case AggregateFunction.UNITS, _:
            return known(type_, (0, units), nullable=False, granularity=Fraction(1))
        case AggregateFunction.SUM, (lo, hi):
            ends = min(0, lo * rows * units), max(0, hi * rows * units)
            return known(type_, ends, nullable=False, granularity=None if argument is None else argument.granularity)
        case AggregateFunction.AVG, (lo, hi):
            return known(type_, (lo, hi), nullable=False)
    return Values(type_, nullable=False)


def held(given: Given, rows: Sequence[tuple[Scalar, ...]]) -> tuple[tuple[Scalar, ...], ...]:
    """The rows, made to be what `check` says of the relation: values within their ranges and sets, a default for NULL
    where there is none, no more rows than declared, in all and per key and match. The first ones stay.

    Which rows stay is a function of released values alone.
    """
    holders = [_Holder.of(values) for values in given.known.columns.values()]
    names = list(given.known.columns)
    limits = [([names.index(name) for name in sorted(key)], 1) for key in given.known.keys]
    limits += [([names.index(name)], most) for name, most in given.known.matches.items()]
    seen = [Counter[tuple[Scalar, ...]]() for _ in limits]
    kept = list[tuple[Scalar, ...]]()
    for row in rows:
        cells = tuple(holder.hold(value) for holder, value in zip(holders, row, strict=False)) or row
        found = [tuple(cells[place] for place in places) for places, _ in limits]
        counts = [count[one] for one, count in zip(found, seen, strict=True)]
        # NULL equals nothing, so that no join matches it
        if any(None not in one and n >= most for one, n, (_, most) in zip(found, counts, limits, strict=True)):
            continue
        for one, count in zip(found, seen, strict=True):
            count[one] += 1
        kept.append(cells)
    return tuple(kept[: given.known.rows])


@dataclass(frozen=True, slots=True)
class _Holder:
    """Holds the values of one column."""

    values: Values
    members: frozenset[Scalar] | None
    ends: tuple[Bound | None, Bound | None]
    default: Scalar
    """In place of NULL where there is none, and of what is not in the value set."""

    @staticmethod
    def of(values: Values) -> _Holder:
        members = None if values.members is None else frozenset(values.members)
        ends = values.lo, values.hi
        if values.type is Type.DOUBLE:
            ends = _real(values.lo, math.inf), _real(values.hi, -math.inf)
        return _Holder(values, members, ends, None if values.nullable else _default(values))

    def hold(self, value: Scalar) -> Scalar:
        if value is None or (self.members is not None and value not in self.members):
            return self.default
        match value:
            case bool():
                return value
            case str():
                return value if len(value.encode()) <= self.values.text_bytes else self.default
        lo, hi = self.ends
        value = value if lo is None else max(value, lo)
        return value if hi is None else min(value, hi)


def _real(end: Bound | None, inwards: float) -> Bound | None:
    """The end of a DOUBLE range as a 64-bit number that lies within."""
    if not isinstance(end, (int, Fraction)):
        return end
    nearest = float(end)
    outside = nearest < end if inwards > 0 else nearest > end
    return Fraction(math.nextafter(nearest, inwards) if outside else nearest)


def _default(values: Values) -> Scalar:
    """The value nearest to 0, or the least."""
    if values.members is not None:
        return min(values.members, key=_distance, default=None)
    match values.type:
        case Type.BOOLEAN:
            return False
        case Type.TEXT:
            return ""
        case Type.DATE | Type.TIMESTAMP:
            return CALENDAR[values.type][0] if values.lo is None else values.lo
    zero = Fraction(0) if values.type is Type.DOUBLE else 0
    return _Holder(values, None, (values.lo, values.hi), None).hold(zero)


def _distance(value: Scalar) -> Fraction:
    return abs(Fraction(value)) if isinstance(value, (int, Fraction)) else Fraction(0)
