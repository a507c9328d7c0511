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
from typing import TypeAlias

from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.plan.aggregates import CHOSEN
from sandbox.plan.checked import CheckedAggregate, Given
from sandbox.plan.lineage import releases, scans, sources
from sandbox.plan.nodes import Relation, Scalar, Scan, Type
from sandbox.plan.ranges import known, span
from sandbox.plan.values import CALENDAR, Bound, Values

Ends: TypeAlias = tuple[int | Fraction, int | Fraction]

_HALF_ROOT = Fraction(70711, 100000)
"""The root of a half, rounded up."""


def parts(relation: Relation, private: Callable[[Scan], bool]) -> Iterator[Relation]:
    """The largest public relations in a private one that read a release."""
    if any(map(private, scans(relation))):
        for source in sources(relation):
            yield from parts(source, private)
    elif releases(relation):
        yield relation


def released_values(checked: CheckedAggregate, type_: Type, rows: int, units: int) -> Values:
    """The declared range of an aggregate over at most so many rows of each of so many units; never NULL.

    A measure that reads the released value finds it clamped to this range.
    """
    function, argument = checked.aggregate.function, checked.values
    found = None if argument is None else span(argument)
    other = None if checked.other is None else span(checked.other)
    match function, found:
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
        case AggregateFunction.AVG | AggregateFunction.REGR_AVGY, (lo, hi):
            return known(type_, (lo, hi), nullable=False)
        case function, (lo, hi) if function in CHOSEN:
            return known(type_, (lo, hi), nullable=False)
    moment = _moment(function, found, other, rows * units)
    return Values(type_, nullable=False) if moment is None else known(type_, moment, nullable=False)


def _moment(function: AggregateFunction, y: Ends | None, x: Ends | None, rows: int) -> Ends | None:
    """The range of what follows from squares and products; `y` is the only argument where there is one.

    No variance is above a quarter of its range's square, nor a covariance above a quarter of both ranges' product
    (Popoviciu); one of a sample above twice that.
    """
    match function, y, x:
        case AggregateFunction.CORR, _, _:
            return -1, 1
        case AggregateFunction.REGR_R2, _, _:
            return 0, 1
        case AggregateFunction.REGR_AVGX, _, (lo, hi):
            return lo, hi
        case AggregateFunction.VAR_POP, (lo, hi), _:
            return 0, _most(hi - lo, hi - lo)
        case AggregateFunction.VAR_SAMP, (lo, hi), _:
            return 0, 2 * _most(hi - lo, hi - lo)
        case AggregateFunction.STDDEV_POP, (lo, hi), _:
            return 0, Fraction(hi - lo) / 2
        case AggregateFunction.STDDEV_SAMP, (lo, hi), _:
            return 0, (hi - lo) * _HALF_ROOT
        case AggregateFunction.REGR_SYY, (lo, hi), _:
            return 0, rows * _most(hi - lo, hi - lo)
        case AggregateFunction.REGR_SXX, _, (lo, hi):
            return 0, rows * _most(hi - lo, hi - lo)
        case _, (lo, hi), (least, largest):
            most = _most(hi - lo, largest - least)
            factor = {
                AggregateFunction.COVAR_POP: 1,
                AggregateFunction.COVAR_SAMP: 2,
                AggregateFunction.REGR_SXY: rows,
            }.get(function)
            return None if factor is None else (-factor * most, factor * most)
    return None


def _most(one: int | Fraction, other: int | Fraction) -> Fraction:
    return Fraction(one) * Fraction(other) / 4


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
        """The value, or what stands for it; a real one as the engine has it, so that different ones stay different."""
        found = self._held(value)
        return Fraction(float(found)) if isinstance(found, Fraction) else found

    def _held(self, value: Scalar) -> Scalar:
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
