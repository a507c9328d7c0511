"""Exponential, logarithm and root with a named direction of rounding, in exact decimals: no float, no libm.

`decimal` rounds exp and ln correctly to the nearest digit, so one step outwards is a bound; the same on every machine.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, FloatOperation, InvalidOperation, Overflow
from fractions import Fraction
from math import inf, isqrt, nextafter

DIGITS = 50
"""Significant digits of every bound."""

ROOT_BITS = 48
"""Of a root's fraction."""

_MAGNITUDE = 999
"""Decimal exponents in use: what is smaller is rounded outwards, to no less than 10⁻⁹⁹⁹ from above."""

_TRAPS = [InvalidOperation, FloatOperation, Overflow]
UP = Context(prec=DIGITS, rounding=ROUND_CEILING, Emin=-_MAGNITUDE, Emax=_MAGNITUDE, traps=_TRAPS)
DOWN = Context(prec=DIGITS, rounding=ROUND_FLOOR, Emin=-_MAGNITUDE, Emax=_MAGNITUDE, traps=_TRAPS)

SQRT_2PI = Fraction(250662827463100050241576528481104525300, 10**38)
"""√(2π), rounded down."""


def exp_up(x: Fraction) -> Fraction:
    """No less than eˣ."""
    return Fraction(UP.next_plus(UP.exp(_decimal(x, UP))))


def ln_up(x: Fraction) -> Fraction:
    """No less than ln x, for x > 0."""
    return Fraction(UP.next_plus(UP.ln(_decimal(x, UP))))


def ln_down(x: Fraction) -> Fraction:
    """No more than ln x, for x > 0."""
    return Fraction(DOWN.next_minus(DOWN.ln(_decimal(x, DOWN))))


def sqrt_up(square: Fraction) -> float:
    """The least float whose exact square is no less than `square`, for square > 0."""
    shift = max(0, 64 - (square.numerator.bit_length() - square.denominator.bit_length()) // 2)
    root = float(Fraction(isqrt(int(square * 4**shift)), 2**shift))
    while Fraction(root) ** 2 < square:
        root = nextafter(root, inf)
    while Fraction(nextafter(root, 0.0)) ** 2 >= square:
        root = nextafter(root, 0.0)
    return root


def root_down(value: Fraction, order: int) -> int:
    """The root of this order in units of 2⁻⁴⁸, rounded down, for value ≥ 0."""
    whole = (value.numerator << (order * ROOT_BITS)) // value.denominator
    low, high = 0, 1 << (whole.bit_length() // order + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**order <= whole else (low, middle)
    return low


def _decimal(x: Fraction, context: Context) -> Decimal:
    return context.divide(Decimal(x.numerator), Decimal(x.denominator))
