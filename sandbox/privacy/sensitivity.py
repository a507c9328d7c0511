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


def sensitivity(measure: BoundedMeasure, statistic: Statistic) -> Sensitivity:
    """The least bounds on the change by one unit added or removed.

    One unit has at most l rows in the relation, touches at most g keys with at most r rows each, and a row adds at most
    B: the sum of squares is largest when full keys come first, ⌊l/r⌋ of them, and one holds the rest.
    Under a clip the totals are those on its finer grid, and no part of the unit's vector is longer than the whole.
    Source: rules 11, 18 and 19.
    """
    clip = measure.clip(statistic.name)
    return unclipped(measure, statistic) if clip is None else clipped(measure, clip)


def unclipped(measure: BoundedMeasure, statistic: Statistic) -> Sensitivity:
    """By the bounds of groups and rows alone, in the statistic's own grid steps."""
    groups, rows, all_rows = measure.bounds.groups, measure.bounds.rows, measure.checked.source.rows
    if statistic.kind is StatisticKind.UNITS:
        touched = min(groups, all_rows)
        return Sensitivity(l0=touched, linf=1, l1=touched, l2_squared=touched)
    rows = min(rows, all_rows)
    full = min(groups, all_rows // rows)
    rest = all_rows - full * rows if full < groups else 0
    most = statistic.magnitude
    if statistic.kind is StatisticKind.DISTINCT:
        return _distinct(min(groups, all_rows), most, all_rows)
    return Sensitivity(
        l0=min(groups, all_rows),
        linf=rows * most,
        l1=(full * rows + rest) * most,
        l2_squared=(full * rows**2 + rest**2) * most**2,
    )


def _distinct(groups: int, values: int, all_rows: int) -> Sensitivity:
    """A unit added or removed changes which values are there by no more than those of its own that are kept: so many
    per group key, each of them on a row of its own. The sum of squares is largest when full keys come first. Source:
    rule 21.
    """
    values = min(values, all_rows)
    full = min(groups, all_rows // values)
    rest = all_rows - full * values if full < groups else 0
    return Sensitivity(l0=groups, linf=values, l1=full * values + rest, l2_squared=full * values**2 + rest**2)


def full_groups(measure: BoundedMeasure, quantile: Quantile) -> Fraction:
    """How many times the loss of one group's choice a unit can cause with all its groups together.

    Of its l rows k_i count in group i, no more than r. What a choice loses grows with k_i, or with its square: so it is
    at most k_i/r of the loss at r. The k_i add up to at most min(g·r, l). Source: rules 18 and 22.
    """
    buckets = quantile.buckets
    return min(Fraction(buckets.groups), Fraction(measure.checked.source.rows, buckets.rows))


def clipped(measure: BoundedMeasure, clip: Clip) -> Sensitivity:
    """Of the whole vector, and so of each part of it: C by the clip's own norm, and by Cauchy and Schwarz no more than
    √n·C in the sum of its n magnitudes.
    """
    groups, most = min(measure.bounds.groups, measure.checked.source.rows), clip.most
    parts = groups * len(clip.fine)
    l1 = most if clip.norm is Norm.L1 else isqrt(parts * most**2 - 1) + 1
    return Sensitivity(l0=groups, linf=most, l1=l1, l2_squared=most**2)
