"""95 % intervals of what the public part computes, row by row, from released values and the known noise (rule 29).

* A linear form over totals: its noise is a sum of independent ones, each statistic of a row counted once.
* A quotient of two such forms: Fieller's set, with the covariance of statistics that stand on both sides.
* All else: the error allowed is shared among the noisy arguments (Bonferroni); range rules carry the box through.

Where none of these says anything, there is no interval. All of it reads what was released, never what was exact.
Source: Fieller, JRSS B 1954.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import TypeAlias

from sandbox.errors import Fault
from sandbox.plan.functions import evaluate, resolve
from sandbox.plan.nodes import Call, Expression, Literal, Ref, Type
from sandbox.plan.origins import place
from sandbox.plan.ranges import span
from sandbox.plan.values import Values, of_literal
from sandbox.privacy.calibrate import PricedMeasure
from sandbox.privacy.intervals import OUTSIDE, Interval, ReleasedMeasure, average, barely_released
from sandbox.privacy.mechanisms import Measurement, Noise
from sandbox.privacy.reach import normal, reach
from sandbox.privacy.statistics import Estimate

NUMERIC = frozenset({Type.INTEGER, Type.DOUBLE})
_ORDERS = {"less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge}


@dataclass(frozen=True, slots=True)
class Noisy:
    """A released relation and the noise in it."""

    priced: PricedMeasure
    released: ReleasedMeasure

    def column(self, name: str) -> int:
        return next(index for index, (each, _) in enumerate(self.released.columns) if each == name)

    def type(self, name: str) -> Type:
        return self.released.columns[self.column(name)][1]

    def linear(self, name: str) -> Estimate | None:
        """How an aggregate follows from totals by adding alone; None for other columns."""
        found = next((each for each in self.priced.bounded.estimates if each.aggregate == name), None)
        return found if isinstance(found, Estimate) and found.divisor is None else None

    def aggregate(self, name: str) -> bool:
        return any(each.aggregate == name for each in self.priced.bounded.estimates)


@dataclass(frozen=True, slots=True)
class Linear:
    """Σ weight · cell + constant, over cells that are totals."""

    type: Type
    weights: Mapping[Ref, Fraction]
    constant: Fraction

    @property
    def noisy(self) -> bool:
        return bool(self.weights)


@dataclass(frozen=True, slots=True)
class Quotient:
    """One linear form over another one that is noisy."""

    over: Linear
    under: Linear
    type: Type = Type.DOUBLE
    noisy: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is no total: a group key, or an aggregate of another kind."""

    ref: Ref
    type: Type
    noisy: bool


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal that is no number."""

    literal: Literal
    noisy: bool = False

    @property
    def type(self) -> Type:
        return self.literal.type


@dataclass(frozen=True, slots=True)
class Applied:
    """A function of forms."""

    type: Type
    function: str
    arguments: tuple[Form, ...]

    @property
    def noisy(self) -> bool:
        return any(each.noisy for each in self.arguments)


Form: TypeAlias = Linear | Quotient | Cell | Constant | Applied

Located: TypeAlias = Mapping[str, tuple[Noisy, int]]
"""Per marker, the release and the row of it that a row of the answer is made of."""


def formed(expression: Expression, releases: Mapping[str, Noisy]) -> Form:
    """The expression over cells as a form; `releases` by marker."""
    match expression:
        case Literal(type_, value):
            if type_ in NUMERIC and isinstance(value, int | Fraction):
                return Linear(type_, {}, Fraction(value))
            return Constant(expression)
        case Ref():
            marker, name = place(expression)
            noisy = releases[marker]
            if noisy.linear(name) is not None:
                return Linear(noisy.type(name), {expression: Fraction(1)}, Fraction(0))
            return Cell(expression, noisy.type(name), noisy.aggregate(name))
        case Call(name, arguments):
            found = tuple(formed(argument, releases) for argument in arguments)
            type_ = resolve(name, tuple(each.type for each in found)).result
            return _simplified(name, type_, found) or Applied(type_, name, found)


def interval(form: Form, rows: Located) -> Interval | None:
    """The 95 % interval of the form's value in one row; None where none can be said."""
    alone = single(form)
    if alone is not None:
        return _came_with(alone, rows)
    found = _values(form, rows, OUTSIDE)
    if found is None or not isinstance(found.lo, int | Fraction) or not isinstance(found.hi, int | Fraction):
        return None
    return Interval(float(found.lo), float(found.hi))


def single(form: Form) -> Ref | None:
    """The aggregate's cell that the form is, as it was released; None where anything is computed."""
    match form:
        case Cell(ref, noisy=True):
            return ref
        case Linear(weights=weights, constant=constant) if not constant and list(weights.values()) == [1]:
            return next(iter(weights))
    return None


