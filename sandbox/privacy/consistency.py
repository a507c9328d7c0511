"""Totals of several grouping sets made to add up (rule 25): weighted least squares over what was released.

The levels of public keys are marginals of one table, by all of their keys. It is the sum of parts that are orthogonal
to one another, one for each set A of keys: what varies with all of A, summing to 0 over each key of it. With one
variance for the noise of a level, least squares finds each part alone: from each level that has all of A, weighted by
the inverse of the part's variance there, which is the level's times the groups that are added up. Then the table is
rounded to whole steps so that every sum over groups in their order is off by half a step at most, and each level is
added up from it: so they add up exactly. Where all levels are whole already, they stay.

All of it is computed from what was released and from the scales of noise, in whole numbers; the weights decide accuracy
alone. Source: Xiao, Sheng, Zhang, Kifer, NeurIPS 2023 (ResidualPlanner); Hay et al., VLDB 2010.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from math import log, prod, sqrt

from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.calibrate import PricedMeasure
from sandbox.privacy.keys import Totals
from sandbox.privacy.mechanisms import Measurement, Noise
from sandbox.privacy.reach import normal
from sandbox.privacy.statistics import Estimate, StatisticKind

CELLS = 2**16
"""Of the table by all keys; levels of a larger one are left as they were measured."""

WHOLE = 2**20
"""What the weights of one part add up to."""

ROUNDING = Fraction(1, 6)
"""Variance of the difference of two roundings to a whole number."""

BETWEEN = 1.01
"""By which a sum of Laplace noises can reach further than both one of them and a normal one of its variance."""

Axes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lattice:
    """The levels of public keys as marginals of one table."""

    sizes: tuple[int, ...]
    """Members of each key of the table, NULL counted where it can be one."""
    levels: Mapping[int, Axes]
    """Per place of a level in the measure, its keys in the table."""

    @property
    def parts(self) -> list[Axes]:
        """The sets of keys that some level has all of, smaller ones first."""
        found = {
            part for axes in self.levels.values() for size in range(len(axes) + 1) for part in combinations(axes, size)
        }
        return sorted(found, key=lambda part: (len(part), part))

    def cells(self, axes: Axes) -> int:
        """Groups by these keys."""
        return prod(self.sizes[axis] for axis in axes)


def lattice(bounded: BoundedMeasure) -> Lattice | None:
    """What a measure's levels can be made consistent over; None where there is nothing to do, or too much."""
    levels = {place: level for place, level in enumerate(bounded.checked.levels) if level.key_set.cells is not None}
    places = sorted({place for level in levels.values() for place in level.places})
    members = [bounded.checked.keys[place].values for place in places]
    sizes = tuple(len(each.members or ()) + each.nullable for each in members)
    if len(levels) < 2 or not 0 < prod(sizes) <= CELLS:
        return None
    return Lattice(sizes, {place: tuple(map(places.index, level.places)) for place, level in levels.items()})


def additive(bounded: BoundedMeasure) -> list[str]:
    """The statistics whose totals on one level are sums of those on a finer one: not counts of units that can be in
    several groups, nor of different values.
    """
    kinds = {StatisticKind.ROWS, StatisticKind.SUM, StatisticKind.SCALED_SUM}
    kinds |= {StatisticKind.UNITS} if bounded.bounds.groups == 1 else set()
    public = [place for place, level in enumerate(bounded.checked.levels) if level.key_set.cells is not None]
    measured = [{each.name for each in bounded.measured(place)} for place in public]
    return [
        each.name for each in bounded.statistics if each.kind in kinds and all(each.name in names for names in measured)
    ]


def consistent(priced: PricedMeasure, noisy: Totals) -> Totals:
    """The totals, the additive ones of public levels such that every group is the sum of its parts on a finer one."""
    found = lattice(priced.bounded)
    if found is None:
        return noisy
    places = {at: [index for index, level in enumerate(noisy.levels) if level == at] for at in found.levels}
    columns = dict(noisy.columns)
    for name in additive(priced.bounded):
        tables = {at: [noisy.columns[name][index] for index in indices] for at, indices in places.items()}
        weights = _weights(found, _variances(priced, found, name))
        column = list(noisy.columns[name])
        for at, table in _adjusted(found, weights, tables, _step(priced.bounded, name)).items():
            for index, total in zip(places[at], table, strict=True):
                column[index] = total
        columns[name] = tuple(column)
    return replace(noisy, columns=columns)


def noises(priced: PricedMeasure, outside: float) -> tuple[Mapping[str, Measurement], ...]:
    """Per level and statistic, a measurement with the noise that is in its totals once they are consistent.

    Of Gaussian noises a sum is one. Of Laplace noises it lies between one and a normal one: what stands for it exceeds
    either with the probability `outside`.
    """
    steps = [dict(priced.steps_at(at)) for at in range(len(priced.bounded.checked.levels))]
    found = lattice(priced.bounded)
    if found is None:
        return tuple(steps)
    for name in additive(priced.bounded):
        variances = _variances(priced, found, name)
        weights, step = _weights(found, variances), _step(priced.bounded, name)
        for at, axes in found.levels.items():
            variance = _variance(found, weights, variances, at) + ROUNDING * _runs(found, axes) * step**2
            old = steps[at][name]
            steps[at][name] = replace(old, scale=_scale(old.noise, sqrt(variance), outside))
    return tuple(steps)


def _scale(noise: Noise, deviation: float, outside: float) -> float:
    match noise:
        case Noise.GAUSSIAN:
            return deviation
        case Noise.LAPLACE:
            return BETWEEN * deviation * max(1 / sqrt(2), normal(outside) / log(1 / outside))


