"""The engine's aggregates of folds: what it computes over the rows, and the result that is made of that.

Inside a unit nothing is added up but whole numbers, so that no result depends on the order of rows (design §4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    finite,
    in_order,
    is_null,
    negated,
    number,
    own,
    try_cast,
)
from sandbox.errors import Fault
from sandbox.plan.checked import Folded, Grid
from sandbox.plan.fold_functions import FoldFunction
from sandbox.plan.folds import ROOTS, SPREADS
from sandbox.plan.nodes import Type
from sandbox.plan.values import Values

SAMPLES = (FoldFunction.VAR_SAMP, FoldFunction.STDDEV_SAMP)
PLAIN = {
    FoldFunction.MIN: "MIN",
    FoldFunction.MAX: "MAX",
    FoldFunction.ALL: "MIN",
    FoldFunction.ANY: "MAX",
}
WIDE = Fraction(10**150)
"""Public numbers beyond this have no variance: squares end at 2**1024."""


@dataclass(slots=True)
class Operand:
    """The argument of an aggregate: columns that hold it for each row."""

    value: Rendered | None
    grid: Grid | None
    rounded: exp.Expr | None
    """A DOUBLE in steps of the grid, still a real number."""
    parameters: Parameters
    fraction: Fraction | None = None
    order: list[exp.Expr] = field(default_factory=list)
    sorted: bool = False
    """Whether reals are added up in their own order: sums of public reals are then the same in every order of rows."""

    @property
    def sql(self) -> exp.Expr:
        if self.value is None:
            raise Fault("an aggregate without an argument")
        return own(self.value.sql)

    @property
    def real(self) -> bool:
        return self.value is not None and self.value.values.type is Type.DOUBLE

    @property
    def steps(self) -> exp.Expr:
        """The value in whole steps of the grid, clamped (rule 16); NULL where it is NULL or not finite."""
        grid = self.grid
        if grid is None:
            return self.sql
        low, high = number(grid.low), number(grid.high)
        value = self.sql if self.rounded is None else own(self.rounded)
        ends = (low, high) if self.rounded is None else (self._bound(grid.low), self._bound(grid.high))
        inside = cast(value, "BIGINT") if self.rounded is not None else value
        counts = negated(is_null(value)) if self.rounded is None else call("ISFINITE", self.sql)
        outside = choose((binary(exp.LT, value, ends[0]), low), default=high)
        return choose((between(value, *ends), inside), (counts, outside))

    def _bound(self, value: int) -> exp.Expr:
        return self.parameters.bind(Type.DOUBLE, Fraction(value))

    def in_order(self, value: exp.Expr) -> exp.Expr:
        """The argument, sorted where that makes sums of reals the same."""
        if not self.sorted or not self.real:
            return value
        term = exp.Ordered(this=own(value), desc=False, nulls_first=False)
        return exp.Order(this=own(value), expressions=[term])


def parts(function: FoldFunction, of: Operand) -> Mapping[str, exp.Expr]:
    """What the engine computes over the rows of a group or frame, by the end of its column's name."""
    match function:
        case FoldFunction.ROWS:
            return {"": exp.Count(this=exp.Star() if of.value is None else of.sql)}
        case FoldFunction.DISTINCT:
            return {"": exp.Count(this=exp.Distinct(expressions=[of.sql]))}
        case FoldFunction.SUM | FoldFunction.AVG:
            total = of.in_order(of.steps)
            pieces: dict[str, exp.Expr] = {"s": exp.Sum(this=total)}
            return pieces if function is FoldFunction.SUM else {**pieces, "n": exp.Count(this=of.steps)}
        case FoldFunction.QUANTILE_CONT | FoldFunction.QUANTILE_DISC:
            fraction = of.parameters.bind(Type.DOUBLE, of.fraction)
            value = cast(of.sql, "DOUBLE") if function is FoldFunction.QUANTILE_CONT else of.sql
            return {"": call(function.upper(), value, fraction)}
        case FoldFunction.FIRST:
            return {"": call("FIRST", in_order(of.sql, of.order))}
        case _ if function in PLAIN:
            return {"": call(PLAIN[function], of.sql)}
        case _:
            return _spread(function, of)