def _simplified(name: str, type_: Type, arguments: tuple[Form, ...]) -> Form | None:
    """The call as a linear form or a quotient of two, where it is one."""
    match name, arguments:
        case "add", (Linear() as one, Linear() as other):
            return _sum(type_, one, other, Fraction(1))
        case "subtract", (Linear() as one, Linear() as other):
            return _sum(type_, one, other, Fraction(-1))
        case "negate", (Linear() | Quotient() as one,):
            return _scaled(type_, one, Fraction(-1))
        case "cast_double", (Linear() | Quotient() as one,):
            return _scaled(type_, one, Fraction(1))
        case "multiply", (Linear() | Quotient() as one, Linear(weights=weights, constant=factor)) if not weights:
            return _scaled(type_, one, factor)
        case "multiply", (Linear(weights=weights, constant=factor), Linear() | Quotient() as one) if not weights:
            return _scaled(type_, one, factor)
        case "divide", (Linear() as one, Linear() as other) if other.noisy:
            return Quotient(one, other)
        case "divide", (Linear() | Quotient() as one, Linear(constant=factor)) if factor:
            return _scaled(type_, one, 1 / factor)
        case "nullif", (Linear() as one, Linear(weights=weights, constant=zero)) if not weights and not zero:
            return one  # where it is NULL there is no value
    return None


def _sum(type_: Type, one: Linear, other: Linear, sign: Fraction) -> Linear:
    weights = dict(one.weights)
    for ref, weight in other.weights.items():
        weights[ref] = weights.get(ref, Fraction(0)) + sign * weight
    return Linear(type_, weights, one.constant + sign * other.constant)


def _scaled(type_: Type, one: Linear | Quotient, factor: Fraction) -> Linear | Quotient:
    if isinstance(one, Quotient):
        return Quotient(_linear_scaled(one.over.type, one.over, factor), one.under)
    return _linear_scaled(type_, one, factor)


def _linear_scaled(type_: Type, one: Linear, factor: Fraction) -> Linear:
    return Linear(type_, {ref: weight * factor for ref, weight in one.weights.items()}, one.constant * factor)


def _values(form: Form, rows: Located, outside: float) -> Values | None:
    """Between what the form's true value lies, but with probability `outside`."""
    match form:
        case Linear(type_, constant=value) if not form.noisy:
            return of_literal(Literal(type_, value.__floor__() if type_ is Type.INTEGER else value))
        case Linear():
            found = _sums(form, rows)
            return None if found is None else _around(form.type, found.value, reach(found.noises, outside))
        case Quotient(over, under):
            return _quotient(_sums(over, rows), _sums(under, rows), outside)
        case Cell():
            return _cell(form, rows, outside)
        case Constant(literal):
            return of_literal(literal)
        case Applied(function=function, arguments=arguments):
            count = sum(each.noisy for each in arguments)
            values = [_values(each, rows, outside / max(count, 1)) for each in arguments]
            return _applied(function, values)


def _around(type_: Type, value: Fraction, half: Fraction) -> Values:
    whole = type_ is Type.INTEGER
    lo, hi = value - half, value + half
    return Values(type_, nullable=False, lo=lo.__floor__() if whole else lo, hi=hi.__ceil__() if whole else hi)


@dataclass(frozen=True, slots=True)
class _Sum:
    """A linear form in one row: its value, and the weight of each independent noise in it."""

    value: Fraction
    weights: Mapping[tuple[str, int, str], Fraction]
    steps: Mapping[tuple[str, int, str], Measurement]

    @property
    def noises(self) -> list[tuple[Measurement, Fraction]]:
        return [(self.steps[key], weight) for key, weight in self.weights.items() if weight]


def _sums(form: Linear, rows: Located) -> _Sum | None:
    """None where a row is missing, or a count is one that only its own largeness let be released."""
    value = form.constant
    weights, steps = dict[tuple[str, int, str], Fraction](), dict[tuple[str, int, str], Measurement]()
    for ref, weight in form.weights.items():
        marker, name = place(ref)
        if marker not in rows:
            return None
        noisy, row = rows[marker]
        estimate, bounded = noisy.linear(name), noisy.priced.bounded
        if estimate is None:
            raise Fault("a linear form over what is no total")
        statistic = bounded.statistic(estimate.statistic)
        shares = {statistic.name: Fraction(1)}
        if estimate.weight is not None:
            shares[estimate.weight] = Fraction(statistic.centre)
        for total, share in shares.items():
            step, found = noisy.priced.steps[total], noisy.released.totals[row][total]
            if barely_released(bounded, step, found):
                return None
            key = (noisy.released.measure, row, total)
            steps[key] = step
            added = weight * share * statistic.granularity / bounded.fine(total)
            weights[key] = weights.get(key, Fraction(0)) + added
            value += added * found
    return _Sum(value, weights, steps)


