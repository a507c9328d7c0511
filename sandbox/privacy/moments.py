"""Variances, covariances and what follows from them: values from noisy totals, and how far the noise moves them.

Values are exact fractions, clamped to what is possible; NULL where the noisy count or a noisy variance says nothing.
An interval is the first-order propagation of the known noises (the delta method), so it is given only where every noisy
number that is divided by, the count among them, is clear of its own noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from sandbox.errors import Fault
from sandbox.plan.aggregate_functions import AggregateFunction
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.mechanisms import Measurement, Noise
from sandbox.privacy.reach import laplace
from sandbox.privacy.statistics import Moments, Statistic

CLEAR = 8
"""Standard deviations of its noise by which a divisor is clear of it."""
_NORMAL = 1.9599639845400545
"""The normal quantile of 95 %, two-sided, rounded up."""
_OUTSIDE = 0.05

SAMPLES = {
    AggregateFunction.VAR_SAMP,
    AggregateFunction.STDDEV_SAMP,
    AggregateFunction.COVAR_SAMP,
}
ROOTS = {AggregateFunction.STDDEV_POP, AggregateFunction.STDDEV_SAMP}


@dataclass(frozen=True, slots=True)
class Noisy:
    """A number that follows from noisy totals."""

    value: Fraction
    moves: Mapping[str, float]
    """Per statistic: how far one step more in its total moves the number."""
    clear: bool = True
    """Whether every divisor on the way was clear of its noise."""

    def plus(self, other: Noisy, factor: Fraction = Fraction(1)) -> Noisy:
        """The number plus so many of the other."""
        return self._made(other, self.value + factor * other.value, Fraction(1), factor)

    def times(self, other: Noisy) -> Noisy:
        return self._made(other, self.value * other.value, other.value, self.value)

    def over(self, other: Noisy, spread: Callable[[Noisy], float]) -> Noisy:
        """The quotient by a number greater than 0, whose noise has this standard deviation."""
        quotient = self.value / other.value
        found = self._made(other, quotient, 1 / other.value, -quotient / other.value)
        clear = found.clear and float(other.value) >= CLEAR * spread(other)
        return Noisy(found.value, found.moves, clear)

    def scaled(self, factor: Fraction) -> Noisy:
        return Noisy(self.value * factor, {name: move * float(factor) for name, move in self.moves.items()}, self.clear)

    def shifted(self, by: Fraction) -> Noisy:
        return Noisy(self.value + by, self.moves, self.clear)

    def _made(self, other: Noisy, value: Fraction, mine: Fraction, theirs: Fraction) -> Noisy:
        one, two = float(mine), float(theirs)
        names = self.moves.keys() | other.moves.keys()
        moves = {name: one * self.moves.get(name, 0.0) + two * other.moves.get(name, 0.0) for name in sorted(names)}
        return Noisy(value, moves, self.clear and other.clear)


@dataclass(frozen=True, slots=True)
class Found:
    """An aggregate's value, the ends of its 95 % interval and how the noise moves it, each where there is one."""

    value: Fraction | None
    ends: tuple[float, float] | None
    moves: Mapping[str, float] | None = None
    """Per statistic: how far one step more in its total moves the value, to first order."""


NOTHING = Found(None, None)


def moment(
    bounded: BoundedMeasure, estimate: Moments, steps: Mapping[str, Measurement], totals: Mapping[str, int]
) -> Found:
    """The aggregate of one group from its noisy totals."""
    least = 2 if estimate.function in SAMPLES else 1
    if totals[estimate.rows] < least * bounded.fine(estimate.rows):
        return NOTHING
    return _Group(bounded, estimate, steps, totals).found()


