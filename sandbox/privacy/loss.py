"""Privacy loss as exact integers: ρ and ε in units of 2⁻⁴⁰, δ in units of 2⁻⁶⁰ (design: numbers in the ledger).

Charges round up once, limits round down; every rounding names its direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

RHO_UNIT = Fraction(1, 2**40)
EPSILON_UNIT = Fraction(1, 2**40)
DELTA_UNIT = Fraction(1, 2**60)


def up(value: Fraction, unit: Fraction) -> int:
    """The least number of units that is no less than `value`: for charges."""
    return ceil(value / unit)


def down(value: Fraction, unit: Fraction) -> int:
    """The greatest number of units that is no more than `value`: for limits."""
    return floor(value / unit)


@dataclass(frozen=True, slots=True)
class Loss:
    """What one measurement or one request loses: (ρ, δ) in units, and ε in units where the notion is pure.

    A pure loss carries `epsilon` and its ρ = ε²/2; under zCDP `epsilon` is None.
    """

    rho: int
    delta: int
    epsilon: int | None = None
