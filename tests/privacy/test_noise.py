"""The noise that is drawn, judged with power: a scale 30 % off is rejected, the right one almost never.

Dvoretzky–Kiefer–Wolfowitz with Massart's constant: an empirical distribution of n draws strays more than √(ln(2/α)/2n)
from its law with probability at most α, for discrete laws too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, exp, log, sqrt

import pytest

from sandbox.errors import Fault
from sandbox.privacy.keys import Totals
from sandbox.privacy.loss import RHO_UNIT, Loss, up
from sandbox.privacy.mechanisms import Invocation, Measurement, Noise, Threshold, as_loss, measure, stated_loss
from sandbox.privacy.statistics import CAPACITY

FALSE_ALARM = 1e-9
DRAWS = 16_000
SLACK = sqrt(log(2 / FALSE_ALARM) / (2 * DRAWS))


def step(noise: Noise, scale: float, threshold: Threshold | None = None, sensitivity: float = 1.0) -> Measurement:
    stated, delta = stated_loss(noise, scale, sensitivity, threshold)
    return Measurement("s", noise, scale, sensitivity, threshold, as_loss(noise, stated, delta))


def draws(noise: Noise, scale: float, true: int = 0) -> list[int]:
    exact = Totals(tuple((index,) for index in range(DRAWS)), {"s": (true,) * DRAWS})
    return [value - true for value in measure([step(noise, scale)], exact, []).columns["s"]]


def weights(noise: Noise, scale: float) -> dict[int, float]:
    reach = ceil(40 * scale) + 2
    match noise:
        case Noise.GAUSSIAN:
            raw = {k: exp(-(k**2) / (2 * scale**2)) for k in range(-reach, reach + 1)}
        case Noise.LAPLACE:
            raw = {k: exp(-abs(k) / scale) for k in range(-reach, reach + 1)}
    whole = sum(raw.values())
    return {k: weight / whole for k, weight in raw.items()}


def fits(sample: Sequence[int], noise: Noise, scale: float) -> bool:
    """Whether a sample may come from this law."""
    law, seen = weights(noise, scale), Counter(sample)
    gap, below, counted = 0.0, 0.0, 0
    ends = {*law, *sample}
    for k in range(min(ends), max(ends) + 1):
        below += law.get(k, 0.0)
        counted += seen[k]
        gap = max(gap, abs(counted / len(sample) - below))
    return gap <= SLACK


@pytest.mark.parametrize("noise", Noise)
@pytest.mark.parametrize("scale", [3.0, 47.5])
def test_the_scale_is_right(noise: Noise, scale: float) -> None:
    sample = draws(noise, scale, true=12)
    assert fits(sample, noise, scale)
    assert not fits(sample, noise, scale * 1.3)
    assert not fits(sample, noise, scale * 0.7)


@pytest.mark.parametrize("noise", Noise)
@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_noise_of_another_scale_is_found_out(noise: Noise, factor: float) -> None:
    assert not fits(draws(noise, 20.0 * factor), noise, 20.0)


def frequency_above(scale: float, threshold: Threshold, units: int) -> float:
    exact = Totals(tuple((index,) for index in range(DRAWS)), {"s": (units,) * DRAWS})
    released = measure([step(Noise.GAUSSIAN, scale, threshold)], exact, [])
    assert all(value >= threshold.value + threshold.minimum - 1 for value in released.columns["s"])
    return len(released.keys) / DRAWS


@pytest.mark.parametrize(("scale", "value"), [(2.0, 3), (5.0, 7), (0.9, 2)])
@pytest.mark.parametrize("minimum", [1, 5])
def test_a_key_of_one_unit_appears_no_more_often_than_stated(scale: float, value: int, minimum: int) -> None:
    """The δ of a threshold: what one unit brings into existence is P[1 + X ≥ threshold]."""
    threshold = Threshold(value, groups=1, minimum=minimum)
    law = weights(Noise.GAUSSIAN, scale)
    truth = sum(weight for k, weight in law.items() if 1 + k >= value)
    seen = frequency_above(scale, threshold, units=minimum)
    assert abs(seen - truth) <= SLACK
    _, delta = stated_loss(Noise.GAUSSIAN, scale, 1.0, threshold)
    assert truth <= delta <= 1.5 * truth
    off = [frequency_above(scale * factor, threshold, minimum) - truth for factor in (0.7, 1.3)]
    assert max(map(abs, off)) > SLACK


def test_keys_below_the_minimum_frequency_never_appear() -> None:
    threshold = Threshold(1, groups=1, minimum=10)
    exact = Totals(((1,), (2,), (3,)), {"s": (0, 9, 10**9)})
    for _ in range(50):
        released = measure([step(Noise.GAUSSIAN, 1000.0, threshold)], exact, [])
        assert released.keys == ((3,),)
        assert abs(released.columns["s"][0] - 10**9) < 10**5


def test_others_are_measured_on_the_released_keys() -> None:
    existence = step(Noise.GAUSSIAN, 1.0, Threshold(100, groups=1, minimum=1))
    other = Measurement("o", Noise.GAUSSIAN, 1.0, 1.0, None, step(Noise.GAUSSIAN, 1.0).loss)
    exact = Totals((("a",), ("b",), (None,)), {"s": (1, 10**6, 10**6), "o": (5, 10**9, -(10**9))})
    released = measure([existence, other], exact, [])
    assert released.keys == (("b",), (None,))
    assert [round(value, -3) for value in released.columns["o"]] == [10**9, -(10**9)]
    with pytest.raises(Fault):
        measure([other, existence], exact, [])


def test_no_key_is_a_release_too() -> None:
    invocations: list[Invocation] = []
    existence = step(Noise.GAUSSIAN, 1.0, Threshold(100, groups=1, minimum=1))
    other = Measurement("o", Noise.GAUSSIAN, 1.0, 1.0, None, step(Noise.GAUSSIAN, 1.0).loss)
    released = measure([existence, other], Totals((), {}), invocations)
    assert (released.keys, released.columns) == ((), {"s": (), "o": ()})
    assert len(invocations) == 2


def test_every_invocation_is_recorded_with_its_stated_loss() -> None:
    invocations: list[Invocation] = []
    steps = [step(Noise.GAUSSIAN, 5.0), step(Noise.GAUSSIAN, 7.0)]
    measure(steps, Totals(((1,),), {"s": (1,)}), invocations)
    assert [each.loss for each in invocations] == [each.loss for each in steps]
    assert invocations[0].loss.rho == up(Fraction(1, 50), RHO_UNIT)


def test_a_charge_that_is_not_what_the_measurement_states_is_a_fault() -> None:
    honest = step(Noise.GAUSSIAN, 5.0)
    invocations: list[Invocation] = []
    for loss in (Loss(honest.loss.rho - 1, 0), Loss(honest.loss.rho + 10**6, 0)):
        wrong = Measurement("s", Noise.GAUSSIAN, 5.0, 1.0, None, loss)
        with pytest.raises(Fault):
            measure([wrong], Totals(((1,),), {"s": (1,)}), invocations)
    assert invocations == []


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_a_scale_without_noise_is_a_fault(scale: float) -> None:
    for threshold in (None, Threshold(3, groups=1, minimum=1)):
        with pytest.raises(Fault):
            stated_loss(Noise.GAUSSIAN, scale, 1.0, threshold)


def test_totals_beyond_capacity_are_a_fault() -> None:
    """OpenDP would saturate (rule 27)."""
    for total in (CAPACITY, -CAPACITY):
        with pytest.raises(Fault):
            measure([step(Noise.GAUSSIAN, 1.0)], Totals(((1,),), {"s": (total,)}), [])
    near = measure([step(Noise.GAUSSIAN, 1e6)], Totals(((1,),), {"s": (CAPACITY - 1,)}), [])
    assert abs(near.columns["s"][0] - CAPACITY) < 10**8
