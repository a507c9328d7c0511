"""From noisy totals to the released relation: each aggregate's value and its 95 % interval.

Intervals cover the bounded answer (rule 29): they say what the noise did, not what bounding cut. Values are exact; the
floats of intervals are for display only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, sqrt

from sandbox.errors import Fault
from sandbox.plan.combinations import Combination, Share
from sandbox.plan.nodes import Scalar, Type
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.brackets import ends
from sandbox.privacy.calibrate import PricedMeasure
from sandbox.privacy.consistency import additive, consistent, lattice, noises
from sandbox.privacy.keys import Totals
from sandbox.privacy.mechanisms import Measurement, Noise
from sandbox.privacy.moments import moment
from sandbox.privacy.quantiles import Chosen, value
from sandbox.privacy.reach import excess, least, normal, quantile, reach, rough
from sandbox.privacy.statistics import Estimate, Moments, Statistic, StatisticKind

CONFIDENCE = 0.95
OUTSIDE = 0.05
"""The chance that an interval misses."""
_CLEAR = 4
"""Scales above the threshold from which a count's interval is what it would be without one, to 0.2 points."""
_INTEGER_LIMIT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends of a 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReleasedMeasure:
    """What a measure releases: a public relation, with an interval per cell."""

    measure: str
    columns: tuple[tuple[str, Type], ...]
    """Group keys, with grouping sets what tells them apart, then aggregates."""
    rows: tuple[tuple[Scalar, ...], ...]
    """INTEGER values are int, DOUBLE values Fraction."""
    intervals: tuple[tuple[Interval | None, ...], ...]
    """Per row, one per aggregate; None where an average's is unbounded, or a moment's noise is too large."""
    totals: tuple[Mapping[str, int], ...]
    """Per row, the noisy totals it was made of, by statistic."""
    levels: tuple[int, ...]
    """Per row, the place of its level."""
    noises: tuple[Mapping[str, Measurement], ...]
    """Per row, the noise that is in them."""
    adjusted: frozenset[str]
    """The statistics whose totals were made consistent: their noise is no other row's alone."""


def release(priced: PricedMeasure, noisy: Totals) -> ReleasedMeasure:
    """The released relation of a measure, from its noisy totals, which are made consistent between its levels; groups
    below the minimum frequency are withheld.
    """
    bounded, told_by = priced.bounded, priced.bounded.checked.measure.levels
    noisy, found = consistent(priced, noisy), noises(priced, OUTSIDE)
    halves = [_halves(bounded, steps, None, OUTSIDE) for steps in found]
    rows, intervals, kept, levels = [], [], [], []
    for index, key in enumerate(noisy.keys):
        at = noisy.level(index)
        totals = {name: column[index] for name, column in noisy.columns.items()}
        if bounded.frequency is not None and totals[bounded.frequency] < bounded.minimum:
            continue
        cells = [_cell(bounded, each, halves[at][each.aggregate], found[at], totals) for each in bounded.estimates]
        told = () if told_by is None else (bounded.checked.levels[at].number,)
        rows.append((*key, *told, *(value for value, _ in cells)))
        intervals.append(tuple(interval for _, interval in cells))
        kept.append(totals)
        levels.append(at)
    keys = [(part.name, part.values.type) for part in bounded.checked.keys]
    keys += [] if told_by is None else [(told_by.name, Type.INTEGER)]
    aggregates = [(estimate.aggregate, estimate.type) for estimate in bounded.estimates]
    return ReleasedMeasure(
        bounded.checked.measure.name,
        (*keys, *aggregates),
        tuple(rows),
        tuple(intervals),
        tuple(kept),
        tuple(levels),
        tuple(found[at] for at in levels),
        frozenset(additive(bounded) if lattice(bounded) is not None else ()),
    )


def half_widths(
    priced: PricedMeasure, expected_size: int | None, outside: float = OUTSIDE
) -> Mapping[str, float | None]:
    """Per aggregate, half the width of the interval that misses with probability `outside`; an average's only for
    groups assumed of `expected_size` rows, at the end of its range where it is widest. Of several levels, the widest.
    """
    found = [_halves(priced.bounded, steps, expected_size, outside) for steps in noises(priced, outside)]
    return {each.aggregate: _widest([halves[each.aggregate] for halves in found]) for each in priced.bounded.estimates}


