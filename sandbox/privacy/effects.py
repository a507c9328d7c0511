"""How far noise in each statistic moves what is released, as far as plan and card can tell.

To first order the error of a released aggregate is Σ aᵢ·Xᵢ over the noises of the statistics that it follows from. It
is taken relative to what its declared range allows. W = Σ w·a², over the aggregates of weight w that a statistic
enters, is what the variance of its noise counts for. Reads measures and request only (rule 3), in fractions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import Norm
from sandbox.privacy.quantiles import Chosen
from sandbox.privacy.rounding import root_down
from sandbox.privacy.sensitivity import unclipped
from sandbox.privacy.statistics import Estimate, Moments, Statistic, StatisticKind

OFF_CENTRE = Fraction(1, 3)
"""The mean square of how far a mean is off the middle of its range, in halves of it: it may lie anywhere, evenly."""

VARIANCE = Fraction(1, 3)
"""Of values that lie evenly in a range, in squares of half of it."""


TYPICAL = Fraction(1, 3)
"""Of a unit's mean of centred values or products, squared, in squares of the most that one can be."""


def proportions(measure: BoundedMeasure, names: Sequence[str], norm: Norm) -> dict[str, int]:
    """How long a row of the greatest magnitude is in each statistic of one vector, so that the vector's noise, which
    grows with its norm, is expected to move least what is released; the proportion of these numbers counts.

    Where Wᵢ is taken of rows of the greatest magnitude and a unit's parts are φᵢ of the most that they can be, Σtᵢ²φᵢ²
    times ΣWᵢ/tᵢ² (zCDP) is least for tᵢ⁴ ∝ Wᵢ/φᵢ², and the square of Σtᵢφᵢ times ΣWᵢ/tᵢ² (pure) for tᵢ³ ∝ Wᵢ/φᵢ.
    """
    effects, found = moved(measure, {}), dict[str, int]()
    for name in names:
        statistic = measure.statistic(name)
        counted = statistic.kind in {StatisticKind.ROWS, StatisticKind.UNITS}
        typical, heavy = Fraction(1) if counted else TYPICAL, effects[name] * statistic.magnitude**2
        ratio = (heavy / typical, 4) if norm is Norm.L2 else (heavy**2 / typical, 6)
        found[name] = max(1, root_down(*ratio))
    return found


def moved(measure: BoundedMeasure, weights: Mapping[str, Fraction], level: int = 0) -> dict[str, Fraction]:
    """W of each statistic on a level: how far a grid step more in its total moves what is released, squared and added
    up. What decides which groups are released is a count that is itself released.
    """
    found = {statistic.name: Fraction(0) for statistic in measure.statistics}
    for estimate in measure.estimates:
        if isinstance(estimate, Chosen):
            continue
        weight = weights.get(estimate.aggregate, Fraction(1))
        for name, square in _squares(measure, estimate, level).items():
            found[name] += weight * square
    for deciding in (measure.existence, measure.frequency):
        if deciding is not None:
            found[deciding] += _counted(measure, measure.statistic(deciding), level)
    return found


def _squares(measure: BoundedMeasure, estimate: Estimate | Moments, level: int) -> dict[str, Fraction]:
    """a² of each statistic that an aggregate follows from: of an error relative to the range that it has with as many
    rows per unit as are declared, of averages and moments in groups half as large, and so to half of theirs.
    """
    rows = Fraction(1, min(measure.at(level).rows, measure.checked.source.rows) ** 2)
    if isinstance(estimate, Moments):
        return {name: rows * square for name, square in _moments(measure, estimate).items()}
    statistic = measure.statistic(estimate.statistic)
    if estimate.divisor is not None:
        return {statistic.name: rows / statistic.magnitude**2, estimate.divisor: rows * OFF_CENTRE}
    if statistic.kind not in {StatisticKind.SUM, StatisticKind.SCALED_SUM}:
        return {statistic.name: _counted(measure, statistic, level)}
    low, high = statistic.low + statistic.centre, statistic.high + statistic.centre
    width = max(high, 0) - min(low, 0) or 1
    found = {statistic.name: rows / width**2}
    return (
        found if estimate.weight is None else found | {estimate.weight: rows * Fraction(statistic.centre, width) ** 2}
    )


def _counted(measure: BoundedMeasure, statistic: Statistic, level: int) -> Fraction:
    return Fraction(1, unclipped(measure, statistic, level).linf ** 2)


def _moments(measure: BoundedMeasure, estimate: Moments) -> dict[str, Fraction]:
    """By the derivatives of a variance m₂ − m₁² at a mean off its centre by θ of half the range d, where its rows are
    spread evenly and products are counted from d²/2: 1/d² of the sum of products, 2θ/d of the sum, and of the rows
    θ² + 1/2 − `VARIANCE`. What follows from several is taken to move with each of them like that.
    """
    sums = {side: measure.statistic(name) for side, name in estimate.sums.items()}
    count = OFF_CENTRE + Fraction(1, 2) - VARIANCE
    found = {estimate.rows: count**2}
    for each in sums.values():
        found[each.name] = 4 * OFF_CENTRE / each.magnitude**2
    for pair, name in estimate.products.items():
        steps = [sums[side].magnitude * sums[side].granularity for side in pair]
        found[name] = (measure.statistic(name).granularity / (steps[0] * steps[1])) ** 2
    return found
