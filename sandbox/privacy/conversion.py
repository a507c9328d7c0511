"""Between ρ-zCDP and (ε, δ)-DP: for every Rényi order α > 1, ρ-zCDP gives (ε, δ)-DP where

    ε = αρ + ln(α − 1) + (ln(1/δ) − α ln α) / (α − 1).

Any order gives a valid bound, so the search for the best one decides nothing: only the last evaluation counts, and it
is rounded outwards. All in decimals, the same on every machine.
Source: Canonne, Kamath & Steinke, The Discrete Gaussian for Differential Privacy, NeurIPS 2020, Prop. 12.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

from sandbox.errors import Fault
from sandbox.privacy.rounding import ln_down, ln_up

_SEARCH = Context(prec=17)
_STEPS = 30
"""Halvings of the logarithm of α − 1: about 7 digits of it, hence 14 of the optimum."""


@lru_cache(maxsize=4096)
def epsilon_of(rho: Fraction, delta: Fraction) -> Fraction:
    """An ε, within rounding the least, for which ρ-zCDP is (ε, δ)-DP.

    Precondition: ρ ≥ 0 and 0 < δ < 1.
    """
    log = _search_log(delta)
    if rho == 0:
        return Fraction(0)
    per_square = _decimal(rho)
    order = _order(delta, lambda less, ln_order: per_square * less * less < log - ln_order)
    return max(Fraction(0), order * rho + _offset(order, delta))


@lru_cache(maxsize=4096)
def rho_of(epsilon: Fraction, delta: Fraction) -> Fraction:
    """A ρ, within rounding the largest, for which ρ-zCDP is (ε, δ)-DP.

    Precondition: ε > 0 and 0 < δ < 1.
    """
    log, target = _search_log(delta), _decimal(epsilon)

    def below(less: Decimal, ln_order: Decimal) -> bool:
        offset = less.ln() + (log - (1 + less) * ln_order) / less
        return (1 + less) * (log - ln_order) > (target - offset) * less * less

    order = _order(delta, below)
    return max(Fraction(0), (epsilon - _offset(order, delta)) / order)


def _offset(order: Fraction, delta: Fraction) -> Fraction:
    """No less than ln(α − 1) + (ln(1/δ) − α ln α) / (α − 1)."""
    less = order - 1
    return ln_up(less) + (ln_up(1 / delta) - order * ln_down(order)) / less


def _order(delta: Fraction, below: Callable[[Decimal, Decimal], bool]) -> Fraction:
    """The order up to which `below(α − 1, ln α)` holds, in (1, 1/δ]."""
    low, high = Decimal(2) ** -64, _decimal(1 / delta)
    with localcontext(_SEARCH):
        for _ in range(_STEPS):
            middle = (low * high).sqrt()
            if below(middle, (1 + middle).ln()):
                low = middle
            else:
                high = middle
    return 1 + Fraction(low)


def _search_log(delta: Fraction) -> Decimal:
    if not 0 < delta < 1:
        raise Fault("δ lies between 0 and 1")
    return _SEARCH.ln(_decimal(1 / delta))


def _decimal(x: Fraction) -> Decimal:
    return _SEARCH.divide(Decimal(x.numerator), Decimal(x.denominator))
