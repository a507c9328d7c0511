"""Privacy loss as exact integers: ρ and ε in units of 2⁻⁴⁰, δ in units of 2⁻⁶⁰ (design: numbers in the ledger).

Charges round up once, limits round down; every rounding names its direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import ceil, floor

from sandbox.errors import Fault

RHO_UNIT = Fraction(1, 2**40)
EPSILON_UNIT = Fraction(1, 2**40)
DELTA_UNIT = Fraction(1, 2**60)

_DIGITS = Context(prec=12, rounding=ROUND_CEILING)


def up(value: Fraction, unit: Fraction) -> int:
    """The least number of units that is no less than `value`: for charges."""
    return ceil(value / unit)


def down(value: Fraction, unit: Fraction) -> int:
    """The greatest number of units that is no more than `value`: for limits."""
    return floor(value / unit)


def decimal(value: Fraction) -> str:
    """Twelve digits, rounded up: what is shown is never less than what is lost."""
    shown = _DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{shown.normalize():f}" if shown == 0 or shown >= Decimal("1e-4") else str(shown.normalize())


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
class Accuracy:
    """How exact a request wants its answer to be, in place of a spend: exactly one of a half-width and a relative one.

    The intervals of the columns meant, at this confidence, are to be no wider either way than `half_width`, or than
    `relative` times what the column's value is assumed or known to be at least.
    """

    half_width: Fraction | None
    relative: Fraction | None
    confidence: Fraction
    column: str | None
    """Name of the answer's column that is meant; None: every one."""
    expected_value: Fraction | None
    """What a value of the column is assumed to be at least, either way; for a relative one only."""
    at_most: Spend | None
    """The most that may be spent for it; an estimate can do without."""

    def __post_init__(self) -> None:
        if (self.half_width is None) == (self.relative is None):
            raise Fault("an accuracy is one of a half-width and a relative one")


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


def nothing(loss: Loss) -> Loss:
    """No loss, in the notion of this one."""
    return Loss(rho=0, delta=0, epsilon=None if loss.epsilon is None else 0)


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
