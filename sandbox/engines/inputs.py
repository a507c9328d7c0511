"""What a statistic reads of each row of a measure, and what the row adds to it: whole steps of a grid (rule 16)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sqlglot import exp

from sandbox.engines.expressions import Rendered
from sandbox.engines.operands import (
    Parameters,
    between,
    binary,
    call,
    cast,
    choose,
    every,
    is_null,
    limited,
    negated,
    number,
    try_cast,
)
from sandbox.errors import Fault
from sandbox.plan.nodes import Type
from sandbox.privacy.statistics import CAPACITY, Factor, Statistic

EXACT = 2**53
"""Every whole number up to this is a 64-bit floating point number."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a statistic reads of each row: columns of the row relation."""

    value: Rendered | None
    rounded: exp.Expr | None
    """The value of a SUM on its grid, as a whole number of steps that is still a real one; None for integers."""
    passes: exp.Expr | None
    factors: tuple[Inputs, ...] = ()
    steps: exp.Expr | None = None
    """The value in grid steps, NULL where it does not count: a column where a sum is taken of it."""

    def count(self) -> exp.Expr:
        """How many rows count."""
        if self.steps is None:
            return over(exp.Count(this=exp.Star()), self.counted())
        return over(exp.Count(this=self.steps.copy()), self.passes)

    def valued(self) -> exp.Expr:
        """The value, of which −0 and 0 are one."""
        if self.value is None:
            raise Fault("values without an argument")
        sql = self.value.sql.copy()
        real = self.value.values.type is Type.DOUBLE
        return binary(exp.Add, sql, exp.Literal.number("0.0")) if real else sql

    def counted(self) -> exp.Expr | None:
        """Whether the row counts: it passes the filter, and its value is there and finite."""
        terms = [] if self.passes is None else [self.passes.copy()]
        for read in (self, *self.factors):
            if read.value is not None:
                terms.append(negated(is_null(read.value.sql)))
                if read.value.values.type is Type.DOUBLE:
                    terms.append(call("ISFINITE", read.value.sql))
        return every(terms) if terms else None


def over(aggregate: exp.Expr, counted: exp.Expr | None) -> exp.Expr:
    """The aggregate over the rows for which this is true; all, where it is nothing."""
    return aggregate if counted is None else exp.Filter(this=aggregate, expression=exp.Where(this=counted.copy()))


def added(statistic: Statistic, read: Inputs, parameters: Parameters) -> exp.Expr:
    """What a row adds to a sum, in grid steps: its value, or the product of its factors; NULL where it does not
    count. Factors are clamped, so that their product needs no clamp of its own.
    """
    if not statistic.factors:
        if read.steps is None:
            raise Fault("a sum without an argument")
        return read.steps.copy()
    sizes = [max(abs(each.low), abs(each.high), 1) for each in statistic.factors]
    whole = "BIGINT" if 4 * sizes[0] * sizes[1] < CAPACITY else "HUGEINT"
    one, other = (
        cast(grid_steps(each, found.value, found.rounded, parameters), whole)
        for each, found in zip(statistic.factors, read.factors, strict=True)
        if found.value is not None
    )
    finest = statistic.factors[0].granularity * statistic.factors[1].granularity
    steps = _whole_steps(statistic.granularity / finest, binary(exp.Mul, one, other))
    return steps if statistic.centre == 0 else binary(exp.Sub, steps, number(statistic.centre))


def grid_steps(
    statistic: Statistic | Factor, value: Rendered, rounded: exp.Expr | None, parameters: Parameters
) -> exp.Expr:
    """A row's value in grid steps: rounded to the grid, clamped, centred (rule 16); NULL where it does not count.

    No cast fails: only what lies between the ends is cast.
    """
    first, last = statistic.low + statistic.centre, statistic.high + statistic.centre
    if rounded is None:
        steps = _whole_steps(statistic.granularity, value.sql)
        return _clamped(steps, steps, (number(first), number(last)), statistic, negated(is_null(value.sql)))
    ends, finite = (_real(first, parameters), _real(last, parameters)), call("ISFINITE", value.sql)
    if max(abs(first), abs(last)) <= EXACT:
        return _clamped(rounded, cast(rounded, "BIGINT"), ends, statistic, finite)
    whole = limited(try_cast(rounded, "HUGEINT"), number(first), number(last))
    return _clamped(rounded, whole, ends, statistic, finite)


def on_grid(value: exp.Expr, granularity: Fraction, parameters: Parameters) -> exp.Expr:
    """A real number in grid steps."""
    up, down = granularity.denominator, granularity.numerator
    scaled = value if up == 1 else binary(exp.Mul, value, _real(up, parameters))
    return call("ROUND", scaled if down == 1 else binary(exp.Div, scaled, _real(down, parameters)))


def _real(value: int, parameters: Parameters) -> exp.Expr:
    return parameters.bind(Type.DOUBLE, Fraction(value))


def _clamped(
    value: exp.Expr, steps: exp.Expr, ends: tuple[exp.Expr, exp.Expr], statistic: Statistic | Factor, counts: exp.Expr
) -> exp.Expr:
    """Centred grid steps of a value between the ends, else the statistic's own least or greatest; NULL where it does
    not count. In this order, since nearly every value lies between the ends.
    """
    centred = steps if statistic.centre == 0 else binary(exp.Sub, steps, number(statistic.centre))
    low, high = number(statistic.low), number(statistic.high)
    outside = choose((binary(exp.LT, value, ends[0]), low), default=high)
    return choose((between(value, *ends), centred), (counts, outside))


def _whole_steps(granularity: Fraction, value: exp.Expr) -> exp.Expr:
    """An integer rounded to a grid of whole numbers, halves away from zero."""
    if granularity.denominator != 1:
        raise Fault("a grid of fractions for integers")
    size = granularity.numerator
    if size == 1:
        return value
    twice = binary(exp.Mul, call("ABS", cast(value, "HUGEINT")), number(2))
    nearest = binary(exp.IntDiv, binary(exp.Add, twice, number(size)), number(2 * size))
    return binary(exp.Mul, nearest, call("SIGN", value))
