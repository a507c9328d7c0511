"""The clip's norm chosen privately, with a small part of the spend (rule 19): which candidate, never what it rests on.

Candidates are public: each is twice the one before, the last no less than any unit's norm. More C makes more noise,
and less of a cut: by the mass over norm of every unit that is longer. So the best C is where these weights, summed over
the longer units, come down to what a step of C adds in noise to all totals together (Huang, Liang & Yi, NeurIPS 2021;
Amin et al., ICML 2019). A unit's weight is a whole number up to `heaviest`, and falls into one bucket: so each sum
changes by at most that, and no score by more. Report-noisy-max over them; in doubt the larger candidate is better, for
what noise does is known to whoever reads the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, isqrt, log, pi, sqrt

from sandbox.errors import Fault
from sandbox.plan.nodes import Scalar
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import WEIGHT, Clip, Norm
from sandbox.privacy.sensitivity import touched

SHARE = Fraction(1, 10)
"""Of what a clip's statistics are given, for the choice of its norm."""

MIDDLE = 1.5
"""The goal's factor: the first candidate that is long enough for a goal is a half doubling too long on average."""

CLEAR = 4.0
"""A candidate far too long is chosen with a probability of e⁻⁴ at most, all of them together."""


def target(measure: BoundedMeasure, clip: Clip, noise: float, choice: float) -> int:
    """The weight of longer units at which C is right: what balances the mean noise of all totals per step of C, from
    the scale of their `noise` at the clip's norm; at least what stands out from the noise of the `choice`, and never 0,
    of which all candidates that cut nothing would be as good.

    Public: whatever it is, it decides accuracy alone.
    """
    groups = sum(
        measure.at(place).groups if level.key_set.cells is None else len(level.key_set.cells)
        for place, level in enumerate(measure.checked.levels)
    )
    mean = noise if clip.norm is Norm.L1 else noise * sqrt(2 / pi)
    balanced = MIDDLE * WEIGHT * groups * len(clip.fine) * mean / clip.most
    return ceil(min(2.0**50, max(balanced, choice * (log(len(clip.candidates)) + CLEAR))))


def heaviest(measure: BoundedMeasure, clip: Clip) -> int:
    """The most that one unit weighs: the sum of magnitudes of a vector over its norm, rounded up."""
    if clip.norm is Norm.L1:
        return WEIGHT
    parts = sum(touched(measure, level) for level in range(clip.levels)) * len(clip.fine)
    return WEIGHT * (isqrt(parts - 1) + 1)


def of_clip(place: int, rows: Sequence[tuple[Scalar, ...]]) -> list[tuple[Scalar, Scalar]]:
    """The weight per bucket of one clip, of the engine's rows of all of them."""
    return [(bucket, weight) for clip, bucket, weight in rows if clip == place]


def scores(clip: Clip, goal: int, rows: Sequence[tuple[Scalar, Scalar]]) -> list[int]:
    """Per candidate, 0 where the weight of longer units comes down to the goal, else how far it is from it, negated.

    `rows` are the weight per bucket: the i-th holds the units that are longer than the candidate before and no longer
    than the i-th.
    """
    weights: Mapping[int, int] = {_whole(bucket): _whole(weight) for bucket, weight in rows}
    places = range(len(clip.candidates))
    if len(weights) != len(rows) or not weights.keys() <= set(places):
        raise Fault("the engine's buckets are not the clip's")
    above = [sum(weight for bucket, weight in weights.items() if bucket > place) for place in places]
    before = [goal, *above]
    return [min(0, more - goal, goal - less) for more, less in zip(before[:-1], above, strict=True)]


def _whole(value: Scalar) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Fault("a weight or bucket is not a whole number")
    return value
