"""95 % intervals of what the public part computes, cell by cell, from released values and the known noise (rule 29).

* So much of each noise, exactly: that sum of independent noises, each total counted once.
* A quotient of two such numbers: Fieller's set, with the covariance of totals that stand on both sides.
* Of one noisy argument a function's range over its interval; of several, to first order where the noise of each is
  small beside what it is divided by, and else the range over all their intervals, the error shared among them.
* The least, the largest and quantiles of several: of the ends of their intervals; a place by who surely comes before.

Where none of these says anything, there is no interval. All of it reads what was released, never what was exact.
Source: Fieller, JRSS B 1954; of places Klein, Wright & Wieczorek, JRSS A 2020.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, sqrt
from typing import TypeAlias

from sandbox.plan.functions import evaluate, resolve
from sandbox.plan.nodes import Literal, Type
from sandbox.plan.ranges import span
from sandbox.plan.values import Values, of_literal
from sandbox.privacy.forms import (
    Barely,
    Cell,
    Counted,
    Form,
    Key,
    Known,
    Linear,
    Noisy,
    Placed,
    Quotient,
    Ranked,
    Total,
    independent,
)
from sandbox.privacy.intervals import OUTSIDE, Interval, average, barely
from sandbox.privacy.mechanisms import Measurement, Noise
from sandbox.privacy.moments import CLEAR
from sandbox.privacy.reach import normal, reach
from sandbox.privacy.smooth import smooth
from sandbox.privacy.statistics import Estimate

Ends: TypeAlias = tuple[int | Fraction, int | Fraction]

_ORDERS = {"less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge}
_EQUALITIES = {"equal": True, "not_equal": False}
_ROUNDS = 4
"""Of a search that comes nearer fourfold, or more, each time."""
_STEP = 0.26
"""Half a step, in normal quantiles: noise is discrete."""


@dataclass(frozen=True, slots=True)
class Propagation:
    """Between what the true values of forms lie."""

    releases: Mapping[str, Noisy]
    """By measure."""

    def interval(self, form: Form) -> Interval | None:
        """The 95 % interval of the form's value; None where none can be said."""
        if isinstance(form, Cell):
            return form.release.interval(form.row, form.name)
        found = self.values(form, OUTSIDE)
        if found is None or not isinstance(found.lo, int | Fraction) or not isinstance(found.hi, int | Fraction):
            return None
        return Interval(float(found.lo), float(found.hi))

    def truth(self, form: Form, outside: float) -> bool | None:
        """Whether a condition is true, but with probability `outside`; None where it may be either. NULL is not."""
        found = self.values(form, outside)
        if found is None:
            return None
        if found.members == () or found.members == (False,):
            return False
        return True if found.members == (True,) and not found.nullable else None

    def values(self, form: Form, outside: float) -> Values | None:
        """Between what the form's true value lies, but with probability `outside`."""
        match form:
            case Linear(type_, value) if not form.noisy:
                return of_literal(Literal(type_, value.__floor__() if type_ is Type.INTEGER else value))
            case Linear(type_, value, weights):
                return _around(type_, value, self._reach(weights, outside))
            case Known(values):
                return values
            case Quotient(over, under):
                return self._quotient(over, under, outside)
            case Cell():
                return self._cell(form, outside)
            case Barely(release, row, name, type_):
                step, count = release.total(row, name)
                ends = barely(step, count, outside)
                return Values(type_, nullable=False, lo=int(ends.low), hi=int(ends.high))
            case Counted(least, most, type_):
                return None if outside < OUTSIDE else Values(type_, nullable=False, lo=least, hi=most)
            case Ranked():
                return self._ranked(form, outside)
            case Placed():
                return self._placed(form, outside)
        noisy = sum(each.noisy for each in form.parts)
        if noisy > 1 and (moved := smooth(form, self.releases)) is not None:
            return _around(form.type, Fraction(moved.value), self._reach(moved.weights, outside))
        shared = outside / max(1, noisy)
        given = [self.values(each, shared) for each in form.parts]
        if isinstance(form, Total):
            return _total(form, given)
        return _applied(form.function, given)

    def _reach(self, weights: Mapping[Key, Fraction | float], outside: float) -> Fraction:
        parts = self._apart(weights)
        return sum((self._sum(part, outside / len(parts)) for part in parts), Fraction(0))

    def _sum(self, weights: Mapping[Key, Fraction | float], outside: float) -> Fraction:
        return reach(independent(weights, self.releases), outside)

    def _apart(self, weights: Mapping[Key, Fraction | float]) -> list[dict[Key, Fraction | float]]:
        """The noises as one sum, where they are independent; a sum for each statistic, where some are made of the
        same earlier release, so that one is in several."""
        found = dict[tuple[str, str], dict[Key, Fraction | float]]()
        for key, weight in weights.items():
            found.setdefault((key[0], key[2]), {})[key] = weight
        families = {self.releases[measure].family(statistic) for measure, statistic in found}
        return [dict(weights)] if len(families) == len(found) else list(found.values())

    def _step(self, key: Key) -> Measurement:
        measure, row, statistic = key
        return self.releases[measure].released.noises[row][statistic]

    def _free(self, keys: Iterable[Key]) -> bool:
        """Whether no two of these are of one statistic that was made consistent."""
        tied = Counter(
            (measure, statistic)
            for measure, _, statistic in keys
            if statistic in self.releases[measure].released.adjusted
        )
        return max(tied.values(), default=1) == 1

    def _quotient(self, over: Linear, under: Linear, outside: float) -> Values | None:
        both = {**over.weights, **under.weights}
        steps = [self._step(key) for key in both] if len(self._apart(both)) == 1 and self._free(both) else []
        if steps and all(step.noise is Noise.GAUSSIAN and step.scale >= 1 for step in steps):
            return self._fieller(over, under, outside)
        if steps and all(step.noise is Noise.LAPLACE and step.scale >= 1 for step in steps) and self._clear(under):
            return self._searched(over, under, outside)
        sides = [_around(Type.DOUBLE, each.value, self._reach(each.weights, outside / 2)) for each in (over, under)]
        return _applied("divide", sides)

    def _fieller(self, over: Linear, under: Linear, outside: float) -> Values | None:
        """The a with (over − a·under)² ≤ z²·Var(over − a·under); None where they are unbounded."""
        z = normal(outside)

        def product(one: Linear, other: Linear) -> float:
            few, many = sorted((one.weights, other.weights), key=len)
            shared = ((key, weight, many[key]) for key, weight in few.items() if key in many)
            return z**2 * sum(float(a) * float(b) * (self._step(key).scale + _STEP) ** 2 for key, a, b in shared)

        top, bottom = float(over.value), float(under.value)
        leading = bottom**2 - product(under, under)
        if leading <= 0:
            return None
        middle = top * bottom - product(over, under)
        spread = sqrt(max(0.0, middle**2 - leading * (top**2 - product(over, over))))
        ends = Fraction((middle - spread) / leading), Fraction((middle + spread) / leading)
        return Values(Type.DOUBLE, nullable=False, lo=ends[0], hi=ends[1])

    def _clear(self, number: Linear) -> bool:
        """Whether the number is far from 0 beside its Laplace noise."""
        spread = sqrt(2 * sum(float(weight * self._scale(key)) ** 2 for key, weight in number.weights.items()))
        return abs(number.value) >= CLEAR * spread

    def _scale(self, key: Key) -> Fraction:
        return Fraction(self._step(key).scale)

    def _searched(self, over: Linear, under: Linear, outside: float) -> Values:
        """The a for which over − a·under is no surprise, as far out as its own noise reaches."""
        middle = over.value / under.value

        def end(side: int) -> Fraction:
            a = middle
            for _ in range(_ROUNDS):
                left = over.plus(under, Type.DOUBLE, Fraction(float(-a)))
                a = middle + side * self._reach(left.weights, outside) / abs(under.value)
            return a

        return Values(Type.DOUBLE, nullable=False, lo=end(-1), hi=end(1))

    def _cell(self, form: Cell, outside: float) -> Values | None:
        """An average has an interval for any error, what is known to first order too; else the one it came with."""
        estimate, released = form.release.estimate(form.name), form.release.released
        if isinstance(estimate, Estimate):
            totals, noises = released.totals[form.row], released.noises[form.row]
            found = average(form.release.priced, estimate, noises, totals, outside)
        elif outside == OUTSIDE:
            found = form.release.interval(form.row, form.name)
        elif (moved := smooth(form, self.releases)) is not None:
            return _around(form.type, Fraction(moved.value), self._reach(moved.weights, outside))
        else:
            return None
        if found is None:
            return None
        return Values(form.type, nullable=False, lo=Fraction(found.low), hi=Fraction(found.high))

    def _ranked(self, form: Ranked, outside: float) -> Values | None:
        """All are taken to lie within their intervals; above the largest but the one that is must lie below its own."""
        count = max(1, sum(each.noisy for each in form.parts))
        ends = [self._ends(each, outside / count) for each in form.parts]
        found = [each for each in ends if each is not None]
        if len(found) < len(ends):
            return None
        lows, highs = sorted(low for low, _ in found), sorted(high for _, high in found)
        if form.share in (0, 1) and count > 1 and all(isinstance(each, Linear) for each in form.parts):
            alone = [end for each in form.parts if (end := self._ends(each, outside)) is not None]
            lows = lows if form.share else sorted(low for low, _ in alone)
            highs = sorted(high for _, high in alone) if form.share else highs
        lo, hi = (_at(side, form.share, between=form.between) for side in (lows, highs))
        return Values(form.type, nullable=False, lo=_whole(lo, form.type), hi=_whole(hi, form.type))

    def _placed(self, form: Placed, outside: float) -> Values | None:
        count = max(1, sum(each.noisy for each in form.parts))
        ends = [self._ends(each, outside / count) for each in form.parts]
        surely = sum(each is not None and each[0] > 0 for each in ends)
        perhaps = sum(each is None or each[1] > 0 for each in ends)
        if not form.share:
            return Values(Type.INTEGER, nullable=False, lo=1 + surely, hi=1 + perhaps)
        others = max(1, len(ends) - 1)
        lo, hi = Fraction(surely, others), Fraction(min(perhaps, others), others)
        return Values(Type.DOUBLE, nullable=False, lo=lo, hi=hi)

    def _ends(self, form: Form, outside: float) -> tuple[Fraction, Fraction] | None:
        found = self.values(form, outside)
        ends = None if found is None else span(found)
        return None if ends is None else (Fraction(ends[0]), Fraction(ends[1]))