def _step(bounded: BoundedMeasure, name: str) -> int:
    """What totals are rounded to: whole rows and steps of the value's grid, where an aggregate shows them."""
    shown = (each for each in bounded.estimates if isinstance(each, Estimate) and each.divisor is None)
    return bounded.fine(name) if any(name in each.parts for each in shown) else 1


def _variances(priced: PricedMeasure, found: Lattice, name: str) -> dict[int, Fraction]:
    """Of the noise in one total of each level."""
    factor = {Noise.GAUSSIAN: 1, Noise.LAPLACE: 2}
    steps = {at: priced.steps_at(at)[name] for at in found.levels}
    return {at: factor[step.noise] * Fraction(step.scale) ** 2 for at, step in steps.items()}


def _weights(found: Lattice, variances: Mapping[int, Fraction]) -> dict[Axes, dict[int, int]]:
    """Per part, the weight of each level that has all of it."""
    weights = dict[Axes, dict[int, int]]()
    for part in found.parts:
        inverse = {
            at: 1 / _spread(found, part, at, variances) for at, axes in found.levels.items() if set(part) <= set(axes)
        }
        whole = sum(inverse.values())
        given = {at: int(WHOLE * each / whole) for at, each in inverse.items()}
        best = max(given, key=lambda at: given[at])
        given[best] += WHOLE - sum(given.values())
        weights[part] = given
    return weights


def _spread(found: Lattice, part: Axes, at: int, variances: Mapping[int, Fraction]) -> Fraction:
    """The variance of a level's noise in a group by the keys of a part."""
    return variances[at] * (found.cells(found.levels[at]) // found.cells(part))


def _variance(
    found: Lattice, weights: Mapping[Axes, Mapping[int, int]], variances: Mapping[int, Fraction], level: int
) -> Fraction:
    """Of the noise in one total of a level, once all are consistent: over its parts, which are uncorrelated."""
    axes, whole = found.levels[level], Fraction(0)
    for part, given in weights.items():
        if set(part) <= set(axes):
            varies = Fraction(prod(found.sizes[axis] - 1 for axis in part), found.cells(part))
            squares = [weight**2 * _spread(found, part, at, variances) for at, weight in given.items()]
            own = sum(squares, Fraction(0)) / WHOLE**2
            whole += varies * own / (found.cells(axes) // found.cells(part)) ** 2
    return whole


def _runs(found: Lattice, axes: Axes) -> int:
    """Stretches of the table, in its order, that a group by these keys is made of."""
    last = max(axes, default=-1)
    return prod(size for axis, size in enumerate(found.sizes) if axis < last and axis not in axes)


def _adjusted(
    found: Lattice, weights: Mapping[Axes, Mapping[int, int]], tables: Mapping[int, list[int]], step: int
) -> dict[int, list[int]]:
    """Tables of whole steps, one per level, that add up."""
    every = tuple(range(len(found.sizes)))
    table = [0] * found.cells(every)
    for part, given in weights.items():
        mean = [0] * found.cells(part)
        for at, weight in given.items():
            marginal = _summed(found, tables[at], found.levels[at], part)
            mean = [one + weight * other for one, other in zip(mean, marginal, strict=True)]
        for axis in part:
            mean = _centred(found, mean, part, axis)
        table = [one + other for one, other in zip(table, _repeated(found, mean, part), strict=True)]
    whole = WHOLE * found.cells(every)
    sums = {at: _summed(found, table, every, axes) for at, axes in found.levels.items()}
    if all(total % (whole * step) == 0 for each in sums.values() for total in each):
        return {at: [total // whole for total in each] for at, each in sums.items()}
    leaves = list(_rounded(table, whole, step))
    return {at: _summed(found, leaves, every, axes) for at, axes in found.levels.items()}


def _rounded(table: Sequence[int], whole: int, step: int) -> Iterator[int]:
    """Whole steps of a table in units of 1/whole, so that no sum of the first ones is off by more than half a step."""
    so_far, given = 0, 0
    for each in table:
        so_far += each
        upto = (2 * so_far + whole * step) // (2 * whole * step) * step
        yield upto - given
        given = upto


def _summed(found: Lattice, table: list[int], axes: Axes, part: Axes) -> list[int]:
    """A table by some keys, added up to one by fewer."""
    for axis in reversed(axes):
        if axis not in part:
            table = _over(found, table, axes, axis)
            axes = tuple(each for each in axes if each != axis)
    return table


def _over(found: Lattice, table: list[int], axes: Axes, axis: int) -> list[int]:
    """The sums over one key."""
    size, inner = found.sizes[axis], found.cells(tuple(each for each in axes if each > axis))
    sums = list[int]()
    for start in range(0, len(table), size * inner):
        sums += [sum(table[start + place : start + size * inner : inner]) for place in range(inner)]
    return sums


def _centred(found: Lattice, table: list[int], axes: Axes, axis: int) -> list[int]:
    """The table's deviation from its mean over one key, times the key's members."""
    size, inner = found.sizes[axis], found.cells(tuple(each for each in axes if each > axis))
    sums, centred = _over(found, table, axes, axis), list[int]()
    for place, each in enumerate(table):
        centred.append(size * each - sums[place // (size * inner) * inner + place % inner])
    return centred


def _repeated(found: Lattice, table: list[int], part: Axes) -> list[int]:
    """A table by some keys as one by all of them, the same for each member of the others."""
    axes = part
    for axis in range(len(found.sizes)):
        if axis in part:
            continue
        inner = found.cells(tuple(each for each in axes if each > axis))
        rows = [table[start : start + inner] for start in range(0, len(table), inner)]
        table = [each for row in rows for _ in range(found.sizes[axis]) for each in row]
        axes = tuple(sorted((*axes, axis)))
    return table
