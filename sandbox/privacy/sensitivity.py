"""How much one unit can change a statistic over all group keys together, exactly.

Precondition: the bounds hold for every unit, by structure or by the engine's cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import Clip, Norm
from sandbox.privacy.quantiles import Quantile
from sandbox.privacy.statistics import Statistic, StatisticKind


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Distances between a statistic's totals on two neighbouring databases, over all group keys; integers, no rounding.

    Unit: grid steps of the statistic, or of the clip's finer grid; `l2_squared` their square.
    """

    l0: int
    """Group keys that can differ."""
    linf: int
    """The most that one key's total can differ."""
    l1: int
    l2_squared: int


def sensitivity(measure: BoundedMeasure, statistic: Statistic, level: int = 0) -> Sensitivity:
    """The least bounds on the change by one unit added or removed, over the groups of one level.

    One unit has at most l rows in the relation, touches at most g keys with at most r rows each, and a row adds at most
    B: the sum of squares is largest when full keys come first, ⌊l/r⌋ of them, and one holds the rest.
    On a level of a measure with several, what a unit is cut to are the groups by all keys: their parts add where they
    are one group of the level, and there are no more rows than were left. Under a clip the totals are those on its
    finer grid, and no part of the unit's vector is longer than the whole. Source: rules 11, 18, 19 and 25.
    """
    clip = measure.clip(statistic.name)
    return unclipped(measure, statistic, level) if clip is None else clipped(measure, clip)


def unclipped(measure: BoundedMeasure, statistic: Statistic, level: int = 0) -> Sensitivity:
    """By the bounds of groups and rows alone, in the statistic's own grid steps."""
    found, all_rows = measure.at(level), measure.checked.source.rows
    groups, most = min(found.groups, all_rows), statistic.magnitude
    match statistic.kind:
        case StatisticKind.UNITS:
            return _filled(groups, 1, groups, 1)
        case StatisticKind.DISTINCT:
            # of each group by all keys a unit keeps so many values, each of them on a row of its own (rule 21)
            in_one = min(most * measure.merged(level), all_rows)
            return _filled(groups, in_one, min(all_rows, measure.bounds.groups * most), 1)
        case _:
            left = min(all_rows, measure.bounds.groups * measure.bounds.rows)
            return _filled(groups, found.rows, left, most)


def _filled(groups: int, rows: int, all_rows: int, most: int) -> Sensitivity:
    """With so many rows in a group, and in all, each of which adds at most so much. The sum of squares is largest when
    full groups come first.
    """
    full = min(groups, all_rows // rows)
    rest = all_rows - full * rows if full < groups else 0
    return Sensitivity(
        l0=groups,
        linf=rows * most,
        l1=(full * rows + rest) * most,
        l2_squared=(full * rows**2 + rest**2) * most**2,
    )


def full_groups(measure: BoundedMeasure, quantile: Quantile) -> Fraction:
    """How many times the loss of one group's choice a unit can cause with all its groups together.

    Of its l rows k_i count in group i, no more than r. What a choice loses grows with k_i, or with its square: so it is
    at most k_i/r of the loss at r. The k_i add up to at most min(g·r, l). Source: rules 18 and 22.
    """
    buckets = quantile.buckets
    return min(Fraction(buckets.groups), Fraction(measure.checked.source.rows, buckets.rows))


def clipped(measure: BoundedMeasure, clip: Clip) -> Sensitivity:
    """Of the whole vector over all levels, and so of each part of it: C by the clip's own norm, and by Cauchy and
    Schwarz no more than √n·C in the sum of its n magnitudes.
    """
    groups, most = sum(touched(measure, level) for level in range(clip.levels)), clip.most
    parts = groups * len(clip.fine)
    l1 = most if clip.norm is Norm.L1 else isqrt(parts * most**2 - 1) + 1
    return Sensitivity(l0=groups, linf=most, l1=l1, l2_squared=most**2)


def touched(measure: BoundedMeasure, level: int) -> int:
    """The most groups of a level that one unit is in."""
    return min(measure.at(level).groups, measure.checked.source.rows)
