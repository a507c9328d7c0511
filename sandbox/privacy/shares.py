"""What each statistic is given of a spend: so that the squared errors expected in what is released add up to the least.

To first order the error of a released aggregate is Σ aᵢ·Xᵢ over the noises of the statistics that it follows from, and
is taken relative to what its declared range allows. With W = Σ w·a² over the aggregates, each of weight w, that a
statistic enters, ΣW·Var(X) is least for shares in proportion to √W·Δ₂ under zCDP (variance Δ₂²/2ρ), and to ∛(W·Δ₁²)
under pure differential privacy (variance 2Δ₁²/ε²). Reads measures and request only (rule 3); in whole numbers and
fractions, so that the same request has the same price everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from policies.licences import Notion
from sandbox.errors import Refusal
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import Clip
from sandbox.privacy.sensitivity import Sensitivity, clipped, unclipped
from sandbox.privacy.statistics import Estimate, Moments, Statistic, StatisticKind

OFF_CENTRE = Fraction(1, 3)
"""The mean square of how far a mean is off the middle of its range, in halves of it: it may lie anywhere, evenly."""

VARIANCE = Fraction(1, 3)
"""Of values that lie evenly in a range, in squares of half of it."""

_FRACTION_BITS = 48
"""Of a root."""


def split(
    units: int, measures: Sequence[BoundedMeasure], notion: Notion, weights: Mapping[str, Fraction]
) -> tuple[dict[str, int], ...]:
    """Shares of a loss, in units and rounded down, per measure and statistic; those of a clip have one together.

    `weights` are those of aggregates, by name: 1 where there is none. Refuses: `spend.too_small` where a share is
    nothing. Source: rules 3 and 18.
    """
    order = 2 if notion is Notion.ZCDP else 3
    sizes = [{names: _root(size, order) for names, size in _sizes(each, notion, weights).items()} for each in measures]
    whole = sum(sum(each.values()) for each in sizes)
    found = []
    for measure, parts in zip(measures, sizes, strict=True):
        shares = {name: units * size // (whole * len(names)) for names, size in parts.items() for name in names}
        if min(shares.values(), default=1) < 1:
            raise Refusal("spend.too_small")
        found.append({statistic.name: shares[statistic.name] for statistic in measure.statistics})
    return tuple(found)


def _sizes(measure: BoundedMeasure, notion: Notion, weights: Mapping[str, Fraction]) -> dict[tuple[str, ...], Fraction]:
    """W·Δ² of each statistic that has a scale of its own, and of each clip, by the names of its statistics."""
    moved = _moved(measure, weights)
    found = dict[tuple[str, ...], Fraction]()
    for statistic in measure.statistics:
        name, clip = statistic.name, measure.clip(statistic.name)
        if clip is None:
            found[(name,)] = moved[name] * _square(unclipped(measure, statistic), notion)
        else:
            found[tuple(clip.fine)] = _together(clip, moved) * _square(clipped(measure, clip), notion)
    return found


def _together(clip: Clip, moved: Mapping[str, Fraction]) -> Fraction:
    """W of a noise that all statistics of the clip have on its finer grid."""
    return sum((moved[name] / steps**2 for name, steps in clip.fine.items()), Fraction(0))


def _square(change: Sensitivity, notion: Notion) -> int:
    return change.l2_squared if notion is Notion.ZCDP else change.l1**2


def _moved(measure: BoundedMeasure, weights: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """W of each statistic: how far a grid step more in its total moves what is released, squared and added up. What
    decides which groups are released is a count that is itself released.
    """
    found = {statistic.name: Fraction(0) for statistic in measure.statistics}
    for estimate in measure.estimates:
        weight = weights.get(estimate.aggregate, Fraction(1))
        for name, square in _squares(measure, estimate).items():
            found[name] += weight * square
    for deciding in (measure.existence, measure.frequency):
        if deciding is not None:
            found[deciding] += _counted(measure, measure.statistic(deciding))
    return found


def _squares(measure: BoundedMeasure, estimate: Estimate | Moments) -> dict[str, Fraction]:
    """a² of each statistic that an aggregate follows from: of an error relative to the range that it has with as many
    rows per unit as are declared, of averages and moments in groups half as large, and so to half of theirs.
    """
    rows = Fraction(1, min(measure.bounds.rows, measure.checked.source.rows) ** 2)
    if isinstance(estimate, Moments):
        return {name: rows * square for name, square in _moments(measure, estimate).items()}
    statistic = measure.statistic(estimate.statistic)
    if estimate.divisor is not None:
        return {statistic.name: rows / statistic.magnitude**2, estimate.divisor: rows * OFF_CENTRE}
    if statistic.kind not in {StatisticKind.SUM, StatisticKind.SCALED_SUM}:
        return {statistic.name: _counted(measure, statistic)}
    low, high = statistic.low + statistic.centre, statistic.high + statistic.centre
    width = max(high, 0) - min(low, 0) or 1
    found = {statistic.name: rows / width**2}
    return (
        found if estimate.weight is None else found | {estimate.weight: rows * Fraction(statistic.centre, width) ** 2}
    )


def _counted(measure: BoundedMeasure, statistic: Statistic) -> Fraction:
    return Fraction(1, unclipped(measure, statistic).linf ** 2)


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


def _root(value: Fraction, order: int) -> int:
    """The root in units of 2⁻⁴⁸, rounded down; at least one."""
    whole = (value.numerator << (order * _FRACTION_BITS)) // value.denominator
    low, high = 0, 1 << (whole.bit_length() // order + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**order <= whole else (low, middle)
    return max(1, low)
