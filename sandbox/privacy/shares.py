"""What each statistic is given of a spend: so that the squared errors expected in what is released add up to the least.

With W as in `effects.py`, ΣW·Var(X) is least for shares in proportion to √W·Δ₂ under zCDP (variance Δ₂²/2ρ), and to
∛(W·Δ₁²) under pure differential privacy (variance 2Δ₁²/ε²). In whole numbers and fractions, so that the same request
has the same price everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from policies.licences import Notion
from sandbox.errors import Refusal
from sandbox.privacy.bounding import BoundedMeasure
from sandbox.privacy.clip import Clip
from sandbox.privacy.effects import moved
from sandbox.privacy.rounding import root_down
from sandbox.privacy.sensitivity import Sensitivity, clipped, unclipped


def split(
    units: int, measures: Sequence[BoundedMeasure], notion: Notion, weights: Mapping[str, Fraction]
) -> tuple[dict[str, int], ...]:
    """Shares of a loss, in units and rounded down, per measure and statistic; those of a clip have one together.

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
        shares = {name: units * size // (whole * len(names)) for names, size in parts.items() for name in names}
        if min(shares.values(), default=1) < 1:
            raise Refusal("spend.too_small")
        found.append({statistic.name: shares[statistic.name] for statistic in measure.statistics})
    return tuple(found)


def _sizes(measure: BoundedMeasure, notion: Notion, weights: Mapping[str, Fraction]) -> dict[tuple[str, ...], Fraction]:
    """W·Δ² of each statistic that has a scale of its own, and of each clip, by the names of its statistics."""
    effects = moved(measure, weights)
    found = dict[tuple[str, ...], Fraction]()
    for statistic in measure.statistics:
        name, clip = statistic.name, measure.clip(statistic.name)
        if clip is None:
            found[(name,)] = effects[name] * _square(unclipped(measure, statistic), notion)
        else:
            found[tuple(clip.fine)] = _together(clip, effects) * _square(clipped(measure, clip), notion)
    return found


def _together(clip: Clip, effects: Mapping[str, Fraction]) -> Fraction:
    """W of a noise that all statistics of the clip have on its finer grid."""
    return sum((effects[name] / steps**2 for name, steps in clip.fine.items()), Fraction(0))


def _square(change: Sensitivity, notion: Notion) -> int:
    return change.l2_squared if notion is Notion.ZCDP else change.l1**2
