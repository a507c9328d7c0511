"""How noise moves a computed number, to first order: only where it is small beside what makes the function bend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TypeAlias

from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.forms import Applied, Cell, Form, Key, Linear, Noisy, Quotient, Total, independent
from sandbox.privacy.mechanisms import Measurement, Noise
from sandbox.privacy.moments import CLEAR, moment
from sandbox.privacy.statistics import Estimate, Moments


@dataclass(frozen=True, slots=True)
class Smooth:
    """A number, and how far one step of each noise moves it."""

    value: float
    weights: Mapping[Key, float]

    def times(self, factor: float) -> Smooth:
        return Smooth(self.value * factor, {key: weight * factor for key, weight in self.weights.items()})

    def moved(self, value: float, steepness: float) -> Smooth:
        """What a function makes of the number: its value, and its slope there."""
        return Smooth(value, self.times(steepness).weights)


def total(parts: Sequence[Smooth], factor: float) -> Smooth:
    """The sum of these, times a factor."""
    weights = dict[Key, float]()
    for part in parts:
        for key, weight in part.weights.items():
            weights[key] = weights.get(key, 0.0) + weight
    return Smooth(sum(part.value for part in parts), weights).times(factor)


def smooth(form: Form, releases: Mapping[str, Noisy]) -> Smooth | None:
    """The form to first order; None where it bends within reach of the noise, or is of another kind."""

    def spread(found: Smooth) -> float:
        parts = independent(found.weights, releases)
        return sqrt(sum((float(weight) * _spread_of(step)) ** 2 for step, weight in parts))

    match form:
        case Linear(value=value, weights=weights):
            return Smooth(float(value), {key: float(weight) for key, weight in weights.items()})
        case Quotient(over, under):
            return _divided(smooth(over, releases), smooth(under, releases), spread)
        case Cell():
            return _released(form)
        case Total(parts=parts, factor=factor):
            found = _all(parts, releases)
            return None if found is None else total(found, float(factor))
        case Applied(function=function, parts=parts) if function in RULES:
            found = _all(parts, releases)
            return None if found is None else RULES[function](found, spread)
    return None


def _all(parts: Sequence[Form], releases: Mapping[str, Noisy]) -> list[Smooth] | None:
    found = [smooth(part, releases) for part in parts]
    known = [each for each in found if each is not None]
    return known if len(known) == len(found) else None


def _spread_of(step: Measurement) -> float:
    return step.scale * (sqrt(2) if step.noise is Noise.LAPLACE else 1.0)


def _released(cell: Cell) -> Smooth | None:
    """A released average or moment."""
    noisy, bounded = cell.release, cell.release.priced.bounded
    estimate, totals = noisy.estimate(cell.name), noisy.released.totals[cell.row]
    noises = noisy.released.noises[cell.row]
    match estimate:
        case Moments():
            found = moment(bounded, estimate, noises, totals)
            if found.value is None or found.moves is None:
                return None
            value, moves = float(found.value), found.moves
        case Estimate(divisor=str(divisor)):
            rows = totals[divisor] / bounded.fine(divisor)
            if totals[divisor] < CLEAR * _spread_of(noises[divisor]):
                return None
            value, moves = _mean(bounded, estimate, totals, rows)
        case _:
            return None
    measure = noisy.released.measure
    return Smooth(value, {(measure, cell.row, name): move for name, move in moves.items()})


def _mean(
    bounded: BoundedMeasure, estimate: Estimate, totals: Mapping[str, int], rows: float
) -> tuple[float, Mapping[str, float]]:
    statistic, divisor = bounded.statistic(estimate.statistic), estimate.divisor or ""
    step = float(statistic.granularity)
    mean = totals[statistic.name] / bounded.fine(statistic.name) / rows
    moves = {
        statistic.name: step / bounded.fine(statistic.name) / rows,
        divisor: -mean * step / bounded.fine(divisor) / rows,
    }
    return (mean + statistic.centre) * step, moves


Spread: TypeAlias = Callable[[Smooth], float]
Rule: TypeAlias = Callable[[Sequence[Smooth], Spread], Smooth | None]


def _divided(one: Smooth | None, other: Smooth | None, spread: Spread) -> Smooth | None:
    if one is None or other is None or not _clear(other, spread):
        return None
    quotient = one.value / other.value
    return Smooth(quotient, total([one, other.times(-quotient)], 1 / other.value).weights)


def _product(given: Sequence[Smooth], spread: Spread) -> Smooth | None:
    one, other = given
    if not (_clear(one, spread) or _clear(other, spread)):
        return None
    return Smooth(one.value * other.value, total([one.times(other.value), other.times(one.value)], 1.0).weights)


def _clear(one: Smooth, spread: Spread) -> bool:
    """Whether the number is far from 0 beside its noise."""
    return one.value != 0 and abs(one.value) >= CLEAR * spread(one)


def _root(given: Sequence[Smooth], spread: Spread) -> Smooth | None:
    (one,) = given
    if one.value <= 0 or not _clear(one, spread):
        return None
    return one.moved(sqrt(one.value), 1 / (2 * sqrt(one.value)))


def _logarithm(given: Sequence[Smooth], spread: Spread) -> Smooth | None:
    (one,) = given
    return one.moved(log(one.value), 1 / one.value) if one.value > 0 and _clear(one, spread) else None


def _exponential(given: Sequence[Smooth], spread: Spread) -> Smooth | None:
    (one,) = given
    if spread(one) * CLEAR > 1 or one.value > 700:
        return None
    return one.moved(exp(one.value), exp(one.value))


def _size(given: Sequence[Smooth], spread: Spread) -> Smooth | None:
    (one,) = given
    return one.times(1.0 if one.value > 0 else -1.0) if _clear(one, spread) else None


RULES: Mapping[str, Rule] = {
    "add": lambda given, _: total(given, 1.0),
    "subtract": lambda given, _: total([given[0], given[1].times(-1.0)], 1.0),
    "negate": lambda given, _: given[0].times(-1.0),
    "cast_double": lambda given, _: given[0],
    "multiply": _product,
    "divide": lambda given, spread: _divided(given[0], given[1], spread),
    "sqrt": _root,
    "ln": _logarithm,
    "exp": _exponential,
    "abs": _size,
}
"""Of the functions that have one: the slope at the released values."""
