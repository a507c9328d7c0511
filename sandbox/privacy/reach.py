"""How far noise reaches: distances that one noise, or a weighted sum of independent ones, exceeds seldom enough.

From above, in floats: for display and for the search of a spend, never for a charge.
Source: of sums of Laplace noises, the inversion of the characteristic function (Gil-Pelaez, Biometrika 1951).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import ceil, erfc, exp, log, pi, prod, sin, sqrt

from sandbox.privacy.mechanisms import Measurement, Noise

_SMOOTH = 32.0
"""From this σ on the discrete Gaussian's quantile is taken from the continuous one, which is never less."""
_HALVINGS = 36
_PERIOD = 48.0
"""Standard deviations beyond which no sum of Laplace noises lies; the step of the inversion follows."""
_FEW = 6
_APART = 1.01
"""Scales of few Laplace noises are taken to be at least this factor apart."""
_SILENT = 1e-7
"""Where a characteristic function has fallen to this, the rest of it adds nothing."""
_POINTS = 2_000


@lru_cache(maxsize=4096)
def quantile(noise: Noise, scale: float, outside: float) -> int:
    """The least h with P[|X| > h] ≤ `outside` for one noise of this scale, in grid steps."""
    match noise:
        case Noise.LAPLACE:
            # P[|X| > h] = 2 q^(h+1) / (1 + q) with q = exp(−1/b)
            return max(0, ceil(scale * log(2 / (outside * (1 + exp(-1 / scale))))) - 1)
        case Noise.GAUSSIAN:
            return _continuous(scale, outside) if scale >= _SMOOTH else _discrete(scale, outside)


def _continuous(scale: float, outside: float) -> int:
    # P[X ≥ m] of the discrete Gaussian is at most that of the continuous one at m − 1
    return ceil(least(lambda distance: excess(Noise.GAUSSIAN, scale, 0.0, distance), outside, scale))


def _discrete(scale: float, outside: float) -> int:
    weights = [exp(-(k**2) / (2 * scale**2)) for k in range(ceil(12 * scale) + 2)]
    allowed = outside * (2 * sum(weights) - 1) / 2
    beyond, h = 0.0, len(weights) - 1
    while h > 0 and beyond + weights[h] <= allowed:
        beyond += weights[h]
        h -= 1
    return h


def reach(noises: Sequence[tuple[Measurement, Fraction]], outside: float) -> Fraction:
    """An h with P[|Σ weight·noise| > h] ≤ `outside` for independent noises.

    One noise has its own quantile. The sum of several is taken as that of their continuous likenesses, with half a step
    more since it is discrete; where noises are so small that their steps show, discrete Gaussians by the bound of all
    that is sub-Gaussian. Never more than the quantiles add up to when the error is shared among them.
    """
    weights = [abs(float(weight)) for _, weight in noises]
    steps = [step for step, _ in noises]
    share = outside / max(len(noises), 1)
    added = sum(weight * quantile(step.noise, step.scale, share) for weight, step in zip(weights, steps, strict=True))
    kinds = {step.noise for step in steps}
    if len(noises) < 2 or len(kinds) > 1:
        return Fraction(added)
    scales = [weight * step.scale for weight, step in zip(weights, steps, strict=True)]
    whole = sqrt(sum(scale**2 for scale in scales))
    match kinds.pop(), rough(*steps):
        case Noise.GAUSSIAN, True:
            together = sqrt(2 * log(2 / outside)) * whole
        case Noise.GAUSSIAN, False:
            together = normal(outside) * whole + _step(weights, scales) / 2
        case Noise.LAPLACE, True:
            together = added
        case Noise.LAPLACE, False:
            together = laplace(scales, outside) + _step(weights, scales) / 2
    return Fraction(min(added, together))


def _step(weights: Sequence[float], scales: Sequence[float]) -> float:
    """The step of the sum: a noise that is as wide as the steps of larger ones fills them up with its own."""
    step = max(weights)
    for weight, scale in sorted(zip(weights, scales, strict=True), reverse=True):
        step = weight if weight > 0 and scale >= step else step
    return step


def laplace(scales: Sequence[float], outside: float) -> float:
    """What the sum of independent continuous Laplace noises of these scales exceeds, either way, with `outside`."""
    if len(scales) == 2:
        wide = max(scales)
        return wide * _pair(ceil(1000 * min(scales) / wide), outside) if wide else 0.0
    unit = sqrt(2 * sum(scale**2 for scale in scales))
    if not unit:
        return 0.0
    ratios = sorted(scale / unit for scale in scales if scale > unit * 1e-6)
    tail = _apart(ratios) if len(ratios) <= _FEW else _inverted(ratios)
    return unit * least(tail, outside, 1.0)


@lru_cache(maxsize=4096)
def _pair(thousandths: int, outside: float) -> float:
    """As `laplace`, of a noise of scale 1 and one of so many thousandths."""
    return least(lambda distance: excess(Noise.LAPLACE, 1.0, thousandths / 1000, distance), outside, 1.0)


def _apart(scales: Sequence[float]) -> Callable[[float], float]:
    """The tail of a sum of few, by partial fractions: scales are taken to be apart, the larger ones raised."""
    raised = list[float]()
    for scale in scales:
        raised.append(max(scale, raised[-1] * _APART) if raised else scale)
    weights = [prod(mine**2 / (mine**2 - other**2) for other in raised if other != mine) for mine in raised]
    return lambda distance: sum(weight * exp(-distance / scale) for weight, scale in zip(weights, raised, strict=True))


def _inverted(scales: Sequence[float]) -> Callable[[float], float]:
    """The tail of a sum of many, with a standard deviation of 1, by inversion."""
    places, heights = list[float](), list[float]()
    counts = Counter(scales).items()
    width = 2 * pi / _PERIOD
    for number in range(1, _POINTS):
        place = number * width
        height = prod((1 + (scale * place) ** 2) ** -count for scale, count in counts)
        places.append(place)
        heights.append(height / place)
        if height < _SILENT:
            break

    def beyond(distance: float) -> float:
        waves = (height * sin(distance * place) for place, height in zip(places, heights, strict=True))
        return 1 - 2 / pi * width * (distance / 2 + sum(waves))

    return beyond


@lru_cache(maxsize=64)
def normal(outside: float) -> float:
    """The normal quantile that is missed on either side together with this probability, from above."""
    return least(lambda distance: excess(Noise.GAUSSIAN, 1.0, 0.0, distance), outside, 1.0)


def rough(*steps: Measurement) -> bool:
    """Whether a noise is so small that its integer steps show: then continuous tails would promise too much."""
    return any(step.scale < 1 for step in steps)


def excess(noise: Noise, first: float, second: float, distance: float) -> float:
    """P[|X + Y| > distance] for two continuous noises of these scales; the second may be 0."""
    match noise:
        case Noise.GAUSSIAN:
            return erfc(distance / sqrt(2 * (first**2 + second**2)))
        case Noise.LAPLACE:
            wide, narrow = max(first, second), min(first, second)
            if narrow > wide * (1 - 1e-4):
                return exp(-distance / wide) * (1 + distance / (2 * wide))
            rest = narrow**2 * exp(-distance / narrow) if narrow > 0 else 0.0
            return (wide**2 * exp(-distance / wide) - rest) / (wide**2 - narrow**2)


def least(beyond: Callable[[float], float], outside: float, start: float) -> float:
    """The distance, from above, at which a falling tail reaches `outside`."""
    high = start
    while beyond(high) > outside:
        high *= 2
    low = 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > outside else (low, middle)
    return high
