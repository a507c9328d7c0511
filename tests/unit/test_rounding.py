"""Directed rounding: a bound is on its side, and close."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from math import exp, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import Fault
from sandbox.privacy.loss import DELTA_UNIT, RHO_UNIT, Loss, Spend, down, pure, total, up
from sandbox.privacy.rounding import SQRT_2PI, exp_up, ln_down, ln_up, sqrt_up
from sandbox.privacy.tails import gaussian_tail

FINE = Context(prec=90)
FRACTIONS = st.fractions(min_value=Fraction(1, 10**9), max_value=10**9)


def exact(x: Fraction) -> Decimal:
    return FINE.divide(Decimal(x.numerator), Decimal(x.denominator))


@given(FRACTIONS)
def test_logarithms_enclose(x: Fraction) -> None:
    truth = Fraction(FINE.ln(exact(x)))
    assert ln_down(x) < truth < ln_up(x)
    assert ln_up(x) - ln_down(x) <= Fraction(1, 10**46)


@given(st.fractions(min_value=-200, max_value=1))
def test_exponentials_are_above(x: Fraction) -> None:
    truth = Fraction(FINE.exp(exact(x)))
    assert truth < exp_up(x) <= truth * (1 + Fraction(1, 10**46))


def test_exponentials_do_not_underflow_to_zero() -> None:
    assert exp_up(Fraction(-(10**30))) > 0


@given(st.one_of(FRACTIONS, st.integers(1, 2**130).map(Fraction)))
def test_square_roots_are_the_least_float_above(square: Fraction) -> None:
    root = sqrt_up(square)
    assert Fraction(root) ** 2 >= square > Fraction(nextafter(root, 0.0)) ** 2


def test_root_of_two_pi_is_below() -> None:
    assert Fraction(2) * Fraction("3.14159265358979323846264338327950288419716") >= SQRT_2PI**2
    assert Fraction(2) * Fraction("3.1415926535897932384626433832795028") < SQRT_2PI**2


@given(st.fractions(min_value=0, max_value=10))
def test_charges_round_up_and_limits_down(value: Fraction) -> None:
    for unit in (RHO_UNIT, DELTA_UNIT):
        assert down(value, unit) * unit <= value <= up(value, unit) * unit
        assert up(value, unit) - down(value, unit) <= 1


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.7, 60.0])
@pytest.mark.parametrize("spread", [0, 1, 3, 6])
def test_gaussian_tail_is_above_and_near(scale: float, spread: int) -> None:
    least = round(spread * scale)
    weights = {k: exp(-(k**2) / (2 * scale**2)) for k in range(-2000, 2001)}
    truth = sum(weight for k, weight in weights.items() if k >= least) / sum(weights.values())
    bound = float(gaussian_tail(Fraction(scale), least))
    assert truth * (1 - 1e-9) <= bound
    if spread >= 3:
        assert bound <= truth * 1.12


def test_losses_add_exactly_and_notions_do_not_mix() -> None:
    assert total([Loss(1, 2), Loss(3, 4)]) == Loss(4, 6)
    assert total([]) == Loss(0, 0)
    assert total([pure(2**40), pure(2**40)]) == Loss(rho=2**40, delta=0, epsilon=2**41)
    with pytest.raises(Fault):
        total([Loss(1, 2), pure(1)])
    with pytest.raises(Fault):
        Loss(-1, 0)


def test_a_spend_is_one_of_two() -> None:
    for epsilon, rho in ((None, None), (Fraction(1), Fraction(1))):
        with pytest.raises(Fault):
            Spend(epsilon, rho)
