"""How far sums of noises reach: never less than the truth, and little more (rule 29)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import exp

import pytest

from sandbox.privacy.loss import Loss
from sandbox.privacy.mechanisms import Measurement, Noise
from sandbox.privacy.reach import reach


def step(noise: Noise, scale: float) -> Measurement:
    return Measurement("s", noise, scale, 1.0, None, Loss(0, 0))


def chances(noise: Noise, scale: float, weight: int) -> dict[int, float]:
    """Of a weighted noise, as far as they count."""
    most = int(14 * scale) + 12
    sizes = {
        k: exp(-(k**2) / (2 * scale**2)) if noise is Noise.GAUSSIAN else exp(-abs(k) / scale)
        for k in range(-most, most + 1)
    }
    whole = sum(sizes.values())
    return {k * weight: size / whole for k, size in sizes.items()}


def summed(noise: Noise, parts: Sequence[tuple[float, int]]) -> dict[int, float]:
    found = {0: 1.0}
    for scale, weight in parts:
        together = dict[int, float]()
        for one, p in found.items():
            for other, q in chances(noise, scale, weight).items():
                together[one + other] = together.get(one + other, 0.0) + p * q
        found = {k: p for k, p in together.items() if p > 1e-13}
    return found


SUMS: dict[str, list[tuple[float, int]]] = {
    "two alike": [(3.0, 1), (3.0, 1)],
    "four alike": [(3.0, 1)] * 4,
    "seven alike": [(2.0, 1)] * 7,
    "of different weight": [(3.0, 1), (3.0, 4), (3.0, 2)],
    "one that leads": [(9.0, 1), (1.0, 2), (1.5, 3)],
    "a coarse one filled up": [(2.0, 10), (12.0, 1)],
    "a coarse one not filled up": [(2.0, 10), (1.0, 1)],
    "some of a step or less": [(0.5, 1), (0.5, 1), (2.0, 1)],
    "many of a step or less": [(0.4, 1)] * 9,
}


@pytest.mark.parametrize("noise", Noise)
@pytest.mark.parametrize("parts", SUMS.values(), ids=SUMS)
@pytest.mark.parametrize("outside", [0.05, 0.005])
def test_a_sum_of_noises_reaches_no_further(noise: Noise, parts: list[tuple[float, int]], outside: float) -> None:
    said = float(reach([(step(noise, scale), Fraction(weight)) for scale, weight in parts], outside))
    exact = summed(noise, parts)
    assert sum(p for k, p in exact.items() if abs(k) > said) <= outside * 1.001
    rough = any(scale < 1 for scale, _ in parts)
    if not rough:
        nearer = 0.85 * said - 1.5 * max(weight for _, weight in parts)
        assert sum(p for k, p in exact.items() if abs(k) > nearer) > outside


@pytest.mark.parametrize("noise", Noise)
def test_hundreds_of_noises_reach_as_far_as_their_root(noise: Noise) -> None:
    one = step(noise, 10.0)
    spread = {Noise.GAUSSIAN: 10.0, Noise.LAPLACE: 10.0 * 2**0.5}[noise]
    for count in (30, 400):
        said = float(reach([(one, Fraction(1))] * count, 0.05))
        nominal = 1.96 * spread * count**0.5
        assert 0.995 * nominal <= said <= 1.02 * nominal + 1


def test_nothing_reaches_nowhere() -> None:
    assert reach([], 0.05) == 0
    assert reach([(step(Noise.LAPLACE, 3.0), Fraction(0))] * 3, 0.05) == 0
