"""ρ-zCDP and (ε, δ)-DP: against published values, OpenDP's own conversion and a brute-force search."""

from __future__ import annotations

from fractions import Fraction
from math import exp, log, log1p

import opendp.combinators as combinators
import opendp.domains as domains
import opendp.measurements as measurements
import opendp.metrics as metrics
import opendp.mod as mod
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import Fault
from sandbox.privacy.conversion import epsilon_of, rho_of

POSITIVE = st.fractions(min_value=Fraction(1, 10**6), max_value=100, max_denominator=10**6)
DELTAS = st.integers(1, 15).map(lambda power: Fraction(1, 10**power))


def least_delta(rho: float, epsilon: float) -> float:
    """The δ of Prop. 12 by a plain grid of orders, in floats."""
    orders = [1 + 1.002**k for k in range(-6000, 12000)]
    logs = [(a - 1) * (a * rho - epsilon) - log(a - 1) + a * log1p(-1 / a) for a in orders if a - 1 > 0 and 1 / a < 1]
    return exp(min(*logs, 0.0))


@pytest.mark.parametrize(("rho", "epsilon"), [("2.56", "17.14"), ("0.07", "2.47")], ids=["persons", "housing units"])
def test_published_budgets_of_the_2020_census(rho: str, epsilon: str) -> None:
    """U.S. Census Bureau, redistricting data production settings (2021): δ = 10⁻¹⁰; ρ is given to two decimals."""
    half, delta = Fraction("0.005"), Fraction(1, 10**10)
    assert epsilon_of(Fraction(rho) - half, delta) <= Fraction(epsilon) <= epsilon_of(Fraction(rho) + half, delta)


@pytest.mark.parametrize("epsilon", ["0.01", "0.5", "1", "4", "20"])
@pytest.mark.parametrize("power", [3, 6, 9])
def test_agrees_with_brute_force(epsilon: str, power: int) -> None:
    delta = Fraction(1, 10**power)
    rho = rho_of(Fraction(epsilon), delta)
    assert least_delta(float(rho), float(epsilon)) == pytest.approx(float(delta), rel=1e-4)
    assert least_delta(float(rho) * 1.001, float(epsilon)) > float(delta)


@pytest.mark.parametrize("scale", [0.7, 3.0, 25.0])
def test_agrees_with_opendp(scale: float) -> None:
    mod.enable_features("contrib")
    space = domains.atom_domain(T="i64"), metrics.absolute_distance("f64")
    built = combinators.make_zCDP_to_approxDP(measurements.make_gaussian(*space, scale=scale))
    profile = built.map(1.0)  # type: ignore[no-untyped-call]
    for delta in (1e-4, 1e-8):
        ours = epsilon_of(Fraction(1) / (2 * Fraction(scale) ** 2), Fraction(delta))
        assert float(ours) == pytest.approx(profile.epsilon(delta), rel=1e-3)


@given(rho=POSITIVE, delta=DELTAS)
def test_there_and_back_never_gains(rho: Fraction, delta: Fraction) -> None:
    epsilon = epsilon_of(rho, delta)
    assert epsilon >= 0
    if epsilon > 0:
        back = rho_of(epsilon, delta)
        assert back <= rho * (1 + Fraction(1, 10**30))
        assert epsilon_of(back, delta) <= epsilon


@given(epsilon=POSITIVE, delta=DELTAS)
def test_rho_spends_what_is_allowed_and_no_more(epsilon: Fraction, delta: Fraction) -> None:
    rho = rho_of(epsilon, delta)
    assert epsilon * (1 - Fraction(1, 10**12)) <= epsilon_of(rho, delta) <= epsilon
    assert rho_of(epsilon, delta / 2) < rho < rho_of(epsilon * Fraction(11, 10), delta)


def test_beats_the_simple_formula() -> None:
    """Rule 6: noise well below that of ρ + 2√(ρ ln 1/δ)."""
    for epsilon, power in ((0.1, 5), (0.5, 5), (1, 6)):
        log_delta = power * log(10)
        simple = ((epsilon + log_delta) ** 0.5 - log_delta**0.5) ** 2
        gain = 1 - (simple / float(rho_of(Fraction(epsilon), Fraction(1, 10**power)))) ** 0.5
        assert 0.15 < gain < 0.40


def test_edges() -> None:
    assert epsilon_of(Fraction(0), Fraction(1, 10)) == 0
    for delta in (Fraction(0), Fraction(1), Fraction(2)):
        with pytest.raises(Fault):
            rho_of(Fraction(1), delta)