@dataclass(frozen=True, slots=True)
class _Group:
    """The noisy totals of one group."""

    bounded: BoundedMeasure
    estimate: Moments
    steps: Mapping[str, Measurement]
    totals: Mapping[str, int]

    def found(self) -> Found:
        match self.estimate.function:
            case AggregateFunction.VAR_POP | AggregateFunction.STDDEV_POP:
                return self._shown(self._variance("x"), Fraction(0), self._most("x", "x"))
            case AggregateFunction.VAR_SAMP | AggregateFunction.STDDEV_SAMP:
                return self._shown(self._sample(self._variance("x")), Fraction(0), 2 * self._most("x", "x"))
            case AggregateFunction.COVAR_POP:
                return self._shown(self._covariance(), -self._most("x", "y"), self._most("x", "y"))
            case AggregateFunction.COVAR_SAMP:
                most = 2 * self._most("x", "y")
                return self._shown(self._sample(self._covariance()), -most, most)
            case AggregateFunction.REGR_SXX:
                return self._shown(self._rows().times(self._variance("x")), Fraction(0), None)
            case AggregateFunction.REGR_SYY:
                return self._shown(self._rows().times(self._variance("y")), Fraction(0), None)
            case AggregateFunction.REGR_SXY:
                return self._shown(self._rows().times(self._covariance()), None, None)
            case AggregateFunction.CORR | AggregateFunction.REGR_R2:
                return self._correlation()
            case AggregateFunction.REGR_SLOPE | AggregateFunction.REGR_INTERCEPT:
                return self._line()
        raise Fault(f"{self.estimate.function} is no moment")

    def _total(self, name: str) -> Noisy:
        fine = self.bounded.fine(name)
        return Noisy(Fraction(self.totals[name], fine), {name: 1 / fine})

    def _rows(self) -> Noisy:
        return self._total(self.estimate.rows)

    def _mean(self, statistic: Statistic) -> Noisy:
        """The mean of a statistic's rows as centred, in the arguments' own measure."""
        return self._total(statistic.name).over(self._rows(), self._spread).scaled(statistic.granularity)

    def _off(self, side: str) -> Noisy:
        """How far the mean of one side is off its centre."""
        return self._mean(self._sum(side))

    def _sum(self, side: str) -> Statistic:
        return self.bounded.statistic(self.estimate.sums[side])

    def _second(self, pair: str) -> Noisy:
        """The mean product of both sides' distances from their centres, less the product of the means'."""
        statistic = self.bounded.statistic(self.estimate.products[pair])
        mean = self._mean(statistic).shifted(statistic.centre * statistic.granularity)
        return mean.plus(self._off(pair[0]).times(self._off(pair[1])), Fraction(-1))

    def _variance(self, side: str) -> Noisy:
        return self._second(side * 2)

    def _covariance(self) -> Noisy:
        return self._second("xy")

    def _sample(self, population: Noisy) -> Noisy:
        """As of a sample: n − 1 in place of n."""
        rows = self._rows()
        return population.times(rows.over(rows.shifted(Fraction(-1)), self._spread))

    def _most(self, one: str, other: str) -> Fraction:
        """No covariance of values in these ranges is larger, nor a variance (Popoviciu)."""
        ranges = [(each.high - each.low) * each.granularity for each in (self._sum(one), self._sum(other))]
        return ranges[0] * ranges[1] / 4

    def _correlation(self) -> Found:
        one, other, both = self._variance("x"), self._variance("y"), self._covariance()
        if min(one.value, other.value) <= 0:
            return NOTHING
        both = both.over(one, self._spread).times(both.over(other, self._spread))
        squared = self._shown(both, Fraction(0), Fraction(1))
        if self.estimate.function is AggregateFunction.REGR_R2 or squared.value is None:
            return squared
        covariance = self._covariance()
        size = sqrt(float(squared.value))
        value = Fraction(size if covariance.value >= 0 else -size)
        # r = cov · (Vx·Vy)^(−1/2): each relative change of a variance counts half
        root = sqrt(float(one.value)) * sqrt(float(other.value))
        r = float(covariance.value) / root
        parts = ((covariance, 1 / root), (one, -r / (2 * float(one.value))), (other, -r / (2 * float(other.value))))
        names = sorted({name for each, _ in parts for name in each.moves})
        moves = {name: sum(factor * each.moves.get(name, 0.0) for each, factor in parts) for name in names}
        ends = self._ends(Noisy(Fraction(r), moves, both.clear))
        clamped = None if ends is None else (max(-1.0, ends[0]), min(1.0, ends[1]))
        return Found(value, clamped, moves if both.clear else None)

    def _line(self) -> Found:
        variance = self._variance("x")
        if variance.value <= 0:
            return NOTHING
        slope = self._covariance().over(variance, self._spread)
        if self.estimate.function is AggregateFunction.REGR_SLOPE:
            return self._shown(slope, None, None)
        means = [self._off(side).shifted(self._sum(side).centre * self._sum(side).granularity) for side in ("y", "x")]
        return self._shown(means[0].plus(slope.times(means[1]), Fraction(-1)), None, None)

    def _shown(self, number: Noisy, low: Fraction | None, high: Fraction | None) -> Found:
        """The number and its interval, clamped to what is possible; of a standard deviation the roots."""
        value, ends = number.value, self._ends(number)
        if low is not None:
            value, ends = max(value, low), ends and (max(ends[0], float(low)), max(ends[1], float(low)))
        if high is not None:
            value, ends = min(value, high), ends and (min(ends[0], float(high)), min(ends[1], float(high)))
        if self.estimate.function in ROOTS:
            root = sqrt(float(value))
            steep = number.clear and self._spread(number) * CLEAR <= value
            halved = {name: move / (2 * root) for name, move in number.moves.items()} if steep else None
            return Found(Fraction(root), ends and (sqrt(ends[0]), sqrt(ends[1])), halved)
        return Found(value, ends, number.moves if number.clear else None)

    def _ends(self, number: Noisy) -> tuple[float, float] | None:
        if not number.clear:
            return None
        half, value = self._half(number), float(number.value)
        return value - half, value + half

    def _spread(self, number: Noisy) -> float:
        """The standard deviation of a number's noise."""
        factor = {Noise.GAUSSIAN: 1.0, Noise.LAPLACE: sqrt(2)}
        parts = [(move, self.steps[name]) for name, move in number.moves.items()]
        return sqrt(sum((move * step.scale * factor[step.noise]) ** 2 for move, step in parts))

    def _half(self, number: Noisy) -> float:
        """A half-width that the noise exceeds 5 % of the time; half a grid step more of each, for noise is discrete."""
        parts = [(abs(move), self.steps[name]) for name, move in number.moves.items() if move]
        discrete = sum(move for move, _ in parts) / 2
        if any(step.noise is Noise.LAPLACE for _, step in parts):
            return laplace([move * step.scale for move, step in parts], _OUTSIDE) + discrete
        return _NORMAL * sqrt(sum((move * step.scale) ** 2 for move, step in parts)) + discrete