def _widest(halves: Sequence[float | None]) -> float | None:
    known = [half for half in halves if half is not None]
    return max(known) if len(known) == len(halves) else None


def _halves(
    bounded: BoundedMeasure, steps: Mapping[str, Measurement], expected_size: int | None, outside: float
) -> Mapping[str, float | None]:
    """Per aggregate, half the width on one level."""
    return {each.aggregate: half_width(bounded, each, steps, expected_size, outside) for each in bounded.estimates}


def half_widths_per_row(priced: PricedMeasure, outside: float = OUTSIDE) -> Mapping[str, float]:
    """Per total whose clip is still to be chosen, half the width of its interval per row of the norm: the noise is as
    much more as the norm is longer.
    """
    found = dict[str, float]()
    for estimate in priced.bounded.estimates:
        clip = priced.bounded.clip(estimate.statistic) if isinstance(estimate, Estimate) else None
        if isinstance(estimate, Estimate) and estimate.divisor is None and clip is not None and clip.undecided:
            found[estimate.aggregate] = _linear(priced.bounded, estimate, priced.steps, outside) / float(clip.rows)
    return found


def _cell(
    bounded: BoundedMeasure,
    estimate: Estimate | Moments | Chosen,
    half: float | None,
    steps: Mapping[str, Measurement],
    totals: Mapping[str, int],
) -> tuple[Scalar, Interval | None]:
    """An aggregate's value of one group, and its interval."""
    if isinstance(estimate, Chosen):
        quantile_ = next(each for each in bounded.quantiles if each.name == estimate.statistic)
        between = ends(quantile_, totals[quantile_.name], totals.get(quantile_.bracket, 0))
        return value(quantile_, totals[quantile_.name]), None if between is None else Interval(*between)
    if isinstance(estimate, Moments):
        found = moment(bounded, estimate, steps, totals)
        return found.value, None if found.ends is None else Interval(*found.ends)
    return _value(bounded, estimate, totals), _interval(bounded, estimate, half, steps, totals)


def _value(bounded: BoundedMeasure, estimate: Estimate, totals: Mapping[str, int]) -> Scalar:
    statistic = bounded.statistic(estimate.statistic)
    total = Fraction(totals[estimate.statistic], bounded.fine(estimate.statistic))
    if estimate.divisor is not None:
        mean = total / max(Fraction(totals[estimate.divisor], bounded.fine(estimate.divisor)), Fraction(1))
        return (_clamp(mean, statistic) + statistic.centre) * statistic.granularity
    if estimate.weight is not None:
        total += statistic.centre * Fraction(totals[estimate.weight], bounded.fine(estimate.weight))
    if estimate.type is Type.INTEGER:
        return max(-_INTEGER_LIMIT, min(_INTEGER_LIMIT, floor(total + Fraction(1, 2))))
    return total * statistic.granularity


def _clamp(mean: Fraction, statistic: Statistic) -> Fraction:
    return max(Fraction(statistic.low), min(Fraction(statistic.high), mean))


def _interval(
    bounded: BoundedMeasure,
    estimate: Estimate,
    half: float | None,
    steps: Mapping[str, Measurement],
    totals: Mapping[str, int],
) -> Interval | None:
    statistic = bounded.statistic(estimate.statistic)
    if estimate.divisor is not None:
        return _average(bounded, estimate, steps, totals, OUTSIDE)
    if barely_released(bounded, steps[statistic.name], totals[statistic.name]):
        return barely(steps[statistic.name], totals[statistic.name], OUTSIDE)
    value = _value(bounded, estimate, totals)
    if half is None or isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise Fault("a total is a number and has an interval")
    low, high = float(value) - half, float(value) + half
    if statistic.kind in {StatisticKind.ROWS, StatisticKind.UNITS, StatisticKind.DISTINCT}:
        return Interval(max(low, 0.0), max(high, 0.0))
    return Interval(low, high)


def average(
    priced: PricedMeasure,
    estimate: Estimate,
    steps: Mapping[str, Measurement],
    totals: Mapping[str, int],
    outside: float,
) -> Interval | None:
    """The interval of an average of totals with these noises that misses with probability `outside`; None for any other
    aggregate.
    """
    if estimate.divisor is None:
        return None
    return _average(priced.bounded, estimate, steps, totals, outside)