def _quotient(over: _Sum | None, under: _Sum | None, outside: float) -> Values | None:
    if over is None or under is None:
        return None
    steps = {**over.steps, **under.steps}
    if all(step.noise is Noise.GAUSSIAN and step.scale >= 1 for step in steps.values()):
        return _fieller(over, under, steps, outside)
    sides = [(each.value, reach(each.noises, outside / 2)) for each in (over, under)]
    first, second = (_around(Type.DOUBLE, value, half) for value, half in sides)
    return _applied("divide", [first, second])


def _fieller(
    over: _Sum, under: _Sum, steps: Mapping[tuple[str, int, str], Measurement], outside: float
) -> Values | None:
    """The a with (over − a·under)² ≤ z²·Var(over − a·under); None where they are unbounded."""
    z = normal(outside)

    def product(one: _Sum, other: _Sum) -> float:
        pairs = ((one.weights.get(key, 0), other.weights.get(key, 0), step) for key, step in steps.items())
        return sum(float(first * second) * (step.scale + 0.5) ** 2 for first, second, step in pairs) * z**2

    top, bottom = float(over.value), float(under.value)
    leading = bottom**2 - product(under, under)
    if leading <= 0:
        return None
    middle = top * bottom - product(over, under)
    spread = sqrt(max(0.0, middle**2 - leading * (top**2 - product(over, over))))
    ends = Fraction((middle - spread) / leading), Fraction((middle + spread) / leading)
    return Values(Type.DOUBLE, nullable=False, lo=ends[0], hi=ends[1])


def _cell(form: Cell, rows: Located, outside: float) -> Values | None:
    """A group key is what it is; an average has an interval for any error, another aggregate the one it came with."""
    marker, name = place(form.ref)
    if marker not in rows:
        return None
    noisy, row = rows[marker]
    if not form.noisy:
        return of_literal(Literal(form.type, noisy.released.rows[row][noisy.column(name)]))
    if outside == OUTSIDE:
        found = _came_with(form.ref, rows)
    else:
        estimate = next(each for each in noisy.priced.bounded.estimates if each.aggregate == name)
        if not isinstance(estimate, Estimate):
            return None
        found = average(noisy.priced, estimate, noisy.released.totals[row], outside)
    if found is None:
        return None
    return Values(form.type, nullable=False, lo=Fraction(found.low), hi=Fraction(found.high))


def _came_with(ref: Ref, rows: Located) -> Interval | None:
    """The interval that an aggregate's cell was released with."""
    marker, name = place(ref)
    if marker not in rows:
        return None
    noisy, row = rows[marker]
    keys = len(noisy.released.columns) - len(noisy.priced.bounded.estimates)
    return noisy.released.intervals[row][noisy.column(name) - keys]


def _applied(function: str, values: Sequence[Values | None]) -> Values | None:
    """What the range rule says of the function's result; of a choice, only of branches that can be taken."""
    if function == "case":
        return _chosen(values)
    given = tuple(each for each in values if each is not None)
    if len(given) < len(values):
        return None
    if function in _ORDERS and (truth := _compared(function, *map(span, given))) is not None:
        return truth
    return evaluate(function, resolve(function, tuple(each.type for each in given)), given, 0)[0]


def _compared(function: str, one: tuple[int | Fraction, int | Fraction] | None, other: object) -> Values | None:
    """The truth of a comparison that holds, or fails, wherever both sides lie."""
    if one is None or not isinstance(other, tuple):
        return None
    outcomes = {_ORDERS[function](first, second) for first in one for second in other}
    return Values(Type.BOOLEAN, nullable=False, members=tuple(outcomes)) if len(outcomes) == 1 else None


def _chosen(values: Sequence[Values | None]) -> Values | None:
    """Conditions and results by turns, then what is left when no condition holds."""
    left = list[Values | None]()
    for condition, result in zip(values[:-1:2], values[1:-1:2], strict=True):
        if condition is None or condition.nullable or condition.members is None or len(condition.members) != 1:
            left += [condition, result]
        elif condition.members == (True,):
            return _either([*left, result])
    return _either([*left, values[-1]])


def _either(values: Sequence[Values | None]) -> Values | None:
    """What a choice of these can be; the one there is, where nothing is left to choose."""
    known = [each for each in values if each is not None]
    if len(known) < len(values):
        return None
    if len(known) == 1:
        return known[0]
    return evaluate("case", resolve("case", tuple(each.type for each in known)), tuple(known), 0)[0]
