"""A 95 % interval of a chosen quantile, itself chosen: one of a few public widths around the released bucket (rule 29).

A width is right where the rank falls between its ends with a margin to spare; the margin and a bonus for wider ones are
public multiples of the noise, so large that report-noisy-max takes a width that misses with a probability of 5 % at
most, whatever the records are. So it covers more often than that where values lie close.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import ceil, expm1, log

from sandbox.privacy.mechanisms import Noise, Selection
from sandbox.privacy.quantiles import NONE, Buckets, Quantile

SHARE = Fraction(1, 16)
"""Of what a quantile is given, for its interval: small, since the value counts for more than how narrow that is."""

GROWTH = Fraction(3, 2)
"""A width over the one before."""

OUTSIDE = 0.05
"""The chance that an interval misses."""

BONUS = 1.0
"""What a wider one has more than the one before, in scales of the noise."""


def widths(buckets: Buckets) -> tuple[int, ...]:
    """Buckets on either side: none, then ever more, to all."""
    found, most = [0], buckets.size - 1
    while found[-1] < most:
        found.append(min(most, max(found[-1] + 1, int(found[-1] * GROWTH))))
    return tuple(found)


def bonus(scale: float) -> int:
    """Of a width for each narrower one, in the unit of scores."""
    return round(min(2.0**50, BONUS * scale))


def margin(noise: Noise, scale: float, count: int, outside: float) -> int:
    """What a right width of so many has to spare at both ends, in the unit of scores.

    A width that misses scores below −margin and its bonus. The narrowest one with the margin scores its bonus, that of
    j steps more, and is there, since the widest needs none. So the j-th before it is `x_j` = e^(−(margin + j·bonus)/b)
    times as likely under Gumbel noise, and beats it with `x_j`/2 at most under exponential noise. All of them together
    are at most Σx_j ≤ e^(−margin/b)·min(count, 1/(e^(bonus/b) − 1)).
    """
    step = bonus(scale) / scale
    misses = min(float(count), 1 / expm1(step)) if step > 0 else float(count)
    odds = outside / (1 - outside) if noise is Noise.GAUSSIAN else 2 * outside
    return ceil(min(2.0**50, scale * max(0.0, log(misses / odds))))


def around(
    quantile: Quantile, step: Selection, groups: Sequence[Sequence[int]], places: Sequence[int]
) -> list[list[int]]:
    """The scores of widths around the bucket that was released of each group, for an interval of 95 %."""
    spare = margin(step.noise, step.scale, len(widths(quantile.buckets)), OUTSIDE)
    each = bonus(step.scale)
    return [scores(quantile, counted, place, spare, each) for counted, place in zip(groups, places, strict=True)]


def scores(quantile: Quantile, counted: Sequence[int], place: int, spare: int, each: int) -> list[int]:
    """Per width around the released bucket: min(0, f − margin, margin − f' − 1) and its bonus, f being how far the rank
    is inside of its ends, in the unit of a quantile's scores, and f' that of the width before.

    One unit changes f as it changes a quantile's scores, and so this.
    """
    over, under = quantile.fraction.numerator, quantile.fraction.denominator
    upto = [0, *accumulate(counted)]
    rank, between = over * upto[-1], under * quantile.between
    found, narrower = list[int](), None
    tried = widths(quantile.buckets)
    for number, width in enumerate(tried):
        below, within = upto[max(0, place - width)], upto[min(len(counted), place + width + 1)]
        inside = min(under * within - rank - between, rank - between - under * below - 1)
        short = 0 if number == len(tried) - 1 else min(0, inside - spare)
        long = 0 if narrower is None else min(0, spare - narrower - 1)
        found.append(min(short, long) + number * each)
        narrower = inside
    return found


def ends(quantile: Quantile, place: int, chosen: int) -> tuple[float, float] | None:
    """The interval of the chosen width; from the end of the range, where it is of a least or greatest value."""
    buckets = quantile.buckets
    if place == NONE:
        return None
    low, high = place, place
    if quantile.inward:
        low, high = (0, place) if quantile.inward > 0 else (place, buckets.size - 1)
    else:
        low, high = place - widths(buckets)[chosen], place + widths(buckets)[chosen]
    return _end(buckets, low, -buckets.slack), _end(buckets, high, buckets.slack)


def _end(buckets: Buckets, place: int, slack: Fraction) -> float:
    statistic = buckets.statistic
    value = (place + statistic.centre) * statistic.granularity + slack
    return float(max(buckets.low, min(buckets.high, value)))
