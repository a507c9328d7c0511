"""The least spend that makes an answer as exact as asked, found before any data is touched.

Reads measures, licence and request only (rule 3). The search proposes a spend of few digits, as a caller could write
it; what that spend loses is found exactly, as for any other: no float decides a charge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import sqrt

from policies.licences import Notion
from sandbox.errors import Refusal
from sandbox.privacy.calibrate import Priced, PricedMeasure
from sandbox.privacy.consistency import noises
from sandbox.privacy.intervals import half_width
from sandbox.privacy.loss import Spend
from sandbox.privacy.mechanisms import Measurement
from sandbox.privacy.quantiles import Chosen
from sandbox.privacy.statistics import Estimate, Moments

DIGITS = Context(prec=7, rounding=ROUND_CEILING)
"""Of a spend that is found: it is rounded up, by a millionth at most."""

SMALLEST, LARGEST = Fraction(1, 10**9), Fraction(10**6)
"""The least and the most that a request can name, as ρ or ε."""

_TRIES = 32
_CLOSE = 1 - Fraction(1, 10**5)
"""A spend is the least when no more than this share of it would do."""
_WIDEST = 2.0**40
_HALVINGS = 48


@dataclass(frozen=True, slots=True)
class Goal:
    """How exact one aggregate is to be."""

    aggregate: str
    half_width: Fraction
    """The most that half of its interval may be."""
    expected_size: int | None
    """Rows that a group is assumed to have, where its error depends on them."""


def least_spend(
    goals: Sequence[Goal], confidence: Fraction, notion: Notion, priced_at: Callable[[Spend], Priced]
) -> Spend:
    """The least spend, rounded up to `DIGITS`, for which every goal is met; all else is measured as at any other spend.

    `priced_at` prices the request at a spend. Each try says by which factor all noise could grow or must shrink; where
    noise grows as the inverse of the loss's root (ρ) or of the loss (ε), as here, the second try is the last.
    Refuses: `spend.unreachable` where the budget of no licence would give it.
    """
    outside = float(1 - confidence)
    tried = Fraction(1)
    for _ in range(_TRIES):
        factor = Fraction(_factor(priced_at(_spend(tried, notion)), goals, outside))
        found = _rounded_up(tried / (factor**2 if notion is Notion.ZCDP else factor))
        if factor >= 1 and found >= tried * _CLOSE:
            return _spend(tried, notion)
        if found > LARGEST:
            break
        tried = found
    raise Refusal("spend.unreachable")


def _spend(loss: Fraction, notion: Notion) -> Spend:
    match notion:
        case Notion.ZCDP:
            return Spend(epsilon=None, rho=loss)
        case Notion.PURE:
            return Spend(epsilon=loss, rho=None)


def _rounded_up(loss: Fraction) -> Fraction:
    """No less than the loss, with `DIGITS`, nor than `SMALLEST`."""
    return max(SMALLEST, Fraction(DIGITS.divide(Decimal(loss.numerator), Decimal(loss.denominator))))


def _factor(priced: Priced, goals: Sequence[Goal], outside: float) -> float:
    """The largest factor, within rounding, by which all noise may be scaled so that every goal is met."""
    moved = {measure.bounded.checked.measure.name: noises(measure, outside) for measure in priced.measures}
    sought = [
        (measure, estimate, goal, steps)
        for goal in goals
        for measure, estimate in _estimates(priced, goal.aggregate)
        for steps in moved[measure.bounded.checked.measure.name]
    ]
    low, high = 1 / _WIDEST, _WIDEST
    for _ in range(_HALVINGS):
        middle = sqrt(low * high)
        met = all(_met(*each, middle, outside) for each in sought)
        low, high = (middle, high) if met else (low, middle)
    return low


def _estimates(priced: Priced, aggregate: str) -> list[tuple[PricedMeasure, Estimate | Moments | Chosen]]:
    return [
        (measure, estimate)
        for measure in priced.measures
        for estimate in measure.bounded.estimates
        if estimate.aggregate == aggregate
    ]


def _met(
    measure: PricedMeasure,
    estimate: Estimate | Moments | Chosen,
    goal: Goal,
    noise: Mapping[str, Measurement],
    factor: float,
    outside: float,
) -> bool:
    steps = {name: replace(step, scale=step.scale * factor) for name, step in noise.items()}
    half = half_width(measure.bounded, estimate, steps, goal.expected_size, outside)
    return half is not None and half <= goal.half_width