def _average(
    bounded: BoundedMeasure,
    estimate: Estimate,
    steps: Mapping[str, Measurement],
    totals: Mapping[str, int],
    outside: float,
) -> Interval | None:
    statistic = bounded.statistic(estimate.statistic)
    if estimate.divisor is None:
        raise Fault("an average has a divisor")
    total, rows = totals[statistic.name], totals[estimate.divisor]
    ends = _ratio(steps[statistic.name], steps[estimate.divisor], total, rows, outside)
    finer = _finer(bounded, estimate)
    return None if ends is None else Interval(*(_shown(end * finer, statistic) for end in ends))


def barely_released(bounded: BoundedMeasure, step: Measurement, count: int) -> bool:
    """Whether the count that decided a group's release is so near its threshold that only its largest values would
    have been released: no interval around it covers as it says."""
    needed = bounded.minimum if step.statistic == bounded.frequency else None
    if step.threshold is not None:
        needed = step.threshold.value + step.threshold.minimum - 1
    return needed is not None and count < needed + _CLEAR * step.scale


def barely(step: Measurement, count: int, outside: float) -> Interval:
    """The interval of a count that was released only because it was large: from the least that could be released.

    Given that it was released, it misses above no more often than noise falls so low at all: a count so far above it is
    nearly always released.
    """
    least = 0 if step.threshold is None else step.threshold.minimum
    return Interval(float(least), float(max(least, count + quantile(step.noise, step.scale, outside))))


def _finer(bounded: BoundedMeasure, estimate: Estimate) -> float:
    """What a ratio of totals on finer grids is multiplied by to be one of grid steps to rows."""
    return bounded.fine(estimate.divisor or "") / bounded.fine(estimate.statistic)


def _shown(mean: float, statistic: Statistic) -> float:
    """A mean in centred grid steps, clamped to what a row can be, in the argument's own measure."""
    clamped = max(float(statistic.low), min(float(statistic.high), mean))
    return (clamped + statistic.centre) * float(statistic.granularity)


def half_width(
    bounded: BoundedMeasure,
    estimate: Estimate | Moments | Chosen,
    steps: Mapping[str, Measurement],
    expected_size: int | None,
    outside: float,
) -> float | None:
    """One of `half_widths`, with these measurements per statistic; None while a clip's norm is still to be chosen."""
    clips = [bounded.clip(name) for name in estimate.parts]
    if isinstance(estimate, Moments | Chosen) or any(clip is not None and clip.undecided for clip in clips):
        return None
    if estimate.divisor is None:
        return _linear(bounded, estimate, steps, outside)
    if expected_size is None:
        return None
    statistic = bounded.statistic(estimate.statistic)
    over, under = bounded.fine(estimate.statistic), bounded.fine(estimate.divisor)
    total, rows = statistic.magnitude * expected_size * over, expected_size * under
    ends = _ratio(steps[statistic.name], steps[estimate.divisor], total, rows, outside)
    half = None if ends is None else (ends[1] - ends[0]) / 2 * _finer(bounded, estimate)
    return None if half is None else half * float(statistic.granularity)


def weights(bounded: BoundedMeasure, estimate: Estimate) -> Mapping[str, Fraction]:
    """How a total follows from statistics by adding alone: so much per step of each, in the aggregate's own measure."""
    statistic = bounded.statistic(estimate.statistic)
    found = {statistic.name: statistic.granularity / bounded.fine(statistic.name)}
    if estimate.weight is not None and statistic.centre:
        found[estimate.weight] = statistic.centre * statistic.granularity / bounded.fine(estimate.weight)
    return found


def combined_half_width(
    priced: Mapping[str, PricedMeasure], parts: Sequence[Combination], outside: float
) -> float | None:
    """Half the width of the interval of a sum of totals, by measure; None where a part is no total, where a norm is
    still to be chosen, and where a minimum frequency leaves open how many rows are added up.
    """
    noises = list[tuple[Measurement, Fraction]]()
    for part in parts:
        one = priced[part.measure]
        if part.rows > 1 and one.bounded.frequency is not None:
            return None
        found = dict[str, Fraction]()
        for estimate in one.bounded.estimates:
            if not part.weights.get(estimate.aggregate):
                continue
            clips = [one.bounded.clip(name) for name in estimate.parts]
            undecided = any(clip is not None and clip.undecided for clip in clips)
            if not isinstance(estimate, Estimate) or estimate.divisor is not None or undecided:
                return None
            for name, weight in weights(one.bounded, estimate).items():
                found[name] = found.get(name, Fraction(0)) + weight * part.weights[estimate.aggregate]
        noises += [(one.steps[name], weight) for name, weight in found.items() if weight] * part.rows
    return float(reach(noises, outside))


