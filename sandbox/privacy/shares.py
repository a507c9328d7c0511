"""What each statistic is given of a spend: so that the squared errors expected in what is released add up to the least.

With W as in `effects.py`, ΣW·Var(X) is least for shares in proportion to √W·Δ₂ under zCDP (variance Δ₂²/2ρ), and to
∛(W·Δ₁²) under pure differential privacy (variance 2Δ₁²/ε²). In whole numbers and fractions, so that the same request
has the same price everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from policies.licences import Notion
from sandbox.errors import Refusal
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import Clip
from sandbox.privacy.effects import moved
from sandbox.privacy.quantiles import Chosen, Quantile
from sandbox.privacy.rounding import root_down
from sandbox.privacy.sensitivity import Sensitivity, clipped, full_groups, unclipped


def split(
    units: int, measures: Sequence[BoundedMeasure], notion: Notion, weights: Mapping[str, Fraction]
) -> tuple[dict[tuple[int, str], int], ...]:
    """Shares of a loss, in units and rounded down, per measure, level and statistic or quantile; those of a clip have
    one together, on all levels.

    `weights` are those of aggregates, by name: 1 where there is none. Refuses: `spend.too_small` where a share is
    nothing. Source: rules 3 and 18.
    """
    order = 2 if notion is Notion.ZCDP else 3
    sizes = [
        {names: max(1, root_down(size, order)) for names, size in _sizes(each, notion, weights).items()}
        for each in measures
    ]
    whole = sum(sum(each.values()) for each in sizes)
    found = []
    for measure, parts in zip(measures, sizes, strict=True):
        shares = {part: units * size // (whole * len(each)) for each, size in parts.items() for part in each}
        if min(shares.values(), default=1) < 1:
            raise Refusal("spend.too_small")
        found.append({part: shares[part] for part in measure.parts})
    return tuple(found)


Parts: TypeAlias = tuple[tuple[int, str], ...]
"""Statistics on a level each that have one noise."""


def _sizes(measure: BoundedMeasure, notion: Notion, weights: Mapping[str, Fraction]) -> dict[Parts, Fraction]:
    """W·Δ² of each statistic that has a scale of its own, on each level, and of each clip."""
    levels = range(len(measure.checked.levels))
    effects = [moved(measure, weights, level) for level in levels]
    found = dict[Parts, Fraction]()
    for level, name in ((at, each.name) for at in levels for each in measure.measured(at)):
        clip = measure.clip(name)
        if clip is None:
            change = unclipped(measure, measure.statistic(name), level)
            found[((level, name),)] = effects[level][name] * _square(change, notion)
        else:
            parts = tuple((each, part) for each in levels for part in clip.fine)
            found[parts] = _together(clip, effects) * _square(clipped(measure, clip), notion)
    return found | {((0, each.name),): _ranked(measure, each, notion, weights) for each in measure.quantiles}


def _ranked(measure: BoundedMeasure, quantile: Quantile, notion: Notion, weights: Mapping[str, Fraction]) -> Fraction:
    """W·Δ² of a quantile, whose error is one of ranks, relative to the rows per unit as a count's is: its scale at the
    same loss is that of a Gaussian of its sensitivity, and twice that of a Laplace.
    """
    asked = [each for each in measure.estimates if isinstance(each, Chosen) and each.statistic == quantile.name]
    weight = sum((weights.get(each.aggregate, Fraction(1)) for each in asked), Fraction(0))
    groups = full_groups(measure, quantile)
    square = weight * max(quantile.fraction, 1 - quantile.fraction) ** 2
    return square * (groups if notion is Notion.ZCDP else 4 * groups**2)


def _together(clip: Clip, effects: Sequence[Mapping[str, Fraction]]) -> Fraction:
    """W of a noise that all statistics of the clip have on its finer grid, on all levels."""
    return sum((each[name] / steps**2 for each in effects for name, steps in clip.fine.items()), Fraction(0))


def _square(change: Sensitivity, notion: Notion) -> int:
    return change.l2_squared if notion is Notion.ZCDP else change.l1**2