def _at(ordered: Sequence[Fraction], share: Fraction, *, between: bool) -> Fraction:
    """The value at a share of these, which are in order, as SQL's QUANTILE_CONT or QUANTILE_DISC take it."""
    if not between:
        return ordered[max(0, ceil(share * len(ordered)) - 1)]
    place = share * (len(ordered) - 1)
    low, high = ordered[floor(place)], ordered[ceil(place)]
    return low + (high - low) * (place - floor(place))


def _whole(value: Fraction, type_: Type) -> int | Fraction:
    return int(value) if type_ is Type.INTEGER else value


def _around(type_: Type, value: Fraction, half: Fraction) -> Values:
    whole = type_ is Type.INTEGER
    lo, hi = value - half, value + half
    return Values(type_, nullable=False, lo=lo.__floor__() if whole else lo, hi=hi.__ceil__() if whole else hi)


def _total(form: Total, values: Sequence[Values | None]) -> Values | None:
    ends = [None if each is None else span(each) for each in values]
    found = [each for each in ends if each is not None]
    if len(found) < len(ends):
        return None
    lo, hi = (form.factor * sum(Fraction(each[side]) for each in found) for side in (0, 1))
    return Values(form.type, nullable=False, lo=_whole(lo, form.type), hi=_whole(hi, form.type))


def _applied(function: str, values: Sequence[Values | None]) -> Values | None:
    """What the range rule says of the function's result; of a choice, only of branches that can be taken."""
    if function == "case":
        return _chosen(values)
    given = tuple(each for each in values if each is not None)
    if len(given) < len(values):
        return None
    if function in _ORDERS or function in _EQUALITIES:
        truth = _compared(function, *map(span, given))
        if truth is not None:
            return Values(Type.BOOLEAN, nullable=False, members=(truth,))
    return evaluate(function, resolve(function, tuple(each.type for each in given)), given, 0)[0]


def _compared(
    function: str,
    one: tuple[int | Fraction, int | Fraction] | None,
    other: tuple[int | Fraction, int | Fraction] | None,
) -> bool | None:
    """The truth of a comparison that holds, or fails, wherever both sides lie."""
    if one is None or other is None:
        return None
    if function in _EQUALITIES:
        apart = one[1] < other[0] or other[1] < one[0]
        same = one[0] == one[1] == other[0] == other[1]
        return _EQUALITIES[function] is same if apart or same else None
    outcomes = {_ORDERS[function](first, second) for first in one for second in other}
    return outcomes.pop() if len(outcomes) == 1 else None


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