def share_half_width(priced: PricedMeasure, share: Share, size: int | None, outside: float) -> float | None:
    """Half the width of the interval of a share of the rows, or of the units, of a group assumed of `size`, at 1 where
    it is widest; None for any other quotient.
    """
    estimates = {each.aggregate: each for each in priced.bounded.estimates}
    sides = [[name for name, weight in each.weights.items() if weight] for each in (share.over, share.under)]
    if size is None or any(len(names) != 1 for names in sides):
        return None
    kinds = [
        priced.bounded.statistic(each.statistic) for (name,) in sides if isinstance(each := estimates[name], Estimate)
    ]
    counts = {StatisticKind.ROWS, StatisticKind.UNITS}
    if len(kinds) < 2 or kinds[0].kind != kinds[1].kind or kinds[1].kind not in counts:
        return None
    if kinds[1].argument is not None or kinds[1].filter is not None:
        return None
    ((one,), (other,)) = sides
    most = share.over.weights[one] / share.under.weights[other]
    less = {other: -most * share.under.weights[other]} if one != other else {}
    difference = replace(share.over, weights={**share.over.weights, **less})
    half = combined_half_width({share.over.measure: priced}, [difference], outside)
    return None if half is None else half / (size * abs(float(share.under.weights[other])))


def _linear(bounded: BoundedMeasure, estimate: Estimate, steps: Mapping[str, Measurement], outside: float) -> float:
    """Half-width of total, or of total + centre × rows, in the aggregate's own measure."""
    statistic = bounded.statistic(estimate.statistic)
    step, fine = steps[statistic.name], bounded.fine(statistic.name)
    unit = float(statistic.granularity / fine)
    if estimate.weight is None or statistic.centre == 0:
        return quantile(step.noise, step.scale, outside) * unit
    weight = Fraction(statistic.centre * fine, bounded.fine(estimate.weight))
    return float(reach([(step, Fraction(1)), (steps[estimate.weight], weight)], outside)) * unit


def _ratio(
    numerator: Measurement, denominator: Measurement, total: int, rows: int, outside: float
) -> tuple[float, float] | None:
    """All a for which total − a·rows is no surprise for noise X − a·Y: Fieller's set; None where it is unbounded.

    Source: Fieller, JRSS B 1954; for Laplace noise the same test with that noise's tail.
    """
    if rough(numerator, denominator):
        return _rectangle(numerator, denominator, total, rows, outside)
    if rows <= 0 or excess(denominator.noise, denominator.scale, 0.0, rows) >= outside:
        return None
    match numerator.noise:
        case Noise.GAUSSIAN:
            return _quadratic(numerator.scale, denominator.scale, total, rows, outside)
        case Noise.LAPLACE:
            return _searched(numerator.scale, denominator.scale, total, rows, outside)


def _quadratic(over: float, under: float, total: int, rows: int, outside: float) -> tuple[float, float]:
    """The a with (total − a·rows)² ≤ z²(over² + a²·under²)."""
    over, under = normal(outside) * over, normal(outside) * under
    leading = rows**2 - under**2
    spread = sqrt(max(0.0, (over * rows) ** 2 + (under * total) ** 2 - (over * under) ** 2))
    return (total * rows - spread) / leading, (total * rows + spread) / leading


def _searched(over: float, under: float, total: int, rows: int, outside: float) -> tuple[float, float]:
    def surprise(a: float) -> float:
        return excess(Noise.LAPLACE, over, abs(a) * under, abs(total - a * rows))

    middle, width = total / rows, over / rows
    return (
        middle - least(lambda distance: surprise(middle - distance), outside, width),
        middle + least(lambda distance: surprise(middle + distance), outside, width),
    )


def _rectangle(
    numerator: Measurement, denominator: Measurement, total: int, rows: int, outside: float
) -> tuple[float, float] | None:
    """All quotients of a total and a row count within their own intervals, half of the error allowed to each."""
    over = quantile(numerator.noise, numerator.scale, outside / 2)
    under = quantile(denominator.noise, denominator.scale, outside / 2)
    if rows <= under:
        return None
    quotients = [(total + x) / (rows + y) for x in (-over, over) for y in (-under, under)]
    return min(quotients), max(quotients)
