"""Privacy loss as exact integers: ρ and ε in units of 2⁻⁴⁰, δ in units of 2⁻⁶⁰ (design: numbers in the ledger).

Charges round up once, limits round down; every rounding names its direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from sandbox.errors import Fault

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
class Spend:
    """What a request wants to lose: exactly one of ε and ρ.

    Under zCDP an ε means (ε, δ)-DP of the whole request at the licence's δ, thresholds included (rule 6).
    """

    epsilon: Fraction | None
    rho: Fraction | None

    def __post_init__(self) -> None:
        if (self.epsilon is None) == (self.rho is None):
            raise Fault("a spend is one of ε and ρ")


@dataclass(frozen=True, slots=True)
class Loss:
    """What one measurement or one request loses: (ρ, δ) in units, and ε in units where the notion is pure.

    A pure loss carries `epsilon` and the ρ it costs a zCDP account: ε²/2 of each mechanism. Under zCDP `epsilon` is
    None.
    """

    rho: int
    delta: int
    epsilon: int | None = None

    def __post_init__(self) -> None:
        if min(self.rho, self.delta, self.epsilon or 0) < 0:
            raise Fault("a loss is not negative")


def pure(epsilon: int) -> Loss:
    """The loss of one pure ε-DP mechanism: ρ = ε²/2, rounded up (Bun & Steinke 2016, Prop. 1.4)."""
    return Loss(rho=up((epsilon * EPSILON_UNIT) ** 2 / 2, RHO_UNIT), delta=0, epsilon=epsilon)


def total(losses: Iterable[Loss]) -> Loss:
    """The exact sum of losses of one notion."""
    parts = tuple(losses)
    epsilons = [part.epsilon for part in parts if part.epsilon is not None]
    if epsilons and len(epsilons) != len(parts):
        raise Fault("losses of two notions do not add")
    return Loss(
        rho=sum(part.rho for part in parts),
        delta=sum(part.delta for part in parts),
        epsilon=sum(epsilons) if epsilons else None,
    )