def _spread(function: FoldFunction, of: Operand) -> Mapping[str, exp.Expr]:
    """Of a variance: the sums of steps and of their squares, counted from the least; or the engine's own of reals."""
    if of.grid is None:
        value = cast(of.sql, "DOUBLE")
        held = choose((binary(exp.LT, call("ABS", value), of.parameters.bind(Type.DOUBLE, WIDE)), value))
        sample = "VAR_SAMP" if function in SAMPLES else "VAR_POP"
        order = exp.Order(this=held, expressions=[exp.Ordered(this=own(value), desc=False, nulls_first=False)])
        return {"": call(sample, order), "n": exp.Count(this=held.copy()), "c": exp.Count(this=of.sql)}
    steps = cast(binary(exp.Sub, of.steps, number(of.grid.low)), "HUGEINT")
    return {
        "n": exp.Count(this=of.steps),
        "s": exp.Sum(this=steps),
        "q": exp.Sum(this=binary(exp.Mul, steps, steps)),
    }


def result(function: FoldFunction, of: Mapping[str, exp.Expr], found: Folded, parameters: Parameters) -> exp.Expr:
    """The fold's value, made of columns that hold its parts."""
    values, grid = found.values, found.grid
    match function:
        case FoldFunction.SUM if values.type is Type.INTEGER:
            return try_cast(of["s"], "BIGINT")
        case FoldFunction.SUM:
            return _held(_scaled(of["s"], grid, number(1), parameters), values, parameters)
        case FoldFunction.AVG:
            shared = choose((binary(exp.GT, of["n"], number(0)), _scaled(of["s"], grid, of["n"], parameters)))
            return _held(shared, values, parameters)
        case FoldFunction.QUANTILE_CONT:
            return _held(of[""], values, parameters)
        case _ if function in SPREADS:
            return _deviation(function, of, found, parameters)
        case _:
            return of[""]


def _deviation(function: FoldFunction, of: Mapping[str, exp.Expr], found: Folded, parameters: Parameters) -> exp.Expr:
    """(n·Σs² − (Σs)²) / n² or / n(n − 1), in one division of whole numbers."""
    if found.grid is None:
        variance = choose((binary(exp.EQ, of["n"], of["c"]), of[""]))
    else:
        n = cast(of["n"], "HUGEINT")
        less = binary(exp.Sub, n, number(1)) if function in SAMPLES else n
        above = binary(exp.Sub, binary(exp.Mul, n, of["q"]), binary(exp.Mul, of["s"], of["s"]))
        below = binary(exp.Mul, n, less)
        quotient = binary(exp.Div, cast(above, "DOUBLE"), cast(below, "DOUBLE"))
        square = parameters.bind(Type.DOUBLE, found.grid.step**2)
        variance = choose((binary(exp.GT, less, number(0)), binary(exp.Mul, quotient, square)))
    if function in ROOTS:
        floor = choose((binary(exp.GTE, variance, number(0)), variance))
        variance = call("SQRT", floor)
    return _held(variance, found.values, parameters)


def _scaled(total: exp.Expr, grid: Grid | None, count: exp.Expr, parameters: Parameters) -> exp.Expr:
    """A total of steps as a real number, over a count."""
    up, down = (1, 1) if grid is None else (grid.step.numerator, grid.step.denominator)
    above, below = cast(total, "DOUBLE"), cast(count, "DOUBLE")
    above = above if up == 1 else binary(exp.Mul, above, parameters.bind(Type.DOUBLE, Fraction(up)))
    below = below if down == 1 else binary(exp.Mul, below, parameters.bind(Type.DOUBLE, Fraction(down)))
    return binary(exp.Div, above, below)


def _held(value: exp.Expr, values: Values, parameters: Parameters) -> exp.Expr:
    """A real number within the range that it is known to have, NULL where it is NULL; else one that is finite."""
    if values.lo is None or values.hi is None:
        return finite(value, parameters)
    lo, hi = (parameters.bind(Type.DOUBLE, end) for end in (values.lo, values.hi))
    return choose((binary(exp.LT, value, lo), lo), (binary(exp.GT, value, hi), hi), default=own(value))
